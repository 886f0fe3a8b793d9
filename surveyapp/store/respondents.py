"""Respondents: started, advanced page by page, ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from surveyapp import clock
from surveyapp.store import studies
from surveyapp.store.records import RespondentRecord
from surveyapp.store.schema import answers, choices, pages_sent, quota_places, respondents

# Statements of every page, made once: making one costs as much as running it.
_BY_TOKEN = select(respondents).where(respondents.c.token_hash == bindparam("hashed"))
_LOCKED = _BY_TOKEN.with_for_update()
_STEPS_SENT = (
    select(pages_sent.c.step).where(pages_sent.c.respondent == bindparam("respondent")).distinct()
)
_ADVANCE = update(respondents).where(respondents.c.respondent == bindparam("who"))
_SENT = insert(pages_sent)


def add(c: Connection, new: RespondentRecord) -> None:
    """Store a respondent who has just started."""
    c.execute(insert(respondents).values(asdict(new)))


def add_many(c: Connection, new: Iterable[RespondentRecord]) -> None:
    """Store many respondents at once, as an import does."""
    rows = [asdict(record) for record in new]
    if rows:
        c.execute(insert(respondents), rows)


def next_sequence(c: Connection, study: str, version: int) -> int:
    """The number of the next respondent of a version (from 0), which spreads the blocks.

    Locks the study's row, so that two who start at once get different numbers.
    """
    studies.lock(c, study)
    counted = select(func.max(respondents.c.sequence)).where(
        respondents.c.study == study, respondents.c.version == version
    )
    newest = c.execute(counted).scalar()
    return 0 if newest is None else newest + 1


def by_token(c: Connection, hashed: str, *, lock: bool = False) -> RespondentRecord | None:
    """A respondent by the hash of the token, or None; ``lock`` holds the row until the end."""
    row = c.execute(_LOCKED if lock else _BY_TOKEN, {"hashed": hashed}).first()
    return RespondentRecord(**row._mapping) if row else None


def by_panel_key(c: Connection, key: str) -> RespondentRecord | None:
    """The respondent who is a person of a panel, or None."""
    row = c.execute(select(respondents).where(respondents.c.panel_key == key)).first()
    return RespondentRecord(**row._mapping) if row else None


def in_cells(c: Connection, study: str, wave: str | None, run_kind: str) -> dict[str, int]:
    """How many started in each cell of a study, in a wave and a kind of run.

    Whoever places the next one holds the lock of ``next_sequence``.
    """
    wanted = (
        select(respondents.c.cell, func.count())
        .where(
            respondents.c.study == study,
            respondents.c.run_kind == run_kind,
            respondents.c.wave == wave,
            respondents.c.cell.is_not(None),
        )
        .group_by(respondents.c.cell)
    )
    return {row[0]: row[1] for row in c.execute(wanted)}


def advance(
    c: Connection,
    respondent: RespondentRecord,
    *,
    sent_step: str,
    next_step: str,
    at: str,
    ended: str | None = None,
    answered: int = 0,
) -> None:
    """Note that a page was sent: one more turn, the next step, and the end if it is one.

    ``answered`` is how many answers stood on the page.
    """
    turn = respondent.turn + 1
    completed = at if ended == "complete" else None
    changed = {"turn": turn, "step": next_step, "ended": ended, "completed": completed}
    taken = clock.seconds_between(respondent.started, at) if ended else None
    changed |= {"last_at": at, "seconds": taken}
    c.execute(_ADVANCE, {"who": respondent.respondent, **changed})
    row = {
        "respondent": respondent.respondent,
        "turn": turn,
        "step": sent_step,
        "at": at,
        "seconds": clock.seconds_between(respondent.last_at or respondent.started, at),
        "answers": answered,
    }
    c.execute(_SENT, row)


def add_pages(c: Connection, rows: Iterable[Mapping[str, object]]) -> None:
    """Store many pages sent at once, as an import does: the columns of ``pages_sent``."""
    values = [dict(row) for row in rows]
    if values:
        c.execute(insert(pages_sent), values)


def end(c: Connection, respondent: str, ended: str) -> None:
    """End the survey of a respondent who sent no page."""
    changed = update(respondents).where(respondents.c.respondent == respondent)
    c.execute(changed.values(ended=ended, seconds=0.0))


def set_language(c: Connection, respondent: str, language: str) -> None:
    """The respondent reads on in another language; no turn, as no answer changes."""
    wanted = respondents.c.respondent == respondent
    c.execute(update(respondents).where(wanted).values(language=language))


def steps_sent(c: Connection, respondent: str) -> frozenset[str]:
    """The steps that a respondent sent at least once."""
    return frozenset(c.execute(_STEPS_SENT, {"respondent": respondent}).scalars())


def of_study(c: Connection, study: str) -> Iterator[RespondentRecord]:
    """All respondents of a study in the order in which they started."""
    wanted = select(respondents).where(respondents.c.study == study)
    for row in c.execute(wanted.order_by(respondents.c.started, respondents.c.respondent)):
        yield RespondentRecord(**row._mapping)


def of_customer(c: Connection, customer: str) -> list[RespondentRecord]:
    """All respondents who came as a customer, in whatever study, the newest first."""
    wanted = select(respondents).where(respondents.c.customer == customer)
    rows = c.execute(wanted.order_by(respondents.c.started.desc(), respondents.c.respondent))
    return [RespondentRecord(**row._mapping) for row in rows]


def counts(c: Connection, study: str) -> dict[tuple[str, str], int]:
    """Respondents of a study by (run_kind, ended or 'started')."""
    state = func.coalesce(respondents.c.ended, "started")
    wanted = select(respondents.c.run_kind, state, func.count()).where(respondents.c.study == study)
    rows = c.execute(wanted.group_by(respondents.c.run_kind, state))
    return {(run_kind, ended): n for run_kind, ended, n in rows}


def completed_since(c: Connection, study: str, at: str, kinds: Sequence[str]) -> int:
    """How many respondents of a study completed after a time, in runs of some kinds."""
    wanted = select(func.count()).where(
        respondents.c.study == study,
        respondents.c.completed > at,
        respondents.c.run_kind.in_(list(kinds)),
    )
    return c.execute(wanted).scalar() or 0


def completed_until(c: Connection, study: str, at: str, kinds: Sequence[str]) -> int:
    """How many respondents that had completed by a time are still held, in runs of some kinds."""
    wanted = select(func.count()).where(
        respondents.c.study == study,
        respondents.c.completed <= at,
        respondents.c.run_kind.in_(list(kinds)),
    )
    return c.execute(wanted).scalar() or 0


def steps_reached(c: Connection, study: str, version: int, kinds: Sequence[str]) -> dict[str, int]:
    """How many respondents sent each step of a version at least once, in runs of some kinds."""
    wanted = (
        select(pages_sent.c.step, func.count(pages_sent.c.respondent.distinct()))
        .join(respondents, respondents.c.respondent == pages_sent.c.respondent)
        .where(
            respondents.c.study == study,
            respondents.c.version == version,
            respondents.c.run_kind.in_(list(kinds)),
        )
        .group_by(pages_sent.c.step)
    )
    return {row[0]: row[1] for row in c.execute(wanted)}


def pages_of_study(c: Connection, study: str) -> Iterator[tuple[str, int, str, str]]:
    """Every page sent in a study: respondent, turn, step, time."""
    columns = (pages_sent.c.respondent, pages_sent.c.turn, pages_sent.c.step, pages_sent.c.at)
    wanted = (
        select(*columns)
        .join(respondents, respondents.c.respondent == pages_sent.c.respondent)
        .where(respondents.c.study == study)
    )
    for row in c.execute(wanted.order_by(pages_sent.c.respondent, pages_sent.c.turn)):
        yield row.respondent, row.turn, row.step, row.at


def study_of(c: Connection, respondent: str) -> str | None:
    """The study that a respondent answered, or None when there is no such respondent."""
    wanted = respondents.c.respondent == respondent
    return c.execute(select(respondents.c.study).where(wanted)).scalar()


def has_ended(c: Connection, link: str) -> bool:
    """Whether the respondent of a personal link came to an end, whichever."""
    wanted = (respondents.c.link == link) & respondents.c.ended.is_not(None)
    return c.execute(select(respondents.c.respondent).where(wanted)).first() is not None


def erase(c: Connection, respondent: str) -> None:
    """Remove a respondent with all answers."""
    for table in (answers, choices, pages_sent, quota_places, respondents):
        c.execute(delete(table).where(table.c.respondent == respondent))


def withdraw(c: Connection, respondent: RespondentRecord, *, at: str) -> None:
    """Remove everything that a respondent answered; that somebody withdrew stays counted.

    Left are the link, the wave, the kind of run, the language and the times of start and
    withdrawal, and for a panel the hash by which its person is known, so that nobody is asked
    again unawares.
    """
    for table in (answers, choices, pages_sent, quota_places):
        c.execute(delete(table).where(table.c.respondent == respondent.respondent))
    gone = ("customer", "cell", "completed", "seed", "last_at", "seconds", "device", "parameters")
    c.execute(
        update(respondents)
        .where(respondents.c.respondent == respondent.respondent)
        .values(
            **dict.fromkeys(gone),
            step="",
            weight=1.0,
            turn=respondent.turn + 1,
            ended="withdrawn",
            withdrawn=at,
        )
    )


def begin_again(c: Connection, again: RespondentRecord) -> None:
    """Let a respondent who withdrew start anew, with nothing of before."""
    mine = respondents.c.respondent == again.respondent
    c.execute(update(respondents).where(mine).values(asdict(again)))


def withdrawn_since(c: Connection, study: str, version: int, at: str) -> int:
    """Who was in what was made of a study at a time, and has withdrawn since."""
    wanted = select(func.count()).where(
        respondents.c.study == study,
        respondents.c.version <= version,
        respondents.c.started <= at,
        respondents.c.withdrawn > at,
        respondents.c.run_kind != "test",
    )
    return c.execute(wanted).scalar() or 0
