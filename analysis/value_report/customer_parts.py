"""The report's numbers from purchases: map, relation, states and lists of customers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import get_args

import pandas as pd

from analysis.customers import lists
from analysis.customers.decline import Crowd
from analysis.customers.drivers import value_relation
from analysis.customers.linkage import Linkage, link, linkable
from analysis.customers.lists import Declining, ListedCustomer, declining_customers
from analysis.customers.value_map import value_map
from analysis.estimate import Estimate
from analysis.value_report.rating_parts import RatingParts
from analysis.value_report.types import (
    CustomerRow,
    MapPoint,
    Quadrant,
    QuadrantSummary,
    Relation,
    State,
    StateCount,
    ValueMap,
)
from analysis.value_report.used import Used

STATES: dict[State, str] = {
    "above_3_weeks": "Above own average in each of the last three weeks",
    "within": "Within own limits",
    "near_lower": "Close to the lower limit",
    "below": "Below the lower limit",
    "too_few": "Too few purchases to tell",
}
QUADRANTS: dict[Quadrant, tuple[str, str]] = {
    "keep_close": ("Keep close", "loyalty offers"),
    "at_risk": ("At risk", "win back first"),
    "habit": ("Habit buyers", "raise the value"),
    "leave_alone": ("Leave alone", "no action"),
}
LONGEST = 10
EVERYBODY = 10**9


@dataclass(frozen=True, slots=True)
class CustomerParts:
    """What purchases add to a report.

    ``declining`` counts all who are listed by the test; ``lost`` is what they spent less in the
    last 13 weeks than per 13 weeks before.
    """

    n_linked: int = 0
    value_map: ValueMap | None = None
    relation: Relation | None = None
    states: tuple[StateCount, ...] = ()
    best: tuple[CustomerRow, ...] = ()
    declining: tuple[CustomerRow, ...] = ()
    sale_only: tuple[CustomerRow, ...] = ()
    list_note: str = ""
    decline: Estimate | None = None
    lost: float = 0.0
    warnings: tuple[str, ...] = ()


def customer_parts(used: Used, ratings: RatingParts) -> CustomerParts:
    """Join answers with purchases; without purchases, only a warning."""
    customers = used.archive.customers
    day = used.archive.facts.get("as_of", "")
    if customers.empty or not day:
        return CustomerParts(
            warnings=("No purchases are loaded: no value map, no lists of customers.",)
        )
    linkage = _linkage(used, ratings, customers)
    found = declining_customers(customers, as_of=date.fromisoformat(day), longest=EVERYBODY)
    values = linkage.table.get("perceived_value", pd.Series(dtype=float)).dropna()
    counts = customers["state"].value_counts()
    drawn = _map(linkage, ratings, used, found.common)
    warnings = list(linkage.warnings)
    if drawn is None:
        warnings.append(
            f"{len(linkage.table)} answers could be joined with purchases of 13 weeks and more: "
            "too few for a value map."
        )
    relation = _relation(linkage)
    if relation is None:
        warnings.append("Without joined answers nothing is said of how value goes with buying.")
    return CustomerParts(
        n_linked=len(linkage.table),
        value_map=drawn,
        relation=relation,
        states=tuple(
            StateCount(state=state, label=STATES[state], n=int(counts.get(state, 0)))
            for state in get_args(State)
        ),
        best=_rows(lists.best_customers(customers, longest=LONGEST), values),
        declining=_rows(found.customers[:LONGEST], values),
        sale_only=_rows(found.sale_only[:LONGEST], values),
        list_note=_note(found),
        decline=_decline(found, len(customers)),
        lost=sum(c.before_13_weeks - c.last_13_weeks for c in found.customers),
        warnings=tuple(warnings),
    )


def _linkage(used: Used, ratings: RatingParts, customers: pd.DataFrame) -> Linkage:
    outcomes = used.archive.outcomes
    return link(
        linkable(used.study, used.respondents, used.answers),
        answered=ratings.answered,
        customers=customers,
        outcomes=None if outcomes.empty else outcomes,
    )


def _decline(found: Declining, n: int) -> Estimate:
    count = len(found.customers)
    least = max(count - round(found.expected_by_chance), 0)
    return Estimate(
        value=count,
        low=least,
        high=count,
        n=n,
        method=f"{found.method}; the low end takes away what chance alone is expected to "
        "list, and is no bound for a single list",
        unit="customers",
    )


def _note(found: Declining) -> str:
    chance, common = round(found.expected_by_chance), found.common
    allowed = (
        f"All frequent customers together bought {common.change:.0%} as often as "
        "before; that, and purchases in bursts, is allowed for."
        if common.n
        else "Season and bursts are not allowed for: there are too few frequent customers."
    )
    return (
        f"{found.tested:,} customers bought often enough to tell; {len(found.customers):,} are "
        f"listed, and chance alone would list about {chance:,} of those tested. {allowed} Of "
        f"{found.too_few:,} customers nothing can be told. {len(found.sale_only):,} sale-only "
        "shoppers are kept apart: they wait for the next sale."
    )


def _map(linkage: Linkage, ratings: RatingParts, used: Used, common: Crowd) -> ValueMap | None:
    if linkage.table.empty or "perceived_value" not in linkage.table:
        return None
    currency = used.archive.facts.get("currency") or used.study.currency
    found = value_map(
        linkage.table,
        as_of=date.fromisoformat(used.archive.facts["as_of"]),
        common=common,
        value_error=ratings.value_error,
        currency=currency,
    )
    if found is None:
        return None
    points = found.points.sort_values(["value", "engagement"], kind="stable")
    return ValueMap(
        value_label="Perceived value",
        engagement_label="Change in buying",
        value_cut=found.value_cut,
        engagement_cut=found.engagement_cut,
        value_band=found.value_band,
        engagement_band=found.engagement_band,
        quadrants=tuple(
            QuadrantSummary.model_validate(
                {
                    "quadrant": q.quadrant,
                    "name": QUADRANTS[q.quadrant][0],  # type: ignore[index]
                    "action": QUADRANTS[q.quadrant][1],  # type: ignore[index]
                    "n": q.n,
                    "too_close": q.too_close,
                    "yearly_spend": q.yearly_spend,
                }
            )
            for q in found.quadrants
        ),
        points=tuple(
            MapPoint.model_validate(
                {
                    "value": float(row["value"]),
                    "engagement": float(row["engagement"]),
                    "quadrant": row["quadrant"],
                    "too_close": bool(row["too_close"]),
                }
            )
            for row in points.to_dict("records")
        ),
        n=found.n,
    )


def _relation(linkage: Linkage) -> Relation | None:
    needed = {"perceived_value", "days_before", "days_after"}
    if linkage.table.empty or not needed <= set(linkage.table.columns):
        return None
    found = value_relation(linkage.table)
    return Relation(
        sentence=found.sentence,
        predictor="perceived value, 10 points more",
        outcome="purchase days",
        estimate=found.estimate,
        design=f"{found.design_text} {found.caution}",
    )


def _rows(listed: tuple[ListedCustomer, ...], values: pd.Series) -> tuple[CustomerRow, ...]:
    return tuple(
        CustomerRow.model_validate(
            {
                "rank": row.rank,
                "customer": row.customer,
                "points": row.points,
                "last_13_weeks": row.last_13_weeks,
                "before_13_weeks": row.before_13_weeks,
                "recency_days": row.recency_days,
                "state": row.state,
                "sale_share": row.sale_share,
                "perceived_value": float(values[row.customer]) if row.customer in values else None,
                "reason": row.reason,
            }
        )
        for row in listed
    )
