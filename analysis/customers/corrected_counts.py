"""Later purchases given value and habit, neither of which is seen without error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.estimate import Estimate, unavailable

Floats = NDArray[np.float64]
LEAST_CUSTOMERS = 100
LEAST_ON_SALE = 2
STEP = 10.0
"""Points of value that the ratio is for."""
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
PLACES = np.linspace(-6.0, 4.5, 43)
"""Where habits beside value may lie, in standard deviations; further below, for rare buyers."""
ROUNDS, AGAIN = 50, 20
"""Rounds of EM, and in a bootstrap sample, which begins where all customers ended."""
RARE = 1e-6
"""Share of a place below which it is left out."""
STEPS, CLOSE, WORST = 30, 1e-6, 1e10
TINY = 1e-300
SAMPLES = 200
METHOD = (
    "Poisson regression of later purchase days on true value and true habit, errors of both "
    "corrected, without customers who bought on sale only; bootstrap interval"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Value (points / 10, centred), purchase days and weeks before and after; (n,) each."""

    value: Floats
    before: Floats
    weeks_before: Floats
    after: Floats
    weeks_after: Floats

    def at(self, rows: NDArray[np.int64]) -> _Seen:
        value = self.value[rows]
        rest = (x[rows] for x in (self.before, self.weeks_before, self.after, self.weeks_after))
        return _Seen(value - value.mean(), *rest)


def corrected_relation(
    linked: pd.DataFrame, *, value_error: float, seed: int, predictor: str = "perceived_value"
) -> Estimate:
    """Ratio of later purchase days per 10 points of value, corrected for errors of measurement.

    True value V is normal over customers and seen with a normal error of known variance. Habit H
    (log purchase days a week before) is k V and something beside, whose distribution is found
    from the counts (places with shares, by EM from a normal one); purchase days before are Poisson
    given H, and k is the covariance of value and counts over the true variance of V. The mean of
    later days given what was seen, E[exp(a + b V + c H)] times weeks, is summed over both, and
    (a, b, c) fit by the Poisson quasi-likelihood, which asks of later counts only that their mean
    is right: customers may stop or burst. Earlier counts that burst more than Poisson make habits
    look more different than they are.

    The figure is for customers who do not buy on sale only: see ``sale_only_before``.

    Parameters
    ----------
    linked
        One row per customer: the predictor (points), days_before, weeks_before, days_after,
        weeks_after; full_price_days_before too, but in archives written before it was kept.
    value_error
        Standard error of measurement of the predictor, in points.
    seed
        Of the bootstrap of customers.

    Source
    ------
    Carroll, Ruppert, Stefanski and Crainiceanu (2006), Measurement Error in Nonlinear Models, ch.
    4 and 8; Laird (1978), Nonparametric Maximum Likelihood Estimation of a Mixing Distribution,
    Journal of the American Statistical Association 73.
    """
    needed = [predictor, "days_before", "weeks_before", "days_after", "weeks_after"]
    known = linked.loc[~sale_only_before(linked), needed].dropna()
    known = known[(known["weeks_before"] > 0) & (known["weeks_after"] > 0)]
    n = len(known)
    reason = _why_not(known, n, value_error)
    if reason:
        return unavailable(reason, n=n, method=METHOD, unit="ratio")
    columns = [known[name].to_numpy(dtype=float) for name in needed]
    seen = _Seen((columns[0] - columns[0].mean()) / STEP, *columns[1:])
    error = (value_error / STEP) ** 2
    beliefs = _beliefs(seen, error)
    value = _slopes(seen, beliefs, np.zeros(2))
    if value is None:
        blurred = "value or habit is too blurred to be told from its error"
        return unavailable(blurred, n=n, method=METHOD, unit="ratio")
    rng = np.random.default_rng(seed)
    samples = (seen.at(rng.integers(0, n, n)) for _ in range(SAMPLES))
    found = [_slopes(some, _beliefs(some, error, beliefs), value) for some in samples]
    slopes = np.array([slope[0] for slope in found if slope is not None])
    if len(slopes) < 0.95 * SAMPLES:
        unsure = "too many bootstrap samples had no solution"
        return unavailable(unsure, n=n, method=METHOD, unit="ratio")
    low, high = np.exp(np.quantile(slopes, [0.025, 0.975]))
    centre = float(np.exp(value[0]))
    return Estimate(
        value=centre, low=float(low), high=float(high), n=n, method=METHOD, unit="ratio"
    )


def sale_only_before(linked: pd.DataFrame) -> pd.Series:
    """Whether a customer bought twice and more before the survey, each time only what was on sale.

    Whether they come again depends on whether there is a sale. They buy less often than others who
    like the shop as much, so that among customers who bought equally often they are the ones who
    value it more, and come less afterwards: value would look worth less than it is to everybody.
    Judged by purchases before only: nobody is left out for what came later. Where it is not known
    what was on sale, nobody is.
    """
    if "full_price_days_before" not in linked:
        return pd.Series(False, index=linked.index)
    return (linked["full_price_days_before"] == 0) & (linked["days_before"] >= LEAST_ON_SALE)


def _why_not(known: pd.DataFrame, n: int, value_error: float) -> str:
    if not np.isfinite(value_error):
        return "the error of measurement of the value is not known"
    if n < LEAST_CUSTOMERS:
        return f"{n} linked customers with purchases before and after, {LEAST_CUSTOMERS} are needed"
    if known["days_after"].sum() < LEAST_CUSTOMERS:
        return f"{int(known['days_after'].sum())} later purchase days, {LEAST_CUSTOMERS} are needed"
    return ""


