"""Thresholds, false alarms and power from the company's own history.

Looks at dates long past are placebos: what they list is taken for false, so that a threshold is
right in a company whose customers buy in bursts or by season. Customers who buy far less ever
since are taken for real declines and left out; those that stay make it stricter than needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analysis.purchases.winback.predictive import Prior, chances, prior_of, rates, windows
from analysis.purchases.winback.weeks import QUARTER, YEAR, Floats, Weeks

LOOKS = 26
"""Weekly looks over which a false alarm counts once."""
LEAST_CUSTOMERS = 200
BANDS = (0.0, 0.1, 0.3, 1.0, np.inf)
"""Purchases a week that part the bands in which false alarms and power are stated."""
FALL = 0.3
OF_TESTABLE = 2
GONE, UNLUCKY = 0.1, 0.12
"""A placebo alarm is taken for a real decline where the 13 weeks after the looks are fewer, too, at
this chance; about an eighth of the false ones are lost with them, so the threshold is lowered.
"""


class NotEnoughHistory(ValueError):
    """There is no calibrated alarm; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Band:
    """False alarms and power among customers of like purchase rate.

    Attributes
    ----------
    low, high
        Purchases a week before.
    n
        Customers of the placebo dates.
    false_alarms
        Share alarmed at least once in 26 weekly looks although nothing was done to them.
    found_fall, found_stop
        Share found within 13 weeks when their purchases are thinned to 30 %, or stop; too few
        purchases to tell counts as missed.
    """

    low: float
    high: float
    n: int
    false_alarms: float
    found_fall: float
    found_stop: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """A threshold and what it does.

    Attributes
    ----------
    threshold
        An alarm is a mid-p chance below it.
    wanted, attained
        Share of monitored customers alarmed at least once in 26 placebo looks.
    attained_of_testable
        Share of those with enough purchases to tell.
    n, n_testable
        Customers it was calibrated on, and those of them with enough purchases to tell.
    """

    threshold: float
    wanted: float
    attained: float
    attained_of_testable: float
    n: int
    n_testable: int
    prior: Prior
    bands: tuple[Band, ...]


def _quiet(weeks: Weeks) -> tuple[int, int]:
    """Weeks up to the as-of day without any purchase, and the longest such run before."""
    bought = np.flatnonzero(weeks.days.any(axis=0))
    if not len(bought):
        return weeks.n_weeks, 0
    return int(bought[0]), int(np.diff(bought).max(initial=1)) - 1


def calibrate(weeks: Weeks, *, false_alarms: float, seed: int) -> Calibration:
    """Set the threshold on 26 weekly placebo looks that end 13 weeks before the as-of day.

    The threshold lets at most the wanted share of all monitored customers (a purchase in the 52
    weeks before) be alarmed at least once, less one standard error of that share; and at most
    ``OF_TESTABLE`` times that share of those with enough purchases to tell, so that many customers
    who cannot be alarmed do not make the alarm of the others loose.

    Raises
    ------
    NotEnoughHistory
        With less than 78 weeks, fewer than 200 monitored customers at the placebo dates, or when
        nobody at all bought lately: a log that ends early, not customers who left.
    """
    least = QUARTER + LOOKS + QUARTER + YEAR // 2
    if weeks.n_weeks < least:
        raise NotEnoughHistory(
            f"not enough history: {weeks.n_weeks} weeks of purchases, {least} are needed to try "
            "the alarm on earlier dates"
        )
    quiet, longest = _quiet(weeks)
    if quiet > longest:
        raise NotEnoughHistory(
            f"not enough history: nobody at all bought in the last {quiet} weeks, and never before "
            f"were there more than {longest} such weeks on end: load the newest purchases, or "
            "choose an earlier day"
        )
    prior = prior_of(weeks, ago=QUARTER)
    lowest, at_best, monitored = _lowest(weeks, prior, range(QUARTER, QUARTER + LOOKS))
    monitored &= ~_gone(weeks, prior)
    n = int(monitored.sum())
    if n < LEAST_CUSTOMERS:
        raise NotEnoughHistory(
            f"not enough history: {n} customers could be watched at earlier dates, "
            f"{LEAST_CUSTOMERS} are needed to calibrate the alarm"
        )
    careful = false_alarms - np.sqrt(false_alarms * (1 - false_alarms) / n)
    careful *= 1 - UNLUCKY
    threshold = _threshold(lowest[monitored], at_best[monitored], careful)
    hit, testable = monitored & (lowest < threshold), monitored & (at_best < threshold)
    first = windows(weeks, ago=QUARTER + LOOKS - 1)
    return Calibration(
        threshold=threshold,
        wanted=false_alarms,
        attained=float(hit.sum() / n),
        attained_of_testable=float(hit.sum() / max(testable.sum(), 1)),
        n=n,
        n_testable=int(testable.sum()),
        prior=prior,
        bands=_bands(weeks, (prior, threshold, seed), hit, rates(first, prior)[0]),
    )


def _gone(weeks: Weeks, prior: Prior) -> np.ndarray:
    """Who (N,) buys far less after the placebo looks than before them: a real decline."""
    later = windows(weeks, ago=0, gap=LOOKS + QUARTER - 1)
    return chances(later, prior)[0] < GONE


def _threshold(lowest: Floats, at_best: Floats, share: float) -> float:
    """The largest threshold that keeps to the share of all, and of those who can be alarmed."""
    ordered = np.sort(lowest)[: max(int(share * len(lowest)), 0) + 1]
    testable = np.searchsorted(np.sort(at_best), ordered)
    alarmed = np.searchsorted(ordered, ordered)
    fits = np.flatnonzero(alarmed <= OF_TESTABLE * share * testable)
    return float(ordered[fits[-1]]) if share > 0 and len(fits) else 0.0


def _lowest(
    weeks: Weeks, prior: Prior, looks: range, days: np.ndarray | None = None
) -> tuple[Floats, Floats, np.ndarray]:
    """Lowest chance over some looks, that of no purchase at all, and who was monitored: (N,)."""
    lowest, at_best = np.ones((2, len(weeks.first)))
    monitored = np.zeros(len(weeks.first), dtype=bool)
    for ago in looks:
        seen = windows(weeks, ago=ago, days=days)
        chance, none = chances(seen, prior)
        lowest, at_best = np.minimum(lowest, chance), np.minimum(at_best, none)
        monitored |= seen.watched & (seen.before > 0)
    return lowest, at_best, monitored


def _bands(
    weeks: Weeks, setting: tuple[Prior, float, int], hit: np.ndarray, rate: Floats
) -> tuple[Band, ...]:
    """False alarms and power by purchase rate at the first placebo look."""
    prior, threshold, seed = setting
    generator = np.random.default_rng(seed)
    looks = range(QUARTER, 2 * QUARTER)
    found = {}
    for name, kept in {"fall": FALL, "stop": 0.0}.items():
        days = weeks.days.copy()
        days[:, looks] = generator.binomial(days[:, looks], kept)
        found[name], _, monitored = _lowest(weeks, prior, looks, days)
    bands = []
    for low, high in pairwise(BANDS):
        mine = monitored & (rate >= low) & (rate < high)
        n = int(mine.sum())
        shares = (hit, found["fall"] < threshold, found["stop"] < threshold)
        false, fall, stop = (float(share[mine].mean()) if n else 0.0 for share in shares)
        bands.append(Band(low, high, n, false, fall, stop))
    return tuple(bands)
