"""What can be told of respondents while a study is in the field; web processes call it.

Plain Python. The rules are those of the analysis, which judges again, with more respondents and
with its nulls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from analysis.customers.quality.attention import Given, attention
from analysis.customers.quality.lines import is_straight, runs_of
from analysis.customers.quality.speed import page_seconds, speeding
from analysis.study.quality import FLAG_NAMES, FlagName
from analysis.study.types import Study


@dataclass(frozen=True, slots=True)
class LiveRespondent:
    """One respondent as the store holds it.

    ``again`` is whether the same customer completed before; ``sent`` are (turn, step, time) of the
    pages sent.
    """

    respondent: str
    started: str
    again: bool = False
    answers: Given = field(default_factory=dict)
    sent: Sequence[tuple[int, str, str]] = ()


def live_flags(study: Study, people: Sequence[LiveRespondent]) -> dict[str, tuple[FlagName, ...]]:
    """Flags by respondent, of those who carry one, of a version of a study."""
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
    for person in people:
        if person.again:
            found.setdefault(person.respondent, []).append("duplicates")
    return {name: tuple(flags) for name, flags in found.items()}
