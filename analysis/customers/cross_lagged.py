"""Value and engagement of the same customers in two waves: what predicts what, given earlier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.estimate import Estimate, unavailable

Floats = NDArray[np.float64]
LEAST_CUSTOMERS = 50
SAMPLES = 1_000
MOST_FAILED = 0.05
"""Share of bootstrap samples without a solution, above which there is no interval."""
WAVES = ("value_1", "engagement_1", "value_2", "engagement_2")
PATHS = {
    "value_to_value": (0, 0),
    "engagement_to_value": (1, 0),
    "value_to_engagement": (0, 1),
    "engagement_to_engagement": (1, 1),
}
METHOD = "two-wave cross-lagged regression"


@dataclass(frozen=True, slots=True)
class Path:
    """One path: points of the outcome per point of the predictor, the other one held."""

    path: str
    naive: Estimate
    corrected: Estimate
    """Corrected for errors of measurement of both earlier scores."""


def cross_lagged(
    waves: pd.DataFrame, error_variances: Mapping[str, float], *, seed: int
) -> tuple[Path, ...]:
    """Regress the later value and the later engagement on both earlier ones.

    With S the covariance of the observed earlier scores and T the diagonal of their error
    variances, the corrected slopes are (S - T)^-1 Cov(earlier, later): errors are independent of
    each other, of the true scores and between waves. Intervals are percentiles of a bootstrap of
    customers; the error variances are taken as known.

    Parameters
    ----------
    waves
        One row per customer, columns value_1, engagement_1, value_2, engagement_2 in any unit;
        rows with a missing one are left out.
    error_variances
        Of 'value' and 'engagement' in the first wave, in squared units of the columns; infinite
        where nothing is known of the error.
    seed
        Of the bootstrap.

    Source
    ------
    Fuller (1987), Measurement Error Models, ch. 2; on what two waves cannot say, Hamaker, Kuiper
    and Grasman (2015), Psychological Methods 20.
    """
    known = waves[list(WAVES)].dropna().to_numpy(dtype=float)
    n = len(known)
    if n < LEAST_CUSTOMERS:
        return _none(f"{n} customers answered in both waves, {LEAST_CUSTOMERS} are needed", n)
    if (known.std(axis=0) == 0).any():
        return _none("a score is the same for every customer", n)
    errors = np.array([error_variances[name] for name in ("value", "engagement")])
    rng = np.random.default_rng(seed)
    draws = [rng.integers(0, n, n) for _ in range(SAMPLES)]
    nothing = np.zeros(2)
    naive = _slopes(known, nothing), [_slopes(known[d], nothing) for d in draws]
    corrected = _slopes(known, errors), [_slopes(known[d], errors) for d in draws]
    return tuple(
        Path(
            name, _estimate(naive, at, n, "not corrected"), _estimate(corrected, at, n, "corrected")
        )
        for name, at in PATHS.items()
    )


def _slopes(known: Floats, errors: Floats) -> Floats | None:
    """Slopes (earlier, later), or None where the errors leave no variance to go by."""
    covariance = np.cov(known.T)
    if not np.isfinite(errors).all():
        return None
    true = covariance[:2, :2] - np.diag(errors)
    if np.linalg.eigvalsh(true / np.sqrt(np.outer(*[np.diag(covariance)[:2]] * 2)))[0] < 0.02:
        return None
    return np.asarray(np.linalg.solve(true, covariance[:2, 2:]), dtype=float)


def _estimate(
    found: tuple[Floats | None, list[Floats | None]], at: tuple[int, int], n: int, words: str
) -> Estimate:
    method = f"{METHOD}, {words} for error of measurement; bootstrap interval"
    value, samples = found
    solved = np.array([sample[at] for sample in samples if sample is not None])
    if value is None or len(solved) < (1 - MOST_FAILED) * len(samples):
        reason = "the scores are too blurred to tell the two earlier ones apart"
        return unavailable(reason, n=n, method=method)
    low, high = np.quantile(solved, [0.025, 0.975])
    return Estimate(value=float(value[at]), low=float(low), high=float(high), n=n, method=method)


def _none(reason: str, n: int) -> tuple[Path, ...]:
    none = unavailable(reason, n=n, method=METHOD)
    return tuple(Path(name, none, none) for name in PATHS)
