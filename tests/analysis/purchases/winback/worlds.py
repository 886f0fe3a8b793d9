"""Customers who go on as before, buy less or stop: Poisson, bursty and seasonal worlds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.purchases.winback.weeks import Weeks, season_of


@dataclass(frozen=True)
class World:
    rate: np.ndarray
    fall: np.ndarray
    stop: np.ndarray
    days: np.ndarray  # (customers, weeks), the oldest week first
    history: int

    @property
    def unchanged(self):
        return ~self.fall & ~self.stop

    def weeks(self, watched):
        """What is known after so many weeks beyond the history."""
        days = np.ascontiguousarray(self.days[:, : self.history + watched][:, ::-1])
        first = np.full(len(days), days.shape[1])
        names = np.array([f"c{n:05}" for n in range(len(days))])
        season, source = season_of(days, first)
        return Weeks(names, days, first, np.full(len(days), 20.0), season, source)

    def purchases(self, as_of, watched):
        """The same as a purchase log, up to a day."""
        customer, week = np.nonzero(self.days[:, : self.history + watched])
        times = self.days[customer, week]
        customer, week = np.repeat(customer, times), np.repeat(week, times)
        turn = np.concatenate([np.arange(n) for n in times])
        ago = 7 * (self.history + watched - 1 - week) + turn
        return pd.DataFrame(
            {
                "customer": [f"c{n:05}" for n in customer],
                "time": pd.Timestamp(as_of) - pd.to_timedelta(ago, unit="D"),
                "amount": np.full(len(customer), 2000),
            }
        )


def world(kind, n, *, seed, history=130, watched=26, changes=0.3):
    """Half of those who change fall to 30 %, half stop, all when the history ends."""
    generator = np.random.default_rng(seed)
    rate = generator.gamma(0.7, 0.46 / 0.7, n)
    t = np.arange(history + watched)
    season = np.ones(len(t))
    if kind == "seasonal":
        season = 1 + 0.5 * np.sin(2 * np.pi * t / 52) + np.isin(t % 52, range(47, 51))
    factor = generator.gamma(0.5, 2, (n, len(t))) if kind == "bursty" else np.ones((n, len(t)))
    lot = generator.random(n)
    fall, stop = lot < changes / 2, (lot >= changes / 2) & (lot < changes)
    factor[fall, history:] *= 0.3
    factor[stop, history:] = 0
    days = generator.poisson(rate[:, None] * season / season.mean() * factor)
    return World(rate, fall, stop, np.minimum(days, 7).astype(np.uint8), history)
