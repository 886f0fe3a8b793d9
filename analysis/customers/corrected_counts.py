"""Later purchases given value and habit, neither of which is seen without error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special

from analysis.estimate import Estimate, unavailable

Floats = NDArray[np.float64]
LEAST_CUSTOMERS = 100
STEP = 10.0
"""Points of value that the ratio is for."""
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(24)
SAMPLES = 200
METHOD = (
    "Poisson regression of later purchase days on true value and true habit, errors of both "
    "corrected; bootstrap interval"
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

    True value V and true habit H (log purchase days a week before) are bivariate normal over
    customers; the value is seen with a normal error of known variance, purchase days before are
    Poisson given H. Their moments give the prior; the mean of later days given what was seen,
    E[exp(a + b V + c H)] times weeks, is integrated by Gauss-Hermite quadrature, and (a, b, c) fit
    by the Poisson quasi-likelihood, which asks of later counts only that their mean is right.
    Earlier counts that burst more than Poisson make habits look more different than they are.

    Parameters
    ----------
    linked
        One row per customer: the predictor (points), days_before, weeks_before, days_after,
        weeks_after.
    value_error
        Standard error of measurement of the predictor, in points.
    seed
        Of the bootstrap of customers.

    Source
    ------
    Carroll, Ruppert, Stefanski and Crainiceanu (2006), Measurement Error in Nonlinear Models, ch.
    4 and 8.
    """
    needed = [predictor, "days_before", "weeks_before", "days_after", "weeks_after"]
    known = linked[needed].dropna()
    known = known[(known["weeks_before"] > 0) & (known["weeks_after"] > 0)]
    n = len(known)
    reason = _why_not(known, n, value_error)
    if reason:
        return unavailable(reason, n=n, method=METHOD, unit="ratio")
    columns = [known[name].to_numpy(dtype=float) for name in needed]
    seen = _Seen((columns[0] - columns[0].mean()) / STEP, *columns[1:])
    error = (value_error / STEP) ** 2
    value = _slope(seen, error, np.zeros(2))
    if value is None:
        blurred = "value or habit is too blurred to be told from its error"
        return unavailable(blurred, n=n, method=METHOD, unit="ratio")
    rng = np.random.default_rng(seed)
    found = [_slope(seen.at(rng.integers(0, n, n)), error, value) for _ in range(SAMPLES)]
    slopes = np.array([slope[0] for slope in found if slope is not None])
    if len(slopes) < 0.95 * SAMPLES:
        unsure = "too many bootstrap samples had no solution"
        return unavailable(unsure, n=n, method=METHOD, unit="ratio")
    low, high = np.exp(np.quantile(slopes, [0.025, 0.975]))
    centre = float(np.exp(value[0]))
    return Estimate(
        value=centre, low=float(low), high=float(high), n=n, method=METHOD, unit="ratio"
    )


def _why_not(known: pd.DataFrame, n: int, value_error: float) -> str:
    if not np.isfinite(value_error):
        return "the error of measurement of the value is not known"
    if n < LEAST_CUSTOMERS:
        return f"{n} linked customers with purchases before and after, {LEAST_CUSTOMERS} are needed"
    if known["days_after"].sum() < LEAST_CUSTOMERS:
        return f"{int(known['days_after'].sum())} later purchase days, {LEAST_CUSTOMERS} are needed"
    return ""


def _slope(seen: _Seen, error: float, start: Floats) -> Floats | None:
    """Slopes (value, habit); None where there is no solution."""
    beliefs = _beliefs(seen, error)
    if beliefs is None:
        return None
    mean, spread, habit, chance = beliefs

    def loss(slopes: Floats) -> tuple[float, Floats]:
        tilt = chance * np.exp(slopes[0] * mean + slopes[0] ** 2 * spread / 2 + slopes[1] * habit)
        expected = tilt.sum(axis=1)
        parts = np.stack(
            [(tilt * (mean + slopes[0] * spread)).sum(axis=1), (tilt * habit).sum(axis=1)]
        )
        # the level of all counts is profiled out: exp(a) = sum of counts / sum of exposures
        exposed = seen.weeks_after * expected
        total, scale = seen.after.sum(), exposed.sum()
        value = -(seen.after * np.log(expected)).sum() + total * np.log(scale)
        gradient = -(seen.after * parts / expected).sum(axis=1)
        gradient += total * (seen.weeks_after * parts).sum(axis=1) / scale
        return float(value / total), np.asarray(gradient / total)

    bounds = [(-3.0, 3.0), (-3.0, 3.0)]
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    inside = np.abs(found.x).max() < 2.99
    return np.asarray(found.x) if found.success and inside else None


def _beliefs(seen: _Seen, error: float) -> tuple[Floats, float, Floats, Floats] | None:
    """Of every customer at every node of habit: mean value, its variance, habit, chance.

    Shapes (n, nodes), scalar, (n, nodes), (n, nodes); rows of chances add up to one.
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
    left = spread - together**2 / total
    centre = np.log(rate) - spread / 2 + together / total * seen.value
    habit = centre[:, None] + np.sqrt(left) * NODES
    log_chance = np.log(WEIGHTS) + seen.before[:, None] * habit - weeks[:, None] * np.exp(habit)
    chance = special.softmax(log_chance, axis=1)
    both = np.array([[total, together], [together, spread]])
    slopes = np.linalg.solve(both, [true, together])
    mean = slopes[0] * seen.value[:, None] + slopes[1] * (habit - np.log(rate) + spread / 2)
    return mean, float(true - slopes @ [true, together]), habit, chance
