"""What a market gives every product: share, units, revenue and profit, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.choices.coding import Floats
from analysis.choices.intervals import estimate_of
from analysis.choices.simulator.products import NONE, Market, price_of
from analysis.choices.simulator.shares import Simulated, Simulator
from analysis.choices.simulator.worths import FEWEST, Worths
from analysis.estimate import Estimate, unavailable

BATCHES = 20
PER = 100.0
"""Choices that units and money are for where the size of the market is not known."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one alternative.

    ``change`` is that of the share against the base market, in the same draws; None without one or
    where the alternative is new. Money is unavailable with the reason where it is not known.
    """

    name: str
    own: bool
    price: float | None
    share: Estimate
    units: Estimate
    revenue: Estimate
    profit: Estimate
    change: Estimate | None


@dataclass(frozen=True, slots=True)
class Line:
    """Revenue and profit of all own products together, and their change against the base."""

    revenue: Estimate
    profit: Estimate
    revenue_change: Estimate | None
    profit_change: Estimate | None


def in_words(simulator: Simulator) -> str:
    """How shares are made, and what their intervals cover."""
    worths, boot = simulator.worths, "Bayesian bootstrap over respondents"
    if simulator.method == "rfc":
        errors = simulator.errors
        return (
            f"randomised first choice, {errors.draws} choices a respondent, similarity "
            f"{errors.similarity:g}; 95 % of a {boot}, part-worths taken as known"
        )
    if worths.kind == "classes":
        return f"share of preference of classes; 95 % of a {boot}, classes taken as known"
    by = ", calibrated on purchases" if worths.constants else ""
    if worths.kind == "logit":
        return f"share of preference{by}; 95 % of {len(worths.points):,} draws, cluster covariance"
    name = "share of preference" if simulator.method == "share" else "first choice"
    return f"{name}{by}, mean of {len(worths.points):,} draws; 95 % of draws, {boot}"


def estimated(
    simulator: Simulator, draws: Floats, *, segment: int = 0, unit: str = "share"
) -> Estimate:
    """The mean of draws (D,) with its interval; unavailable where a segment is too small."""
    worths, method = simulator.worths, in_words(simulator)
    n = worths.n[segment]
    why = too_small(worths, segment)
    if why or not np.isfinite(draws).all():
        return unavailable(why or "not defined in some draws", n=n, method=method, unit=unit)
    return estimate_of(draws, n=n, method=method, unit=unit, value=float(draws.mean()))


def too_small(worths: Worths, segment: int = 0) -> str:
    """Why nothing is shown of a segment; empty when it is large enough."""
    n = worths.n[segment]
    return f"suppressed: fewer than {FEWEST} respondents" if n < FEWEST else ""


def monte_carlo_error(draws: Floats) -> float:
    """Of the mean of draws (D,), by batches in their order."""
    batches = [part.mean() for part in np.array_split(draws, BATCHES)]
    return float(np.std(batches, ddof=1) / np.sqrt(BATCHES))


def outcomes(
    simulator: Simulator,
    found: Simulated,
    base: Simulated | None = None,
    *,
    segment: int = 0,
) -> tuple[Outcome, ...]:
    """Every alternative of a market, in order."""
    market, rows = found.market, []
    before = {} if base is None else {name: n for n, name in enumerate(base.market.names)}
    for place, name in enumerate(market.names):
        share = found.drawn[:, segment, place]
        change = None
        if base is not None and name in before:
            was = base.drawn[:, segment, before[name]]
            change = estimated(simulator, share - was, segment=segment)
        product = None if place == len(market.products) else market.products[place]
        price = None if product is None else price_of(simulator.worths.coding, product)
        revenue, profit = (
            _money(simulator, market, share, place, kind, segment) for kind in ("revenue", "profit")
        )
        rows.append(
            Outcome(
                name=name,
                own=product is not None and product.own,
                price=price,
                share=estimated(simulator, share, segment=segment),
                units=estimated(simulator, share * size(market), segment=segment, unit="units"),
                revenue=revenue,
                profit=profit,
                change=change,
            )
        )
    return tuple(rows)


def size(market: Market) -> float:
    """Choices a period, 100 where the size of the market is not known."""
    return PER if market.size is None else market.size


def margin(simulator: Simulator, market: Market, place: int, kind: str) -> float | str:
    """Money a unit of a product brings in, or why it is not known."""
    if place >= len(market.products):
        return f"{NONE} brings in nothing"
    product = market.products[place]
    price = price_of(simulator.worths.coding, product)
    if price is None:
        return "the exercise has no price in numbers"
    if kind == "revenue":
        return price
    cost = market.cost(product)
    return f"the unit cost of '{product.name}' is not given" if cost is None else price - cost


def _money(
    simulator: Simulator, market: Market, share: Floats, place: int, kind: str, segment: int
) -> Estimate:
    unit = simulator.worths.coding.money_unit
    each = margin(simulator, market, place, kind)
    if isinstance(each, str):
        n, method = simulator.worths.n[segment], in_words(simulator)
        return unavailable(each, n=n, method=method, unit=unit)
    return estimated(simulator, share * size(market) * each, segment=segment, unit=unit)


def line_draws(simulator: Simulator, found: Simulated, kind: str, segment: int = 0) -> Floats | str:
    """Revenue or profit of all own products in every draw (D,), or why it is not known."""
    total, market = np.zeros(len(found.drawn)), found.market
    own = [n for n, product in enumerate(market.products) if product.own]
    if not own:
        return "no product is your own"
    for place in own:
        each = margin(simulator, market, place, kind)
        if isinstance(each, str):
            return each
        total += found.drawn[:, segment, place] * size(market) * each
    return total


def line(
    simulator: Simulator, found: Simulated, base: Simulated | None = None, *, segment: int = 0
) -> Line:
    """Revenue and profit of all own products together."""
    unit = simulator.worths.coding.money_unit
    n, method = simulator.worths.n[segment], in_words(simulator)
    values: list[Estimate] = []
    changes: list[Estimate | None] = []
    for kind in ("revenue", "profit"):
        now = line_draws(simulator, found, kind, segment)
        was = "" if base is None else line_draws(simulator, base, kind, segment)
        change = None
        if isinstance(now, str):
            values.append(unavailable(now, n=n, method=method, unit=unit))
        else:
            values.append(estimated(simulator, now, segment=segment, unit=unit))
            if not isinstance(was, str):
                change = estimated(simulator, now - was, segment=segment, unit=unit)
        changes.append(change)
    return Line(values[0], values[1], changes[0], changes[1])
