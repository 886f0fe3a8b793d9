"""How perceived value goes with what customers buy, in words no stronger than the design."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from analysis.estimate import Estimate, unavailable

LEAST_CUSTOMERS = 30
LEAST_PURCHASE_DAYS = 30
STEP = 10.0
"""Points of perceived value that the ratio is for."""
Design = Literal["later", "together"]

DESIGN_TEXT: dict[Design, str] = {
    "later": (
        "Value was measured before the purchases, and earlier purchases are taken into account. "
        "This shows what value predicts, not what it causes."
    ),
    "together": (
        "Answers and purchases cover the same time. They can go together for many reasons; "
        "nothing can be said about what comes first."
    ),
}
CAUTION = (
    "Perceived value is measured with error, which pulls the ratio towards 1 (no relation). "
    "Earlier purchases show a habit only roughly: where regular buyers value us more anyway, the "
    "ratio takes in some of their habit. Which of the two weighs more cannot be told."
)


@dataclass(frozen=True, slots=True)
class ValueRelation:
    """Ratio of purchase days per 10 points of perceived value, and what may be said of it."""

    estimate: Estimate
    design: Design
    design_text: str
    sentence: str
    caution: str
    dispersion: float | None
    """Pearson chi-square over its degrees of freedom; above 1: more varied than Poisson."""


def value_relation(linked: pd.DataFrame, *, predictor: str = "perceived_value") -> ValueRelation:
    """Relate perceived value to purchase days by a count regression.

    With weeks after the survey for at least 30 customers: log E[days after] = a + b value
    + c log(earlier rate) + log(weeks after). Else: log E[days before] = a + b value
    + log(weeks before), and the words claim no order in time. Poisson likelihood,
    robust (HC1) errors, so that overdispersed counts are allowed. The estimate is exp(10 b).

    Parameters
    ----------
    linked
        One row per customer: the predictor (points of 100), days_before, weeks_before,
        days_after, weeks_after.

    Source
    ------
    Gourieroux, Monfort & Trognon (1984), Econometrica 52; Cameron & Trivedi (2013), ch. 3.
    """
    known = linked.dropna(subset=[predictor, "days_before", "weeks_before"])
    design: Design = "later" if _followed(known) else "together"
    after = design == "later"
    days, weeks = ("days_after", "weeks_after") if after else ("days_before", "weeks_before")
    usable = known[(known[weeks] > 0) & (known["weeks_before"] > 0)]
    method = f"Poisson regression of {days} with robust errors" + (
        ", given earlier purchases" if after else ""
    )
    reason = _too_little(usable, predictor, days)
    if reason:
        none = unavailable(reason, n=len(usable), method=method, unit="ratio")
        return _said(none, design, None)
    columns = [np.ones(len(usable)), usable[predictor].to_numpy(dtype=float) / STEP]
    if after:
        columns.append(earlier_rate(usable))
    counts = usable[days].to_numpy(dtype=float)
    exposure = usable[weeks].to_numpy(dtype=float)
    slopes = [0.0, 1.0, 0.0][: len(columns)]
    estimate, dispersion = poisson_ratio(
        counts, np.column_stack(columns), exposure, contrast=slopes, method=method
    )
    return _said(estimate, design, dispersion)


def sentence(estimate: Estimate, design: Design) -> str:
    """The relation in plain words."""
    if not estimate.available:
        return f"Whether perceived value goes with purchases cannot be told: {estimate.reason}."
    value, low, high = (x or 0.0 for x in (estimate.value, estimate.low, estimate.high))
    span = f"(95 % interval {_percent(low)} to {_percent(high)}, {estimate.n} customers)"
    if low <= 1 <= high:
        words = {
            "later": "Perceived value does not clearly predict later purchases",
            "together": "Perceived value and purchases do not clearly go together",
        }
        return f"{words[design]}: {_percent(value)} purchase days per 10 points {span}."
    if design == "later":
        return (
            "Perceived value predicts later purchases, given earlier ones: 10 points more go "
            f"with {_percent(value)} purchase days afterwards {span}."
        )
    return (
        "Perceived value and purchases go together: 10 points more go with "
        f"{_percent(value)} purchase days {span}."
    )


def _followed(known: pd.DataFrame) -> bool:
    """Whether enough customers have a window after the survey to speak of later purchases."""
    later = int((known["weeks_after"] > 0).sum())
    return later >= min(LEAST_CUSTOMERS, len(known)) and later > 0


def _said(estimate: Estimate, design: Design, dispersion: float | None) -> ValueRelation:
    words = sentence(estimate, design)
    return ValueRelation(estimate, design, DESIGN_TEXT[design], words, CAUTION, dispersion)


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.0f} %"


def _too_little(usable: pd.DataFrame, predictor: str, days: str) -> str | None:
    if len(usable) < LEAST_CUSTOMERS:
        return f"{len(usable)} linked customers with a known window, {LEAST_CUSTOMERS} are needed"
    if usable[days].sum() < LEAST_PURCHASE_DAYS:
        total = int(usable[days].sum())
        return f"{total} purchase days in the window, {LEAST_PURCHASE_DAYS} are needed"
    if usable[predictor].std() == 0:
        return "all linked customers have the same perceived value"
    return None


def earlier_rate(usable: pd.DataFrame) -> np.ndarray:
    """Log of earlier purchase days a week, half a day added so that none is allowed."""
    weeks = usable["weeks_before"].to_numpy(dtype=float)
    rate = (usable["days_before"].to_numpy(dtype=float) + 0.5) / (weeks + 1)
    return np.asarray(np.log(rate))


def poisson_ratio(
    counts: np.ndarray,
    design: np.ndarray,
    exposure: np.ndarray,
    *,
    contrast: Sequence[float],
    method: str,
) -> tuple[Estimate, float | None]:
    """Ratio of a contrast of a Poisson regression's slopes, with the dispersion of the counts.

    Robust (HC1) errors, so that overdispersed counts are allowed; exp of the contrast with its
    95 % normal interval. Unavailable, without a dispersion, where the regression did not converge.

    Parameters
    ----------
    counts, exposure
        Shape (n,).
    design
        Shape (n, k), its first column ones; ``contrast`` weighs its k slopes.
    """
    import statsmodels.api as sm

    fitted = sm.GLM(counts, design, family=sm.families.Poisson(), exposure=exposure).fit(
        cov_type="HC1", maxiter=100
    )
    n, weights = len(counts), np.asarray(contrast)
    slope = float(weights @ fitted.params)
    error = float(np.sqrt(weights @ fitted.cov_params() @ weights))
    if not fitted.converged or not np.isfinite([slope, error]).all():
        return unavailable(
            "the regression did not converge", n=n, method=method, unit="ratio"
        ), None
    half = float(stats.norm.ppf(0.975)) * error
    low, value, high = (float(x) for x in np.exp([slope - half, slope, slope + half]))
    estimate = Estimate(value=value, low=low, high=high, n=n, method=method, unit="ratio")
    return estimate, float(fitted.pearson_chi2 / fitted.df_resid)
