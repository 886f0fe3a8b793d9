"""Purchase histories as the models of lifetime value read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.purchases.lifetime_value.customer_days import (
    NEVER,
    Bought,
    customer_days,
    iso_days,
    number_of,
)
from analysis.purchases.roll_up import DAYS_A_WEEK

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Histories:
    """Customers with equal histories, one row each; all arrays are (rows,).

    Attributes
    ----------
    x
        Repeat purchases: purchase days after the first.
    t_x
        Weeks from the first purchase to the last; 0 without a repeat.
    T
        Weeks from the first purchase to the as-of day.
    n
        Customers with this history.
    """

    x: Floats
    t_x: Floats
    T: Floats
    n: Floats

    def __post_init__(self) -> None:
        sound = (
            (self.x >= 0) & (self.t_x >= 0) & (self.t_x <= self.T) & (self.n > 0)
            & ((self.x > 0) | (self.t_x == 0))
        )  # fmt: skip
        if not sound.all():
            at = int(np.flatnonzero(~sound)[0])
            raise ValueError(
                f"history {at} is impossible: x={self.x[at]:g}, t_x={self.t_x[at]:g}, "
                f"T={self.T[at]:g}, n={self.n[at]:g}. Needed: x >= 0, 0 <= t_x <= T, n > 0, and "
                "t_x = 0 without a repeat purchase"
            )

    def __len__(self) -> int:
        return len(self.x)

    @property
    def customers(self) -> int:
        """How many customers there are."""
        return int(self.n.sum())

    def rows(self, chosen: slice | NDArray[np.int64]) -> Histories:
        """Some of the rows."""
        return Histories(self.x[chosen], self.t_x[chosen], self.T[chosen], self.n[chosen])


def customer_histories(purchases: Bought, *, as_of: date) -> pd.DataFrame:
    """What every customer bought from the first purchase day to a day, itself included.

    A purchase day is a day with a line of zero or more; days with refunds alone count as none.

    Returns
    -------
    DataFrame
        One row per customer, sorted: customer, x (repeat purchase days), t_x_days, T_days,
        first_day (ISO), paid_days and paid (repeat days with a net amount above zero, and their
        sum in units of currency), unpaid_days (repeat days with zero or less), net (the whole
        history's net spend, refunds of any day subtracted).

    Raises
    ------
    ValueError
        When purchases are in several currencies, or columns are missing.
    """
    days = customer_days(purchases, as_of=as_of)
    first, last = days.ends()
    known = np.flatnonzero(first < NEVER)
    n = len(first)
    repeat = days.bought & (days.day > first[days.customer])
    paid, unpaid = repeat & (days.cents > 0), repeat & (days.cents <= 0)
    counts = {
        name: np.bincount(days.customer[rows], minlength=n)[known]
        for name, rows in (("x", repeat), ("paid_days", paid), ("unpaid_days", unpaid))
    }
    money = {
        name: np.bincount(days.customer[rows], days.cents[rows], minlength=n)[known] / 100
        for name, rows in (("paid", paid), ("net", slice(None)))
    }
    return pd.DataFrame(
        {
            "customer": days.names[known],
            "x": counts["x"],
            "t_x_days": last[known] - first[known],
            "T_days": number_of(as_of) - first[known],
            "first_day": iso_days(first[known]),
            "paid_days": counts["paid_days"],
            "paid": money["paid"],
            "unpaid_days": counts["unpaid_days"],
            "net": money["net"],
        }
    )


def grouped_histories(purchases: Bought, *, as_of: date) -> Histories:
    """Equal (x, t_x, T) counted: a fit notices the number of histories, not of customers."""
    each = customer_histories(purchases, as_of=as_of)[["x", "t_x_days", "T_days"]]
    found = each.value_counts(sort=False).sort_index().reset_index(name="n")
    return histories_of(found, found["n"].to_numpy(dtype=float))


def histories_of(table: pd.DataFrame, n: Floats | None = None) -> Histories:
    """Rows of ``customer_histories`` as they are, one customer each unless ``n`` says otherwise."""
    return Histories(
        x=table["x"].to_numpy(dtype=float),
        t_x=table["t_x_days"].to_numpy(dtype=float) / DAYS_A_WEEK,
        T=table["T_days"].to_numpy(dtype=float) / DAYS_A_WEEK,
        n=np.ones(len(table)) if n is None else n,
    )


def later_purchases(purchases: Bought, *, since: date, until: date) -> pd.DataFrame:
    """Purchase days after a day of the customers known on it: customer, later (at least 1)."""
    days, cut = customer_days(purchases, as_of=until), number_of(since)
    first = days.ends()[0]
    rows = days.bought & (days.day > cut) & (first[days.customer] <= cut)
    later = np.bincount(days.customer[rows], minlength=len(first))
    some = np.flatnonzero(later)
    return pd.DataFrame({"customer": days.names[some], "later": later[some]})


def repeats_by_week(purchases: Bought, *, known_by: date, until: date) -> pd.DataFrame:
    """Repeat purchase days of the customers known by a day, counted by calendar day.

    Returns
    -------
    DataFrame
        day (ISO), repeats, newcomers (customers whose first purchase it was), sorted.
    """
    days = customer_days(purchases, as_of=until)
    mine = days.ends()[0][days.customer]
    rows = days.bought & (mine <= number_of(known_by))
    day, place = np.unique(days.day[rows], return_inverse=True)
    newcomers = np.bincount(place, days.day[rows] == mine[rows], minlength=len(day)).astype(int)
    repeats = np.bincount(place, minlength=len(day)) - newcomers
    return pd.DataFrame({"day": iso_days(day), "repeats": repeats, "newcomers": newcomers})


def weeks_before(as_of: date, weeks: int) -> date:
    """The day some weeks before."""
    return as_of - timedelta(days=DAYS_A_WEEK * weeks)
