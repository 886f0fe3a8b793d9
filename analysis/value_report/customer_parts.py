"""The report's numbers from purchases: map, relation, states and lists of customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import get_args

import pandas as pd

from analysis.customers import lists
from analysis.customers.buying import crowd, purchase_days
from analysis.customers.drivers import value_relation
from analysis.customers.linkage import Linkage, link, linkable
from analysis.customers.lists import Declining, ListedCustomer, declining_customers
from analysis.customers.value_map import value_map
from analysis.estimate import Estimate, unavailable
from analysis.purchases.winback.alarms import TOLD
from analysis.value_report.rating_parts import RatingParts
from analysis.value_report.types import (
    AlarmAnswer,
    AlarmCount,
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
    "too_few": "Fewer than four purchase days in 52 weeks",
}
QUADRANTS: dict[Quadrant, tuple[str, str]] = {
    "keep_close": ("Keep close", "loyalty offers"),
    "at_risk": ("At risk", "win back first"),
    "habit": ("Habit buyers", "raise the value"),
    "leave_alone": ("Leave alone", "no action"),
}
LONGEST = 10


@dataclass(frozen=True, slots=True, eq=False)
class CustomerParts:
    """What purchases add to a report.

    ``campaign`` is the whole list of declining customers (``Declining.campaign``), None without an
    alarm; ``listed`` counts it, ``decline`` those on it beyond chance, ``spend_at_risk`` is
    a year's, ``to_contact`` counts those who are not in the control group.
    """

    linkage: Linkage | None = None
    value_map: ValueMap | None = None
    relation: Relation | None = None
    states: tuple[StateCount, ...] = ()
    best: tuple[CustomerRow, ...] = ()
    declining: tuple[CustomerRow, ...] = ()
    sale_only: tuple[CustomerRow, ...] = ()
    list_note: str = ""
    answers: tuple[AlarmCount, ...] = ()
    campaign: pd.DataFrame | None = None
    listed: int = 0
    decline: Estimate | None = None
    spend_at_risk: float = 0.0
    to_contact: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def linked(self) -> pd.DataFrame | None:
        """One row per customer whose answers are joined, with purchases before and after."""
        return None if self.linkage is None else self.linkage.table

    @property
    def n_linked(self) -> int:
        """How many these are."""
        return 0 if self.linkage is None else len(self.linkage.table)


def customer_parts(used: Used, ratings: RatingParts) -> CustomerParts:
    """Join answers with purchases; without purchases, only a warning."""
    customers = used.archive.customers
    day = used.archive.facts.get("as_of", "")
    if customers.empty or not day:
        return CustomerParts(
            warnings=("No purchases are loaded: no value map, no lists of customers.",)
        )
    linkage = _linkage(used, ratings, customers)
    values = linkage.table.get("perceived_value", pd.Series(dtype=float)).dropna()
    counts = customers["state"].value_counts()
    drawn = _map(linkage, ratings, used)
    warnings = list(linkage.warnings)
    if drawn is None:
        warnings.append(
            f"{len(linkage.table)} answers could be joined with purchases of 13 weeks and more: "
            "too few for a value map."
        )
    relation = _relation(linkage)
    if relation is None:
        warnings.append("Without joined answers nothing is said of how value goes with buying.")
    parts = CustomerParts(
        linkage=linkage,
        value_map=drawn,
        relation=relation,
        states=tuple(
            StateCount(state=state, label=STATES[state], n=int(counts.get(state, 0)))
            for state in get_args(State)
        ),
        best=_rows(lists.best_customers(customers, longest=LONGEST), values),
        warnings=tuple(warnings),
    )
    return _with_decline(parts, used, values)


def _with_decline(parts: CustomerParts, used: Used, values: pd.Series) -> CustomerParts:
    """The same with the list of declining customers, or with the reason why there is none."""
    archive = used.archive
    if archive.no_alarm:
        note = f"No customer is called declining: {archive.no_alarm}."
        return replace(parts, list_note=note, warnings=(*parts.warnings, note))
    as_of = date.fromisoformat(archive.facts["as_of"])
    found = declining_customers(archive.customers, archive.alarms, as_of=as_of)
    return replace(
        parts,
        declining=_rows(found.customers[:LONGEST], values),
        sale_only=_rows(found.sale_only[:LONGEST], values),
        list_note=_note(found, archive.facts),
        answers=_answers(found),
        campaign=found.campaign,
        listed=len(found.campaign),
        decline=_decline(found, archive.facts),
        spend_at_risk=found.spend_at_risk,
        to_contact=int((found.campaign["group"] == "contact").sum()),
    )


def _linkage(used: Used, ratings: RatingParts, customers: pd.DataFrame) -> Linkage:
    outcomes = used.archive.outcomes
    return link(
        linkable(
            used.study,
            used.respondents,
            used.answers,
            zone=used.archive.facts.get("time_zone", "UTC"),
        ),
        answered=ratings.answered,
        customers=customers,
        outcomes=None if outcomes.empty else outcomes,
    )


def _answers(found: Declining) -> tuple[AlarmCount, ...]:
    declining = len(found.campaign)
    counts: tuple[tuple[AlarmAnswer, str, int], ...] = (
        ("declining", "buy clearly less often than before", declining),
        ("sale_only", "would be listed, but buy on sale only and wait for the next sale",
         len(found.sale_only)),
        ("not_declining", "do not buy clearly less often", found.not_declining),
        ("too_few", "made too few purchases to tell", found.too_few),
    )  # fmt: skip
    return tuple(AlarmCount(answer=answer, label=label, n=n) for answer, label, n in counts)


def _decline(found: Declining, facts: Mapping[str, str]) -> Estimate:
    """How many of the listed customers are more than chance lists, with what is known of chance."""
    count, share = len(found.campaign), found.true_alarms
    watched = count + len(found.sale_only) + found.not_declining + found.too_few
    method = (
        "customers listed, less those a placebo date lists; 95 % by the Poisson variance of both, "
        f"a lower bound; alarm calibrated on {int(facts['alarm_calibrated_on']):,} customers, "
        f"{float(facts['alarm_attained']):.1%} of them alarmed at least once in 26 weeks; "
        f"{facts['alarm_season']}"
    )
    if share.value is None or share.low is None or share.high is None:
        reason = share.reason or "not known"
        return unavailable(reason, n=watched, method=method, unit="customers")
    ends = {name: count * x for name, x in
            (("value", share.value), ("low", share.low), ("high", share.high))}  # fmt: skip
    return Estimate(**ends, n=watched, method=method, unit="customers")


def _note(found: Declining, facts: Mapping[str, str]) -> str:
    count, change = len(found.campaign), float(facts["alarm_common_change"])
    share = found.true_alarms
    true = ""
    if share.value is not None:
        true = (
            f"A date at which nothing had happened would list about {round(found.by_chance):,} "
            f"where this list has {count:,}. So about {share.value:.0%} of the list "
            f"({share.low:.0%} to {share.high:.0%}) are real declines, at least. "
        )
    elif count:
        true = (
            f"How many of the {count:,} listed are there by chance is not known: {share.reason}. "
        )
    return (
        f"The alarm was tried on {facts['alarm_weeks']} weeks of your own history: "
        f"{float(facts['alarm_attained']):.1%} of customers who had not changed were alarmed at "
        f"least once in 26 weeks. {true}All customers together "
        f"bought {change:.0%} of what was to be expected; {facts['alarm_season']}."
        f"{_shared(facts)}"
    )


def _shared(facts: Mapping[str, str]) -> str:
    """What customers who go on did together; archives from before it was allowed for lack it."""
    shared = float(facts.get("alarm_shared_change", 1.0))
    if abs(shared - 1) < TOLD:
        return ""
    return (
        f" Those who go on bought {shared:.0%} of it: everybody is compared with that, and nobody "
        "is listed for it."
    )


def _map(linkage: Linkage, ratings: RatingParts, used: Used) -> ValueMap | None:
    if linkage.table.empty or "perceived_value" not in linkage.table:
        return None
    currency = used.archive.facts.get("currency") or used.study.currency
    as_of, everybody = date.fromisoformat(used.archive.facts["as_of"]), used.archive.customers
    active = everybody[everybody["days_52_weeks"] > 0]
    found = value_map(
        linkage.table,
        as_of=as_of,
        common=crowd(purchase_days(active, as_of=as_of)),
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
                "group": row.group,
                "alarmed_on": row.alarmed_on,
                "spend_at_risk": row.spend_at_risk,
            }
        )
        for row in listed
    )
