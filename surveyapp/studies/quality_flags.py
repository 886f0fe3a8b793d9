"""Counts of data-quality flags, as the field monitor shows them.

A process judges a study at most once a minute, whoever looks: ``Flags.at`` says when. Plain
arithmetic on the newest who completed; no statistics are loaded.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from analysis.customers.quality.live import LiveRespondent, live_flags
from analysis.customers.quality.types import LABELS
from analysis.study import Study
from analysis.study.quality import FLAG_NAMES
from surveyapp import clock
from surveyapp.store import Connection, completed

FRESH_SECONDS = 60


@dataclass(frozen=True, slots=True)
class FlagCount:
    """How many carry a flag, with its stated false-positive rate in words."""

    label: str
    flagged: int
    false_positives: str


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags of a version and a kind of run, of its newest ``n`` who completed, at a time."""

    rows: tuple[FlagCount, ...]
    n: int
    at: str


Known = dict[tuple[str, int, str], Flags]
"""What was judged, by study, version and kind of run; an app keeps one."""


def flag_counts(c: Connection, study: Study, version: int, run_kind: str, *, known: Known) -> Flags:
    """The flags that somebody carries, from ``known`` where that is less than a minute old."""
    key = (study.study, version, run_kind)
    now = clock.now()
    before = known.get(key)
    if before is None or not 0 <= clock.seconds_between(before.at, now) < FRESH_SECONDS:
        known[key] = before = _judged(c, study, version, run_kind, now)
    return before


def _judged(c: Connection, study: Study, version: int, run_kind: str, now: str) -> Flags:
    people = [
        LiveRespondent(one.respondent, one.started, one.again, one.answers, one.sent)
        for one in completed.newest(c, study.study, version, run_kind)
    ]
    counts = Counter(flag for found in live_flags(study, people).values() for flag in found)
    rate = 100 * study.analysis.quality.error_rate / len(FLAG_NAMES)
    said = {
        "straight_lining": "not calibrated before the analysis",
        "duplicates": "none: the same customer",
    }
    rows = tuple(
        FlagCount(LABELS[flag], counts[flag], said.get(flag, f"about {rate:.1f} in 100"))
        for flag in FLAG_NAMES
        if counts[flag]
    )
    return Flags(rows, len(people), now)
