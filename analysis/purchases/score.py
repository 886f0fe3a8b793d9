"""The customer score: recency, frequency, spend, points and weekly limits as of a day."""

from __future__ import annotations

from dataclasses import dataclass
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
from analysis.purchases.limits import state, weekly_variance
from analysis.purchases.roll_up import DAYS_A_WEEK, weekly
from analysis.purchases.rolling import LATEST_WEEKS, WEEKS, rolling_moments, rolling_sum
from analysis.tables import CUSTOMER_COLUMNS


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """How points and limits are made; the defaults are the definition of the product."""

    points_per_unit: float = 1.0
    """Points for one unit of currency."""
    latest_weight: float = 2.0
    """How often spend of the latest 13 weeks counts."""
    deviations: float = 2.0
    """Standard deviations from the mean to the limits."""
    near: float = 0.5
    """A last week this many standard deviations above the lower limit is near it."""
    least_purchase_days: int = 4
    """With fewer purchase days in 52 weeks there is too little to tell."""


def score_customers(
    purchases: Purchases, *, as_of: date, rule: ScoreRule | None = None
) -> pd.DataFrame:
    """Score every customer who bought up to a day.

    The as-of day is included; later purchases are ignored. The window is the 364 days (52
    blocks of seven days) that end with the as-of day. Refunds count against the money of their
    own week.

    Parameters
    ----------
    purchases
        A table with the ledger's columns (amount in whole cents), or the folder of a ledger.
    as_of
        The day as of which customers are scored.
    rule
        Weights and widths; default: a point per unit of currency, latest 13 weeks doubled,
        limits at two standard deviations.

    Returns
    -------
    DataFrame
        One row per customer, sorted, with the columns of ``CUSTOMER_COLUMNS``: first_purchase (ISO
        day), recency_days since the last purchase, frequency (purchase days) and monetary (net, in
        units of currency) over the whole history; points over the window (floored at zero;
        signed_points are not); weekly_mean, lower_limit (floored at zero) and upper_limit of
        plain, undoubled weekly points (mean and two population standard deviations over the 52
        weeks); state; last_13_weeks (net spend), before_13_weeks (net spend per 13 weeks in the
        39 weeks before), spend_52_weeks, sale_share (of the window's spend of which it is known;
        missing when unknown); last_week (points); purchase days in 52, the last 13, and the 39
        weeks before.

    Raises
    ------
    ValueError
        When purchases are in several currencies, or columns are missing.
    """
    refuse_mixed_currencies(purchases)
    return compute(customer_scores(purchases_table(), as_of=as_of, rule=rule), purchases)


def customer_scores(purchases: ir.Table, *, as_of: date, rule: ScoreRule | None = None) -> ir.Table:
    """The expression behind ``score_customers``."""
    rule = rule or ScoreRule()
    totals = customer_totals(weekly(purchases, as_of=as_of), rule=rule)
    return scored(totals, as_of=as_of, rule=rule).select(*CUSTOMER_COLUMNS).order_by("customer")


def scored(totals: ir.Table, *, as_of: date, rule: ScoreRule) -> ir.Table:
    """The score of every customer from ``customer_totals``; adds to its columns.

    Beyond ``CUSTOMER_COLUMNS``: average_gap_days (between purchase days; missing with fewer than
    two), sale_only (all spend of the window of which it is known was on sale; missing when
    unknown), points_13_weeks_ago, known_13_weeks_ago (had bought by then).
    """
    until = ibis.date(as_of.isoformat())
    gap = totals.last_day.delta(totals.first_day, unit="day").cast("float64")
    limits = totals.mutate(
        first_purchase=totals.first_day.cast("string"),
        recency_days=until.delta(totals.last_day, unit="day").cast("int64"),
        known_13_weeks_ago=(
            until.delta(totals.first_day, unit="day") >= LATEST_WEEKS * DAYS_A_WEEK
        ).fill_null(False),
        average_gap_days=gap / (totals.frequency - 1).nullif(0).cast("float64"),
        points=ibis.greatest(totals.signed_points, 0.0),
        points_13_weeks_ago=ibis.greatest(totals.signed_points_13_weeks_ago, 0.0),
        lower_limit=ibis.greatest(totals.weekly_mean - rule.deviations * totals.weekly_sd, 0.0),
        upper_limit=totals.weekly_mean + rule.deviations * totals.weekly_sd,
        last_week=totals.week_0,
        sale_share=totals.sale_cents.cast("float64") / totals.known_cents.nullif(0).cast("float64"),
        sale_only=(totals.sale_cents == totals.known_cents)
        & totals.known_cents.nullif(0).notnull(),
    )
    return limits.mutate(
        sale_only=ibis.ifelse(limits.known_cents > 0, limits.sale_only, ibis.null("boolean")),
        state=state(limits, near=rule.near, least_purchase_days=rule.least_purchase_days),
    )


