"""Thresholds, false alarms and power from the company's own history.

Looks at dates long past are placebos: what they list is taken for false, so that a threshold is
right in a company whose customers buy in bursts or by season. Customers who buy far less ever
since are taken for real declines and left out; those that stay make it stricter than needed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from analysis.purchases.winback.own_seasons import own_seasons
from analysis.purchases.winback.predictive import Prior, chances, prior_of, rates, windows
from analysis.purchases.winback.shared import looked_at
from analysis.purchases.winback.weeks import QUARTER, YEAR, Floats, Weeks

LOOKS = 26
"""Weekly looks over which a false alarm counts once."""
SECOND_STRETCH = LOOKS + LOOKS + QUARTER + YEAR // 2
"""Weeks of history from which on the looks of a year before the coming 26 weeks are tried, too."""
LEAST_CUSTOMERS = 200
BANDS = (0.0, 0.1, 0.3, 1.0, np.inf)
"""Purchases a week that part the bands in which false alarms and power are stated."""
FALL = 0.3
OF_TESTABLE = 2
GONE, UNLUCKY = 0.1, 0.12
"""A placebo alarm is taken for a real decline where the 13 weeks after the looks are fewer, too, at
this chance; about an eighth of the false ones are lost with them, so the threshold is lowered.
"""


TOO_OWN = 0.35
"""Where customers' own seasons are so large, those of the past do not bound false alarms."""


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
        Customers not alarmed in the last 13 weeks, on whom power was tried.
    false_alarms
        Share of the customers of placebo dates alarmed at least once in 26 weekly looks although
        nothing was done to them.
    found_fall, found_stop
        Share found when their purchases of the last 13 weeks are thinned to 30 %, or stop; too few
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
    attained_year_ago
        ``attained`` in the 26 looks a year before the coming 26 weeks; None where the history is
        too short for them.
    stricter_by
        How much lower the threshold is than the other of these two stretches asks for.
    own_seasons
        Of customers (``own_seasons.own_seasons``); None where they cannot be told.
    n, n_testable
        Customers it was calibrated on, and those of them with enough purchases to tell.
    """

    threshold: float
    wanted: float
    attained: float
    attained_of_testable: float
    attained_year_ago: float | None
    stricter_by: float
    own_seasons: float | None
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


_Looks = tuple[Floats, Floats, np.ndarray]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """26 weekly placebo looks: (N,) arrays.

    ``lowest`` and ``at_best`` chance of each customer, of what was bought and of nothing;
    ``judged``: monitored, and not gone since.
    """

    first: int
    lowest: Floats
    at_best: Floats
    judged: np.ndarray

    def threshold(self, wanted: float) -> float:
        """The largest threshold that keeps to what is wanted."""
        n = int(self.judged.sum())
        careful = wanted - np.sqrt(wanted * (1 - wanted) / n)
        lowest, at_best = self.lowest[self.judged], self.at_best[self.judged]
        return _threshold(lowest, at_best, careful * (1 - UNLUCKY))

    def hit(self, threshold: float) -> np.ndarray:
        """Who (N,) of the judged is alarmed at least once."""
        return self.judged & (self.lowest < threshold)


def calibrate(weeks: Weeks, *, false_alarms: float, seed: int) -> Calibration:
    """Set the threshold on weekly placebo looks: 26 that end 13 weeks before the as-of day.

    With ``SECOND_STRETCH`` weeks of history also the 26 a year before the coming 26 weeks; the
    stricter of both thresholds holds, as customers may have seasons of their own.

    The threshold lets at most the wanted share of all monitored customers (a purchase in the 52
    weeks before) be alarmed at least once, less one standard error of that share; and at most
    ``OF_TESTABLE`` times that share of those with enough purchases to tell, so that many customers
    who cannot be alarmed do not make the alarm of the others loose.

    Raises
    ------
    NotEnoughHistory
        With less than 78 weeks, fewer than 200 monitored customers at the placebo dates, customers
        who have seasons of their own, or when nobody at all bought lately: a log that ends early,
        not customers who left.
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
    own = own_seasons(weeks)
    if own is not None and own >= TOO_OWN:
        raise NotEnoughHistory(
            "no alarm: customers have seasons of their own, so that a quiet season looks like a "
            f"decline (the share of a quarter in a customer's year is typically {own:.0%} off that "
            f"of all, two years running; below {TOO_OWN:.0%} is needed)"
        )
    prior = prior_of(weeks, ago=QUARTER)
    both = _lowest(weeks, prior, range(LOOKS, QUARTER + LOOKS))  # looks that stretches share
    near = _stretch(weeks, prior, QUARTER, (_lowest(weeks, prior, range(QUARTER, LOOKS)), both))
    n = int(near.judged.sum())
    if n < LEAST_CUSTOMERS:
        raise NotEnoughHistory(
            f"not enough history: {n} customers could be watched at earlier dates, "
            f"{LEAST_CUSTOMERS} are needed to calibrate the alarm"
        )
    stretches = [near]
    if weeks.n_weeks >= SECOND_STRETCH:
        older = _lowest(weeks, prior, range(QUARTER + LOOKS, LOOKS + LOOKS))
        year_ago = _stretch(weeks, prior, LOOKS, (both, older))
        stretches += [year_ago] if year_ago.judged.sum() >= LEAST_CUSTOMERS else []
    thresholds = [stretch.threshold(false_alarms) for stretch in stretches]
    threshold = min(thresholds)
    strict = stretches[thresholds.index(threshold)]
    hit, n = strict.hit(threshold), int(strict.judged.sum())
    testable = strict.judged & (strict.at_best < threshold)
    return Calibration(
        threshold=threshold,
        wanted=false_alarms,
        attained=float(hit.sum() / n),
        attained_of_testable=float(hit.sum() / max(testable.sum(), 1)),
        attained_year_ago=_share(stretches[1].hit(threshold), stretches[1].judged)
        if len(stretches) > 1
        else None,
        stricter_by=max(thresholds) / max(threshold, 1e-12),
        own_seasons=own,
        n=n,
        n_testable=int(testable.sum()),
        prior=prior,
        bands=_bands(weeks, (prior, threshold, seed), strict),
    )


