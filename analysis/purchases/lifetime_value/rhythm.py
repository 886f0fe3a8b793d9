"""Whether customers buy at random in time, or in bursts, or like clockwork.

The models say that purchases between a customer's first and last come at random days. Then so many
pairs of purchase days fall into the same week; in bursts there are far more, by the clock far
fewer, and how long somebody has been silent says something else than the models read from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
from scipy.stats import norm

from analysis.purchases.engine import Purchases, compute, purchases_table
from analysis.purchases.lifetime_value.season import Season
from analysis.purchases.roll_up import DAYS_A_WEEK, daily

FEW = 5
"""So many purchase days between the first and the last make a customer tell."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Pairs of purchase days in one week, of n customers with enough of them.

    ``ratio``: to the pairs that random days would make; ``p``: chance to be as far from 1.
    """

    n: int
    ratio: float
    p: float


def rhythm_of(purchases: Purchases, *, as_of: date, season: Season | None) -> Rhythm | None:
    """Compare pairs of purchase days in a week with random days; None where nobody tells.

    Weeks are counted from a customer's first purchase; a season makes pairs of its own, which are
    allowed for. The error is that of the differences between customers.
    """
    found = compute(_pairs(as_of), purchases)
    n, m, span = (found[name].to_numpy(dtype=float) for name in ("n", "m", "days"))
    whole, rest = np.divmod(span, DAYS_A_WEEK)
    together = (whole * DAYS_A_WEEK * (DAYS_A_WEEK - 1) + rest * (rest - 1)) / (span * (span - 1))
    expected = m * (m - 1) * together
    if season is not None:
        expected = expected * float((season.factors**2).mean())
    pairs = found["pairs"].to_numpy(dtype=float)
    if not (n @ expected) > 0:
        return None
    ratio = float(n @ pairs / (n @ expected))
    apart = pairs - expected
    error = float(np.sqrt(n @ apart**2))
    return Rhythm(int(n.sum()), ratio, float(2 * norm.sf(abs(n @ apart) / max(error, 1e-9))))


def _pairs(as_of: date) -> ibis.Table:
    """Customers counted by purchase days between first and last, their span, and pairs in a week.

    ``m`` days within ``days``; ``pairs`` counts both orders.
    """
    table = daily(purchases_table())
    bought = table.filter((table.bought == 1) & (table.day <= ibis.date(as_of.isoformat())))
    mine = ibis.window(group_by="customer")
    dated = bought.mutate(first=bought.day.min().over(mine), last=bought.day.max().over(mine))
    inner = dated.filter((dated.day > dated["first"]) & (dated.day < dated["last"]))
    inner = inner.mutate(
        week=(inner.day.delta(inner["first"], unit="day").cast("int64") - 1) // DAYS_A_WEEK,
        days=inner["last"].delta(inner["first"], unit="day").cast("int64") - 1,
    )
    weeks = inner.group_by("customer", "days", "week").agg(k=inner.count())
    each = weeks.group_by("customer", "days").agg(
        m=weeks.k.sum().cast("int64"), pairs=(weeks.k * (weeks.k - 1)).sum().cast("int64")
    )
    telling = each.filter(each.m >= FEW)
    return telling.group_by("m", "days", "pairs").agg(n=telling.count())
