"""Products and markets, and how they become columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from analysis.choices.coding import Coding, Floats, level_numbers, tested_range
from analysis.study import Attribute

NONE = "none"
Levels = Mapping[str, str | float]
"""A level id, or a number between tested levels, by attribute."""
Costs = Mapping[str, Mapping[str, float]]
"""What a level adds to the cost of a unit, by attribute and level id."""
MOST_PRODUCTS = 30
CAPTIVE = (
    "everybody must buy one of our products here, so that any price would do: offer none, or add a "
    "competitor"
)


@dataclass(frozen=True, slots=True)
class Product:
    """Something that can be bought.

    ``unit_cost`` is what a unit costs to make and sell, besides what its levels add; None: not
    known. ``availability`` is the share of shopping trips on which it can be had. ``factor``
    multiplies its odds against every other product: an outside calibration.
    """

    name: str
    levels: Levels
    own: bool = False
    unit_cost: float | None = None
    availability: float = 1.0
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Market:
    """What is offered, and how large the market is.

    Attributes
    ----------
    none
        Whether buyers may take none.
    size
        Choices a period; None: not known, and figures are for 100 choices.
    scale
        The exponent: multiplies all utilities.
    level_costs
        What levels add to the cost of a unit.
    """

    products: tuple[Product, ...]
    none: bool = False
    size: float | None = None
    scale: float = 1.0
    level_costs: Costs = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The products, then none where it is offered."""
        return [p.name for p in self.products] + ([NONE] if self.none else [])

    @property
    def captive(self) -> bool:
        """Whether everybody must buy one of our products, so that any price would do."""
        return not self.none and all(p.own for p in self.products)

    def place(self, name: str) -> int:
        """Where a product stands; KeyError when there is none of this name."""
        for n, product in enumerate(self.products):
            if product.name == name:
                return n
        raise KeyError(f"there is no product '{name}'; known: {', '.join(self.names)}")

    def cost(self, product: Product) -> float | None:
        """The cost of a unit, its levels included; None when it is not known."""
        if product.unit_cost is None:
            return None
        added = (self.level_costs.get(a, {}).get(str(v), 0.0) for a, v in product.levels.items())
        return product.unit_cost + sum(added)

    def with_product(self, place: int, product: Product) -> Market:
        """The market with another product at a place."""
        products = list(self.products)
        products[place] = product
        return replace(self, products=tuple(products))


def row(coding: Coding, levels: Levels | None) -> Floats:
    """The columns (K,) of a product, or of none (None).

    A number between two levels of an attribute in steps is interpolated between their codes, as a
    linear or piecewise one is by its coder. ValueError outside the numbers tested.
    """
    if levels is None:
        return coding.row(None)
    found = np.zeros(coding.width)
    for attribute in coding.exercise.attributes:
        found[coding.places(attribute.id)] = code(coding, attribute, levels[attribute.id])
    for first, second in coding.exercise.interactions:
        product = np.outer(found[coding.places(first)], found[coding.places(second)])
        found[coding.places(f"{first}:{second}")] = product.ravel()
    return found


def code(coding: Coding, attribute: Attribute, value: str | float) -> Floats:
    """The codes of one level or number; KeyError or ValueError when it cannot be simulated."""
    if isinstance(value, str):
        return coding.code(attribute, value)
    why = why_not_number(attribute, value)
    if why:
        raise ValueError(why)
    if attribute.coding != "effects":
        own: Floats = coding.numeric(attribute, np.array([float(value)]))[0]
        return own
    found: Floats = np.array(steps(attribute, value)) @ coding.table(attribute)
    return found


def why_not_number(attribute: Attribute, value: float) -> str:
    """Why a number cannot stand for a level; empty when it can."""
    if attribute.coding == "effects" and any(lv.number is None for lv in attribute.levels):
        ids = ", ".join(level.id for level in attribute.levels)
        return f"'{attribute.id}' has levels without numbers; name one of them: {ids}"
    low, high = tested_range(attribute)
    if not low - 1e-9 <= value <= high + 1e-9:
        return f"{value:g} is beyond the tested {low:g} to {high:g} of '{attribute.id}'"
    return ""


def steps(attribute: Attribute, value: str | float) -> list[float]:
    """How much of each level a value is: 1 for its own, two parts between two levels."""
    ids = [level.id for level in attribute.levels]
    if isinstance(value, str):
        return [float(level == value) for level in ids]
    numbers = level_numbers(attribute)
    order = np.argsort(numbers, kind="stable")
    parts = np.eye(len(ids))[order]
    return [float(np.interp(value, numbers[order], parts[:, k])) for k in range(len(ids))]


def number_of(attribute: Attribute, value: str | float) -> float | None:
    """The number of a level, such as its price; None when it has none."""
    return attribute.level(value).number if isinstance(value, str) else float(value)


def price_of(coding: Coding, product: Product) -> float | None:
    """What a product costs its buyer; None when the exercise has no price in numbers."""
    price = coding.exercise.price
    return None if price is None else number_of(price, product.levels[price.id])


def why_not_shown(coding: Coding, levels: Levels) -> str:
    """Which prohibition a product breaks; empty when it could have been shown."""
    for prohibition in coding.exercise.prohibitions:
        together = [
            name
            for name, ids in prohibition.items()
            if _touches(coding.exercise.attribute(name), levels[name], ids)
        ]
        if len(together) == len(prohibition):
            said = " with ".join(f"{name} '{_said(levels[name])}'" for name in prohibition)
            return f"{said} was never shown together (a prohibition of the exercise)"
    return ""


def _touches(attribute: Attribute, value: str | float, ids: tuple[str, ...]) -> bool:
    if not attribute.levels:
        return False
    parts = zip(attribute.levels, steps(attribute, value), strict=True)
    return any(part > 0 and level.id in ids for level, part in parts)


def _said(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def settled(attribute: Attribute, value: object) -> str | float:
    """A value of a file or a form as a level id or a number; ValueError when it is neither."""
    ids = [level.id for level in attribute.levels]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    text = f"{value:g}" if number else str(value).strip()
    if text in ids:
        return text
    if number:
        given = float(text) if isinstance(value, int) else float(str(value))
    else:
        try:
            given = float(text)
        except ValueError:
            known = ", ".join(ids) or f"a number of '{attribute.id}'"
            raise ValueError(f"'{text}' is no level of '{attribute.id}'; use {known}") from None
    if not np.isfinite(given):
        raise ValueError(f"'{text}' is no level of '{attribute.id}'")
    same = [lv.id for lv in attribute.levels if lv.number == given]
    if same:
        return same[0]
    why = why_not_number(attribute, given)
    if why:
        raise ValueError(why)
    return given
