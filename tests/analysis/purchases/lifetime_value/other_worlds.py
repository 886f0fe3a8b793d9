"""Companies that buy otherwise than the models say, with a known future."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd

from tests.analysis.purchases.lifetime_value.customers_of_truth import BG, buying_times
from tests.analysis.purchases.renewals import renewals

AHEAD = 52
FIRST_DAY = date(2024, 1, 1)
YEAR = 2 * np.pi / 52
REGULAR = 60.0


@dataclass
class Buying:
    """Purchases are renewals (gamma gaps, shape 1: Poisson) in a time that runs as fast as rate x
    own x common, from joining until a customer's life is over. Pareto/NBD unless changed."""

    week: np.ndarray  # (T,) of the year, counted on
    n: int
    history: int
    generator: np.random.Generator
    rate: np.ndarray = field(init=False)
    own: np.ndarray = field(init=False)
    common: np.ndarray = field(init=False)
    shape: np.ndarray = field(init=False)
    joined: np.ndarray = field(init=False)
    life: np.ndarray = field(init=False)

    def __post_init__(self):
        g, n, width = self.generator, self.n, len(self.week)
        self.rate = g.gamma(0.8, 1 / 6.0, n)
        self.own, self.common, self.shape = np.ones((n, width)), np.ones(width), np.ones(n)
        self.joined = g.integers(0, self.history, n)
        self.life = g.exponential(1 / g.gamma(0.9, 1 / 60.0, n))


def nobody_leaves(b):
    b.life[:] = 1e6


def seasonal(b):
    b.common *= 1 + 0.5 * np.sin(YEAR * b.week) + np.isin(b.week % 52, range(47, 51))


def strong_season(b):
    b.common *= np.exp(np.sin(YEAR * b.week))


def growing(b):
    weights = 2 ** (np.arange(b.history) / 52)
    b.joined = b.generator.choice(b.history, b.n, p=weights / weights.sum())


def fading_newcomers(b):
    age = np.arange(len(b.week)) - b.joined[:, None]
    b.own *= 0.4 + 0.96 * np.exp(-np.maximum(age, 0) / 13)


def worse_newcomers(b):
    """Those who come last buy a third as often, and stay a third as long."""
    worse = 3.0 ** (-b.joined / b.history)
    b.rate *= worse
    b.life *= worse


def weekly_or_fortnightly(b):
    b.rate, b.shape[:] = b.generator.choice([1.0, 0.5], b.n), REGULAR


def very_bursty(b):
    b.own *= b.generator.gamma(0.2, 5.0, b.own.shape)


def outage(b):
    b.common[b.history - 6 : b.history - 3] = 0.02


def price_rise(b):
    b.common[b.history - 8 :] *= 0.7


def drifting(b):
    paths = np.cumsum(b.generator.normal(-(0.05**2) / 2, 0.05, b.own.shape), axis=1)
    b.own *= np.exp(paths)


def one_time_buyers(b):
    b.life[b.generator.random(b.n) < 0.8] = 1e-9


def mixture(b):
    kind = b.generator.integers(0, 3, b.n)
    b.shape[kind == 0] = REGULAR
    b.rate[kind == 0] = b.generator.choice([1.0, 0.5], (kind == 0).sum())
    b.own[kind == 1] *= b.generator.gamma(0.3, 1 / 0.3, b.own[kind == 1].shape)


@dataclass(frozen=True)
class Company:
    """``purchases`` up to ``as_of``; later purchase days and whether a customer is one still."""

    purchases: pd.DataFrame
    as_of: date
    later: np.ndarray  # (N,) within AHEAD weeks
    alive: np.ndarray  # (N,)


def company(*parts, n, seed, history=104, begins=0):
    """``begins``: the week of the year in which the log begins."""
    generator = np.random.default_rng(seed)
    b = Buying(np.arange(history + AHEAD) + begins, n, history, generator)
    for part in parts:
        part(b)
    at = np.arange(history + AHEAD)
    pace = b.rate[:, None] * b.own * b.common / b.common.mean()
    pace[(at < b.joined[:, None]) | (at > (b.joined + b.life)[:, None])] = 0
    bought = renewals(np.repeat(pace / 7, 7, axis=1), b.shape, generator)
    first = 7 * b.joined + generator.integers(0, 7, n)
    bought[np.arange(bought.shape[1]) < first[:, None]] = False
    bought[np.arange(n), first] = True
    return _company(bought, b.joined + b.life > history, history, generator)


def bg_nbd_company(*, n, seed, history=104):
    """Customers who drop out after a purchase, as BG/NBD says."""
    generator = np.random.default_rng(seed)
    first = generator.integers(0, 7 * history, n)
    times = buying_times("bg-nbd", BG, n, weeks=history + AHEAD, generator=generator)
    bought = np.zeros((n, 7 * (history + AHEAD)), dtype=bool)
    for customer, own in enumerate(times):
        days = first[customer] + np.floor(7 * np.append(0, own)).astype(int)
        bought[customer, days[days < bought.shape[1]]] = True
    return _company(bought, bought[:, 7 * history :].any(axis=1), history, generator)


def _company(bought, alive, history, generator):
    customer, day = np.nonzero(bought[:, : 7 * history])
    purchases = pd.DataFrame(
        {
            "customer": [f"c{at:05}" for at in customer],
            "time": pd.Timestamp(FIRST_DAY) + pd.to_timedelta(day, unit="D"),
            "amount": generator.integers(500, 4000, len(customer)),
        }
    )
    as_of = FIRST_DAY + timedelta(days=7 * history - 1)
    return Company(purchases, as_of, bought[:, 7 * history :].sum(axis=1), alive)