def _stretch(weeks: Weeks, prior: Prior, first: int, halves: tuple[_Looks, _Looks]) -> _Stretch:
    """26 looks back from some weeks ago, of what ``_lowest`` found in both halves."""
    one, other = halves
    lowest, at_best = np.minimum(one[0], other[0]), np.minimum(one[1], other[1])
    monitored = one[2] | other[2]
    later = looked_at(weeks, prior, ago=first - QUARTER, gap=LOOKS + QUARTER - 1)
    gone = chances(later, prior)[0] < GONE
    return _Stretch(first, lowest, at_best, monitored & ~gone)


def _threshold(lowest: Floats, at_best: Floats, share: float) -> float:
    """The largest threshold that keeps to the share of all, and of those who can be alarmed."""
    ordered = np.sort(lowest)[: max(int(share * len(lowest)), 0) + 1]
    testable = np.searchsorted(np.sort(at_best), ordered)
    alarmed = np.searchsorted(ordered, ordered)
    fits = np.flatnonzero(alarmed <= OF_TESTABLE * share * testable)
    return float(ordered[fits[-1]]) if share > 0 and len(fits) else 0.0


def _lowest(weeks: Weeks, prior: Prior, looks: range) -> _Looks:
    """Lowest chance over some looks, that of no purchase at all, and who was monitored: (N,)."""
    lowest, at_best = np.ones((2, len(weeks.first)))
    monitored = np.zeros(len(weeks.first), dtype=bool)
    for ago in looks:
        seen = looked_at(weeks, prior, ago=ago)
        chance, none = chances(seen, prior)
        lowest, at_best = np.minimum(lowest, chance), np.minimum(at_best, none)
        monitored |= seen.watched & (seen.before > 0)
    return lowest, at_best, monitored


def _bands(weeks: Weeks, setting: tuple[Prior, float, int], stretch: _Stretch) -> tuple[Band, ...]:
    """False alarms of placebo looks, and power in the last 13 weeks, by purchase rate before."""
    prior, threshold, seed = setting
    alarmed, fall, stop = _tried(weeks, prior, seed) < threshold
    then = rates(windows(weeks, ago=stretch.first + LOOKS - 1), prior)[0]
    at_first = windows(weeks, ago=QUARTER - 1)
    now = rates(at_first, prior)[0]
    usual = at_first.watched & (at_first.before > 0) & ~alarmed
    bands = []
    for low, high in pairwise(BANDS):
        placebo = stretch.judged & (then >= low) & (then < high)
        mine = usual & (now >= low) & (now < high)
        shares = (_share(stretch.hit(threshold), placebo), _share(fall, mine), _share(stop, mine))
        bands.append(Band(low, high, int(mine.sum()), *shares))
    return tuple(bands)


def _tried(weeks: Weeks, prior: Prior, seed: int) -> Floats:
    """Lowest chance of the last 13 looks (3, N): as bought, thinned to 30 %, and to nothing."""
    generator = np.random.default_rng(seed)
    tries = [weeks.days]
    for kept in (FALL, 0.0):
        days = weeks.days.copy()
        days[:, :QUARTER] = generator.binomial(days[:, :QUARTER], kept)
        tries.append(days)
    lowest = np.ones((len(tries), len(weeks.first)))
    for ago in range(QUARTER):
        seen = looked_at(weeks, prior, ago=ago)
        for at, days in enumerate(tries):
            latest = windows(weeks, ago=ago, days=days).latest
            chance = chances(replace(seen, latest=latest), prior)[0]
            lowest[at] = np.minimum(lowest[at], chance)
    return lowest


def _share(hit: np.ndarray, among: np.ndarray) -> float:
    return float(hit[among].mean()) if among.any() else 0.0
