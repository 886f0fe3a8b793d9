"""Scores of items: utilities on scales that people read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.choices.coding import Floats
from analysis.choices.intervals import estimate_of
from analysis.choices.partworths import PartWorths, level_worths
from analysis.estimate import Estimate, unavailable

DRAWS = 4_000


@dataclass(frozen=True, slots=True)
class ItemScore:
    """One item on four scales.

    Attributes
    ----------
    utility, se
        Logit units, zero on average over the items; clustered standard error, or the posterior
        standard deviation of the population's mean.
    score
        0 for the least, 100 for the greatest utility, linear between. The ends are fixed by
        definition, so that their intervals show only whether another item may stand there. With
        hierarchical Bayes, the mean of scores that are rescaled for each respondent.
    chance
        That it is best in a set with otherwise average items: ``e^u / (e^u + set size - 1)``.
    share
        The chances made to add up to 100 (a ratio scale).
    """

    item: str
    utility: float
    se: float
    score: Estimate
    chance: Estimate
    share: Estimate


@dataclass(frozen=True, slots=True)
class BestWorst:
    """The fit (its only attribute is 'item', its answers best and worst) and the scores."""

    part_worths: PartWorths
    set_size: int
    scores: tuple[ItemScore, ...]


def scores_of_means(part_worths: PartWorths, size: int, *, seed: int) -> tuple[ItemScore, ...]:
    """Scores of the utilities that everybody shares; ``size`` items in a set."""
    rows = part_worths.coding.level_rows()[1]
    draws = part_worths.draws("cluster", n=DRAWS, seed=seed) @ rows.T
    point = rows @ part_worths.coefficients
    found = []
    for n, worth in enumerate(level_worths(part_worths)):
        scales = [
            _estimate(
                scale(point[None, :], size)[0, n], scale(draws, size)[:, n], part_worths, unit
            )
            for scale, unit in (
                (zero_to_hundred, "points"),
                (chance, "share"),
                (share, "points"),
            )
        ]
        found.append(ItemScore(worth.level, worth.part_worth, worth.se, *scales))
    return tuple(found)


def zero_to_hundred(utilities: Floats, _size: int) -> Floats:
    """Least item 0, greatest 100, in each row of utilities (..., items)."""
    low = utilities.min(axis=-1, keepdims=True)
    found: Floats = 100 * (utilities - low) / np.ptp(utilities, axis=-1, keepdims=True)
    return found


def chance(utilities: Floats, size: int) -> Floats:
    """That an item is best in a set with otherwise average items, (..., items)."""
    found: Floats = 1 / (1 + (size - 1) * np.exp(-utilities))
    return found


def share(utilities: Floats, size: int) -> Floats:
    """Chances made to add up to 100, (..., items)."""
    chances = chance(utilities, size)
    found: Floats = 100 * chances / chances.sum(axis=-1, keepdims=True)
    return found


def _estimate(value: float, draws: Floats, part_worths: PartWorths, unit: str) -> Estimate:
    method = f"sequential best-worst logit; 95 % of {DRAWS} draws, cluster covariance"
    lacking = part_worths.why_no_intervals("cluster")
    if lacking:
        return unavailable(lacking, n=part_worths.n_respondents, method=method, unit=unit)
    return estimate_of(draws, value=value, n=part_worths.n_respondents, method=method, unit=unit)
