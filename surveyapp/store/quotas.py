"""Places in quotas: held for a while by who answers, taken for good by who completed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, or_, select

from surveyapp.store.connection import insert
from surveyapp.store.records import RespondentRecord
from surveyapp.store.schema import quota_places


@dataclass(frozen=True, slots=True)
class Fill:
    """How full a quota is in a wave: places taken for good, and places held."""

    quota: str
    wave: str
    taken: int
    held: int


def held_by(c: Connection, respondent: str) -> dict[str, str | None]:
    """The places of a respondent: until when each is held; None: taken for good."""
    wanted = select(quota_places.c.quota, quota_places.c.held_until)
    rows = c.execute(wanted.where(quota_places.c.respondent == respondent))
    return {row.quota: row.held_until for row in rows}


def others(c: Connection, who: RespondentRecord, quota: str, *, at: str) -> int:
    """How many places of a quota others have, in the wave and kind of run of a respondent.

    The answer stays true until the transaction ends only under ``studies.lock``.
    """
    counted = select(func.count()).where(
        quota_places.c.study == who.study,
        quota_places.c.quota == quota,
        quota_places.c.run_kind == who.run_kind,
        quota_places.c.wave == (who.wave or ""),
        quota_places.c.respondent != who.respondent,
        or_(quota_places.c.held_until.is_(None), quota_places.c.held_until > at),
    )
    return c.execute(counted).scalar() or 0


def put(c: Connection, who: RespondentRecord, quota: str, *, until: str | None) -> None:
    """Hold a place until a time, or take it for good with None."""
    new = insert(c, quota_places).values(
        respondent=who.respondent,
        quota=quota,
        study=who.study,
        wave=who.wave or "",
        run_kind=who.run_kind,
        held_until=until,
    )
    changed = {"held_until": new.excluded.held_until}
    c.execute(new.on_conflict_do_update(index_elements=quota_places.primary_key, set_=changed))


def give_back(c: Connection, respondent: str, quotas: Iterable[str]) -> None:
    """Leave places to others."""
    wanted = list(quotas)
    if wanted:
        mine = quota_places.c.respondent == respondent
        c.execute(delete(quota_places).where(mine, quota_places.c.quota.in_(wanted)))


def fill(c: Connection, study: str, run_kind: str, *, at: str) -> list[Fill]:
    """How full the quotas of a study are, by wave."""
    taken = func.count().filter(quota_places.c.held_until.is_(None))
    held = func.count().filter(quota_places.c.held_until > at)
    wanted = (
        select(quota_places.c.quota, quota_places.c.wave, taken, held)
        .where(quota_places.c.study == study, quota_places.c.run_kind == run_kind)
        .group_by(quota_places.c.quota, quota_places.c.wave)
    )
    return [Fill(*row) for row in c.execute(wanted)]
