"""Whether customers have seasons of their own, which the season of all does not tell.

Half of them buy in summer only: in autumn each of these looks like one who stopped. The quarters
in which a customer buys more than others do are compared between two years: what comes by chance,
bursts included, does not come back a year later, a season does.
"""

from __future__ import annotations

import numpy as np

from analysis.purchases.winback.predictive import CROWD, FREQUENT
from analysis.purchases.winback.weeks import QUARTER, YEAR, Weeks

TWO_YEARS = QUARTER + YEAR + YEAR
"""Weeks of history needed: two years before the last quarter."""


def own_seasons(weeks: Weeks) -> float | None:
    """Standard deviation over customers and quarters of the season of their own.

    0: everybody has the season of all; .5: a customer's quarters are typically half above or below
    it. The root of the mean product, over two years, of what the share of a quarter in a
    customer's year exceeds that of all, times 4 quarters. None with less than two years and a
    quarter, or less than ``CROWD`` customers with ``FREQUENT`` purchases in both years.
    """
    if weeks.n_weeks < TWO_YEARS:
        return None
    known = weeks.first >= TWO_YEARS - 1
    counts = weeks.days[known, QUARTER:TWO_YEARS].reshape(-1, 2, 4, QUARTER)
    counts = counts.sum(axis=3, dtype=np.int64)
    counts = counts[(counts.sum(axis=2) >= FREQUENT).all(axis=1)]
    if len(counts) < CROWD:
        return None
    shares = counts / counts.sum(axis=2, keepdims=True)
    apart = shares - shares.mean(axis=0)
    product = float((apart[:, 0] * apart[:, 1]).mean())
    return 4 * float(np.sqrt(max(product, 0.0)))
