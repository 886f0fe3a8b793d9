"""What the field monitor counts, in a few queries along indices.

All of one kind of run of a study. What needs every page of a respondent is of the newest
``PAGES_OF`` people only, so that a look costs the same however large the study is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from surveyapp.store.schema import pages_sent, respondents

PAGES_OF = 2000


@dataclass(frozen=True, slots=True)
class StepCount:
    """One step, among the people looked at: who sent it, is on it, left on it; median seconds."""

    step: str
    sent: int
    here: int
    left: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """``n`` respondents who ended in the same way ('started': not yet), by device, cell and wave.

    Empty texts where nothing is known.
    """

    ended: str
    device: str
    cell: str
    wave: str
    n: int


def standing(c: Connection, study: str, run_kind: str) -> list[Standing]:
    """All respondents, counted together where the same is known of them."""
    unknown = [func.coalesce(column, "") for column in (respondents.c.cell, respondents.c.wave)]
    sort = (
        func.coalesce(respondents.c.ended, "started"),
        func.coalesce(respondents.c.device, ""),
        *unknown,
    )
    wanted = select(*sort, func.count()).where(*_of(study, run_kind)).group_by(*sort)
    return [Standing(row[0], row[1], row[2], row[3], row[4]) for row in c.execute(wanted)]


def completion_seconds(c: Connection, study: str, run_kind: str) -> tuple[float | None, int]:
    """The median seconds from start to end of the newest people who completed, and how many."""
    newest = (
        select(respondents.c.seconds)
        .where(*_of(study, run_kind), respondents.c.ended == "complete")
        .where(respondents.c.seconds.is_not(None))
        .order_by(respondents.c.started.desc())
        .limit(PAGES_OF)
        .subquery()
    )
    n = c.execute(select(func.count()).select_from(newest)).scalar() or 0
    if not n:
        return None, 0
    middle = (
        select(newest.c.seconds).order_by(newest.c.seconds).offset((n - 1) // 2).limit(2 - n % 2)
    )
    values = list(c.execute(middle).scalars())
    return sum(values) / len(values), n


def steps(
    c: Connection, study: str, run_kind: str, version: int, *, left_before: str
) -> tuple[list[StepCount], int]:
    """The steps of a version among its newest people, and how many those are.

    Who has sent nothing since ``left_before`` and has not ended has left; the rest is still here.
    """
    newest = _newest(study, run_kind, version).subquery()
    n = c.execute(select(func.count()).select_from(newest)).scalar() or 0
    quiet = func.coalesce(newest.c.last_at, newest.c.started) < left_before
    standing = (
        select(newest.c.step, func.count().filter(~quiet), func.count().filter(quiet))
        .where(newest.c.ended.is_(None))
        .group_by(newest.c.step)
    )
    stay = {row[0]: (row[1], row[2]) for row in c.execute(standing)}
    sent = _sent(c, study, run_kind, version)
    medians = _medians(c, study, run_kind, version)
    return [
        StepCount(step, sent.get(step, 0), *stay.get(step, (0, 0)), medians.get(step))
        for step in dict.fromkeys((*sent, *stay))
    ], n


def _sent(c: Connection, study: str, run_kind: str, version: int) -> dict[str, int]:
    newest = _newest(study, run_kind, version).subquery()
    wanted = (
        select(pages_sent.c.step, func.count(pages_sent.c.respondent.distinct()))
        .join(newest, newest.c.respondent == pages_sent.c.respondent)
        .group_by(pages_sent.c.step)
    )
    return {row[0]: row[1] for row in c.execute(wanted)}


def _medians(c: Connection, study: str, run_kind: str, version: int) -> dict[str, float]:
    """The median seconds of each step."""
    newest = _newest(study, run_kind, version).subquery()
    page = pages_sent.c
    ranked = (
        select(
            page.step,
            page.seconds,
            func.row_number().over(partition_by=page.step, order_by=page.seconds).label("place"),
            func.count().over(partition_by=page.step).label("n"),
        )
        .join(newest, newest.c.respondent == page.respondent)
        .where(page.seconds.is_not(None))
        .subquery()
    )
    middle = or_(
        2 * ranked.c.place == ranked.c.n,
        2 * ranked.c.place == ranked.c.n + 1,
        2 * ranked.c.place == ranked.c.n + 2,
    )
    wanted = select(ranked.c.step, func.avg(ranked.c.seconds)).where(middle)
    return {row[0]: row[1] for row in c.execute(wanted.group_by(ranked.c.step))}


def answers_since(c: Connection, study: str, run_kind: str, at: str) -> tuple[int, int]:
    """Answers (items and tasks) sent since a time, and by how many people."""
    people = func.count(pages_sent.c.respondent.distinct())
    wanted = (
        select(func.sum(pages_sent.c.answers), people)
        .join(respondents, respondents.c.respondent == pages_sent.c.respondent)
        .where(*_of(study, run_kind), respondents.c.last_at > at, pages_sent.c.at > at)
    )
    total, active = c.execute(wanted).one()
    return int(total or 0), active


def _of(study: str, run_kind: str) -> tuple[ColumnElement[bool], ...]:
    return respondents.c.study == study, respondents.c.run_kind == run_kind


def _newest(study: str, run_kind: str, version: int) -> Select[Any]:
    return (
        select(respondents)
        .where(*_of(study, run_kind), respondents.c.version == version)
        .order_by(respondents.c.started.desc())
        .limit(PAGES_OF)
    )
