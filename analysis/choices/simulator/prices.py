"""Prices: curves, the price that pays best and how sure that is, and elasticities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.choices.coding import Floats, table_numbers, tested_range
from analysis.choices.simulator.candidates import of_candidates, with_level
from analysis.choices.simulator.outcomes import estimated, in_words
from analysis.choices.simulator.products import CAPTIVE, Market, number_of, settled, why_not_shown
from analysis.choices.simulator.search import Ranking, rank
from analysis.choices.simulator.shares import Simulator
from analysis.estimate import Estimate, unavailable
from analysis.study import Attribute

STEPS = 20
"""Steps between the lowest and the highest tested price at which a best price is sought."""
REACH = 0.05
"""How far up and down the price goes for an elasticity."""


class NoPrice(ValueError):
    """The exercise has no price in numbers."""


@dataclass(frozen=True, slots=True)
class PricePoint:
    """A product at one price; money is of all own products together."""

    price: float
    tested: bool
    share: Estimate
    revenue: Estimate
    profit: Estimate


@dataclass(frozen=True, slots=True)
class PriceCurve:
    """A product at several prices, and which of them pays best, where that is known."""

    name: str
    points: tuple[PricePoint, ...]
    best_revenue: Ranking | None
    best_profit: Ranking | None


@dataclass(frozen=True, slots=True)
class Elasticity:
    """Change of the share of ``of``, in per cent, for one per cent more price of ``price_of``.

    An arc elasticity between ``low`` and ``high``.
    """

    price_of: str
    of: str
    low: float
    high: float
    estimate: Estimate


def numeric_price(simulator: Simulator) -> Attribute:
    """The price attribute; NoPrice when there is none with numbers."""
    price = simulator.worths.coding.exercise.price
    if price is None or (price.levels and any(lv.number is None for lv in price.levels)):
        raise NoPrice("the exercise has no price in numbers")
    return price


def price_curve(
    simulator: Simulator,
    market: Market,
    place: int,
    prices: Sequence[float] = (),
    *,
    segment: int = 0,
) -> PriceCurve:
    """A product at prices within those tested; by default 20 even steps and the tested ones."""
    price, coding = numeric_price(simulator), simulator.worths.coding
    tested = [float(number) for number in table_numbers(price)]
    wanted = sorted({round(float(p), 10) for p in (prices or _grid(price, tested))})
    product = market.products[place]
    versions = [with_level(product, price.id, settled(price, number)) for number in wanted]
    shown = [not why_not_shown(coding, v.levels) for v in versions]
    wanted = [w for w, ok in zip(wanted, shown, strict=True) if ok]
    versions = [v for v, ok in zip(versions, shown, strict=True) if ok]
    found = of_candidates(simulator, market, place, versions, segment=segment)
    points = tuple(
        PricePoint(
            number,
            any(abs(number - t) < 1e-9 for t in tested),
            estimated(simulator, found.share[:, c], segment=segment),
            _money(simulator, market, found.revenue, c, segment),
            _money(simulator, market, found.profit, c, segment),
        )
        for c, number in enumerate(wanted)
    )
    best = [
        rank(simulator, drawn, segment=segment) if drawn is not None else None
        for drawn in (found.revenue, found.profit)
    ]
    return PriceCurve(product.name, points, *best)


def _grid(price: Attribute, tested: list[float]) -> list[float]:
    low, high = tested_range(price)
    return [*tested, *np.linspace(low, high, STEPS + 1).tolist()]


def _money(
    simulator: Simulator, market: Market, drawn: Floats | None, c: int, segment: int
) -> Estimate:
    unit = simulator.worths.coding.money_unit
    if drawn is None:
        why = CAPTIVE if market.captive else "the unit cost of an own product is not given"
        n = simulator.worths.n[segment]
        return unavailable(why, n=n, method=in_words(simulator), unit=unit)
    return estimated(simulator, drawn[:, c], segment=segment, unit=unit)


def elasticities(
    simulator: Simulator, market: Market, *, segment: int = 0
) -> tuple[Elasticity, ...]:
    """Own and cross elasticities of every product's price, none included among those that react.

    The price goes down and up by 5 %, but never beyond the tested prices.
    """
    price, found = numeric_price(simulator), []
    least, most = tested_range(price)
    for place, product in enumerate(market.products):
        today = number_of(price, product.levels[price.id])
        assert today is not None
        low, high = max(least, today * (1 - REACH)), min(most, today * (1 + REACH))
        at = [
            simulator.simulate(
                market.with_product(place, with_level(product, price.id, settled(price, number)))
            ).drawn[:, segment]
            for number in (low, high)
        ]
        for other, name in enumerate(market.names):
            estimate = _arc(simulator, (low, high), (at[0][:, other], at[1][:, other]), segment)
            found.append(Elasticity(product.name, name, low, high, estimate))
    return tuple(found)


def _arc(
    simulator: Simulator,
    prices: tuple[float, float],
    shares: tuple[Floats, Floats],
    segment: int,
) -> Estimate:
    low, high = prices
    middle = (shares[0] + shares[1]) / 2
    if high <= low or low + high <= 0 or not (middle > 0).all():
        why = "no share in some draws" if high > low else "no room among the tested prices"
        n = simulator.worths.n[segment]
        return unavailable(why, n=n, method=in_words(simulator), unit="ratio")
    change = (shares[1] - shares[0]) / middle
    drawn = change / ((high - low) / ((high + low) / 2))
    return estimated(simulator, drawn, segment=segment, unit="ratio")
