"""The whole scoring of a day: roll-up, scores, tiers, cohorts and movement, on any engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analysis.estimate import Estimate, unavailable
from analysis.purchases.breadth import BREADTH, named_columns, with_breadth
from analysis.purchases.engine import Purchases, purchases_table
from analysis.purchases.engines import Engine, frame, offer_purchases
from analysis.purchases.offers import (
    RESPONSE_COLUMNS,
    Offers,
    answered,
    by_offer,
    offer_offers,
    offers_table,
    overall_response,
    with_response,
)
from analysis.purchases.retention import (
    PERIODS,
    Z,
    period_totals,
    retention_rates,
    triangle,
    with_shares,
)
from analysis.purchases.roll_up import weekly
from analysis.purchases.score import ScoreRule, customer_totals, scored, with_rolling
from analysis.purchases.tiers import (
    CutPoints,
    TierRule,
    cut_points,
    movement,
    point_values,
    tier_sizes,
    with_ranks,
    with_tiers,
)
from analysis.tables import CUSTOMER_COLUMNS

SCORE_COLUMNS = (
    *CUSTOMER_COLUMNS,
    "average_gap_days",
    "sale_only",
    "weekly_sd",
    "rolling_mean",
    "rolling_sd",
    "rolling_lower",
    "rolling_upper",
    "points_13_weeks_ago",
    "tier",
    "tier_13_weeks_ago",
    "decile",
    "rank",
    *BREADTH,
    *RESPONSE_COLUMNS,
)
"""The columns of a scoring's customers (docs/methods/customer-score.md)."""


