"""What can be told of respondents while a study is in the field; web processes call it.

Plain Python. The rules are those of the analysis, which judges again, with more respondents and
with its nulls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from analysis.customers.quality.attention import Given, attention
from analysis.customers.quality.lines import is_straight, runs_of
from analysis.customers.quality.speed import page_seconds, speeding
from analysis.study.quality import FLAG_NAMES, FlagName
from analysis.study.types import Study

LIVE: tuple[FlagName, ...] = (
    "speeding", "speeding_tasks", "straight_lining", "attention", "duplicates",
)  # fmt: skip
"""Flags that can be known live; the others need all the answers."""


@dataclass(frozen=True, slots=True)
class LiveRespondent:
    """One respondent as the store holds it.

    ``sent`` are (turn, step, time) of the pages sent; ``person`` is the customer or the id that a
    panel gave, empty when neither is known.
    """

    respondent: str
    started: str
    person: str = ""
    answers: Given = field(default_factory=dict)
    sent: Sequence[tuple[int, str, str]] = ()


def live_flags(study: Study, people: Sequence[LiveRespondent]) -> dict[str, tuple[FlagName, ...]]:
    """Flags by respondent, of those who carry one, of a version of a study.

    ``people`` are in the order in which they began: of two of the same person the later is flagged.
    """
    wanted = study.analysis.quality.error_rate / len(FLAG_NAMES)
    found: dict[str, list[FlagName]] = {}
    told = {p.respondent: page_seconds(p.started, p.sent) for p in people}
    times = {name: seconds for name, seconds in told.items() if any(seconds.values())}
    for flag in ("speeding", "speeding_tasks"):
        for mark in speeding(study, times, flag, wanted=wanted).marks:
            found.setdefault(mark.respondent, []).append(mark.flag)
    for person in people:
        runs = runs_of(study, person.answers)
        if runs and is_straight(runs):
            found.setdefault(person.respondent, []).append("straight_lining")
    answers = {p.respondent: p.answers for p in people}
    for mark in attention(study, answers, wanted=wanted).marks:
        found.setdefault(mark.respondent, []).append(mark.flag)
    seen: Counter[str] = Counter()
    for person in people:
        seen[person.person] += bool(person.person)
        if seen[person.person] > 1:
            found.setdefault(person.respondent, []).append("duplicates")
    return {name: tuple(flags) for name, flags in found.items()}


def live_counts(study: Study, people: Sequence[LiveRespondent]) -> dict[FlagName, int]:
    """How many carry each of the flags that can be known live."""
    counted = Counter(flag for flags in live_flags(study, people).values() for flag in flags)
    return {flag: counted[flag] for flag in LIVE}
