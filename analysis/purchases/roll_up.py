"""Customer x week: the small table that every score is made of."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from analysis.purchases.bits import bit, size, united

DAYS_A_WEEK = 7


def weekly(purchases: ir.Table, *, as_of: date) -> ir.Table:
    """Roll purchases up to one row per customer and week in which something happened.

    Weeks are blocks of seven days that end with the as-of day: week 0 holds the as-of day and
    the six days before, week 1 the seven days before those. Later purchases are left out. A
    purchase day is a day with a line of zero or more; days with refunds alone count in the money
    but not as purchase days.

    Returns
    -------
    Table
        customer, week, cents (net), days (purchase days), first_day, last_day (of purchases,
        missing in weeks of refunds alone), sale_cents and known_cents (positive lines on sale,
        and those of which it is known).
    """
    until = ibis.date(as_of.isoformat())
    dated = purchases.filter(purchases.day <= until)
    dated = dated.mutate(ago=until.delta(dated.day, unit="day").cast("int64"))
    dated = dated.mutate(week=dated.ago // DAYS_A_WEEK)
    # The set of purchase days as bits: far cheaper than counting distinct days.
    dated = dated.mutate(day_bit=bit(dated.ago % DAYS_A_WEEK))
    bought = dated.amount >= 0
    weeks = dated.group_by("customer", "week").agg(
        cents=dated.amount.sum().cast("int64"),
        bits=united(dated.day_bit, where=bought).fill_null(0),
        first_day=dated.day.min(where=bought),
        last_day=dated.day.max(where=bought),
        sale_cents=_sum(dated.amount, bought & dated.on_sale),
        known_cents=_sum(dated.amount, bought & dated.on_sale.notnull()),
    )
    weeks = weeks.mutate(days=size(weeks.bits, DAYS_A_WEEK))
    return weeks.select(
        "customer", "week", "cents", "days", "first_day", "last_day", "sale_cents", "known_cents"
    )


def daily(purchases: ir.Table) -> ir.Table:
    """Roll purchases up to customer and day.

    Returns
    -------
    Table
        customer, day, cents (net), bought (1 on purchase days, else 0), full_price (1 where
        something bought was not on sale, or it is not known, else 0).
    """
    bought = purchases.amount >= 0
    return purchases.group_by("customer", "day").agg(
        cents=purchases.amount.sum().cast("int64"),
        bought=bought.cast("int64").max(),
        full_price=(bought & ~purchases.on_sale.fill_null(False)).cast("int64").max(),
    )


def _sum(cents: ir.IntegerColumn, where: ir.BooleanColumn) -> ir.IntegerScalar:
    return cents.sum(where=where).fill_null(0).cast("int64")