def with_rolling(scores: ir.Table, weeks: ir.Table, *, rule: ScoreRule) -> ir.Table:
    """Add mean, deviation and limits of the rolling score of the last 52 weeks, in points.

    ``scores`` is of ``scored``. Adds rolling_mean, rolling_sd (population), rolling_lower (floored
    at zero) and rolling_upper, ``deviations`` from the mean.
    """
    moments = rolling_moments(weeks, weight=rule.latest_weight)
    joined = scores.left_join(moments, "customer").drop("customer_right")
    about, square = joined.about.fill_null(0.0), joined.square.fill_null(0.0)
    per_cent = rule.points_per_unit / 100
    joined = joined.mutate(
        rolling_mean=joined.rolling_sum_cents / float(WEEKS) * per_cent,
        rolling_sd=ibis.greatest(square - about * about, 0.0).sqrt() * per_cent,
    ).drop("about", "square")
    return joined.mutate(
        rolling_lower=ibis.greatest(joined.rolling_mean - rule.deviations * joined.rolling_sd, 0.0),
        rolling_upper=joined.rolling_mean + rule.deviations * joined.rolling_sd,
    )


def customer_totals(weeks: ir.Table, *, rule: ScoreRule, **more: ir.Scalar) -> ir.Table:
    """One row per customer, in one pass over the weeks: sums in units of currency or in points.

    ``more`` are further aggregates of ``weeks`` for the same pass.
    """
    per_cent = rule.points_per_unit / 100
    year, latest = weeks.week < WEEKS, weeks.week < LATEST_WEEKS
    earlier = (weeks.week >= LATEST_WEEKS) & (weeks.week < LATEST_WEEKS + WEEKS)
    earlier_latest = (weeks.week >= LATEST_WEEKS) & (weeks.week < 2 * LATEST_WEEKS)
    spend = {name: _units(weeks.cents, where) for name, where in [("year", year), ("q", latest)]}
    variance = weekly_variance(weeks.cents, year, weeks=WEEKS)
    return weeks.group_by("customer").agg(
        first_day=weeks.first_day.min(),
        last_day=weeks.last_day.max(),
        frequency=weeks.days.sum().cast("int64"),
        monetary=_units(weeks.cents),
        spend_52_weeks=spend["year"],
        last_13_weeks=spend["q"],
        before_13_weeks=(spend["year"] - spend["q"]) / ((WEEKS - LATEST_WEEKS) / LATEST_WEEKS),
        signed_points=_points(weeks.cents, year, latest, rule),
        signed_points_13_weeks_ago=_points(weeks.cents, earlier, earlier_latest, rule),
        weekly_mean=spend["year"] / float(WEEKS) * rule.points_per_unit,
        weekly_sd=variance.sqrt() * per_cent,
        rolling_sum_cents=rolling_sum(weeks, weight=rule.latest_weight),
        sale_cents=weeks.sale_cents.sum(where=year).fill_null(0).cast("int64"),
        known_cents=weeks.known_cents.sum(where=year).fill_null(0).cast("int64"),
        days_52_weeks=_count(weeks.days, year),
        days_last_13_weeks=_count(weeks.days, latest),
        days_before_39_weeks=_count(weeks.days, year & ~latest),
        week_0=rule.points_per_unit * _units(weeks.cents, weeks.week == 0),
        above_3_weeks=_above(weeks, year),
        **more,
    )


def _above(weeks: ir.Table, year: ir.BooleanColumn) -> ir.BooleanScalar:
    """Each of the last three weeks above the mean of 52: in whole cents, so that equal is equal."""
    total = weeks.cents.sum(where=year).fill_null(0).cast("int64")
    last = [weeks.cents.sum(where=weeks.week == n).fill_null(0).cast("int64") for n in range(3)]
    return (last[0] * WEEKS > total) & (last[1] * WEEKS > total) & (last[2] * WEEKS > total)


def _units(cents: ir.IntegerColumn, where: ir.BooleanColumn | None = None) -> ir.FloatingScalar:
    """Cents as units of currency; the division comes after the exact sum."""
    return cents.sum(where=where).fill_null(0).cast("int64").cast("float64") / 100


def _points(
    cents: ir.IntegerColumn, year: ir.BooleanColumn, latest: ir.BooleanColumn, rule: ScoreRule
) -> ir.FloatingScalar:
    """Points of a year: added up in cents, so that equal spend gives exactly equal points."""
    plain = cents.sum(where=year).fill_null(0).cast("int64").cast("float64")
    doubled = cents.sum(where=latest).fill_null(0).cast("int64").cast("float64")
    return (plain + (rule.latest_weight - 1) * doubled) * rule.points_per_unit / 100


def _count(days: ir.IntegerColumn, where: ir.BooleanColumn) -> ir.IntegerScalar:
    return days.sum(where=where).fill_null(0).cast("int64")
