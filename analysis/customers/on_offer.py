"""What customers could have bought: every purchase beside the products on offer then and there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.ledgers.days import days_of
from analysis.study import Study
from analysis.tables import ON_OFFER_COLUMNS

NOT_LINKED = "of customers not linked"
NO_LEVELS = "of products without levels in the plan"
NOT_ON_OFFER = "of products not on offer by the ledger"
NOTHING_ELSE = "with nothing else on offer"
PLACES = ("store", "channel")
DAY, LEAST = np.timedelta64(1, "D"), np.timedelta64(1, "us")
Times = NDArray[np.datetime64]
MOST_OCCASIONS = 5_000
"""In an archive; of more, so many are drawn by lot."""
FOUND = "on_offer_found"
LEFT_OUT = "on_offer_left_out"
"""Facts of an archive: purchases that could be lined up, and what was left out, in words."""


@dataclass(frozen=True, slots=True, eq=False)
class OnOffer:
    """Purchases lined up with what was on offer.

    Attributes
    ----------
    table
        One row per occasion and product on offer, with ``ON_OFFER_COLUMNS``.
    found
        How many purchases could be lined up; more than the occasions where some were drawn by lot.
    left_out
        Purchases left out, by the reason.
    """

    table: pd.DataFrame
    found: int
    left_out: Mapping[str, int]

    @property
    def reasons(self) -> str:
        """What was left out, in words."""
        return ", ".join(f"{n:,} {why}" for why, n in self.left_out.items() if n)


def on_offer(
    purchases: pd.DataFrame,
    availability: pd.DataFrame,
    *,
    customers: Collection[str],
    products: Collection[str],
    most: int | None = None,
    seed: int = 0,
) -> OnOffer:
    """Line up every purchase of the customers with the products on offer then and there.

    Parameters
    ----------
    purchases
        customer, time, product, day where it is known; store and channel where the availability
        has them. Every row is an occasion.
    availability
        product, time (from), until (missing: still), price; store and channel, where blank means
        everywhere. Later rows of a product replace earlier ones. A first moment at midnight UTC
        and a last one at the end of a day in UTC are whole days of the purchases.
    products
        Those whose attributes are known; others are not offered to anybody.
    most
        Occasions at most; of more, so many are drawn by lot from ``seed``.
    """
    names = sorted(products)
    own = purchases.sort_values("time", kind="stable")
    linked, known = own["customer"].isin(list(customers)), own["product"].isin(names)
    left = {NOT_LINKED: int((~linked).sum()), NO_LEVELS: int((linked & ~known).sum())}
    own = own[linked & known].reset_index(drop=True)
    price = np.full((len(own), len(names)), np.nan)
    for n, name in enumerate(names):
        price[:, n] = _prices(own, availability, name)
    bought = own["product"].map({name: n for n, name in enumerate(names)}).to_numpy(dtype=np.int64)
    there = np.isfinite(price[np.arange(len(own)), bought])
    several = np.isfinite(price).sum(axis=1) > 1
    left[NOT_ON_OFFER] = int((~there).sum())
    left[NOTHING_ELSE] = int((there & ~several).sum())
    kept = np.flatnonzero(there & several)
    found = len(kept)
    if most is not None and found > most:
        kept = np.sort(np.random.default_rng(seed).choice(kept, most, replace=False))
    table = _long(own.iloc[kept], price[kept], bought[kept].tolist(), names)
    return OnOffer(table, found, left)


def frozen_on_offer(
    study: Study,
    ledgers: tuple[pd.DataFrame, pd.DataFrame],
    *,
    customers: Collection[str],
    as_of: date | None,
    seed: int,
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The table ``on_offer`` of an archive, and its facts; without rows where there is none.

    Parameters
    ----------
    ledgers
        Rows of the ledgers of purchases and of availability, amounts and prices in cents. Refunds
        are no occasions; lines of the same product on a receipt are one. Prices in another
        currency than the study's do not count.
    customers
        Those who agreed to the linking.
    as_of
        The last day that counts; None: there are no purchases.
    """
    purchases, availability = ledgers
    products = {sold.product for sold in study.analysis.products}
    nothing = pd.DataFrame(columns=list(ON_OFFER_COLUMNS))
    if not products or as_of is None or availability.empty or not customers:
        return nothing, {}
    kept = (purchases["amount"] > 0) & (days_of(purchases) <= pd.Timestamp(as_of))
    own = purchases[kept & purchases["customer"].isin(list(customers))]
    again = own["order"].notna() & own.duplicated(["customer", "order", "product"])
    priced = availability["currency"].fillna(study.currency) == study.currency
    offers = availability[priced]
    found = on_offer(
        own[~again],
        offers.assign(price=offers["price"] / 100),
        customers=customers,
        products=products,
        most=MOST_OCCASIONS,
        seed=seed,
    )
    return found.table, {FOUND: str(found.found), LEFT_OUT: found.reasons}


def _prices(purchases: pd.DataFrame, availability: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """The price (n,) of a product at every purchase, in order of time; nan: not on offer."""
    rows = availability[availability["product"] == name].sort_values("time", kind="stable")
    times = purchases["time"].to_numpy(dtype="datetime64[us]")
    places = [p for p in PLACES if p in availability and p in purchases]
    where = {p: purchases[p].fillna("").to_numpy(dtype=object) for p in places}
    days = days_of(purchases).to_numpy(dtype="datetime64[us]")
    since = rows["time"].to_numpy(dtype="datetime64[us]")
    until = rows["until"].to_numpy(dtype="datetime64[us]")
    first = np.searchsorted(times, since - DAY, side="left")
    last = np.searchsorted(times, until + DAY, side="right")  # of none: the end
    found = np.full(len(times), np.nan)
    for n, row in enumerate(rows.to_dict("records")):
        near = slice(first[n], max(first[n], last[n]))
        inside = _within(times[near], days[near], since[n], until[n])
        for place in places:
            if not pd.isna(row[place]) and row[place] != "":
                inside &= where[place][near] == row[place]
        found[near][inside] = row["price"]
    return found


def _within(times: Times, days: Times, since: np.datetime64, until: np.datetime64) -> NDArray[Any]:
    """Which purchases lie in a window: by their days where it begins or ends with a whole day."""
    whole = since == since.astype("datetime64[D]")
    inside = np.asarray((days if whole else times) >= since)
    if np.isnat(until):
        return inside
    whole = until + LEAST == (until + LEAST).astype("datetime64[D]")
    return np.asarray(inside & ((days if whole else times) <= until))


def _long(
    purchases: pd.DataFrame,
    price: NDArray[np.float64],
    bought: list[int],
    names: list[str],
) -> pd.DataFrame:
    """One row per occasion and product on offer; occasions of a customer are numbered in time."""
    at, product = np.nonzero(np.isfinite(price))
    number = purchases.groupby("customer").cumcount().to_numpy() + 1
    found = {
        "customer": purchases["customer"].to_numpy(dtype=object)[at],
        "occasion": number[at],
        "time": purchases["time"].dt.strftime("%Y-%m-%dT%H:%M:%S").to_numpy(dtype=object)[at],
        "product": np.array(names, dtype=object)[product],
        "price": price[at, product],
        "bought": (np.array(bought, dtype=int)[at] == product).astype(int),
    }
    return pd.DataFrame(found, columns=list(ON_OFFER_COLUMNS))
