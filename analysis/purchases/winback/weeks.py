"""Purchase days of customers by week, counted back from a day, and the season."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.purchases.engine import (
    Purchases,
    compute,
    numbered,
    purchases_table,
    refuse_mixed_currencies,
)
from analysis.purchases.roll_up import weekly

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
MOST_WEEKS = 260
YEAR, QUARTER = 52, 13
SEASON_WEEKS = YEAR + YEAR + QUARTER
"""From so many weeks on the season can be told from a trend, without the last quarter."""
SMOOTH = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9


@dataclass(frozen=True, slots=True)
class Weeks:
    """Purchase days by customer and week; week 0 ends with the as-of day.

    Attributes
    ----------
    customers
        (N,) names, sorted.
    days
        (N, W) purchase days.
    first
        (N,) the week of the first purchase, which only made the customer known: a customer is
        watched in the weeks after it (numbers below it).
    spend
        (N,) mean net amount of a purchase day in the last 65 weeks, in units of currency.
    season
        (W,) purchases expected in a week relative to the average week.
    season_source
        Where the season is from, in words.
    """

    customers: NDArray[np.str_]
    days: NDArray[np.uint8]
    first: Whole
    spend: Floats
    season: Floats
    season_source: str

    @property
    def n_weeks(self) -> int:
        """How many weeks of history there are."""
        return int(self.days.shape[1])


def customer_weeks(purchases: Purchases, *, as_of: date) -> Weeks:
    """Count purchase days by week, as far back as ``MOST_WEEKS``.

    Raises
    ------
    ValueError
        When purchases are in several currencies, or columns are missing.
    """
    refuse_mixed_currencies(purchases)
    table = purchases_table()
    buyers = table.filter((table.day <= ibis.date(as_of.isoformat())) & (table.amount >= 0))
    names = compute(buyers.select("customer").distinct().order_by("customer"), purchases)
    numbers = names.assign(number=np.arange(len(names)))
    found = compute(_numbered_weeks(as_of), purchases, names=numbers)
    customer, week, cents, count = (found[name].to_numpy() for name in _WEEKLY)
    bought = count > 0
    first = np.zeros(len(names), dtype=np.int64)
    np.maximum.at(first, customer[bought], week[bought])
    width = min(MOST_WEEKS, int(week[bought].max(initial=0)) + 1)
    days = np.zeros((len(names), width), dtype=np.uint8)
    recent = bought & (week < width)
    days[customer[recent], week[recent]] = count[recent]
    season, source = season_of(days, first)
    latest = week < YEAR + QUARTER
    net, on = (
        np.bincount(customer[latest], weights=values[latest], minlength=len(names))
        for values in (cents, count)
    )
    spend = np.divide(net / 100, on, out=np.zeros(len(names)), where=on > 0)
    each = names["customer"].to_numpy(dtype=str)
    return Weeks(each, days, first, np.maximum(spend, 0.0), season, source)


_WEEKLY = ("customer", "week", "cents", "days")


def _numbered_weeks(as_of: date) -> ir.Table:
    """The roll-up of those in the table 'names', whose numbers cost far less than their names."""
    names = ibis.table({"customer": "string", "number": "int64"}, name="names")
    return weekly(numbered(purchases_table(), names), as_of=as_of).select(*_WEEKLY)


def season_of(days: NDArray[np.uint8], first: Whole) -> tuple[Floats, str]:
    """Season of every week, and where it is from.

    With two years and a quarter of history: of each week of the year the median ratio to the
    moving average over 52 weeks, smoothed over five weeks. The last quarter is left out, so that
    a decline that has just begun is not taken for season. With less there is no telling season
    from trend, and the season is flat.
    """
    width = days.shape[1]
    if width < SEASON_WEEKS:
        return np.ones(width), (
            f"the season of the year is not known ({width} weeks of history, {SEASON_WEEKS} are "
            "needed), only what customers change together in the last 13 weeks"
        )
    watched = np.array([(first > week).sum() for week in range(width)], dtype=float)
    known = first[:, None] > np.arange(width)
    rate = np.where(known, days, 0).sum(axis=0) / np.maximum(watched, 1)
    ends = np.convolve(rate, np.r_[0.5, np.ones(YEAR - 1), 0.5] / YEAR, mode="valid")
    middle = np.arange(YEAR // 2, width - YEAR // 2)
    usable = (middle >= QUARTER) & (ends > 0)
    ratio = pd.Series(rate[middle[usable]] / ends[usable])
    of_year = ratio.groupby(middle[usable] % YEAR).median().reindex(range(YEAR)).fillna(1.0)
    circle = np.convolve(np.r_[of_year[-2:], of_year, of_year[:2]], SMOOTH, mode="valid")
    season = (circle / circle.mean())[np.arange(width) % YEAR]
    years = len(ratio) / YEAR
    return np.maximum(season, 0.05), f"season from {years:.1f} earlier years"
