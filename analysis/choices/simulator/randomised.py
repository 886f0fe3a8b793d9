"""Randomised first choice (Orme and Huber 2000): first choices of part-worths with errors.

An error belongs partly to the product and partly to its levels. Products that share levels share
errors, so that two alike split what one of them had, which the logit does not do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.choices.coding import Floats, table_numbers
from analysis.choices.simulator.products import Market, number_of, row, steps
from analysis.choices.simulator.worths import Singles, Worths
from analysis.study import Attribute

LOGIT_VARIANCE = np.pi**2 / 6


@dataclass(frozen=True, slots=True)
class Errors:
    """What is drawn.

    ``similarity`` is the part of the error's variance that belongs to levels, spread evenly over
    the attributes; the whole is that of a logit, so that 0 gives shares of preference at the point.
    ``draws`` are the choices of each respondent.
    """

    similarity: float = 0.5
    draws: int = 200


def randomised_shares(worths: Worths, market: Market, errors: Errors) -> Floats:
    """Share (N, J) of every respondent's simulated choices."""
    rows = [row(worths.coding, p.levels) for p in market.products]
    rows += [row(worths.coding, None)] if market.none else []
    coded = np.array(rows) * market.scale
    factors = np.log([*(p.factor for p in market.products), *([1.0] * market.none)])
    available = np.array([*(p.availability for p in market.products), *([1.0] * market.none)])
    levels = level_shares(worths, market)
    if worths.kind == "classes":
        assert worths.belonging is not None
        classes = [
            _choices(_fixed(coded, point[0], factors), levels, available, errors, worths.seed)
            for point in worths.points
        ]
        found: Floats = worths.belonging.astype(float) @ np.array(classes).mean(axis=1)
        return found
    utility = (worths.points[0].astype(float) @ coded.T + factors).astype(np.float32)
    return _choices(utility, levels, available, errors, worths.seed)


def _fixed(coded: Floats, point: Singles, factors: Floats) -> Singles:
    """The utilities of a class, for as many people as make its shares steady."""
    return np.tile((coded @ point + factors).astype(np.float32), (100, 1))


def level_shares(worths: Worths, market: Market) -> Singles:
    """How much of each level's error a product has, (J, levels); squares of an attribute add up to
    one over the number of attributes, and none has no levels.
    """
    attributes = worths.coding.exercise.attributes
    parts = []
    for attribute in attributes:
        own = np.array([_parts(attribute, p.levels[attribute.id]) for p in market.products])
        own /= np.sqrt((own**2).sum(axis=1, keepdims=True) * len(attributes))
        parts.append(own)
    found = np.hstack(parts)
    if market.none:
        found = np.vstack([found, np.zeros(found.shape[1])])
    return found.astype(np.float32)


def _parts(attribute: Attribute, value: str | float) -> list[float]:
    if attribute.levels:
        return steps(attribute, value)
    knots = table_numbers(attribute)
    number = number_of(attribute, value)
    assert number is not None
    return [float(np.interp(number, knots, column)) for column in np.eye(len(knots))]


def _choices(
    utility: Singles, levels: Singles, available: Floats, errors: Errors, seed: int
) -> Floats:
    """Shares (N, J) of first choices of utilities (N, J) with errors."""
    rng = np.random.default_rng(seed)
    people, count = utility.shape
    used = levels[:, levels.any(axis=0)]
    of_levels = np.sqrt(LOGIT_VARIANCE * errors.similarity).astype(np.float32)
    has_levels = levels.any(axis=1)
    # What has no levels (none) has the whole error as its own.
    own = np.sqrt(np.where(has_levels, 1 - errors.similarity, 1.0)).astype(np.float32)
    found, partly = np.zeros((people, count)), np.flatnonzero(available < 1)
    everyone = np.arange(people)
    for _ in range(errors.draws):
        drawn = rng.standard_exponential((people, count), dtype=np.float32)
        gumbel = -np.log(np.maximum(drawn, np.finfo(np.float32).tiny))
        total = utility + own * gumbel
        if errors.similarity > 0:
            normal = rng.standard_normal((people, used.shape[1]), dtype=np.float32)
            total += of_levels * (normal @ used.T)
        for place in partly:
            total[rng.random(people) >= available[place], place] = -np.inf
        best = total.argmax(axis=1)
        had = np.isfinite(total[everyone, best])
        found[everyone[had], best[had]] += 1
    return found / errors.draws
