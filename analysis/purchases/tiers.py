"""Tiers, deciles and ranks of customers by value cut points: equal points, equal tier."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from analysis.purchases.engines import Engine, frame

INACTIVE = "inactive"
NEW = "new"
DECILES = tuple(tenth / 10 for tenth in range(1, 10))


@dataclass(frozen=True, slots=True)
class TierRule:
    """Names of tiers from the top down, and where one ends; below the last, ``rest``.

    Customers without points are 'inactive', whatever the rule.
    """

    tiers: tuple[tuple[str, float], ...] = (("platinum", 0.05), ("gold", 0.20), ("silver", 0.50))
    """Name and bound, the best first; what the bound is says ``by``."""
    by: str = "customers"
    """'customers': share of the customers with points in this tier or a better one. 'points':
    share of all points that they hold together (Pareto). 'cuts': least points of the tier."""
    rest: str = "bronze"

    def __post_init__(self) -> None:
        bounds = [bound for _, bound in self.tiers]
        names = [*(name for name, _ in self.tiers), self.rest]
        rising = self.by in ("customers", "points")
        ordered = bounds == sorted(bounds, reverse=not rising)
        faults = []
        if self.by not in ("customers", "points", "cuts"):
            faults.append(f"tiers are cut by customers, points or cuts, not by '{self.by}'")
        if not self.tiers:
            faults.append("no tier is named: name one or more")
        if len({*names, INACTIVE, NEW}) < len(names) + 2 or "" in names:
            faults.append(f"names of tiers must differ, and from '{INACTIVE}' and '{NEW}'")
        if not ordered or len(set(bounds)) < len(bounds):
            order = "rise" if rising else "fall"
            faults.append(f"bounds of tiers must {order} from the best tier down: {bounds}")
        if rising and not all(0 < bound < 1 for bound in bounds):
            faults.append(f"shares of tiers must lie between 0 and 1: {bounds}")
        if not rising and not all(bound > 0 for bound in bounds):
            faults.append(f"cut points must be above 0: {bounds}")
        if faults:
            raise ValueError("; ".join(faults))

    @property
    def names(self) -> tuple[str, ...]:
        """All tiers, the best first."""
        return (*(name for name, _ in self.tiers), self.rest, INACTIVE)


@dataclass(frozen=True, slots=True)
class CutPoints:
    """Least points of every tier but the rest, the best first, and of deciles 10 to 2."""

    tiers: tuple[tuple[str, float], ...]
    deciles: tuple[float, ...]


def point_values(scores: ir.Table) -> ir.Table:
    """Every value of points that customers have, and how far down from the top it lies.

    Returns
    -------
    Table
        points, customers and points_held (the share of the customers with points, and of all
        points, at this value or above), rank (1 for the most points).
    """
    values = scores.group_by("points").agg(n=scores.count(), held=scores.points.sum())
    above = ibis.window(order_by=ibis.desc("points"), rows=(None, 0))
    everyone = ibis.window()
    values = values.mutate(
        n_all=values.n.sum(where=values.points > 0).over(everyone),
        held_all=values.held.sum().over(everyone),
        n_above=values.n.sum().over(above),
        held_above=values.held.sum().over(above),
    )
    return values.select(
        "points",
        customers=values.n_above.cast("float64") / values.n_all.nullif(0).cast("float64"),
        points_held=values.held_above / values.held_all.nullif(0),
        rank=(values.n_above - values.n + 1).cast("int64"),
    )


def cut_points(engine: Engine, values: ir.Table, *, rule: TierRule) -> CutPoints:
    """Find the cut points among the customers with points; ``values`` is of ``point_values``.

    A cut point is always a value that a customer has, found by counting, so that ties are never
    split and engines cannot differ by rounding: for a share of customers, the least value that so
    many or fewer reach (the highest one where even that is held by more); for a share of points,
    the greatest value whose holders together have the share.
    """
    some = values.filter(values.points > 0)
    top = some.points.max()
    wanted = {f"decile_{n}": _few(some, share) for n, share in enumerate(DECILES)}
    if rule.by != "cuts":
        cut = _few if rule.by == "customers" else _holding
        wanted |= {f"tier_{n}": cut(some, share) for n, (_, share) in enumerate(rule.tiers)}
    found = frame(engine, some.agg(**{k: v.coalesce(top) for k, v in wanted.items()}))
    row = found.iloc[0].fillna(float("inf"))
    if rule.by == "cuts":
        tiers = rule.tiers
    else:
        tiers = tuple((name, float(row[f"tier_{n}"])) for n, (name, _) in enumerate(rule.tiers))
    return CutPoints(tiers, tuple(float(row[f"decile_{n}"]) for n in range(len(DECILES))))


def with_tiers(scores: ir.Table, cuts: CutPoints, *, rule: TierRule) -> ir.Table:
    """Add tier, decile (10 the best; 0 without points) and the tier 13 weeks ago.

    Both tiers use the same cut points, so that a customer moves only by own purchases.
    tier_13_weeks_ago is 'new' for customers whose first purchase came later.
    """
    decile = ibis.literal(1, "int64")
    for cut in cuts.deciles:
        decile = decile + (scores.points >= cut).cast("int64")
    known = scores.known_13_weeks_ago
    return scores.mutate(
        tier=_tier(scores.points, cuts, rule),
        tier_13_weeks_ago=ibis.ifelse(
            known, _tier(scores.points_13_weeks_ago, cuts, rule), ibis.literal(NEW)
        ),
        decile=ibis.ifelse(scores.points > 0, decile, ibis.literal(0, "int64")).cast("int64"),
    )


def with_ranks(scores: ir.Table, values: ir.Table) -> ir.Table:
    """Add rank: 1 for the most points; equal points have equal ranks (of ``point_values``)."""
    ranks = values.select("points", "rank")
    return scores.left_join(ranks, "points").drop("points_right")


def tier_sizes(scores: ir.Table) -> ir.Table:
    """Customers, points and net spend of 52 weeks by tier."""
    return scores.group_by("tier").agg(
        customers=scores.count().cast("int64"),
        points=scores.points.sum(),
        spend_52_weeks=scores.spend_52_weeks.sum(),
        sale_only=scores.sale_only.cast("int64").sum().fill_null(0).cast("int64"),
        sale_known=scores.sale_only.notnull().cast("int64").sum().cast("int64"),
    )


def movement(scores: ir.Table) -> ir.Table:
    """Customers by tier 13 weeks ago and tier now: tier_then, tier_now, customers."""
    pairs = scores.select(tier_then=scores.tier_13_weeks_ago, tier_now=scores.tier)
    return pairs.group_by("tier_then", "tier_now").agg(customers=pairs.count().cast("int64"))


def movement_between(then: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Customers by tier in two scorings (columns customer, tier); who was not there is 'new'."""
    joined = now[["customer", "tier"]].merge(
        then[["customer", "tier"]], on="customer", how="left", suffixes=("_now", "_then")
    )
    joined["tier_then"] = joined["tier_then"].fillna(NEW)
    counted = joined.groupby(["tier_then", "tier_now"], as_index=False).size()
    return counted.rename(columns={"size": "customers"})


def _few(values: ir.Table, share: float) -> ir.FloatingScalar:
    return values.points.min(where=values.customers <= share)


def _holding(values: ir.Table, share: float) -> ir.FloatingScalar:
    return values.points.max(where=values.points_held >= share)


def _tier(points: ir.FloatingColumn, cuts: CutPoints, rule: TierRule) -> ir.StringColumn:
    reached = [(points >= cut, ibis.literal(name)) for name, cut in cuts.tiers]
    return ibis.cases((points <= 0, ibis.literal(INACTIVE)), *reached, else_=rule.rest)
