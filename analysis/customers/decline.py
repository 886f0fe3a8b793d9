"""Whether a customer buys less often than before: a test that allows for season and bursts."""

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

    @property
    def words(self) -> str:
        """What was allowed for."""
        if not self.n:
            return (
                f"season and bursts not allowed for (fewer than {CROWD} frequent customers), which "
                "lists several times as many by chance where there are any"
            )
        return (
            f"allowing for the change that {self.n:,} frequent customers have in common "
            f"({100 * (self.change - 1):+.0f} %) and for bursts (correlation {self.dispersion:.3f})"
        )


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
    share = recent_share(change, BEFORE_DAYS)
    squares = (frequent["recent"].to_numpy() - n * share) ** 2 / (n * share * (1 - share))

    def excess(rho: float) -> float:
        return float(np.median(squares / (1 + (n - 1) * rho))) - MEDIAN_CHI_SQUARE

    if excess(0.0) <= 0:
        return Crowd(change, 0.0, len(frequent))
    return Crowd(change, float(optimize.brentq(excess, 0.0, 1.0)), len(frequent))


def recent_share(change: float, before_days: np.ndarray | float) -> np.ndarray | float:
    """Share of purchase days expected in the last 13 weeks when only the crowd's change acts."""
    return LATEST_DAYS * change / (LATEST_DAYS * change + before_days)


def chance_of_so_few(days: pd.DataFrame, common: Crowd) -> pd.DataFrame:
    """Probability of so few recent purchase days, given all, if nothing but the crowd changed.

    Returns
    -------
    DataFrame
        Index as ``days``; columns p_value, and least: the p-value of no recent purchase at all.

    Source
    ------
    Przyborowski & Wilenski (1940), Biometrika 31, 313-323 (conditional test of two Poisson
    rates); with dispersion, the same test for gamma-mixed rates (beta-binomial).
    """
    share = np.asarray(recent_share(common.change, days["before_days"].to_numpy(dtype=float)))
    total = (days["recent"] + days["before"]).to_numpy(dtype=int)
    recent = days["recent"].to_numpy(dtype=int)
    if common.dispersion == 0:
        found = stats.binom.cdf(recent, total, share), stats.binom.cdf(0, total, share)
    else:
        mixing = (1 - common.dispersion) / common.dispersion
        sure = share >= 1
        a, b = np.where(sure, 1.0, share) * mixing, np.where(sure, 1.0, 1 - share) * mixing
        found = stats.betabinom.cdf(recent, total, a, b), stats.betabinom.cdf(0, total, a, b)
        found = np.where(sure, 1.0, found[0]), np.where(sure, 1.0, found[1])
    return pd.DataFrame({"p_value": found[0], "least": found[1]}, index=days.index)
