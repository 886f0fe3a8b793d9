"""Breadth: how many different products, channels and stores a customer bought."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir

from analysis.purchases.engines import Engine, frame
from analysis.purchases.roll_up import DAYS_A_WEEK
from analysis.purchases.rolling import WEEKS

BREADTH = {"products": "product", "channels": "channel", "stores": "store"}
"""The counts, and the column of purchases that each counts."""


def named_columns(engine: Engine, purchases: ir.Table) -> tuple[str, ...]:
    """Which counts of ``BREADTH`` can be had: those whose column is known of any line."""
    counts = {name: purchases[column].count() for name, column in BREADTH.items()}
    found = frame(engine, purchases.agg(**counts)).iloc[0]
    return tuple(name for name in BREADTH if found[name] > 0)


def customer_breadth(
    purchases: ir.Table, *, as_of: date, counts: tuple[str, ...] = tuple(BREADTH)
) -> ir.Table:
    """Different products, channels and stores of the 52 weeks that end with a day.

    Lines of zero or more count. A count is missing where no line of the customer names one: it
    is unknown, not zero.

    Returns
    -------
    Table
        customer, and ``counts``; a row a customer who bought in the 52 weeks.
    """
    until = ibis.date(as_of.isoformat())
    dated = purchases.mutate(ago=until.delta(purchases.day, unit="day"))
    inside = dated.filter(
        (dated.ago >= 0) & (dated.ago < WEEKS * DAYS_A_WEEK) & (dated.amount >= 0)
    )
    return inside.group_by("customer").agg(
        **{name: inside[BREADTH[name]].nunique().nullif(0).cast("int64") for name in counts}
    )


def with_breadth(
    scores: ir.Table, purchases: ir.Table, *, as_of: date, counts: tuple[str, ...]
) -> ir.Table:
    """Add the columns ``BREADTH`` to scores; those not among ``counts`` are missing."""
    unknown = {name: ibis.null("int64") for name in BREADTH if name not in counts}
    if counts:
        found = customer_breadth(purchases, as_of=as_of, counts=counts)
        scores = scores.left_join(found, "customer").drop("customer_right")
    return scores.mutate(**unknown)
