"""Counts of data-quality flags, as the field monitor shows them."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.study import Study
from surveyapp.store import Connection


@dataclass(frozen=True, slots=True)
class FlagCount:
    """How many of ``n`` respondents carry a flag, with its stated false-positive rate in words."""

    label: str
    flagged: int
    n: int
    false_positives: str


def flag_counts(c: Connection, study: Study, run_kind: str) -> list[FlagCount]:
    """The flags of a kind of run; the monitor leaves the section out where there are none."""
    return []
