"""Counts of data-quality flags, as the field monitor shows them."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.customers.quality.live import live_flags
from analysis.customers.quality.types import LABELS
from analysis.study import Study
from analysis.study.quality import FLAG_NAMES
from surveyapp.store import Connection, studies
from surveyapp.studies import live_quality


@dataclass(frozen=True, slots=True)
class FlagCount:
    """How many of ``n`` respondents carry a flag, with its stated false-positive rate in words."""

    label: str
    flagged: int
    n: int
    false_positives: str


def flag_counts(c: Connection, study: Study, run_kind: str) -> list[FlagCount]:
    """The flags of a kind of run; the monitor leaves the section out where there are none."""
    record = studies.get(c, study.study)
    if record is None or record.version is None:
        return []
    people = live_quality.people(c, study, record.version, kinds=(run_kind,))
    found = live_flags(study, people)
    counts = {flag: sum(flag in carried for carried in found.values()) for flag in FLAG_NAMES}
    rate = 100 * study.analysis.quality.error_rate / len(FLAG_NAMES)
    said = {
        "straight_lining": "not calibrated before the analysis",
        "duplicates": "none: the same customer or panel member",
    }
    return [
        FlagCount(LABELS[flag], n, len(people), said.get(flag, f"about {rate:.1f} in 100"))
        for flag, n in counts.items()
        if n
    ]
