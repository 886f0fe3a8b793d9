"""The places of a price curve in a drawing; the template draws."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.choices.simulator.prices import PriceCurve
    from analysis.choices.simulator.search import Rank
    from analysis.estimate import Estimate

KINDS = ("profit", "revenue", "share")
HEIGHT, TOP, BOTTOM, LEFT, RIGHT = 250, 14, 34, 58, 14
TICKS = 4


@dataclass(frozen=True, slots=True)
class Tick:
    """A place and its text."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Places in user units: texts of points, 'x,y x,y ...'."""

    width: int
    height: int
    left: int
    right: float
    bottom: float
    line: str
    band_95: str
    band_50: str
    dots: tuple[tuple[float, float], ...]
    """At tested prices."""
    best: tuple[float, float] | None
    now: float | None
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def kind_of(curve: PriceCurve) -> str:
    """What a curve shows: profit where it is known, else revenue, else the share."""
    for kind in KINDS:
        if all(getattr(point, kind).available for point in curve.points):
            return kind
    return "share"


def best_of(curve: PriceCurve) -> Rank | None:
    """The price that pays best by what the curve shows; None for a share."""
    ranking = {"profit": curve.best_profit, "revenue": curve.best_revenue}.get(kind_of(curve))
    return None if ranking is None else ranking.best


def tied_prices(curve: PriceCurve) -> tuple[float, ...]:
    """The prices that cannot be told from the best."""
    ranking = {"profit": curve.best_profit, "revenue": curve.best_revenue}.get(kind_of(curve))
    ranks = ranking.ranks if ranking is not None else ()
    return tuple(sorted(curve.points[rank.place].price for rank in ranks if rank.tied))


def draw(
    curve: PriceCurve,
    *,
    width: int,
    now: float | None,
    say: Callable[[float], str],
    say_price: Callable[[float], str],
) -> Drawing | None:
    """Place a curve; None where it has no numbers or only one price."""
    kind, points = kind_of(curve), curve.points
    shown = [getattr(point, kind) for point in points]
    if len(points) < 2 or not all(estimate.available for estimate in shown):
        return None
    steps = _round_steps(
        min(0.0, *(_end(e, "low") for e in shown)), max(_end(e, "high") for e in shown)
    )
    low, high = steps[0], steps[-1]
    first, last = points[0].price, points[-1].price
    right, bottom = float(width - RIGHT), float(HEIGHT - BOTTOM)

    def x(price: float) -> float:
        return round(LEFT + (price - first) / (last - first) * (right - LEFT), 1)

    def y(value: float) -> float:
        return round(bottom - (value - low) / ((high - low) or 1.0) * (bottom - TOP), 1)

    def band(lower: str, upper: str) -> str:
        there = [(p.price, _end(e, upper)) for p, e in zip(points, shown, strict=True)]
        back = [(p.price, _end(e, lower)) for p, e in zip(points, shown, strict=True)]
        return _text([(x(p), y(v)) for p, v in [*there, *reversed(back)]])

    middle = [(x(p.price), y(_end(e, "value"))) for p, e in zip(points, shown, strict=True)]
    best = best_of(curve)
    tested = [p.price for p in points if p.tested]
    every = max(1, -(-len(tested) // (TICKS if width < 400 else 2 * TICKS)))
    return Drawing(
        width,
        HEIGHT,
        LEFT,
        right,
        bottom,
        _text(middle),
        band("low", "high"),
        band("low_50", "high_50"),
        tuple(at for at, p in zip(middle, points, strict=True) if p.tested),
        middle[best.place] if best is not None else None,
        x(now) if now is not None and first <= now <= last else None,
        tuple(Tick(x(price), say_price(price)) for price in tested[::every]),
        tuple(Tick(y(value), say(value)) for value in steps),
    )


def _round_steps(low: float, high: float) -> list[float]:
    """Round numbers from below the lowest value to above the highest."""
    rough = ((high - low) or 1.0) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step - 1e-9)
    return [n * step for n in range(first, last + 1)]


def _end(estimate: Estimate, name: str) -> float:
    found: float = getattr(estimate, name)
    return found


def _text(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)