def _slopes(seen: _Seen, beliefs: _Beliefs | None, start: Floats) -> Floats | None:
    """Slopes (value, habit) by Fisher scoring; None where there is no solution.

    The level of all counts is profiled out: exp(a) = sum of counts / sum of exposures.
    """
    if beliefs is None:
        return None
    slopes: Floats = start
    for _ in range(STEPS):
        tilt, lean = beliefs.tilted(slopes)
        each = tilt.sum(axis=1)
        parts = [(tilt * lean).sum(axis=1), (tilt * beliefs.habit(lean)).sum(axis=1)]
        moved = np.stack(parts, axis=1) / each[:, None]
        expected = seen.weeks_after * each
        expected *= seen.after.sum() / expected.sum()
        apart = moved - expected @ moved / expected.sum()
        score, information = (seen.after - expected) @ apart, apart.T @ (expected[:, None] * apart)
        if np.linalg.cond(information) > WORST:
            return None
        step = np.linalg.solve(information, score)
        slopes = slopes + step * min(1.0, 0.5 / np.abs(step).max(initial=TINY))
        if np.abs(slopes).max() > 3:
            return None
        if np.abs(step).max() < CLOSE:
            return slopes
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Beliefs:
    """What is believed of every customer: habit is ``slope`` x true value + one of ``beside``.

    ``beside`` and its ``shares`` (G,); for every customer and place of it (n, G): chance (rows add
    up to one), mean and variance of the true value.
    """

    slope: float
    beside: Floats
    shares: Floats
    chance: Floats
    mean: Floats
    spread: Floats

    def tilted(self, slopes: Floats) -> tuple[Floats, Floats]:
        """E[exp(b V + c H)] in parts (n, G), and the mean of V under each (n, G)."""
        along = slopes[0] + slopes[1] * self.slope
        lean = self.mean + along * self.spread
        log = along * (self.mean + lean) / 2 + slopes[1] * self.beside
        return self.chance * np.exp(log), lean

    def habit(self, value: Floats) -> Floats:
        """Habit of a value, (n, G)."""
        return self.slope * value + self.beside


def _beliefs(seen: _Seen, error: float, like: _Beliefs | None = None) -> _Beliefs | None:
    """From moments (value, its slope on habit) and counts before (the mix of habits).

    ``like``: beliefs of all customers, whose places and shares a bootstrap sample begins at.
    """
    total = float(seen.value.var(ddof=1))
    weeks = seen.weeks_before
    rate = float(seen.before.sum() / weeks.sum())
    if rate == 0:
        return None
    relative = float(((seen.before - rate * weeks) ** 2 - seen.before).sum() / (weeks**2).sum())
    spread = float(np.log1p(max(relative, 0.0) / rate**2))
    together = float((seen.value * (seen.before - rate * weeks)).sum() / (weeks.sum() * rate))
    true = total - error
    if true < 0.05 * total or spread < 0.01 or together**2 > 0.98 * true * spread:
        return None
    slope = together / true
    left = np.sqrt(spread - slope**2 * true)
    beside = np.log(rate) - spread / 2 + left * PLACES if like is None else like.beside
    shares = np.exp(-(PLACES**2) / 2) if like is None else like.shares
    values = true / total * seen.value[:, None] + np.sqrt(true * error / total) * NODES
    chances = _likelihood(seen, slope * values, beside)
    found = _mix(chances.sum(axis=0), shares, ROUNDS if like is None else AGAIN)
    kept = found > RARE
    return _believed(slope, (beside[kept], found[kept]), chances[:, :, kept], values)


def _believed(
    slope: float, places: tuple[Floats, Floats], chances: Floats, values: Floats
) -> _Beliefs:
    """Mean and variance of the true value (n, nodes) under the chances (nodes, n, G)."""
    beside, shares = places
    each = chances.sum(axis=0)
    sums = [np.einsum("qng,nq->ng", chances, values**power) for power in (1, 2)]
    mean, square = (total / np.maximum(each, TINY) for total in sums)
    chance = each * shares
    chance /= chance.sum(axis=1, keepdims=True)
    return _Beliefs(slope, beside, shares, chance, mean, np.maximum(square - mean**2, 0.0))


def _likelihood(seen: _Seen, along: Floats, beside: Floats) -> Floats:
    """Of the count before at every node, up to a factor a customer, (nodes, n, G)."""
    known = seen.before[:, None] * beside
    rates = seen.weeks_before[:, None] * np.exp(beside)
    log = np.stack(
        [known + (seen.before * a)[:, None] - rates * np.exp(a)[:, None] for a in along.T]
    )
    likelihood: Floats = np.exp(log - log.max(axis=(0, 2), keepdims=True))
    likelihood *= (WEIGHTS / WEIGHTS.sum())[:, None, None]
    return likelihood


def _mix(each: Floats, start: Floats, rounds: int) -> Floats:
    """Shares of the places (G,) by some rounds of EM: from a normal mix smooth, yet skewed where
    the counts are."""
    shares: Floats = start / start.sum()
    for _ in range(rounds):
        shares = shares * (each / (each @ shares)[:, None]).mean(axis=0)
    return shares
