"""Importances: the share of each attribute in the range of utilities, among the levels tested."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.choices.coding import Coding, Floats, tested_range
from analysis.choices.intervals import estimate_of
from analysis.choices.partworths import Covariance, PartWorths
from analysis.estimate import Estimate, unavailable
from analysis.study import Attribute

DRAWS = 4_000
METHOD = f"share of the mean part-worths' ranges; 95 % of {DRAWS} draws"


@dataclass(frozen=True, slots=True)
class Importance:
    """The importance of one attribute, 0 to 1.

    ``null_reference`` is what an attribute of no effect, measured as precisely as this one, would
    score in this study (1 where the estimate is unavailable); ``levels_tested`` says between
    which levels.
    """

    attribute: str
    estimate: Estimate
    null_reference: float
    levels_tested: str


def importances(
    part_worths: PartWorths, *, seed: int, covariance: Covariance = "cluster"
) -> tuple[Importance, ...]:
    """Importance of every attribute: its range of mean part-worths as a share of all ranges.

    The range of a linear attribute is its slope times the range tested; none stays outside, and
    so do interactions (a range is that at the average of the other attributes). The
    interval holds the middle 95 % of draws from N(coefficients, covariance). Importances depend
    on the levels tested and are biased upward near zero: compare with ``null_reference``, and
    expect no coverage near zero. Unavailable, with the reason, when all part-worths are zero or
    respondents are too few for the covariance.
    """
    draws = part_worths.draws(covariance, n=DRAWS, seed=seed)
    coding = part_worths.coding
    point = ranges(coding, part_worths.coefficients[None, :])[0]
    lacking = why_no_shares(part_worths, covariance)
    if lacking:
        none = unavailable(lacking, n=part_worths.n_respondents, method=METHOD, unit="share")
        return tuple(
            Importance(a.id, none, 1.0, levels_text(a)) for a in coding.exercise.attributes
        )
    spread = ranges(coding, draws)
    shares = spread / spread.sum(axis=1, keepdims=True)
    without_effect = ranges(coding, draws - part_worths.coefficients)
    found = []
    for n, attribute in enumerate(coding.exercise.attributes):
        others = np.delete(spread, n, axis=1).sum(axis=1)
        null = without_effect[:, n] / (without_effect[:, n] + others)
        share = float(point[n] / point.sum())
        estimate = estimate_of(
            shares[:, n],
            value=share,
            n=part_worths.n_respondents,
            method=f"{METHOD}, {covariance} covariance",
        )
        found.append(Importance(attribute.id, estimate, float(null.mean()), levels_text(attribute)))
    return tuple(found)


def why_no_shares(part_worths: PartWorths, covariance: Covariance) -> str:
    """Why ranges cannot be shared out among the attributes; empty when they can."""
    if not ranges(part_worths.coding, part_worths.coefficients[None, :]).sum() > 0:
        return "all part-worths are zero: there is nothing to share out"
    return part_worths.why_no_intervals(covariance)


def ranges(coding: Coding, coefficients: Floats) -> Floats:
    """Range of the part-worths (..., K) of each attribute, (..., attributes), in logit units."""
    found = np.empty((*coefficients.shape[:-1], len(coding.exercise.attributes)))
    for n, attribute in enumerate(coding.exercise.attributes):
        part = coefficients[..., coding.places(attribute.id)]
        if attribute.coding == "linear":
            low, high = tested_range(attribute)
            found[..., n] = np.abs(part[..., 0]) * (high - low)
        else:
            found[..., n] = np.ptp(part @ coding.table(attribute).T, axis=-1)
    return found


def levels_text(attribute: Attribute) -> str:
    """Between which levels an attribute was tested, in words."""
    if attribute.coding != "effects":
        low, high = tested_range(attribute)
        unit = f" {attribute.unit.say()}" if attribute.unit else ""
        return f"{low:g} to {high:g}{unit}"
    return ", ".join(level.label.say() for level in attribute.levels)
