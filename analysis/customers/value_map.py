"""The map of perceived value against the change in buying."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy import stats

from analysis.customers.buying import LATEST_DAYS, Crowd, purchase_days
from analysis.estimate import Estimate
from analysis.ratings.scales import mean_estimate

QUADRANTS = ("keep_close", "at_risk", "habit", "leave_alone")
"""High value and buying holds; high value and buying falls; low value and holds; and falls."""
Z = float(stats.norm.ppf(0.975))


@dataclass(frozen=True, slots=True)
class QuadrantCount:
    """One group of the map."""

    quadrant: str
    n: int
    too_close: int
    yearly_spend: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class MapOfValue:
    """Linked customers by perceived value and change in buying.

    Attributes
    ----------
    points
        Index customer; value, engagement (purchase days per 13 weeks more than before), quadrant,
        too_close.
    value_cut, engagement_cut
        The median value of these customers; no change (zero).
    value_band
        Half the 95 % interval of one customer's value, from its error of measurement.
    engagement_band
        Half the 95 % interval of a typical customer's change, from the Poisson noise of counts.
    """

    points: pd.DataFrame
    value_cut: float
    engagement_cut: float
    value_band: float
    engagement_band: float
    quadrants: tuple[QuadrantCount, ...]

    @property
    def n(self) -> int:
        return len(self.points)


def value_map(
    linked: pd.DataFrame,
    *,
    as_of: date,
    common: Crowd,
    value_error: float,
    currency: str,
    predictor: str = "perceived_value",
) -> MapOfValue | None:
    """Place every linked customer on the map; None when nobody can be placed.

    The change in buying is purchase days in the last 13 weeks less those that the time before
    suggests, r = (days before x the change of all customers) x 91 / (days known before). If
    nothing else changed, its variance is t r (1 + (t - 1) rho), with t all purchase days (at
    least one) and rho the crowd's dispersion. A customer whose value or change is within half an
    interval of its cut is too close to call. Customers known for less than 13 weeks are not
    placed. Without a known error of the value, or with one customer alone, there is no map.

    Parameters
    ----------
    linked
        One row per customer: the predictor, first_purchase, days_last_13_weeks,
        days_before_39_weeks, spend_52_weeks.
    as_of
        The day as of which the customers were scored.
    common
        From ``buying.crowd``, over all customers.
    value_error
        Standard error of measurement of the predictor.
    currency
        Unit of the spend.
    """
    days = purchase_days(linked, as_of=as_of)
    placed = linked[predictor].notna() & (days["before_days"] > 0)
    known, days = linked[placed], days[placed]
    if len(known) < 2 or not np.isfinite(value_error):
        return None
    value = known[predictor].astype(float)
    ratio = LATEST_DAYS * common.change / days["before_days"]
    change = days["recent"] - ratio * days["before"]
    total = np.maximum(days["recent"] + days["before"], 1)
    noise = Z * np.sqrt(total * ratio * (1 + (total - 1) * common.dispersion))
    cut, band = float(value.median()), Z * value_error
    points = pd.DataFrame({"value": value, "engagement": change})
    high, holds = value >= cut, change >= 0
    points["quadrant"] = np.select(
        [high & holds, high & ~holds, ~high & holds], QUADRANTS[:3], QUADRANTS[3]
    )
    points["too_close"] = ((value - cut).abs() < band) | (change.abs() < noise)
    return MapOfValue(
        points=points,
        value_cut=cut,
        engagement_cut=0.0,
        value_band=band,
        engagement_band=float(np.median(noise)),
        quadrants=tuple(
            _count(name, points, known["spend_52_weeks"], currency) for name in QUADRANTS
        ),
    )


def _count(name: str, points: pd.DataFrame, spend: pd.Series, currency: str) -> QuadrantCount:
    here = points["quadrant"] == name
    yearly = mean_estimate(spend[here].astype(float)).model_copy(update={"unit": currency})
    return QuadrantCount(name, int(here.sum()), int(points.loc[here, "too_close"].sum()), yearly)
