"""Customer x day, rolled up in the engine once and held in numbers: what histories are made of.

A valuation looks at the same purchases as of several days (its checks are forecasts of the past);
each look costs a pass over these arrays, not over the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
from numpy.typing import NDArray

from analysis.purchases.engine import (
    Purchases,
    compute,
    numbered,
    purchases_table,
    refuse_mixed_currencies,
)
from analysis.purchases.roll_up import daily

Whole = NDArray[np.int64]
NEVER = np.iinfo(np.int64).max
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class CustomerDays:
    """Days on which customers bought or gave back, sorted by customer and day.

    Attributes
    ----------
    names
        (customers,) sorted, of those who ever bought.
    customer, day, cents, bought
        (rows,) the place in ``names``, days since ``EPOCH``, net cents, and whether it is a
        purchase day (one with a line of zero or more).
    """

    names: NDArray[np.str_]
    customer: Whole
    day: Whole
    cents: Whole
    bought: NDArray[np.bool_]

    def until(self, as_of: date) -> CustomerDays:
        """Those up to a day, itself included."""
        kept = self.day <= number_of(as_of)
        if kept.all():
            return self
        customer, day, cents = (column[kept] for column in (self.customer, self.day, self.cents))
        return CustomerDays(self.names, customer, day, cents, self.bought[kept])

    def ends(self) -> tuple[Whole, Whole]:
        """First and last purchase day (customers,); ``NEVER`` and -1 of those without any."""
        customer, day = self.customer[self.bought], self.day[self.bought]
        first, last = np.full(len(self.names), NEVER), np.full(len(self.names), -1)
        new = np.ones(len(customer), dtype=bool)
        new[1:] = customer[1:] != customer[:-1]
        first[customer[new]] = day[new]
        last[customer] = day  # of several the last, as days are sorted
        return first, last


Bought = Purchases | CustomerDays
"""Purchases, or their days where these are known already."""


def number_of(day: date) -> int:
    """Days since ``EPOCH``."""
    return (day - EPOCH).days


def iso_days(days: Whole) -> NDArray[np.str_]:
    """ISO text of (n,) days since ``EPOCH``."""
    known, places = np.unique(days, return_inverse=True)
    text = np.datetime_as_string(known.astype("datetime64[D]")).astype(object)
    return np.asarray(text[places])


def customer_days(purchases: Bought, *, as_of: date) -> CustomerDays:
    """The days up to a day, itself included.

    Raises
    ------
    ValueError
        When purchases are in several currencies, or columns are missing.
    """
    if isinstance(purchases, CustomerDays):
        return purchases.until(as_of)
    refuse_mixed_currencies(purchases)
    table, until = purchases_table(), ibis.date(as_of.isoformat())
    buyers = table.filter(table.amount >= 0)
    names = compute(buyers.select("customer").distinct().order_by("customer"), purchases)
    numbers = ibis.table({"customer": "string", "number": "int64"}, name="names")
    days = daily(numbered(table, numbers))
    days = days.filter(days.day <= until)
    found = compute(
        days.select(
            "customer",
            day=days.day.delta(ibis.date(EPOCH.isoformat()), unit="day").cast("int64"),
            cents=days.cents,
            bought=days.bought == 1,
        ),
        purchases,
        names=names.assign(number=np.arange(len(names))),
    )
    customer, day, cents, bought = (found[name].to_numpy() for name in found.columns)
    order = np.lexsort((day, customer))
    each = names["customer"].to_numpy(dtype=object)
    return CustomerDays(each, customer[order], day[order], cents[order], bought[order])
