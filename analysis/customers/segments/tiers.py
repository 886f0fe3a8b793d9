"""Value tiers from the points of the customer score: the rule of the scoring runs, on a table."""

from __future__ import annotations

import pandas as pd

from analysis.purchases.tiers import INACTIVE, TierRule


def value_tiers(points: pd.Series, *, rule: TierRule | None = None) -> pd.Series:
    """The tier of every customer, cut by shares of customers with points.

    A cut is always a value that a customer has; equal points, equal tier. The same tiers as
    ``purchases.tiers.with_tiers``, which works on the tables of a scoring run.

    Parameters
    ----------
    points
        Index customer.
    rule
        Cut by customers; default: the best 5 %, 20 % and 50 %.

    Raises
    ------
    ValueError
        When the rule cuts by something else than customers.
    """
    rule = rule or TierRule()
    if rule.by != "customers":
        raise ValueError(f"tiers of a report are cut by customers, not by '{rule.by}'")
    some = points[points > 0]
    tier = pd.Series(rule.rest, index=points.index, dtype="str")
    held = some.rank(method="max", ascending=False) / max(len(some), 1)
    for name, share in reversed(rule.tiers):
        reached = some[held <= share]
        cut = float(reached.min() if len(reached) else some.max()) if len(some) else float("inf")
        tier[points >= cut] = name
    tier[points <= 0] = INACTIVE
    return tier
