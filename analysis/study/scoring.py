"""Scores of one respondent on 0 to 100: what is shown at once and what the analysis computes.

Plain Python, so that the web process may use it; ``analysis.ratings.scales`` applies the same
rules to whole tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.study.questions import Asked
from analysis.study.types import Band, Score, Study

LEAST_SHARE = 0.5
"""A score needs at least this share of the construct's items answered."""


def item_share(value: Any, low: float, high: float) -> Any:
    """Where an answer lies on its scale, 0 to 100; 100 less it for a reversed item.

    Also of whole columns of answers.
    """
    return 100 * (value - low) / (high - low)


def construct_score(
    study: Study,
    answers: Mapping[tuple[str, str], str],
    construct: str,
    asked_as: Asked = "perceived",
) -> float | None:
    """The mean of the answered items of a construct, 0 to 100; None with fewer than half of them.

    Parameters
    ----------
    answers
        Values by (question, item); what was skipped or refused is not there.
    """
    items = study.items_of(construct, asked_as)
    shares: list[float] = []
    for question, item in items:
        value = answers.get((question, item.id))
        if value is not None:
            share = item_share(float(value), *study.points(study.question(question)))
            shares.append(100 - share if item.reversed else share)
    if not items or not shares or len(shares) / len(items) < LEAST_SHARE:
        return None
    return sum(shares) / len(shares)


@dataclass(frozen=True, slots=True)
class Scored:
    """A score of one respondent; without a value, too few questions were answered."""

    score: Score
    value: float | None
    band: Band | None


def scored(study: Study, answers: Mapping[tuple[str, str], str], score: Score) -> Scored:
    """The mean of the scores of its constructs, 0 to 100, with its band.

    Every construct counts alike, however many items it has; none where one construct has none.
    The band is that of the whole number which is shown, so that the two never disagree.
    """
    parts = [construct_score(study, answers, construct) for construct in score.constructs]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return Scored(score, None, None)
    value = sum(known) / len(known)
    return Scored(score, value, band_of(score, whole(value)))


def band_of(score: Score, value: float) -> Band | None:
    """The band that holds a value: its low end belongs to it, the top of the last one too."""
    top = score.bands[-1]
    if value == top.high:
        return top
    return next((band for band in score.bands if band.low <= value < band.high), None)


def whole(value: float) -> int:
    """A score as it is shown: a whole number, halves upwards."""
    return int(value + 0.5)
