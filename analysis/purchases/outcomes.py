"""What customers bought before and after they answered."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from analysis.purchases.engine import (
    Purchases,
    compute,
    purchases_table,
    refuse_mixed_currencies,
)
from analysis.purchases.roll_up import DAYS_A_WEEK, daily, weekly


def outcomes(
    purchases: Purchases,
    answered_on: pd.DataFrame,
    *,
    weeks_after: int,
    weeks_before: int = 52,
    as_of: date,
) -> pd.DataFrame:
    """Purchase days and net spend before and after the day on which each customer answered.

    The answering day itself is in neither window: 'before' ends the day before it, 'after'
    starts the day after it and ends with the as-of day or after ``weeks_after`` weeks.

    Parameters
    ----------
    purchases
        A table with the ledger's columns, or the folder of a ledger.
    answered_on
        Columns customer (each once) and answered_on (ISO days, dates or times).
    as_of
        The last day the purchases are known for.

    Returns
    -------
    DataFrame
        One row per customer of ``answered_on``, sorted: customer, answered_on (ISO day),
        days_before, spend_before, weeks_before (weeks of the window since the customer's first
        purchase), days_after, spend_after, weeks_after (weeks of the window up to the as-of
        day; 0 when it has not begun), full_price_days_before (days before on which something
        was bought that was not on sale, or of which that is not known). Spend in units of currency.
    """
    if answered_on["customer"].duplicated().any():
        raise ValueError("a customer stands twice in 'answered_on': keep one answer of each")
    refuse_mixed_currencies(purchases)
    days = pd.to_datetime(answered_on["answered_on"], format="ISO8601", utc=True)
    answers = pd.DataFrame(
        {
            "customer": answered_on["customer"].astype(str).to_numpy(),
            "answered": days.dt.strftime("%Y-%m-%d").to_numpy(),
        }
    )
    expression = _outcomes(
        daily(purchases_table()), before=weeks_before, after=weeks_after, as_of=as_of
    )
    return compute(expression, purchases, answers=answers)


def bought_between(
    customers: pd.Series, purchases: Purchases, *, until: date, weeks: int
) -> pd.DataFrame:
    """What customers bought in the weeks that end on a day, itself included.

    Returns
    -------
    DataFrame
        In the order of ``customers``: buyers (0 or 1), spend (units of currency), purchase_days;
        zeros for customers without purchases then.

    Raises
    ------
    ValueError
        When purchases are in several currencies.
    """
    refuse_mixed_currencies(purchases)
    rows = weekly(purchases_table(), as_of=until)
    inside = rows.filter((rows.week >= 0) & (rows.week < weeks)).group_by("customer")
    totals = inside.agg(days=lambda t: t.days.sum(), cents=lambda t: t.cents.sum())
    sums = compute(totals, purchases).set_index("customer")
    each = sums.reindex(customers.astype(str)).fillna(0.0).astype(float)
    return pd.DataFrame(
        {
            "buyers": (each["days"] > 0).astype(float),
            "spend": each["cents"] / 100,
            "purchase_days": each["days"],
        }
    )


def _outcomes(days: ir.Table, *, before: int, after: int, as_of: date) -> ir.Table:
    answers = ibis.table({"customer": "string", "answered": "string"}, name="answers")
    answers = answers.mutate(answered=answers.answered.cast("date"))
    until = ibis.date(as_of.isoformat())
    joined = answers.left_join(days.filter(days.day <= until), "customer")
    offset = joined.day.delta(joined.answered, unit="day")
    known = until.delta(joined.answered, unit="day")
    earlier = (offset < 0) & (offset >= -before * DAYS_A_WEEK)
    later = (offset > 0) & (offset <= after * DAYS_A_WEEK)
    since_first = -offset.min(where=joined.bought == 1).fill_null(0)
    return (
        joined.group_by("customer", "answered")
        .agg(
            days_before=_whole(joined.bought, earlier),
            spend_before=_whole(joined.cents, earlier).cast("float64") / 100,
            weeks_before=_weeks(since_first, before),
            full_price_days_before=_whole(joined.full_price, earlier),
            days_after=_whole(joined.bought, later),
            spend_after=_whole(joined.cents, later).cast("float64") / 100,
            weeks_after=_weeks(known.max(), after),
        )
        .mutate(answered_on=lambda t: t.answered.cast("string"))
        .select(
            "customer",
            "answered_on",
            "days_before",
            "spend_before",
            "weeks_before",
            "days_after",
            "spend_after",
            "weeks_after",
            "full_price_days_before",
        )
        .order_by("customer")
    )


def _whole(values: ir.IntegerColumn, where: ir.BooleanColumn) -> ir.IntegerScalar:
    return values.sum(where=where).fill_null(0).cast("int64")


def _weeks(days: ir.IntegerScalar, most: int) -> ir.FloatingScalar:
    """Days as weeks, between zero and the width of the window."""
    return ibis.greatest(ibis.least(days.cast("float64") / DAYS_A_WEEK, float(most)), 0.0)
