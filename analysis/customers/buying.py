"""Purchase days now and before, and what all customers have in common: a description, no test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy import optimize, stats

LATEST_DAYS, BEFORE_DAYS = 91, 273
FREQUENT = 8
"""Purchase days in 52 weeks from which a customer says something of season and bursts."""
CROWD = 100
"""So many frequent customers are needed to estimate them."""
MEDIAN_CHI_SQUARE = float(stats.chi2.ppf(0.5, 1))


@dataclass(frozen=True, slots=True)
class Crowd:
    """What all frequent customers have in common.

    Attributes
    ----------
    change
        Purchase days a week of the last 13 weeks over those of the 39 before: season and trend.
    dispersion
        Correlation of a customer's purchase days (0: independent days; above: bursts), the rho
        of a beta-binomial.
    n
        Frequent customers it was estimated from; 0: too few, nothing is allowed for.
    """

    change: float
    dispersion: float
    n: int


def purchase_days(scores: pd.DataFrame, *, as_of: date) -> pd.DataFrame:
    """Purchase days of the last 13 weeks and before, and the days in which 'before' could be.

    A customer known for less than 52 weeks has less time before; the first purchase day counts
    neither as a purchase nor as time, since it only made the customer known. Whoever is known for
    less than 13 weeks has no time before.

    Returns
    -------
    DataFrame
        Index as ``scores``; columns recent, before, before_days.
    """
    known = (pd.Timestamp(as_of) - pd.to_datetime(scores["first_purchase"])).dt.days
    before_days = (known - LATEST_DAYS).clip(0, BEFORE_DAYS)
    is_new = known.between(LATEST_DAYS, LATEST_DAYS + BEFORE_DAYS - 1)
    before = (scores["days_before_39_weeks"] - is_new.astype(int)).clip(lower=0)
    recent = scores["days_last_13_weeks"].where(known >= LATEST_DAYS, 0)
    return pd.DataFrame({"recent": recent, "before": before, "before_days": before_days})


def crowd(days: pd.DataFrame) -> Crowd:
    """Estimate the common change and the dispersion from ``purchase_days``.

    The change is the ratio of the total rates. The dispersion makes the median squared
    standardised residual that of a chi-square, so that a minority of real decliners does not
    raise it much.
    """
    total = days["recent"] + days["before"]
    frequent = days[(total >= FREQUENT) & (days["before_days"] == BEFORE_DAYS)]
    before, recent = float(frequent["before"].sum()), float(frequent["recent"].sum())
    if len(frequent) < CROWD or before == 0 or recent == 0:
        return Crowd(1.0, 0.0, 0)
    change = (recent / LATEST_DAYS) / (before / BEFORE_DAYS)
    n = (frequent["recent"] + frequent["before"]).to_numpy(dtype=float)
    share = LATEST_DAYS * change / (LATEST_DAYS * change + BEFORE_DAYS)
    squares = (frequent["recent"].to_numpy() - n * share) ** 2 / (n * share * (1 - share))

    def excess(rho: float) -> float:
        return float(np.median(squares / (1 + (n - 1) * rho))) - MEDIAN_CHI_SQUARE

    if excess(0.0) <= 0:
        return Crowd(change, 0.0, len(frequent))
    return Crowd(change, float(optimize.brentq(excess, 0.0, 1.0)), len(frequent))
