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
from analysis.purchases.roll_up import weekly
from analysis.tables import CUSTOMER_COLUMNS

WEEKS = 52
LATEST_WEEKS = 13


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
    totals = _totals(weekly(purchases, as_of=as_of), rule)
    scored = totals.mutate(
        first_purchase=totals.first_day.cast("string"),
        recency_days=ibis.date(as_of.isoformat()).delta(totals.last_day, unit="day"),
        points=ibis.greatest(totals.signed_points, 0.0),
        lower_limit=ibis.greatest(totals.weekly_mean - rule.deviations * totals.weekly_sd, 0.0),
        upper_limit=totals.weekly_mean + rule.deviations * totals.weekly_sd,
        last_week=totals.week_0,
        sale_share=totals.sale_cents / totals.known_cents.nullif(0),
    )
    worded = scored.mutate(
        state=state(scored, near=rule.near, least_purchase_days=rule.least_purchase_days)
    )
    return worded.select(*CUSTOMER_COLUMNS).order_by("customer")


def _totals(weeks: ir.Table, rule: ScoreRule) -> ir.Table:
    """One row per customer: sums over the weeks, in units of currency or in points."""
    mine = ibis.window(group_by="customer")
    inside = weeks.mutate(window_cents=ibis.ifelse(weeks.week < WEEKS, weeks.cents, ibis.null()))
    inside = inside.mutate(
        mean=inside.window_cents.sum().over(mine).fill_null(0).cast("float64") / WEEKS
    )
    per_cent = rule.points_per_unit / 100
    year, latest = inside.week < WEEKS, inside.week < LATEST_WEEKS
    spend = {name: _units(inside.cents, where) for name, where in [("year", year), ("q", latest)]}
    variance = weekly_variance(inside.window_cents, mean=inside.mean, weeks=WEEKS)
    return inside.group_by("customer").agg(
        first_day=inside.first_day.min(),
        last_day=inside.last_day.max(),
        frequency=inside.days.sum().cast("int64"),
        monetary=_units(inside.cents),
        spend_52_weeks=spend["year"],
        last_13_weeks=spend["q"],
        before_13_weeks=(spend["year"] - spend["q"]) / ((WEEKS - LATEST_WEEKS) / LATEST_WEEKS),
        signed_points=rule.points_per_unit
        * (spend["year"] + (rule.latest_weight - 1) * spend["q"]),
        weekly_mean=inside.mean.max() * per_cent,
        weekly_sd=variance.sqrt() * per_cent,
        sale_cents=inside.sale_cents.sum(where=year).fill_null(0).cast("int64"),
        known_cents=inside.known_cents.sum(where=year).fill_null(0).cast("int64"),
        days_52_weeks=_count(inside.days, year),
        days_last_13_weeks=_count(inside.days, latest),
        days_before_39_weeks=_count(inside.days, year & ~latest),
        **{
            f"week_{n}": rule.points_per_unit * _units(inside.cents, inside.week == n)
            for n in range(3)
        },
    )


def _units(cents: ir.IntegerColumn, where: ir.BooleanColumn | None = None) -> ir.FloatingScalar:
    """Cents as units of currency; the division comes after the exact sum."""
    return cents.sum(where=where).fill_null(0).cast("int64").cast("float64") / 100


def _count(days: ir.IntegerColumn, where: ir.BooleanColumn) -> ir.IntegerScalar:
    return days.sum(where=where).fill_null(0).cast("int64")
