"""Worlds the alarm was not made for: seasons, promotions, growth, regular buyers, outages."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from analysis.purchases.winback.weeks import Weeks, season_of
from tests.analysis.purchases.renewals import renewals

HISTORY, WATCHED = 130, 26
REGULAR, LIKE_CLOCKWORK = 60.0, 400.0
YEAR = 2 * np.pi / 52


@dataclass
class Buying:
    """How customers buy: purchases are renewals (gamma gaps, shape 1: Poisson) in a time that runs
    as fast as rate x own x common."""

    week: np.ndarray  # (T,) of the year, counted on
    rate: np.ndarray  # (N,) a week
    history: int
    generator: np.random.Generator
    own: np.ndarray = field(init=False)  # (N, T)
    common: np.ndarray = field(init=False)  # (T,)
    shape: np.ndarray = field(init=False)  # (N,)
    joined: np.ndarray = field(init=False)  # (N,)
    leaves: np.ndarray = field(init=False)  # (N,)

    def __post_init__(self):
        n, width = len(self.rate), len(self.week)
        self.own, self.common, self.shape = np.ones((n, width)), np.ones(width), np.ones(n)
        self.joined, self.leaves = np.zeros(n, dtype=int), np.full(n, 10**6)


def seasonal(b):
    b.common *= 1 + 0.5 * np.sin(YEAR * b.week) + np.isin(b.week % 52, range(47, 51))


def strong_season(b):
    b.common *= np.exp(np.sin(YEAR * b.week))


def promotions(b):
    """Six fortnights a year at random; customers respond differently."""
    on = np.repeat(b.generator.random(len(b.week) // 2 + 1) < 6 / 26, 2)[: len(b.week)]
    b.own *= 1 + 1.5 * b.generator.gamma(1.0, 1.0, len(b.rate))[:, None] * on


def growing(b):
    weights = 2 ** (np.arange(len(b.week)) / 52)
    b.joined = b.generator.choice(len(b.week), len(b.rate), p=weights / weights.sum())


def fading_newcomers(b):
    b.joined = b.generator.integers(0, len(b.week), len(b.rate))
    age = np.arange(len(b.week)) - b.joined[:, None]
    b.own *= 0.4 + 0.96 * np.exp(-np.maximum(age, 0) / 13)


def weekly_or_fortnightly(b):
    b.rate, b.shape[:] = b.generator.choice([1.0, 0.5], len(b.rate)), REGULAR


def subscribers(b):
    b.rate, b.shape[:] = np.full(len(b.rate), 7 / 30.4), LIKE_CLOCKWORK


def very_bursty(b):
    b.own *= b.generator.gamma(0.2, 5.0, b.own.shape)


def outage(b):
    b.common[b.history + 4 : b.history + 7] = 0.02


def earlier_outage(b):
    b.common[b.history - 24 : b.history - 21] = 0.02


def price_rise(b):
    b.common[b.history + 2 :] *= 0.7


def holidays(b):
    """Shut in the last week of the year; a week of triple sales moves in spring."""
    b.common[b.week % 52 == 51] = 0.02
    for year in range(b.week.max() // 52 + 1):
        b.common[b.week == 52 * year + b.generator.integers(10, 16)] *= 3


def shrinking(b):
    b.common *= np.exp(-0.005 * np.arange(len(b.week)))


def drifting(b):
    paths = np.cumsum(b.generator.normal(0, 0.05, b.own.shape), axis=1)
    b.own *= np.exp(paths - paths[:, [b.history - 1]])


def one_time_buyers(b):
    once = b.generator.random(len(b.rate)) < 0.8
    b.joined[once] = b.generator.integers(0, len(b.week), once.sum())
    b.leaves[once] = b.joined[once]


def leaving(b):
    start = b.generator.integers(-150, len(b.week), len(b.rate))
    b.leaves = start + b.generator.exponential(150, len(b.rate)).astype(int)
    b.joined = np.maximum(start, 0)


def summer_customers(b):
    half = b.generator.random(len(b.rate)) < 0.5
    b.own[half] *= np.maximum(0, 3 * np.sin(YEAR * b.week))


def some_in_summer(b):
    some = b.generator.random(len(b.rate)) < 1 / 3
    b.own[some] *= 1 + np.sin(YEAR * b.week)


def mixture(b):
    kind = b.generator.integers(0, 4, len(b.rate))
    b.shape[kind == 0] = REGULAR
    b.rate[kind == 0] = b.generator.choice([1.0, 0.5, 7 / 30.4], (kind == 0).sum())
    b.own[kind == 1] *= b.generator.gamma(0.3, 1 / 0.3, b.own[kind == 1].shape)
    b.own[kind == 2] *= 1 + 0.5 * np.sin(YEAR * b.week)


@dataclass(frozen=True)
class Log:
    """Purchase days (N, T), the oldest week first, and who changed when the history ended."""

    days: np.ndarray
    fall: np.ndarray
    stop: np.ndarray
    left: np.ndarray
    history: int

    @property
    def unchanged(self):
        return ~self.fall & ~self.stop & ~self.left

    def weeks(self, watched):
        """Who (n,) has bought by then, and what the log knows of them."""
        until = self.history + watched
        who = np.flatnonzero(self.days[:, :until].any(axis=1))
        days = np.ascontiguousarray(self.days[who, :until][:, ::-1])
        first = until - 1 - (self.days[who] > 0).argmax(axis=1)
        season, source = season_of(days, first)
        names = np.array([f"c{n:05}" for n in who])
        return who, Weeks(names, days, first, np.full(len(who), 20.0), season, source)


def other_world(*parts, n, seed, history=HISTORY, begins=0, changes=0.2):
    """A log of WATCHED weeks beyond the history; half of those who change fall to 30 %, half stop.

    ``begins``: the week of the year in which the log begins.
    """
    generator = np.random.default_rng(seed)
    width = history + WATCHED
    rate = generator.gamma(0.7, 0.46 / 0.7, n)
    b = Buying(np.arange(width) + begins, rate, history, generator)
    for part in parts:
        part(b)
    lot, known = generator.random(n), (b.joined < history - 26) & (b.leaves > width)
    fall, stop = known & (lot < changes / 2), known & (lot >= changes / 2) & (lot < changes)
    pace = b.rate[:, None] * b.own * b.common / b.common[:history].mean()
    pace[fall, history:] *= 0.3
    pace[stop, history:] = 0
    at = np.arange(width)
    pace[(at < b.joined[:, None]) | (at > b.leaves[:, None])] = 0
    days = _renewals(pace, b.shape, generator)
    new = np.flatnonzero(b.joined > 0)
    days[new, b.joined[new]] = np.maximum(days[new, b.joined[new]], 1)
    return Log(days.astype(np.uint8), fall, stop, b.leaves < width, history)


def _renewals(pace, shape, generator):
    """Days with a purchase by week (N, T)."""
    bought = renewals(np.repeat(pace / 7, 7, axis=1), shape, generator)
    return bought.reshape(len(pace), -1, 7).sum(axis=2)
