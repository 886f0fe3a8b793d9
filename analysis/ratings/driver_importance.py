"""How much each construct has to do with an outcome: shares of explained variance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd

from analysis.estimate import Estimate

MOST_DRIVERS = 12
LEAST_A_DRIVER = 10
"""Respondents for every driver, below which no importance is given."""
RESAMPLES = 1000
METHOD = "Shapley (LMG) share of R squared; middle 95 % of bootstrap samples of respondents"

Floats = np.ndarray


class NoDrivers(ValueError):
    """Importances that cannot be had from these answers; the message says why."""


@dataclass(frozen=True, slots=True)
class Driver:
    """One driver of an outcome.

    Attributes
    ----------
    importance
        Its part of R squared, averaged over all orders of entering the drivers.
    share
        The same as a share of what all drivers explain.
    rank, rank_low, rank_high
        Place by importance, 1 for the greatest, and the middle 95 % of its places over bootstrap
        samples.
    slope
        'more' or 'less': whether the outcome goes up or down with it, the others held equal.
    """

    name: str
    importance: Estimate
    share: Estimate
    rank: int
    rank_low: int
    rank_high: int
    slope: str


@dataclass(frozen=True, slots=True)
class Drivers:
    """All drivers of an outcome, the greatest first, and the R squared that they share out."""

    r_squared: Estimate
    drivers: tuple[Driver, ...]


def driver_importance(
    drivers: pd.DataFrame, outcome: pd.Series, *, seed: int, weights: pd.Series | None = None
) -> Drivers:
    """Share out the variance of an outcome that its drivers explain.

    Parameters
    ----------
    drivers
        One row per respondent, one column per driver.
    outcome
        Same index. Respondents with anything missing are left out.
    weights
        Same index or more.

    Raises
    ------
    NoDrivers
        Fewer than two drivers, more than twelve, too few respondents, or a column that does not
        vary.

    Source
    ------
    Lindeman, Merenda and Gold (1980), p. 119; Groemping (2006), Journal of Statistical Software
    17(1), for their bootstrap.
    """
    table = drivers.assign(**{"outcome ": outcome}).dropna()
    names = list(drivers.columns)
    _check(table, names)
    x = table.to_numpy(dtype=float)
    weight = np.ones(len(x)) if weights is None else weights.loc[table.index].to_numpy(dtype=float)
    found = _lmg(_correlations(x, weight)[None])[0]
    drawn = _lmg(_resampled(x, weight, seed))
    total, totals = found.sum(), drawn.sum(axis=1)
    ranks = _ranks(drawn)
    slopes = np.linalg.solve(*_normal(x, weight))
    rows: list[Driver] = []
    for number in np.argsort(-found, kind="stable"):
        low, high = np.quantile(ranks[:, number], [0.025, 0.975], method="closest_observation")
        rows.append(
            Driver(
                names[number],
                _estimate(found[number], drawn[:, number], len(x)),
                _estimate(found[number] / total, drawn[:, number] / totals, len(x)),
                len(rows) + 1,
                int(min(low, len(rows) + 1)),
                int(max(high, len(rows) + 1)),
                "more" if slopes[number] >= 0 else "less",
            )
        )
    return Drivers(_estimate(total, totals, len(x)), tuple(rows))


def share_difference(
    drivers: pd.DataFrame,
    outcome: pd.Series,
    first: Sequence[str],
    second: Sequence[str],
    *,
    seed: int,
    weights: pd.Series | None = None,
) -> Estimate:
    """Share of what is explained that goes with some drivers, less that of others.

    Parameters and errors as of ``driver_importance``; ``first`` and ``second`` name columns.
    """
    pair = (first, second)
    (found,) = share_differences(drivers, outcome, [pair], seed=seed, weights=weights)
    return found


def share_differences(
    drivers: pd.DataFrame,
    outcome: pd.Series,
    pairs: Sequence[tuple[Sequence[str], Sequence[str]]],
    *,
    seed: int,
    weights: pd.Series | None = None,
) -> tuple[Estimate, ...]:
    """``share_difference`` of several pairs of sides, all from the same bootstrap samples."""
    table = drivers.assign(**{"outcome ": outcome}).dropna()
    names = list(drivers.columns)
    _check(table, names)
    x = table.to_numpy(dtype=float)
    weight = np.ones(len(x)) if weights is None else weights.loc[table.index].to_numpy(dtype=float)
    found = _lmg(_correlations(x, weight)[None])[0]
    drawn = _lmg(_resampled(x, weight, seed))
    shares, drawn = found / found.sum(), drawn / drawn.sum(axis=1, keepdims=True)
    signs = [
        np.array([(name in first) * 1.0 - (name in second) for name in names])
        for first, second in pairs
    ]
    return tuple(_estimate(sign @ shares, drawn @ sign, len(x)) for sign in signs)


def _check(table: pd.DataFrame, names: list[str]) -> None:
    faults = []
    if not 2 <= len(names) <= MOST_DRIVERS:
        faults.append(f"{len(names)} drivers are not 2 to {MOST_DRIVERS}")
    if len(table) < LEAST_A_DRIVER * len(names):
        faults.append(f"{len(table)} complete respondents are too few for {len(names)} drivers")
    elif any(table[name].nunique() < 2 for name in table.columns):
        flat = [name.strip() for name in table.columns if table[name].nunique() < 2]
        faults.append(f"no differences in {', '.join(flat)}")
    elif not faults and np.linalg.cond(np.corrcoef(table[names].T)) > 1e10:
        faults.append("some drivers repeat each other exactly")
    if faults:
        raise NoDrivers("; ".join(faults))


def _correlations(x: Floats, weight: Floats) -> Floats:
    centred = x - np.average(x, axis=0, weights=weight)
    covariance = (centred * weight[:, None]).T @ centred
    scale = np.sqrt(np.diag(covariance))
    correlations: Floats = covariance / np.outer(scale, scale)
    return correlations


def _normal(x: Floats, weight: Floats) -> tuple[Floats, Floats]:
    r = _correlations(x, weight)
    return r[:-1, :-1], r[:-1, -1]


def _resampled(x: Floats, weight: Floats, seed: int) -> Floats:
    """Correlations of bootstrap samples, shape (resamples, columns, columns)."""
    generator = np.random.default_rng(seed)
    found: list[Floats] = []
    for _ in range(10 * RESAMPLES):
        times = np.bincount(generator.integers(0, len(x), len(x)), minlength=len(x)) * weight
        r = _correlations(x, times) if (np.ptp(x[times > 0], axis=0) > 0).all() else None
        if r is not None and np.linalg.cond(r[:-1, :-1]) < 1e10:
            found.append(r)
        if len(found) == RESAMPLES:
            return np.stack(found)
    raise NoDrivers("too few answers differ for a bootstrap")


def _lmg(r: Floats) -> Floats:
    """Shapley shares of R squared.

    Parameters
    ----------
    r
        Correlations, shape (samples, drivers + 1, drivers + 1); the outcome comes last.

    Returns
    -------
    array
        Shape (samples, drivers); a row adds up to R squared.
    """
    k = r.shape[1] - 1
    explained = {0: np.zeros(len(r))}
    for size in range(1, k + 1):
        for chosen in combinations(range(k), size):
            own = list(chosen)
            y = r[:, own, k]
            beta = np.linalg.solve(r[:, own][:, :, own], y[..., None])[..., 0]
            explained[sum(1 << n for n in own)] = (beta * y).sum(axis=1)
    shares = np.zeros((len(r), k))
    for subset, value in explained.items():
        size = subset.bit_count()
        for driver in range(k):
            if not subset >> driver & 1:
                often = factorial(size) * factorial(k - size - 1) / factorial(k)
                shares[:, driver] += often * (explained[subset | 1 << driver] - value)
    return shares


def _ranks(drawn: Floats) -> np.ndarray:
    order = np.argsort(-drawn, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(1, drawn.shape[1] + 1)[None], axis=1)
    return ranks


def _estimate(value: float, draws: Floats, n: int) -> Estimate:
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(
        value=float(value),
        low=float(min(low, value)),
        high=float(max(high, value)),
        n=n,
        method=METHOD,
        unit="share",
    )
