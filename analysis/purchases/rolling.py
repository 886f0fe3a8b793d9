"""The rolling score of the last 52 weeks: mean, deviation and limits, without a grid.

The rolling score of a week is the spend of the 52 weeks that end with it, the latest 13 of them
``latest_weight`` times. As a function of time it is a staircase: spend of a week lifts it by
``latest_weight`` times itself, lowers it to once after 13 weeks, and leaves it after 52.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

WEEKS = 52
LATEST_WEEKS = 13
REACH = WEEKS + WEEKS - 1
"""The oldest week of the window looks back 51 weeks more."""


def rolling_sum(weeks: ir.Table, *, weight: float) -> ir.FloatingScalar:
    """Sum over the last 52 weeks of a customer's rolling scores, in cents; aggregate of ``weeks``.

    Each week's spend counts as often as it lies in a window: whole numbers.
    """
    whole = _overlap(weeks.week, WEEKS)
    latest = _overlap(weeks.week, LATEST_WEEKS)
    return _sum(weeks.cents * whole) + (weight - 1) * _sum(weeks.cents * latest)


def opening(weeks: ir.Table, *, weight: float) -> ir.FloatingScalar:
    """The rolling score 51 weeks ago, in cents; aggregate of ``weeks``."""
    start = WEEKS - 1
    year = (weeks.week >= start) & (weeks.week < start + WEEKS)
    latest = (weeks.week >= start) & (weeks.week < start + LATEST_WEEKS)
    return _sum(weeks.cents, year) + (weight - 1) * _sum(weeks.cents, latest)


def steps(weeks: ir.Table, *, weight: float) -> ir.Table:
    """Where the rolling score changes within the last 52 weeks.

    Returns
    -------
    Table
        customer, at (weeks ago, 50 to 0: from this week on), change (cents). Several rows of one
        week add up.
    """
    first = WEEKS - 2
    kinds = ((0, weight), (LATEST_WEEKS, 1 - weight), (WEEKS, -1.0))
    tables = []
    for later, factor in kinds:
        inside = weeks.filter((weeks.week >= later) & (weeks.week <= later + first))
        tables.append(
            inside.select(
                "customer",
                at=(inside.week - later).cast("int64"),
                change=inside.cents.cast("float64") * factor,
            )
        )
    return ibis.union(*tables)


def rolling_moments(weeks: ir.Table, *, weight: float) -> ir.Table:
    """First and second moment of the rolling score about its opening value.

    Taken about the opening value, which at least the first of the 52 weeks has, so that their
    difference loses no more than two digits; equal scores vary by exactly zero.

    Returns
    -------
    Table
        customer, about (mean of the difference to the opening score), square (mean of its
        square), in cents, of the customers with a step.
    """
    stairs = steps(weeks, weight=weight)
    by_time = ibis.window(group_by="customer", order_by=ibis.desc("at"), rows=(None, 0))
    ahead = ibis.window(group_by="customer", order_by=ibis.desc("at"))
    lasting = stairs.mutate(
        level=stairs.change.sum().over(by_time),
        lasts=(stairs["at"] - stairs["at"].lead().over(ahead).fill_null(-1)).cast("float64"),
    )
    area = lasting.level * lasting.lasts
    return lasting.group_by("customer").agg(
        about=area.sum() / WEEKS, square=(area * lasting.level).sum() / WEEKS
    )


def _overlap(week: ir.IntegerColumn, width: int) -> ir.IntegerColumn:
    """How many of the 52 windows of a width hold a week."""
    newest = ibis.greatest(week - (width - 1), 0)
    oldest = ibis.least(week, WEEKS - 1)
    return ibis.greatest(oldest - newest + 1, 0)


def _sum(cents: ir.IntegerColumn, where: ir.BooleanColumn | None = None) -> ir.FloatingScalar:
    return cents.sum(where=where).fill_null(0).cast("int64").cast("float64")
