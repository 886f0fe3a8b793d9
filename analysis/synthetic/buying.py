"""Purchases with a known truth: regulars, sale-only shoppers, decliners and new customers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BuyingTruth:
    """How customers buy: a Poisson number of visits a week, rates gamma over customers.

    A customer comes at most once a day, so that visits are purchase days.
    """

    weeks: int = 78
    outcome_weeks: int = 13
    fielding_weeks: int = 2
    """How long answers come in, before the outcome weeks."""
    mean_rate: float = 0.75
    shape: float = 1.6
    decliners: float = 0.08
    declines_to: float = 0.2
    """Of their rate, in the last 13 weeks."""
    sale_only: float = 0.1
    new: float = 0.12
    sale_every: int = 5
    """Every fifth week is a sale, but for the last ``no_sale`` weeks: the next one is overdue."""
    no_sale: int = 12
    sale_share: float = 0.5
    """Of a regular's visits in sale weeks, those that buy what is on sale."""
    more_items: float = 2.5
    """Mean number of pieces beyond the first."""
    products: tuple[tuple[str, int], ...] = (
        ("bun", 105),
        ("croissant", 140),
        ("tart", 225),
        ("roll", 90),
    )
    """With prices in cents; a sale takes a quarter off."""
    stores: tuple[str, ...] = ("market_square", "station")


@dataclass(frozen=True, slots=True, eq=False)
class Habits:
    """What is planted for each customer, arrays of one entry each."""

    names: tuple[str, ...]
    rate: Floats
    declining: Flags
    sale_only: Flags
    first_week: NDArray[np.int64]
    """0: bought from the start; later: a new customer."""

    def named(self, which: Flags) -> tuple[str, ...]:
        """The customers of a group."""
        return tuple(self.names[place] for place in np.flatnonzero(which))


def draw_habits(truth: BuyingTruth, buyers: int, rng: np.random.Generator) -> Habits:
    """Draw the habits of ``buyers`` customers; the groups do not overlap."""
    rate = rng.gamma(truth.shape, truth.mean_rate / truth.shape, size=buyers)
    group = rng.random(buyers)
    ends = np.cumsum([truth.decliners, truth.sale_only, truth.new])
    new = (group >= ends[1]) & (group < ends[2])
    start = rng.integers(truth.weeks - 40, truth.weeks - 8, size=buyers)
    return Habits(
        names=tuple(f"card-{number:06d}" for number in range(1, buyers + 1)),
        rate=rate,
        declining=group < ends[0],
        sale_only=(group >= ends[0]) & (group < ends[1]),
        first_week=np.where(new, start, 0),
    )


def draw_purchases(
    truth: BuyingTruth, habits: Habits, lift: Floats, today: date, rng: np.random.Generator
) -> pd.DataFrame:
    """Purchases of all customers, one row a line; ``lift`` multiplies rates after the survey.

    Returns
    -------
    DataFrame
        customer, time, amount (cents), currency, store, product, channel, on_sale, quantity, order,
        line; in the order of time. The last day is ``today``.
    """
    expected = visit_rates(truth, habits, lift)
    visits = np.minimum(rng.poisson(expected), 7)
    who, week = np.nonzero(visits)
    repeat = visits[who, week]
    nth = np.arange(repeat.sum()) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    first = np.repeat(rng.integers(0, 7, size=len(who)), repeat)
    who, week = np.repeat(who, repeat), np.repeat(week, repeat)
    count = len(who)
    ago = (truth.weeks - 1 - week) * 7 + (first + 3 * nth) % 7
    minute = rng.integers(7 * 60, 19 * 60, size=count)
    midnight = pd.Timestamp(today)
    time = midnight - pd.to_timedelta(ago, unit="D") + pd.to_timedelta(minute, unit="m")
    sale = sale_weeks(truth)[week] & (
        habits.sale_only[who] | (rng.random(count) < truth.sale_share)
    )
    product = rng.integers(0, len(truth.products), size=count)
    price = np.array([cents for _, cents in truth.products])[product]
    pieces = 1 + rng.poisson(truth.more_items, size=count)
    amount = np.where(sale, price * 3 // 4, price) * pieces
    frame = pd.DataFrame(
        {
            "customer": np.array(habits.names, dtype=object)[who],
            "time": time,
            "amount": amount.astype("int64"),
            "currency": "USD",
            "store": np.array(truth.stores, dtype=object)[rng.integers(0, 2, size=count)],
            "product": np.array([name for name, _ in truth.products], dtype=object)[product],
            "channel": "shop",
            "on_sale": sale,
            "quantity": pieces,
        }
    )
    frame = frame.sort_values(["time", "customer"], kind="stable", ignore_index=True)
    frame["order"] = [f"order-{number:07d}" for number in range(1, count + 1)]
    return frame.assign(line="1")


def sale_weeks(truth: BuyingTruth) -> Flags:
    """Which weeks are sales, (weeks,)."""
    week = np.arange(truth.weeks)
    return np.asarray((week % truth.sale_every == 0) & (week < truth.weeks - truth.no_sale))


def visit_rates(truth: BuyingTruth, habits: Habits, lift: Floats) -> Floats:
    """Expected visits by customer and week, (buyers, weeks)."""
    week = np.arange(truth.weeks)
    rates = np.repeat(habits.rate[:, None], truth.weeks, axis=1)
    rates[week[None, :] < habits.first_week[:, None]] = 0.0
    latest = week >= truth.weeks - truth.outcome_weeks
    rates[:, latest] *= np.where(habits.declining, truth.declines_to, 1.0)[:, None]
    lifted = week >= truth.weeks - truth.outcome_weeks - truth.fielding_weeks
    rates[:, lifted] *= lift[:, None]
    rates[habits.sale_only] *= np.where(sale_weeks(truth), truth.sale_every * 0.6, 0.0)
    return rates