@dataclass(frozen=True, slots=True)
class ScoringPlan:
    """What is configured: the weights of points, the tiers, and the periods of cohorts."""

    rule: ScoreRule = field(default_factory=ScoreRule)
    tiers: TierRule = field(default_factory=TierRule)
    period: str = "month"

    def __post_init__(self) -> None:
        if self.period not in PERIODS:
            raise ValueError(f"cohorts are by {', '.join(PERIODS)}, not by '{self.period}'")

    def facts(self) -> dict[str, Any]:
        """The configuration as plain values, as a run keeps it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Scoring:
    """What a scoring found; the tables of customers and weeks stay in the engine.

    Attributes
    ----------
    customers
        Expression: one row per customer with ``SCORE_COLUMNS``.
    weeks
        Expression: ``roll_up.weekly``, computed anew where it is used.
    cuts
        The cut points of tiers and deciles.
    tiers
        By tier, the best first: customers, points, spend_52_weeks, sale_only, sale_known, and the
        share of customers (of all), of points, and of sale-only shoppers with its interval.
    moves
        tier_then, tier_now (13 weeks apart), customers, share (of the tier then), low, high.
    cohorts, retention
        See ``retention.triangle`` and ``retention.retention_rates``.
    frequency
        Purchase days in 52 weeks of a customer who bought in them.
    offers
        By offer; see ``offers.by_offer``.
    response
        The share of offers that was redeemed; see ``offers.overall_response``.
    """

    as_of: date
    customers: ir.Table
    weeks: ir.Table
    cuts: CutPoints
    tiers: pd.DataFrame
    moves: pd.DataFrame
    cohorts: pd.DataFrame
    retention: pd.DataFrame
    frequency: Estimate
    offers: pd.DataFrame
    response: Estimate


def score(
    engine: Engine,
    purchases: Purchases,
    *,
    as_of: date,
    plan: ScoringPlan,
    offers: Offers | None = None,
) -> Scoring:
    """Score all customers as of a day, itself included; nothing later is read.

    Without ``offers`` the response to them is unavailable.

    Raises
    ------
    ValueError
        When purchases are in several currencies, or columns are missing.
    """
    offer_purchases(engine, purchases)
    _refuse_mixed_currencies(engine)
    table = purchases_table()
    counts = named_columns(engine, table)
    pairs = None
    if offers is not None:
        offer_offers(engine, offers)
        pairs = engine.keep("pairs", answered(offers_table(), table, as_of=as_of))
    parts = _scores(engine, table, as_of=as_of, plan=plan, counts=counts)
    scores = engine.keep_on_disk("scores", parts)
    values = engine.keep_on_disk("values", [point_values(scores)])
    cuts = cut_points(engine, values, rule=plan.tiers)
    tiered = with_tiers(scores, cuts, rule=plan.tiers)
    return Scoring(
        as_of=as_of,
        customers=with_ranks(with_response(tiered, pairs), values).select(*SCORE_COLUMNS),
        weeks=weekly(table, as_of=as_of),
        cuts=cuts,
        tiers=_tiers(frame(engine, tier_sizes(tiered)), plan.tiers),
        moves=_moves(frame(engine, movement(tiered))),
        cohorts=triangle(engine, tiered, as_of=as_of, period=plan.period),
        retention=retention_rates(engine, tiered, as_of=as_of, period=plan.period),
        frequency=_frequency(engine, tiered),
        offers=by_offer(engine, pairs),
        response=overall_response(engine, pairs),
    )


def _scores(
    engine: Engine, purchases: ir.Table, *, as_of: date, plan: ScoringPlan, counts: tuple[str, ...]
) -> Iterator[ir.Table]:
    """The scores of all customers, some at a time; the weeks they are made of are let go."""
    for part in engine.parts(purchases):
        weeks = engine.keep("weeks", weekly(part.purchases, as_of=as_of))
        periods = period_totals(weeks, as_of=as_of, period=plan.period)
        totals = customer_totals(weeks, rule=plan.rule, **periods)
        scores = with_rolling(scored(totals, as_of=as_of, rule=plan.rule), weeks, rule=plan.rule)
        scores = with_breadth(scores, part.purchases, as_of=as_of, counts=counts)
        if part.names is not None:
            scores = scores.rename(number="customer").inner_join(part.names, "number")
            scores = scores.drop("number")
        yield scores.drop("first_day", "last_day")
        engine.forget(weeks)


def _refuse_mixed_currencies(engine: Engine) -> None:
    table = purchases_table()
    known = table.filter(table.currency.notnull()).select("currency").distinct()
    found = sorted(frame(engine, known)["currency"])
    if len(found) > 1:
        raise ValueError(
            f"purchases are in several currencies ({', '.join(found)}), which do not add up: "
            "convert them to one, or score each currency apart"
        )


def _tiers(found: pd.DataFrame, rule: TierRule) -> pd.DataFrame:
    table = found.set_index("tier").reindex(rule.names).fillna(0).reset_index()
    table = table.astype({"customers": "int64", "sale_only": "int64", "sale_known": "int64"})
    shares = with_shares(table, "sale_only", "sale_known")
    return table.assign(
        share_of_customers=table["customers"] / max(table["customers"].sum(), 1),
        share_of_points=table["points"] / (table["points"].sum() or 1.0),
        sale_only_share=shares["share"],
        sale_only_low=shares["low"],
        sale_only_high=shares["high"],
    )


def _moves(found: pd.DataFrame) -> pd.DataFrame:
    found = found.sort_values(["tier_then", "tier_now"], ignore_index=True)
    n = found.groupby("tier_then")["customers"].transform("sum")
    return with_shares(found.assign(of=n), "customers", "of")


def _frequency(engine: Engine, scores: ir.Table) -> Estimate:
    bought = scores.filter(scores.days_52_weeks > 0)
    days = bought.days_52_weeks
    row = frame(
        engine,
        bought.agg(
            n=bought.count().cast("int64"),
            total=days.sum().cast("int64"),
            squares=(days * days).sum().cast("int64"),
        ),
    ).iloc[0]
    n, method = int(row["n"]), "mean over customers who bought in 52 weeks, normal interval"
    if n < 2:
        return unavailable("fewer than two customers bought", n=n, method=method)
    mean = float(row["total"]) / n
    half = Z * float(np.sqrt(max(float(row["squares"]) / n - mean**2, 0.0) / (n - 1)))
    return Estimate(
        value=mean, low=mean - half, high=mean + half, n=n, method=method, unit="purchase days"
    )
