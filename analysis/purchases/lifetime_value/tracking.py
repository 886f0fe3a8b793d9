"""Repeat purchases of all customers, day by day, and how many a fit expects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.purchases.lifetime_value.buying import BuyingFit
from analysis.purchases.lifetime_value.customer_days import Bought
from analysis.purchases.lifetime_value.expected import expected_of_new
from analysis.purchases.lifetime_value.grouped import Floats, repeats_by_week
from analysis.purchases.lifetime_value.joining import Joining
from analysis.purchases.lifetime_value.season import Season
from analysis.purchases.roll_up import DAYS_A_WEEK


@dataclass(frozen=True, slots=True)
class Days:
    """First and repeat purchases (D,) by day, from the first purchase of all to a day."""

    newcomers: Floats
    repeats: Floats


def purchase_days(purchases: Bought, *, until: date, known_by: date | None = None) -> Days:
    """Of all customers, or of those known by a day."""
    found = repeats_by_week(purchases, known_by=known_by or until, until=until)
    day = pd.to_datetime(found["day"])
    at = (day - day.iloc[0]).dt.days.to_numpy()
    width = (pd.Timestamp(until) - day.iloc[0]).days + 1
    newcomers, repeats = (
        np.bincount(at, weights=found[name], minlength=width).astype(float)
        for name in ("newcomers", "repeats")
    )
    return Days(newcomers, repeats)


def expected_repeats(
    fit: BuyingFit,
    days: Days,
    ends: NDArray[np.int64],
    *,
    fitted_on: int,
    season: Season | None = None,
    joining: Joining | None = None,
) -> Floats:
    """Repeat purchases (W,) that a fit expects of all until the end of some days.

    Parameters
    ----------
    ends
        (W,) days, counted as in ``days``.
    fitted_on
        The day of the fit, on which season and joining are as of.
    """
    first = np.flatnonzero(days.newcomers)

    def counted(day: NDArray[np.int64]) -> Floats:
        beside = (day - fitted_on).astype(float)
        return beside / DAYS_A_WEEK if season is None else season.counted(beside)

    start = counted(first)
    found = np.zeros(len(ends))
    for place, (end, until) in enumerate(zip(ends, counted(ends), strict=True)):
        here = first <= end
        own = None if joining is None else joining.covariates(-start[here])
        each = expected_of_new(fit, np.maximum(until - start[here], 0.0), own)
        found[place] = days.newcomers[first[here]] @ each
    return found
