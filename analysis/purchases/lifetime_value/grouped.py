"""Purchase histories as the models of lifetime value read them, grouped in the engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.purchases.engine import (
    Purchases,
    compute,
    purchases_table,
    refuse_mixed_currencies,
)
from analysis.purchases.roll_up import DAYS_A_WEEK, daily

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


def customer_histories(purchases: Purchases, *, as_of: date) -> pd.DataFrame:
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
    refuse_mixed_currencies(purchases)
    return compute(_histories(purchases_table(), as_of=as_of).order_by("customer"), purchases)


def grouped_histories(purchases: Purchases, *, as_of: date) -> Histories:
    """Equal (x, t_x, T) counted in the engine: a fit does not notice the number of customers."""
    refuse_mixed_currencies(purchases)
    each = _histories(purchases_table(), as_of=as_of)
    keys = ["x", "t_x_days", "T_days"]
    groups = each.group_by(keys).agg(n=each.count()).order_by(keys)
    found = compute(groups, purchases)
    return histories_of(found, found["n"].to_numpy(dtype=float))


def histories_of(table: pd.DataFrame, n: Floats | None = None) -> Histories:
    """Rows of ``customer_histories`` as they are, one customer each unless ``n`` says otherwise."""
    return Histories(
        x=table["x"].to_numpy(dtype=float),
        t_x=table["t_x_days"].to_numpy(dtype=float) / DAYS_A_WEEK,
        T=table["T_days"].to_numpy(dtype=float) / DAYS_A_WEEK,
        n=np.ones(len(table)) if n is None else n,
    )


def later_purchases(purchases: Purchases, *, since: date, until: date) -> pd.DataFrame:
    """Purchase days after a day of the customers known on it: customer, later (at least 1)."""
    table = _dated(purchases_table(), as_of=until)
    bought = table.filter(table.bought == 1)
    bought = bought.mutate(first=bought.day.min().over(ibis.window(group_by="customer")))
    cut = ibis.date(since.isoformat())
    known = bought.filter((bought["first"] <= cut) & (bought.day > cut))
    counted = known.group_by("customer").agg(later=known.day.count().cast("int64"))
    return compute(counted.order_by("customer"), purchases)


def repeats_by_week(purchases: Purchases, *, known_by: date, until: date) -> pd.DataFrame:
    """Repeat purchase days of the customers known by a day, counted by calendar day.

    Returns
    -------
    DataFrame
        day (ISO), repeats, newcomers (customers whose first purchase it was), sorted.
    """
    table = _dated(purchases_table(), as_of=until)
    bought = table.filter(table.bought == 1)
    bought = bought.mutate(first=bought.day.min().over(ibis.window(group_by="customer")))
    bought = bought.filter(bought["first"] <= ibis.date(known_by.isoformat()))
    is_first = bought.day == bought["first"]
    counted = bought.group_by("day").agg(
        repeats=(~is_first).cast("int64").sum().cast("int64"),
        newcomers=is_first.cast("int64").sum().cast("int64"),
    )
    text = counted.mutate(day=counted.day.cast("string"))
    return compute(text.order_by("day"), purchases)


def weeks_before(as_of: date, weeks: int) -> date:
    """The day some weeks before."""
    return as_of - timedelta(days=DAYS_A_WEEK * weeks)


def _dated(purchases: ir.Table, *, as_of: date) -> ir.Table:
    days = daily(purchases)
    return days.filter(days.day <= ibis.date(as_of.isoformat()))


def _histories(purchases: ir.Table, *, as_of: date) -> ir.Table:
    days = _dated(purchases, as_of=as_of)
    first = days.day.min(where=days.bought == 1).over(ibis.window(group_by="customer"))
    days = days.mutate(first=first)
    bought = days.bought == 1
    repeat = bought & (days.day > days["first"])
    paid, unpaid = repeat & (days.cents > 0), repeat & (days.cents <= 0)
    known = days.filter(days["first"].notnull())
    each = known.group_by("customer", "first").agg(
        last=known.day.max(where=bought),
        x=_whole(repeat.cast("int64")),
        paid_days=_whole(paid.cast("int64")),
        unpaid_days=_whole(unpaid.cast("int64")),
        paid=known.cents.sum(where=paid).fill_null(0).cast("int64").cast("float64") / 100,
        net=known.cents.sum().cast("int64").cast("float64") / 100,
    )
    return each.select(
        "customer",
        "x",
        t_x_days=each["last"].delta(each["first"], unit="day").cast("int64"),
        T_days=ibis.date(as_of.isoformat()).delta(each["first"], unit="day").cast("int64"),
        first_day=each["first"].cast("string"),
        paid_days=each.paid_days,
        paid=each.paid,
        unpaid_days=each.unpaid_days,
        net=each.net,
    )


def _whole(flags: ir.IntegerColumn) -> ir.IntegerScalar:
    return flags.sum().cast("int64")
