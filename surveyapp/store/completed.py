"""What the quality flags of the field monitor look at: the newest who completed a version.

Only of these are answers and pages read, so that a look costs the same however large the study is.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy import Connection, Select, select

from surveyapp.store.schema import answers, pages_sent, respondents

NEWEST = 2000


@dataclass(frozen=True, slots=True)
class Completed:
    """One who completed.

    Attributes
    ----------
    again
        Whether the same customer completed the study before, in the same wave and kind of run.
    answers
        (question, item) to value, of what was answered.
    sent
        (turn, step, time) of the pages sent.
    """

    respondent: str
    started: str
    again: bool
    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    sent: list[tuple[int, str, str]] = field(default_factory=list)


def newest(c: Connection, study: str, version: int, run_kind: str) -> list[Completed]:
    """The newest ``NEWEST`` who completed, in the order in which they started."""
    few = _newest(study, version, run_kind).subquery()
    people = sorted((row.started, row.respondent) for row in c.execute(select(few)))
    given: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    item = answers.c
    values = (
        select(item.respondent, item.question, item.item, item.value)
        .join(few, few.c.respondent == item.respondent)
        .where(item.value.is_not(None))
    )
    for name, question, part, value in c.execute(values):
        given[name][question, part] = value
    sent: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    page = pages_sent.c
    pages = select(page.respondent, page.turn, page.step, page.at)
    for name, turn, step, at in c.execute(pages.join(few, few.c.respondent == page.respondent)):
        sent[name].append((turn, step, at))
    again = _again(c, study, run_kind)
    return [
        Completed(name, started, name in again, given[name], sent[name]) for started, name in people
    ]


def _newest(study: str, version: int, run_kind: str) -> Select[tuple[str, str]]:
    return (
        select(respondents.c.respondent, respondents.c.started)
        .where(
            respondents.c.study == study,
            respondents.c.version == version,
            respondents.c.run_kind == run_kind,
            respondents.c.ended == "complete",
        )
        .order_by(respondents.c.started.desc(), respondents.c.respondent.desc())
        .limit(NEWEST)
    )


def _again(c: Connection, study: str, run_kind: str) -> frozenset[str]:
    """Who is a customer who completed before; a person of a panel cannot."""
    who = respondents.c
    wanted = (
        select(who.respondent, who.customer, who.wave)
        .where(who.study == study, who.run_kind == run_kind, who.ended == "complete")
        .where(who.customer.is_not(None))
        .order_by(who.started, who.respondent)
    )
    seen: set[tuple[str, str | None]] = set()
    found = set()
    for name, customer, wave in c.execute(wanted):
        if (customer, wave) in seen:
            found.add(name)
        seen.add((customer, wave))
    return frozenset(found)
