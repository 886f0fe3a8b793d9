"""Whether a history is long enough for lifetime values: reasons instead of numbers where not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

CUSTOMERS, DAYS, RECENT_DAYS, REPEATERS = 500, 180, 30, 50
"""Klaviyo's gate: 500 customers with orders, 180 days of history, an order in the last 30 days,
some customers with three orders. 'Some' is made 50, below which dropout is guessed from a handful
of people (docs/methods/lifetime-value.md)."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What a history has, and every reason why it is not enough.

    Attributes
    ----------
    customers
        Customers with a purchase.
    days
        From the first purchase of all to the as-of day.
    days_since_last
        From the last purchase of all to the as-of day; None without purchases.
    repeaters
        Customers with three purchase days or more.
    reasons
        Empty: enough.
    """

    customers: int
    days: int
    days_since_last: int | None
    repeaters: int
    reasons: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether lifetime values may be shown."""
        return not self.reasons


class NotEnoughHistory(ValueError):
    """There is no honest lifetime value; ``gate`` has what is there and the reasons."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        super().__init__("not enough history: " + "; ".join(gate.reasons))


def gate_of(histories: pd.DataFrame, *, as_of: date) -> Gate:
    """Judge the rows of ``grouped.customer_histories``."""
    customers = len(histories)
    days = int(histories["T_days"].max()) if customers else 0
    quiet = int((histories["T_days"] - histories["t_x_days"]).min()) if customers else None
    repeaters = int((histories["x"] >= 2).sum())
    reasons = []
    if customers < CUSTOMERS:
        reasons.append(f"{customers:,} customers with purchases, {CUSTOMERS:,} are needed")
    if days < DAYS:
        reasons.append(f"{days} days of history up to {as_of}, {DAYS} are needed")
    if quiet is not None and quiet > RECENT_DAYS:
        reasons.append(
            f"the last purchase of all was {quiet} days before {as_of}, at most {RECENT_DAYS} are "
            "allowed: load the newest purchases, or choose an earlier day"
        )
    if repeaters < REPEATERS:
        reasons.append(
            f"{repeaters:,} customers with three purchase days or more, {REPEATERS} are needed"
        )
    return Gate(customers, days, quiet, repeaters, tuple(reasons))
