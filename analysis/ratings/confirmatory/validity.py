"""What a fitted structure says of every construct, and of every pair of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from analysis.estimate import Estimate, unavailable
from analysis.ratings.confirmatory.fit import StructureFit
from analysis.ratings.confirmatory.layout import Floats

RESAMPLES = 1000
LEAST_AVE = 0.5
MOST_HTMT = 0.9
"""Fornell and Larcker (1981); Henseler, Ringle and Sarstedt (2015)."""


@dataclass(frozen=True, slots=True)
class ConstructValidity:
    """How well the items of one construct measure one thing.

    ``omega`` is the share of the variance of the sum of items that is the construct's (composite
    reliability), ``ave`` the average variance extracted from standardised items.
    """

    construct: str
    omega: Estimate
    ave: Estimate


@dataclass(frozen=True, slots=True)
class Pair:
    """Whether two constructs can be told apart.

    ``htmt``: the mean correlation of items across the two against that within them; 1 for one and
    the same. ``correlation``: of the factors.
    """

    one: str
    other: str
    correlation: Estimate
    htmt: Estimate

    @property
    def distinct(self) -> bool | None:
        """Whether the whole interval of ``htmt`` is below the limit; None when unknown."""
        return None if self.htmt.high is None else self.htmt.high < MOST_HTMT


@dataclass(frozen=True, slots=True)
class Validity:
    """Constructs, pairs, and the standardised loading of every item."""

    constructs: tuple[ConstructValidity, ...]
    pairs: tuple[Pair, ...]
    loadings: tuple[tuple[str, str, Estimate], ...]
    """Construct, item, loading."""


def validity(fit: StructureFit, *, seed: int) -> Validity:
    """Reliability, convergent and discriminant validity, from a fit of one group.

    Intervals of omega, AVE and loadings come from the delta method on the robust errors of the
    fit, those of HTMT from bootstrap samples of respondents.

    Source
    ------
    McDonald (1999) for omega; Fornell and Larcker (1981), Journal of Marketing Research 18;
    Henseler, Ringle and Sarstedt (2015), Journal of the Academy of Marketing Science 43.
    """
    if len(fit.groups) != 1:
        raise ValueError("validity is judged on a fit of one group")
    layout, n = fit.layouts[0], fit.n
    constructs = []
    for number, name in enumerate(fit.constructs):
        own = np.flatnonzero(fit.factor == number)
        where = np.concatenate([layout.loading[own], layout.error[own]])
        omega = _delta(fit, where, _omega)
        ave = _delta(fit, where, _ave)
        constructs.append(ConstructValidity(name, omega, ave))
    loadings = tuple(
        (fit.constructs[fit.factor[item]], fit.items[item], _loading(fit, item))
        for item in range(len(fit.items))
    )
    drawn, r = _resampled(fit, seed), np.corrcoef(fit.groups[0].answers.T)[None]
    pairs = []
    for a, b in combinations(range(len(fit.constructs)), 2):
        found = float(_htmt(r, fit.factor, a, b)[0])
        htmt = _of(found, _htmt(drawn, fit.factor, a, b), n)
        one, other = fit.constructs[a], fit.constructs[b]
        pairs.append(Pair(one, other, _correlation(fit, a, b), htmt))
    return Validity(tuple(constructs), tuple(pairs), loadings)


def _omega(loading: Floats, error: Floats) -> float:
    common = loading.sum() ** 2
    return float(common / (common + error.sum()))


def _ave(loading: Floats, error: Floats) -> float:
    return float((loading**2 / (loading**2 + error)).mean())


def _delta(
    fit: StructureFit, where: np.ndarray, share: Callable[[Floats, Floats], float]
) -> Estimate:
    """A share of loadings and errors with an interval on the logit scale."""
    method = "maximum likelihood; delta method on the logit, robust errors"
    half = len(where) // 2

    def logit(values: Floats) -> float:
        value = share(values[:half], values[half:])
        return float(np.log(value / (1 - value)))

    at = fit.theta[where]
    middle = logit(at)
    slope = np.zeros(len(at))
    for place in range(len(at)):
        step = np.zeros(len(at))
        step[place] = 1e-5 * max(abs(at[place]), 1e-3)
        slope[place] = (logit(at + step) - logit(at - step)) / (2 * step[place])
    spread = stats.norm.ppf(0.975) * np.sqrt(slope @ fit.errors[np.ix_(where, where)] @ slope)
    value, low, high = (1 / (1 + np.exp(-x)) for x in (middle, middle - spread, middle + spread))
    return Estimate(value=value, low=low, high=high, n=fit.n, method=method, unit="share")


def _loading(fit: StructureFit, item: int) -> Estimate:
    """The standardised loading with its interval on Fisher's z."""
    layout = fit.layouts[0]
    where = np.array([layout.loading[item], layout.error[item]])
    loading, error = fit.theta[where]
    value = loading / np.sqrt(loading**2 + error)
    slope = np.array([error, -loading / 2]) / (loading**2 + error) ** 1.5
    return _fisher(fit, value, float(slope @ fit.errors[np.ix_(where, where)] @ slope))


def _correlation(fit: StructureFit, a: int, b: int) -> Estimate:
    where = fit.layouts[0].cross[a, b]
    return _fisher(fit, float(fit.theta[where]), float(fit.errors[where, where]))


def _fisher(fit: StructureFit, value: float, variance: float) -> Estimate:
    half = stats.norm.ppf(0.975) * np.sqrt(variance) / (1 - value**2)
    low, high = np.tanh(np.arctanh(value) + np.array([-half, half]))
    return Estimate(
        value=value,
        low=float(low),
        high=float(high),
        n=fit.n,
        method="maximum likelihood; interval on Fisher's z, robust errors",
        unit="r",
    )


def _htmt(r: Floats, factor: np.ndarray, a: int, b: int) -> Floats:
    """Mean absolute correlation across, over the geometric mean of those within.

    ``r`` is (samples, items, items); one ratio a sample.
    """
    one, other = np.flatnonzero(factor == a), np.flatnonzero(factor == b)
    size = np.abs(r)
    across = size[:, one[:, None], other].mean(axis=(1, 2))
    within = []
    for own in (one, other):
        below, left = np.tril_indices(len(own), -1)
        within.append(size[:, own[below], own[left]].mean(axis=1))
    found: Floats = across / np.sqrt(within[0] * within[1])
    return found


def _resampled(fit: StructureFit, seed: int) -> Floats:
    """Correlations of the items in bootstrap samples of respondents, (samples, items, items)."""
    generator = np.random.default_rng(seed)
    answers = fit.groups[0].answers
    drawn = []
    for _ in range(RESAMPLES if len(fit.constructs) > 1 else 0):
        sample = answers[generator.integers(0, len(answers), len(answers))]
        if (sample.std(axis=0) == 0).any():
            continue
        drawn.append(np.corrcoef(sample.T))
    return np.array(drawn).reshape(-1, answers.shape[1], answers.shape[1])


def _of(value: float, draws: Floats, n: int) -> Estimate:
    method = f"heterotrait-monotrait ratio; middle 95 % of {len(draws)} bootstrap samples"
    if len(draws) < RESAMPLES / 2:
        return unavailable("too few answers differ", n=n, method=method, unit="ratio")
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(
        value=value, low=min(low, value), high=max(high, value), n=n, method=method, unit="ratio"
    )
