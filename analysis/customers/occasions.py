"""Purchases with the utilities of what was on offer, by the customers' own part-worths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.choices.coding import Coding
from analysis.choices.simulator.products import Levels
from analysis.choices.simulator.products import row as columns_of
from analysis.choices.simulator.worths import Worths
from analysis.customers.on_offer import NOT_LINKED, NOTHING_ELSE, OnOffer

Floats = NDArray[np.float64]
LEAST_OCCASIONS = 100
MOST_DRAWS = 200
FEWEST_DRAWS = 50
MOST_CELLS = 4_000_000
BEYOND = "at prices beyond those tested"


class CannotCompare(ValueError):
    """Stated and bought cannot be set side by side; the message says what is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class Occasions:
    """Purchases of linked customers beside what else was on offer then and there.

    Attributes
    ----------
    products
        (J,) names.
    utility
        (D, n, J) of draws, by each customer's own part-worths; minus infinity: not on offer.
    chosen
        (n,) places among the products.
    customer
        (n,) numbers of the customers.
    time
        (n,) when it was bought.
    left_out
        Purchases left out, by the reason.
    """

    products: tuple[str, ...]
    utility: Floats
    chosen: NDArray[np.intp]
    customer: NDArray[np.intp]
    time: NDArray[np.datetime64]
    left_out: Mapping[str, int]


def occasions(
    coding: Coding,
    worths: Worths,
    *,
    links: Mapping[str, str],
    offered: OnOffer,
    products: Mapping[str, Levels],
) -> Occasions:
    """Utilities of what was on offer at every purchase, by the customer's own part-worths.

    Parameters
    ----------
    worths
        Draws or means of respondents, or a logit: the same part-worths for everybody.
    links
        Customer by respondent: one respondent of each customer.
    offered
        Of ``on_offer``, with prices in the study's currency.
    products
        Levels by product; the price on offer takes the place of the price level.

    Raises
    ------
    CannotCompare
        When there are no such part-worths, or fewer than 100 occasions remain.
    """
    if worths.kind not in ("draws", "means", "logit"):
        raise CannotCompare("part-worths of everybody are needed: estimate by 'hb --save-draws'")
    own = worths.respondents or tuple(links)
    places = {links[name]: n for n, name in enumerate(own) if name in links}
    names = tuple(sorted(products))
    left = dict(offered.left_out)
    beta = _thinned(worths.points, len(offered.table))
    shared = worths.kind == "logit"
    codes = _codes(coding, offered.table, products)
    rows: list[Floats] = []
    kept: list[tuple[int, int, np.datetime64]] = []
    for key, occasion in offered.table.groupby(["customer", "occasion"]):
        customer = str(key[0])
        there = [row for row in occasion.itertuples() if (row.product, row.price) in codes]
        bought = [names.index(str(row.product)) for row in there if row.bought]
        reason = NOT_LINKED if customer not in places else "" if bought else BEYOND
        reason = reason or (NOTHING_ELSE if len(there) < 2 else "")
        if reason:
            left[reason] = left.get(reason, 0) + 1
            continue
        who = places[customer]
        utility = np.full((len(beta), len(names)), -np.inf)
        for row in there:
            code = codes[row.product, row.price]
            utility[:, names.index(str(row.product))] = beta[:, 0 if shared else who] @ code
        rows.append(utility)
        kept.append((bought[0], who, np.datetime64(occasion["time"].iloc[0], "ns")))
    if len(kept) < LEAST_OCCASIONS:
        gone = ", ".join(f"{n} {why}" for why, n in left.items() if n) or "nothing left out"
        raise CannotCompare(
            f"{len(kept)} purchases of linked customers could be set beside what was on offer; "
            f"{LEAST_OCCASIONS} are needed ({gone})"
        )
    chosen, owner, time = (np.array(x) for x in zip(*kept, strict=True))
    return Occasions(names, np.stack(rows, axis=1), chosen, owner, time, left)


def _thinned(points: NDArray[np.float32], offers: int) -> NDArray[np.float32]:
    """Draws evenly spread, so few that all utilities have some four million cells."""
    wanted = min(MOST_DRAWS, max(FEWEST_DRAWS, MOST_CELLS // max(offers, 1)))
    return points[:: -(-len(points) // wanted)]


def _codes(
    coding: Coding, table: pd.DataFrame, products: Mapping[str, Levels]
) -> dict[tuple[object, object], Floats]:
    """Columns (K,) of every product at every price; without those that cannot be simulated."""
    price = coding.exercise.price
    found: dict[tuple[object, object], Floats] = {}
    for name, amount in table[["product", "price"]].drop_duplicates().itertuples(index=False):
        if name not in products:
            continue
        given = dict(products[name]) | ({price.id: float(amount)} if price is not None else {})
        try:
            found[name, amount] = columns_of(coding, given)
        except ValueError:
            continue
    return found


def later_third(time: NDArray[np.datetime64]) -> pd.Timestamp:
    """The day from which on the last third of the purchases was made."""
    return pd.Timestamp(np.sort(time)[len(time) * 2 // 3]).normalize()
