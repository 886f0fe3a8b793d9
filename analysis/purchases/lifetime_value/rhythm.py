"""Whether customers buy at random in time, or in bursts, or like clockwork.

The models say that purchases between a customer's first and last come at random days. Then so many
pairs of purchase days fall into the same week; in bursts there are far more, by the clock far
fewer, and how long somebody has been silent says something else than the models read from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis.purchases.lifetime_value.customer_days import Bought, CustomerDays, customer_days
from analysis.purchases.lifetime_value.season import Season
from analysis.purchases.roll_up import DAYS_A_WEEK

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


def rhythm_of(purchases: Bought, *, as_of: date, season: Season | None) -> Rhythm | None:
    """Compare pairs of purchase days in a week with random days; None where nobody tells.

    Weeks are counted from a customer's first purchase; a season makes pairs of its own, which are
    allowed for. The error is that of the differences between customers.
    """
    found = _pairs(customer_days(purchases, as_of=as_of))
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


def _pairs(bought: CustomerDays) -> pd.DataFrame:
    """Customers counted by purchase days between first and last, their span, and pairs in a week.

    ``m`` days within ``days``; ``pairs`` counts both orders.
    """
    first, last = bought.ends()
    day, customer = bought.day[bought.bought], bought.customer[bought.bought]
    inner = (day > first[customer]) & (day < last[customer])
    day, customer = day[inner], customer[inner]
    week = (day - first[customer] - 1) // DAYS_A_WEEK
    weeks = pd.DataFrame({"customer": customer, "week": week}).value_counts(sort=False)
    k = weeks.to_numpy()
    of = weeks.index.get_level_values("customer").to_numpy()
    size = len(bought.names)
    m, pairs = (np.bincount(of, weights=each, minlength=size) for each in (k, k * (k - 1)))
    each = pd.DataFrame({"m": m, "days": last - first - 1, "pairs": pairs})[m >= FEW]
    return each.value_counts(sort=False).rename("n").reset_index()
