"""A season of the year, found in what all customers bought, as a clock for the models.

The models know no season: after quiet months customers look as if they had left. Where there is
one, weeks are counted by what is bought in them on average (operational time): a week of the high
season counts for several of the low one, for buying as for leaving, and a horizon is as long as its
weeks count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import f as f_distribution

from analysis.purchases.lifetime_value.grouped import Floats, Histories
from analysis.purchases.lifetime_value.horizon import MOST_WEEKS, Horizon
from analysis.purchases.roll_up import DAYS_A_WEEK

YEAR, QUARTER, YEARS = 52, 13, 2
"""Weeks of a year and of a quarter; so many whole years tell a season from chance."""
WAVES, LENGTHS = 3, 6
"""A season is looked for in waves of a year, a half and a third of one, among all waves longer
than a sixth."""
LEVEL = 0.01
"""A season is told where chance would show one in one company of a hundred."""
LEAST, FEW = 0.05, 0.5
"""The quietest week counts for so much of an average one; purchases of a week are so many at
least, for their logarithm."""
DEAREST = 9.9
"""The largest discount a year that a horizon can hold."""
SMOOTH = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9


@dataclass(frozen=True, slots=True)
class Season:
    """What is bought in a week of the year, relative to the average week.

    Attributes
    ----------
    factors
        (52,) of the week that ends with the as-of day, and of the weeks before it.
    p
        Chance of waves as high where there is no season.
    """

    factors: Floats
    p: float

    def before(self, weeks: int) -> Season:
        """The same season, as of some weeks earlier."""
        return Season(np.roll(self.factors, -weeks), self.p)

    def counted(self, days: Floats) -> Floats:
        """What the weeks from the as-of day to ``days`` beside it count, earlier ones below 0."""
        first = int(np.floor(min(days.min(initial=0.0), 0.0)))
        last = int(np.ceil(max(days.max(initial=0.0), 0.0)))
        week = -np.arange(first + 1, last + 1) // DAYS_A_WEEK
        total = np.concatenate([[0.0], np.cumsum(self.factors[week % YEAR] / DAYS_A_WEEK)])
        return np.asarray(np.interp(days, np.arange(first, last + 1), total - total[-first]))

    def histories(self, plain: Histories) -> Histories:
        """Histories of whole days in weeks as they count."""
        back = np.round(plain.T * DAYS_A_WEEK)
        begun, ended = self.counted(np.stack([-back, np.round(plain.t_x * DAYS_A_WEEK) - back]))
        return Histories(plain.x, ended - begun, -begun, plain.n)

    def ahead(self, weeks: Floats) -> Floats:
        """What the next ``weeks`` count."""
        return np.minimum(self.counted(np.asarray(weeks) * DAYS_A_WEEK), MOST_WEEKS)

    def horizon(self, plain: Horizon) -> Horizon:
        """A horizon in weeks as they count, its discount the same at its end."""
        weeks = float(self.ahead(np.array([plain.weeks]))[0])
        discount = np.expm1(np.log1p(plain.discount) * plain.weeks / weeks)
        return replace(plain, weeks=weeks, discount=min(float(discount), DEAREST))


def season_of(actual: Floats, expected: Floats) -> Season | None:
    """The season in the purchases of all, or None where there is none to be told.

    The logarithm of actual over expected purchases, less a straight line, is held against waves:
    those of the year (``WAVES``) against those of lengths between, which changes that do not come
    back make as well. The season is then, by week of the year, actual over expected purchases,
    smoothed over five weeks; the last quarter is left out of it, so that a decline that has just
    begun is not taken for season.

    Parameters
    ----------
    actual, expected
        (W,) repeat purchases of all customers by week, the latest first, and by a model without
        season.
    """
    years = len(actual) // YEAR
    if years < YEARS:
        return None
    logs = np.log(np.maximum(actual, FEW) / np.maximum(expected, FEW))
    p = _chance(logs[: years * YEAR], years)
    if p > LEVEL:
        return None
    at = np.arange(len(actual))
    line = np.polyfit(at, logs, 1, w=np.sqrt(np.maximum(expected, FEW)))
    bought, awaited = (
        np.bincount(at[QUARTER:] % YEAR, weights=values[QUARTER:], minlength=YEAR)
        for values in (actual, expected * np.exp(np.polyval(line, at)))
    )
    of_year = np.maximum(bought, FEW) / np.maximum(awaited, FEW)
    circle = np.convolve(np.r_[of_year[-2:], of_year, of_year[:2]], SMOOTH, mode="valid")
    factors = np.maximum(circle / circle.mean(), LEAST)
    return Season(factors / factors.mean(), p)


def _chance(logs: Floats, years: int) -> float:
    """Chance of the year's waves among all (an F test of the periodogram of whole years)."""
    at = np.arange(len(logs))
    power = np.abs(np.fft.rfft(logs - np.polyval(np.polyfit(at, logs, 1), at))) ** 2
    yearly = years * np.arange(1, WAVES + 1)
    other = np.arange(1, LENGTHS * years)
    other = other[other % years > 0]
    ratio = power[yearly].mean() / power[other].mean()
    return float(f_distribution.sf(ratio, 2 * len(yearly), 2 * len(other)))
