"""Invitation links: made in batches, opened, expired, revoked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    func,
    insert,
    select,
    update,
)

from surveyapp.store.records import LinkRecord
from surveyapp.store.schema import links, respondents

_GET = select(links).where(links.c.link == bindparam("wanted"))


def add(c: Connection, new: Iterable[LinkRecord]) -> None:
    """Store new links."""
    rows = [asdict(link) for link in new]
    if rows:
        c.execute(insert(links), rows)


def by_slug(c: Connection, slug: str) -> LinkRecord | None:
    """An open link by its public slug, or None."""
    return _one(c, links.c.slug == slug)


def by_token(c: Connection, hashed: str) -> LinkRecord | None:
    """A personal link by the hash of its token, or None."""
    return _one(c, links.c.token_hash == hashed)


def get(c: Connection, link: str) -> LinkRecord | None:
    """A link by id, or None."""
    row = c.execute(_GET, {"wanted": link}).first()
    return LinkRecord(**row._mapping) if row else None


def of_study(c: Connection, study: str, kind: str | None = None) -> list[LinkRecord]:
    """Links of a study, the newest first."""
    wanted = select(links).where(links.c.study == study).order_by(links.c.created.desc())
    if kind:
        wanted = wanted.where(links.c.kind == kind)
    return [LinkRecord(**row._mapping) for row in c.execute(wanted)]


def customers_ended(c: Connection, study: str, wave: str | None, run_kind: str) -> frozenset[str]:
    """Customers whose personal link of a wave and kind of run led to an end, whichever."""
    wanted = (
        select(links.c.customer)
        .join(respondents, respondents.c.link == links.c.link)
        .where(links.c.study == study, links.c.customer.is_not(None))
        .where(links.c.wave.is_not_distinct_from(wave), links.c.run_kind == run_kind)
        .where(respondents.c.ended.is_not(None))
    )
    return frozenset(c.execute(wanted).scalars())


def revoke(c: Connection, link: str, *, at: str) -> int:
    """End a link; who has started may not go on. Returns how many ended now."""
    wanted = (links.c.link == link) & links.c.revoked.is_(None)
    return c.execute(update(links).where(wanted).values(revoked=at)).rowcount


def revoke_batch(c: Connection, study: str, batch: str, *, at: str) -> int:
    """End all links of a batch; returns how many ended now."""
    wanted = and_(links.c.study == study, links.c.batch == batch, links.c.revoked.is_(None))
    return c.execute(update(links).where(wanted).values(revoked=at)).rowcount


@dataclass(frozen=True, slots=True)
class BatchCount:
    """The links of one batch, kind and run, by where they stand.

    ``states`` are those of ``surveyapp.link_state``; of a link that several people use it is that
    of the link itself. ``started`` and ``complete`` count people.
    """

    batch: str | None
    kind: str
    run_kind: str
    wave: str | None
    made: int
    started: int
    complete: int
    states: dict[str, int]


def batches(c: Connection, study: str, *, at: str) -> list[BatchCount]:
    """The batches of a study, the newest first; what was made without a batch counts together."""
    person = and_(respondents.c.link == links.c.link, links.c.kind != "open")
    state = case(
        (respondents.c.ended.is_not(None), "finished"),
        (links.c.revoked.is_not(None), "revoked"),
        (respondents.c.respondent.is_not(None), "in_progress"),
        (links.c.expires <= at, "expired"),
        (links.c.opens > at, "not_yet_valid"),
        else_="open",
    ).label("state")
    sort = (links.c.batch, links.c.kind, links.c.run_kind, links.c.wave)
    wanted = (
        select(
            *sort,
            state,
            func.count(links.c.link),
            func.count(respondents.c.respondent),
            func.count(respondents.c.completed),
        )
        .select_from(links.outerjoin(respondents, person))
        .where(links.c.study == study)
        .group_by(*sort, state)
        .order_by(func.max(links.c.created).desc())
    )
    people = _people_of_open_links(c, study)
    found: dict[_Batch, BatchCount] = {}
    for batch, kind, run_kind, wave, name, made, started, complete in c.execute(wanted):
        key = (batch, kind, run_kind, wave)
        old = found.get(key) or BatchCount(*key, 0, *people.get(key, (0, 0)), {})
        found[key] = replace(
            old,
            made=old.made + made,
            started=old.started + started,
            complete=old.complete + complete,
            states={**old.states, name: made},
        )
    return list(found.values())


_Batch = tuple[str | None, str, str, str | None]


def _people_of_open_links(c: Connection, study: str) -> dict[_Batch, tuple[int, int]]:
    """Who started and completed from open links, by batch, kind, run and wave."""
    sort = (links.c.batch, links.c.kind, links.c.run_kind, links.c.wave)
    wanted = (
        select(*sort, func.count(), func.count(respondents.c.completed))
        .join(respondents, respondents.c.link == links.c.link)
        .where(links.c.study == study, links.c.kind == "open")
        .group_by(*sort)
    )
    return {(row[0], row[1], row[2], row[3]): (row[4], row[5]) for row in c.execute(wanted)}


def counts(c: Connection, study: str) -> dict[str, int]:
    """Personal links of a study: made, started and completed."""
    joined = links.outerjoin(respondents, respondents.c.link == links.c.link)
    wanted = (
        select(
            func.count(links.c.link),
            func.count(respondents.c.respondent),
            func.count(respondents.c.completed),
        )
        .select_from(joined)
        .where(links.c.study == study, links.c.kind == "personal")
    )
    made, started, completed = c.execute(wanted).one()
    return {"made": made, "started": started, "completed": completed}


def _one(c: Connection, condition: ColumnElement[bool]) -> LinkRecord | None:
    row = c.execute(select(links).where(condition)).first()
    return LinkRecord(**row._mapping) if row else None
