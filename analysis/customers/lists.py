"""Lists of customers to look at: the best ones, and those who buy less often than before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from analysis.customers.decline import Crowd, chance_of_so_few, crowd, purchase_days

SALE_ONLY = 0.9
"""From this share of spend bought on sale a customer counts as a sale-only shopper."""
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class ListedCustomer:
    """One customer on a list, with the reason in words."""

    rank: int
    customer: str
    points: float
    last_13_weeks: float
    before_13_weeks: float
    recency_days: int
    state: str
    sale_share: float | None
    """None: not known."""
    sale_only: bool
    p_value: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Declining:
    """Customers who buy less often than before, and how far the list can be trusted.

    Attributes
    ----------
    customers
        Ranked by spend lost per 13 weeks; sale-only shoppers are not among them.
    sale_only
        Sale-only shoppers who would be on the list: they wait for the next sale.
    tested, too_few
        Customers with enough purchase days to tell, and without.
    level, expected_by_chance
        Level of the test, and at most how many of those tested it lists although nothing changed,
        if purchase days come independently and the season plays no part.
    """

    customers: tuple[ListedCustomer, ...]
    sale_only: tuple[ListedCustomer, ...]
    tested: int
    too_few: int
    level: float
    expected_by_chance: float
    common: Crowd
    method: str


def best_customers(scores: pd.DataFrame, *, longest: int = 10) -> tuple[ListedCustomer, ...]:
    """The customers with the most points (ties: by customer), from ``score_customers``."""
    ordered = scores[scores["points"] > 0].sort_values(
        ["points", "customer"], ascending=[False, True]
    )
    return _listed(ordered.head(longest), "most points")


def declining_customers(
    scores: pd.DataFrame, *, as_of: date, longest: int = 10, level: float = LEVEL
) -> Declining:
    """Customers whose purchase days of the last 13 weeks are fewer than those before suggest.

    Given all purchase days of the 52 weeks, those of the last 13 are binomial, or beta-binomial
    where purchases come in bursts; the share expected follows the change that all frequent
    customers have in common (see ``decline``). Listed: a one-sided p-value under ``level`` and
    less spend than before. 'Too few': even no purchase would not be clear.

    Parameters
    ----------
    scores
        From ``score_customers``.
    as_of
        The day as of which they were scored.
    """
    active = scores[scores["days_52_weeks"] > 0]
    days = purchase_days(active, as_of=as_of)
    common = crowd(days)
    chance = chance_of_so_few(days, common, level=level)
    enough = chance["attained"] > 0
    less_spend = active["last_13_weeks"] < active["before_13_weeks"]
    fewer = enough & (chance["p_value"] < level) & less_spend
    lost = active["before_13_weeks"] - active["last_13_weeks"]
    found = active.assign(p_value=chance["p_value"], lost=lost)[fewer]
    found = found.sort_values(["lost", "customer"], ascending=[False, True])
    on_sale = found["sale_share"].fillna(0.0) >= SALE_ONLY
    reason = "below own average: {recent} purchase days in 13 weeks, {before} in the 39 before"
    return Declining(
        customers=_listed(found[~on_sale].head(longest), reason),
        sale_only=_listed(found[on_sale].head(longest), "buys on sale only; " + reason),
        tested=int(enough.sum()),
        too_few=int((~enough).sum()),
        level=level,
        expected_by_chance=float(chance["attained"].sum()),
        common=common,
        method=(
            "conditional test of purchase days, last 13 weeks against the 39 before, one-sided "
            f"at {level:.0%}, not corrected for the number of customers; {common.words}"
        ),
    )


def _listed(rows: pd.DataFrame, reason: str) -> tuple[ListedCustomer, ...]:
    return tuple(
        ListedCustomer(
            rank=rank,
            customer=str(row["customer"]),
            points=float(row["points"]),
            last_13_weeks=float(row["last_13_weeks"]),
            before_13_weeks=float(row["before_13_weeks"]),
            recency_days=int(row["recency_days"]),
            state=str(row["state"]),
            sale_share=None if pd.isna(row["sale_share"]) else float(row["sale_share"]),
            sale_only=not pd.isna(row["sale_share"]) and float(row["sale_share"]) >= SALE_ONLY,
            p_value=float(row["p_value"]) if "p_value" in row else None,
            reason=reason.format(
                recent=row["days_last_13_weeks"], before=row["days_before_39_weeks"]
            ),
        )
        for rank, row in enumerate(rows.to_dict("records"), start=1)
    )
