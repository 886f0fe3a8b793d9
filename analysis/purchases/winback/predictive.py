"""Are the last 13 weeks fewer than the 52 before suggest? A gamma-Poisson predictive test.

A customer's rate is gamma over customers; given the purchases of the 52 weeks before, those of the
last 13 are negative binomial. Bursts (purchases that come together) widen it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc

from analysis.purchases.winback.weeks import QUARTER, YEAR, Floats, Weeks, Whole

LEAST_WEEKS = 13
"""Weeks before the last 13 in which a customer must have been watched."""
FREQUENT, CROWD = 8, 100
"""Customers with so many purchases in a year tell about bursts, if there are so many of them."""


@dataclass(frozen=True, slots=True)
class Prior:
    """What all customers have in common.

    ``shape`` and ``rate`` of the gamma of purchases a week; ``bursts``: the correlation of a
    customer's purchases within 13 weeks (0: independent).
    """

    shape: float
    rate: float
    bursts: float


@dataclass(frozen=True, slots=True)
class Windows:
    """Two windows of every customer at some look, (N,) each.

    ``before`` and ``latest`` count purchase days, ``weeks_before`` and ``weeks_latest`` are
    weeks watched, times the season; ``watched``: long enough to be judged.
    """

    before: Whole
    latest: Whole
    weeks_before: Floats
    weeks_latest: float
    watched: np.ndarray


def windows(weeks: Weeks, *, ago: int, days: np.ndarray | None = None, gap: int = 0) -> Windows:
    """The last 13 weeks and the 52 before, as seen some weeks ``ago``.

    ``days`` replaces the counts (of the same shape), for tries of what would be seen; ``gap``
    weeks are left out between the windows.
    """
    counts = weeks.days if days is None else days
    split = ago + QUARTER + gap
    end = max(min(split + YEAR, weeks.n_weeks), split)
    # Watched are the weeks after (numbers below) the first purchase, which does not count itself.
    since = np.clip(weeks.first, split, end)
    inside = np.flatnonzero((weeks.first >= split) & (weeks.first < end))
    before = counts[:, split:end].sum(axis=1, dtype=np.int64)
    before[inside] -= counts[inside, weeks.first[inside]]
    season = np.concatenate([[0.0], np.cumsum(weeks.season[split:end])])
    return Windows(
        before=before,
        latest=counts[:, ago : ago + QUARTER].sum(axis=1, dtype=np.int64),
        weeks_before=season[since - split],
        weeks_latest=float(weeks.season[ago : ago + QUARTER].sum()),
        watched=since - split >= LEAST_WEEKS,
    )


def prior_of(weeks: Weeks, *, ago: int) -> Prior:
    """Estimate what customers have in common from the 52 weeks before the last 13."""
    seen = windows(weeks, ago=ago)
    n, exposure = seen.before[seen.watched].astype(float), seen.weeks_before[seen.watched]
    if not n.sum():
        return Prior(1.0, 1.0, 0.0)
    mean = n.sum() / exposure.sum()
    between = ((n - mean * exposure) ** 2 - n).sum() / (exposure**2).sum()
    shape = float(np.clip(mean**2 / max(between, 1e-12), 0.05, 50.0))
    return Prior(shape, shape / float(mean), _bursts(weeks, ago))


def _bursts(weeks: Weeks, ago: int) -> float:
    """Correlation rho of the purchases of a customer, from four quarters of the year before.

    Purchases of independent days fall into the quarters multinomially: chi-square has a mean of
    3, and of 3 (1 + (n - 1) rho) where they come in bursts.
    """
    start = ago + QUARTER
    if start + YEAR > weeks.n_weeks:
        return 0.0
    quarters = weeks.days[:, start : start + YEAR].reshape(len(weeks.first), 4, QUARTER)
    counts = quarters.sum(axis=2, dtype=np.int64)[weeks.first >= start + YEAR].astype(float)
    n = counts.sum(axis=1)
    counts, n = counts[n >= FREQUENT], n[n >= FREQUENT]
    if len(n) < CROWD:
        return 0.0
    share = weeks.season[start : start + YEAR].reshape(4, QUARTER).sum(axis=1)
    expected = n[:, None] * share / share.sum()
    squares = ((counts - expected) ** 2 / expected).sum(axis=1)
    # Customers whose habit did change stand out: the top twentieth is left out.
    usual = squares <= np.quantile(squares, 0.95)
    return float(np.clip((squares[usual] - 3 * 0.87).sum() / (3 * (n[usual] - 1)).sum(), 0.0, 0.9))


def rates(seen: Windows, prior: Prior) -> tuple[Floats, Floats]:
    """Expected purchases a week before (N,), and the shape of what is known of it."""
    spread = prior.bursts / max(1 - prior.bursts, 1e-9)
    thinned = 1 / (1 + seen.before * spread)
    shape = prior.shape + seen.before * thinned
    return shape / (prior.rate + seen.weeks_before * thinned), shape


def chances(seen: Windows, prior: Prior) -> tuple[Floats, Floats]:
    """Mid-p chance (N,) of so few purchases if nothing changed, and that of none at all.

    1 for customers who were not watched long enough.
    """
    some, place = alike(seen)
    size, mean = predictive(some, prior)
    share = size / (size + mean)
    none = betainc(size, 1.0, share)
    upper = betainc(size, some.latest + 1.0, share)
    lower = np.where(some.latest > 0, betainc(size, np.maximum(some.latest, 1.0), share), 0.0)
    mid, empty = ((upper + lower) / 2)[place], (none / 2)[place]
    return np.where(seen.watched, mid, 1.0), np.where(seen.watched, empty, 1.0)


def alike(seen: Windows) -> tuple[Windows, Whole]:
    """One row for customers with equal windows, and the row (N,) of each customer."""
    key = np.round(seen.weeks_before * 1000).astype(np.int64)
    for counts in (seen.latest, seen.before):
        key = key * (int(counts.max(initial=0)) + 1) + counts
    _, at, place = np.unique(key, return_index=True, return_inverse=True)
    some = Windows(
        seen.before[at], seen.latest[at], seen.weeks_before[at], seen.weeks_latest, seen.watched[at]
    )
    return some, place


def predictive(seen: Windows, prior: Prior) -> tuple[Floats, Floats]:
    """Size and mean (N,) of the negative binomial of the last 13 weeks if nothing changed."""
    rate, shape = rates(seen, prior)
    burst = 4 * prior.bursts / max(1 - prior.bursts, 1e-9)
    return 1 / (1 / shape + burst), rate * seen.weeks_latest
