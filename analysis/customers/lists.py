"""Lists of customers to look at: the best ones, and those whose alarm is open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from analysis.estimate import Estimate
from analysis.purchases.winback.alarms import by_chance, true_alarms
from analysis.purchases.winback.campaign import Campaign, campaign_list

SALE_ONLY = 0.9
"""From this share of spend bought on sale a customer counts as a sale-only shopper."""
SCORES = ("points", "last_13_weeks", "before_13_weeks", "recency_days", "state", "sale_share")
CAMPAIGN = Campaign(control_share=0.5)
"""While no lift is measured, half of the list is left alone: it tells most about the other half."""


@dataclass(frozen=True, slots=True)
class ListedCustomer:
    """One customer on a list, with the reason in words.

    ``group`` (contact or control), ``alarmed_on`` and ``spend_at_risk`` (a year) are those of the
    win-back list, and None elsewhere.
    """

    rank: int
    customer: str
    points: float
    last_13_weeks: float
    before_13_weeks: float
    recency_days: int
    state: str
    sale_share: float | None
    """None: not known."""
    reason: str
    group: str | None = None
    alarmed_on: str | None = None
    spend_at_risk: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Declining:
    """Customers whose alarm is open, and how far the list can be trusted.

    Attributes
    ----------
    campaign
        The whole list as the win-back command writes it, ranked by spend at risk; sale-only
        shoppers are not on it.
    customers
        The same with the customers' scores.
    sale_only
        Sale-only shoppers who would be on the list: they wait for the next sale.
    not_declining, too_few
        Customers of the other two answers, sale-only shoppers among them.
    by_chance
        How many the list would hold if nobody had changed, from a placebo date.
    true_alarms
        Share of the list beyond that.
    """

    campaign: pd.DataFrame
    customers: tuple[ListedCustomer, ...]
    sale_only: tuple[ListedCustomer, ...]
    not_declining: int
    too_few: int
    by_chance: float
    true_alarms: Estimate

    @property
    def spend_at_risk(self) -> float:
        """Of the whole list, a year."""
        return float(self.campaign["spend_at_risk"].sum())


def best_customers(scores: pd.DataFrame, *, longest: int = 10) -> tuple[ListedCustomer, ...]:
    """The customers with the most points (ties: by customer), from ``score_customers``."""
    ordered = scores[scores["points"] > 0].sort_values(
        ["points", "customer"], ascending=[False, True]
    )
    best = ordered.head(longest)
    return _listed(best.assign(rank=range(1, len(best) + 1), reason="most points"))


def declining_customers(scores: pd.DataFrame, alarms: pd.DataFrame, *, as_of: date) -> Declining:
    """List the customers whose alarm is open, the most spend at risk first.

    Parameters
    ----------
    scores
        From ``score_customers``.
    alarms
        The frozen answers of the alarm (``Alarms.customers``).
    as_of
        The day of both.
    """
    on_sale = buys_on_sale_only(scores, alarms)
    campaign = campaign_list(alarms[~on_sale], CAMPAIGN, as_of=as_of)
    waiting = campaign_list(alarms[on_sale], CAMPAIGN, as_of=as_of)
    waiting = waiting.assign(reason="buys on sale only; " + waiting["reason"], group=None)
    counts = alarms["alarm"].value_counts()
    known = scores[["customer", *SCORES]]
    return Declining(
        campaign=campaign,
        customers=_listed(campaign.merge(known, on="customer", validate="one_to_one")),
        sale_only=_listed(waiting.merge(known, on="customer", validate="one_to_one")),
        not_declining=int(counts.get("not_declining", 0)),
        too_few=int(counts.get("too_few", 0)),
        by_chance=by_chance(alarms[~on_sale]),
        true_alarms=true_alarms(alarms[~on_sale]),
    )


def buys_on_sale_only(scores: pd.DataFrame, alarms: pd.DataFrame) -> pd.Series:
    """Whether a row of the alarms is of a sale-only shopper, who waits and is not declining."""
    share = alarms["customer"].map(scores.set_index("customer")["sale_share"])
    return share.fillna(0.0) >= SALE_ONLY


def _listed(rows: pd.DataFrame) -> tuple[ListedCustomer, ...]:
    known = rows.astype(object).where(rows.notna(), None)
    return tuple(
        ListedCustomer(
            rank=int(row["rank"]),
            customer=str(row["customer"]),
            points=float(row["points"]),
            last_13_weeks=float(row["last_13_weeks"]),
            before_13_weeks=float(row["before_13_weeks"]),
            recency_days=int(row["recency_days"]),
            state=str(row["state"]),
            sale_share=None if row["sale_share"] is None else float(row["sale_share"]),
            reason=str(row["reason"]),
            group=row.get("group"),
            alarmed_on=row.get("alarmed_on"),
            spend_at_risk=row.get("spend_at_risk"),
        )
        for row in known.to_dict("records")
    )
