"""Many versions of one product, each in its place in the same market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.choices.coding import Floats
from analysis.choices.simulator.outcomes import margin, size
from analysis.choices.simulator.products import Market, Product, row
from analysis.choices.simulator.shares import TIE, Offer, Simulator, utilities
from analysis.choices.simulator.worths import Singles, Worths

GREATEST = 80.0
"""Utilities above the best rival are cut here: the share is one to the last digit of float32."""
AT_ONCE = 64
"""Candidates of one product of matrices: small enough for the cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What each version would get, in every draw: (D, C) each.

    ``revenue`` and ``profit`` are of all own products together, for the size of the market; None
    where they are not known.
    """

    share: Floats
    revenue: Floats | None
    profit: Floats | None


def of_candidates(
    simulator: Simulator,
    market: Market,
    place: int,
    versions: Sequence[Product],
    *,
    segment: int = 0,
) -> Candidates:
    """Put each version into its place in the market, in turn."""
    kinds = ("revenue", "profit")
    worth = {kind: _worth(simulator, market, place, versions, kind) for kind in kinds}
    known = [kind for kind in kinds if worth[kind] is not None]
    own = np.array([np.ones(len(versions)), *(worth[k][0] for k in known)])  # type: ignore[index]
    others = np.array(
        [np.zeros(len(market.names)), *(worth[k][1] for k in known)]  # type: ignore[index]
    )
    fast = simulator.worths.kind == "draws" and simulator.method != "rfc"
    each = _fast if fast else _slow
    found = each(simulator, market, place, versions, own, others, segment)
    by = {kind: found[1 + n] for n, kind in enumerate(known)}
    return Candidates(found[0], by.get("revenue"), by.get("profit"))


def _worth(
    simulator: Simulator, market: Market, place: int, versions: Sequence[Product], kind: str
) -> tuple[Floats, Floats] | None:
    """Money of a whole market for each version (C,), and for each alternative (J,).

    None where it is not known, or where no price could lose a customer.
    """
    if market.captive:
        return None
    total = size(market)
    of_versions = []
    for version in versions:
        each = margin(simulator, market.with_product(place, version), place, kind)
        if isinstance(each, str):
            return None
        of_versions.append(each * total if version.own else 0.0)
    others = np.zeros(len(market.names))
    for n, product in enumerate(market.products):
        if n == place or not product.own:
            continue
        each = margin(simulator, market, n, kind)
        if isinstance(each, str):
            return None
        others[n] = each * total
    return np.array(of_versions), others


def _slow(
    simulator: Simulator,
    market: Market,
    place: int,
    versions: Sequence[Product],
    own: Floats,
    others: Floats,
    segment: int,
) -> Floats:
    """(T, D, C) by simulating every version; for what is not draws of respondents."""
    found = []
    for c, version in enumerate(versions):
        drawn = simulator.simulate(market.with_product(place, version)).drawn[:, segment]
        rest = others.copy()
        rest[:, place] = own[:, c]
        found.append(rest @ drawn.T)
    return np.stack(found, axis=2)


def _fast(
    simulator: Simulator,
    market: Market,
    place: int,
    versions: Sequence[Product],
    own: Floats,
    others: Floats,
    segment: int,
) -> Floats:
    """(T, D, C): what the rest of the market would get is worked out once a draw."""
    worths = simulator.worths
    offer = Offer.of(worths, market)
    rest = Offer(offer.rows, offer.offsets, offer.availability.copy())
    rest.availability[place] = 1.0
    rows = np.array([row(worths.coding, v.levels) for v in versions]) * market.scale
    shifts = worths.shifts([(v.name, v.factor) for v in versions])
    had = np.array([v.availability for v in versions])
    worth = others.astype(np.float32)
    found = np.zeros((len(own), len(worths.points), len(versions)))
    member = worths.member[segment]
    for draw, utility in utilities(worths, rest):
        utility[place] = -np.inf
        top, total, others_worth = _rivals(utility, worth, simulator.method)
        mass = member * worths.mass[draw]
        mass /= mass.sum()
        absent = _absent(worths, draw, place, had)
        shift = shifts[draw % len(shifts)]
        for start in range(0, len(versions), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            gain = rows[part].astype(np.float32) @ worths.points[draw].T
            gain += shift[part, None] - top
            if absent is not None:
                gain[absent[part]] = -np.inf
            taken, left = _against(gain, total, simulator.method)
            found[:, draw, part] = own[:, part] * (taken @ mass)
            if worth[1:].any():
                found[:, draw, part] += (others_worth * mass) @ left.T
    return found


def _absent(worths: Worths, draw: int, place: int, had: Floats) -> NDArray[np.bool_] | None:
    """(C, N) for whom a version cannot be had; None when every version is had by everybody."""
    if had.min() >= 1:
        return None
    drawn = np.random.default_rng([worths.seed, draw, place])
    found: NDArray[np.bool_] = drawn.random(worths.mass.shape[1], np.float32) >= had[:, None]
    return found


def _rivals(utility: Singles, worth: Singles, method: str) -> tuple[Singles, Singles, Singles]:
    """Of the rest of the market: the best utility (N,), what stands against a version (N,), and
    the sum of what the rest is worth (T, N); for first choices, of those at the top.
    """
    top = np.maximum(utility.max(axis=0), np.finfo(np.float32).min)
    if method == "share":
        weight = np.exp(utility - top)
    else:
        weight = (utility >= top - TIE) & np.isfinite(utility)
        weight = weight.astype(np.float32)
    return top, weight.sum(axis=0), worth @ weight


def _against(gain: Singles, total: Singles, method: str) -> tuple[Singles, Singles]:
    """The chance of each version (C, N), and what it leaves to each unit of its rivals' weight."""
    if method == "share":
        weight = np.exp(np.minimum(gain, GREATEST, out=gain), out=gain)
    else:
        tied = np.abs(gain) <= TIE
        infinite = np.float32(1e30)
        weight = np.where(tied, np.float32(1), np.where(gain > 0, infinite, np.float32(0)))
    whole = weight + total
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(whole > 0, 1 / whole, 0).astype(np.float32)
    return weight * left, left


def with_level(product: Product, attribute: str, value: str | float) -> Product:
    """The product with another level of one attribute."""
    return replace(product, levels={**product.levels, attribute: value})
