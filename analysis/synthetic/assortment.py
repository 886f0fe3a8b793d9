"""Which bun a customer of a synthetic shop buys, of those on offer then and there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ANY = "bun"
"""What the purchases name where the kind of bun is not yet chosen."""


@dataclass(frozen=True, slots=True)
class Bun:
    """One kind of bun.

    Attributes
    ----------
    name
        As purchases and the ledger of availability have it.
    levels
        Levels of the exercise's attributes but the price.
    prices
        In cents: at first, and from the week of the rise on.
    constant
        Added to its utility: habit, its place in the window, whatever is not in the attributes.
    store
        The only one that has it; empty: both.
    launched
        The week from which on it is sold.
    """

    name: str
    levels: Mapping[str, str]
    prices: tuple[int, int]
    constant: float = 0.0
    store: str = ""
    launched: int = 0


def _levels(pineapple: str, look: str, freshness: str, packaging: str) -> dict[str, str]:
    return {
        "pineapple": pineapple,
        "look": look,
        "freshness": freshness,
        "packaging": packaging,
    }


@dataclass(frozen=True, slots=True)
class AssortmentTruth:
    """The buns of the shop, and how their buyers choose.

    ``scale`` multiplies the utilities of the tasks: at 1, people choose as exactly as there. A
    sale takes ``sale_off`` cents off every bun.
    """

    scale: float = 1.0
    buns: tuple[Bun, ...] = (
        Bun("plain_bun", _levels("none", "plain", "yesterday", "bag"), (100, 100), 0.5),
        Bun("morning_bun", _levels("none", "plain", "morning", "bag"), (105, 110), 0.3),
        Bun("cream_bun", _levels("cream", "plain", "morning", "bag"), (115, 120)),
        Bun(
            "pineapple_bun",
            _levels("cream_top", "plain", "morning", "bag"),
            (125, 130),
            launched=26,
        ),
        Bun(
            "gift_bun",
            _levels("cream_top", "decorated", "morning", "box"),
            (130, 135),
            -0.8,
            store="market_square",
        ),
    )
    rise: int = 44
    """The week from which on the second prices hold."""
    sale_off: int = 10


@dataclass(frozen=True, slots=True, eq=False)
class Tastes:
    """What levels and money are worth to customers: arrays of one entry each, in their order.

    ``worths`` by '<attribute>.<level>', with 'price' per unit of currency; ``centre`` is the price
    at which a bun without any of the levels has utility zero.
    """

    names: Sequence[str]
    worths: Mapping[str, Floats]
    centre: float


def choose_buns(
    truth: AssortmentTruth,
    purchases: pd.DataFrame,
    tastes: Tastes,
    *,
    sales: NDArray[np.bool_],
    today: date,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """The purchases with the kind of every bun, at its price: the one of the highest utility.

    Parameters
    ----------
    purchases
        Of ``draw_purchases``, whose last day is ``today``.
    sales
        Which weeks are sales, (weeks,).
    """
    rows = np.flatnonzero(purchases["product"] == ANY)
    own = purchases.iloc[rows]
    ago = (pd.Timestamp(today) - own["time"].dt.normalize()).dt.days.to_numpy()
    week = len(sales) - 1 - ago // 7
    price = prices(truth, sales)[week]
    place = {name: n for n, name in enumerate(tastes.names)}
    who = own["customer"].map(place).to_numpy()
    utility = np.full(price.shape, -np.inf)
    for n, bun in enumerate(truth.buns):
        there = np.isfinite(price[:, n]) & (own["store"].isin([bun.store]) | (bun.store == ""))
        value = _worth(bun, tastes) + tastes.worths["price"] * -tastes.centre
        value = value[who] + tastes.worths["price"][who] * price[:, n] / 100
        utility[there, n] = (truth.scale * value + bun.constant)[there]
    chosen = np.argmax(utility + rng.gumbel(size=utility.shape), axis=1)
    kinds = np.array([bun.name for bun in truth.buns], dtype=object)
    paid = price[np.arange(len(rows)), chosen] * own["quantity"].to_numpy()
    return _with(
        purchases,
        rows,
        {"product": kinds[chosen], "amount": paid.astype("int64"), "on_sale": sales[week]},
    )


def _with(
    purchases: pd.DataFrame, rows: NDArray[np.intp], columns: Mapping[str, NDArray[Any]]
) -> pd.DataFrame:
    """The table with other values of some columns in some rows."""
    changed = {}
    for name, values in columns.items():
        changed[name] = purchases[name].to_numpy(copy=True)
        changed[name][rows] = values
    return purchases.assign(**changed)


def availability(truth: AssortmentTruth, sales: NDArray[np.bool_], today: date) -> pd.DataFrame:
    """The ledger of what was on offer: a row from when on a price holds; prices as in a file.

    Columns product, store (blank: everywhere), time (the first day), price, currency, on_sale.
    """
    week = np.arange(len(sales))
    first = pd.Timestamp(today) - pd.to_timedelta((len(sales) - 1 - week) * 7 + 6, unit="D")
    tables = []
    for n, bun in enumerate(truth.buns):
        price = prices(truth, sales)[:, n]
        new = np.isfinite(price) & (price != np.concatenate([[np.nan], price[:-1]]))
        own = {
            "product": bun.name,
            "store": bun.store,
            "time": first[new].strftime("%Y-%m-%d"),
            "price": [f"{cents / 100:.2f}" for cents in price[new]],
            "currency": "USD",
            "on_sale": sales[new],
        }
        tables.append(pd.DataFrame(own))
    return pd.concat(tables, ignore_index=True)


def prices(truth: AssortmentTruth, sales: NDArray[np.bool_]) -> Floats:
    """Cents by week and bun, (weeks, buns); nan before it is launched."""
    week = np.arange(len(sales))[:, None]
    first, second = np.array([bun.prices for bun in truth.buns], dtype=float).T
    found = np.where(week < truth.rise, first, second) - truth.sale_off * sales[:, None]
    launched = np.array([bun.launched for bun in truth.buns])
    return np.where(week >= launched, found, np.nan)


def _worth(bun: Bun, tastes: Tastes) -> Floats:
    """What the levels of a bun are worth to every customer."""
    named = (f"{attribute}.{level}" for attribute, level in bun.levels.items())
    found = np.zeros(len(tastes.names))
    for name in named:
        found = found + tastes.worths.get(name, 0.0)
    return found
