"""Control limits of weekly points: words that describe a customer, not an alarm."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

EXACT = "decimal(18, 0)"


def weekly_variance(cents: ir.IntegerColumn, where: ir.BooleanColumn, *, weeks: int) -> ir.Scalar:
    """Population variance over all weeks of a window, from the weeks with purchases alone.

    A week without a row adds nothing to either sum, so no customer x week grid is needed:
    (n sum of x^2 - (sum of x)^2) / n^2. In whole cents and exact arithmetic, so that nothing is
    lost where weeks differ little, and equal weeks vary by exactly zero.
    """
    exact = cents.cast(EXACT)
    squares = (exact * exact).sum(where=where).fill_null(0).cast("decimal(32, 0)")
    total = cents.sum(where=where).fill_null(0).cast(EXACT)
    spread = (squares * ibis.literal(weeks).cast("decimal(4, 0)")) - total * total
    return spread.cast("float64") / float(weeks * weeks)


def state(scored: ir.Table, *, near: float, least_purchase_days: int) -> ir.StringColumn:
    """What the latest weeks look like beside a customer's own year.

    In this order: 'too_few' with fewer than ``least_purchase_days`` purchase days in the window;
    'below' when the last week is under a lower limit above zero; 'above_3_weeks' when each of
    the last three weeks is above the weekly mean; 'near_lower' when the last week is at most
    ``near`` standard deviations above a lower limit above zero; else 'within'. A lower limit of
    zero cannot be crossed and is never near.
    """
    limited = (scored.lower_limit > 0) & (scored.weekly_sd > 0)
    return ibis.cases(
        (scored.days_52_weeks < least_purchase_days, "too_few"),
        (limited & (scored.week_0 < scored.lower_limit), "below"),
        (scored.above_3_weeks, "above_3_weeks"),
        (limited & (scored.week_0 <= scored.lower_limit + near * scored.weekly_sd), "near_lower"),
        else_="within",
    )
