"""The simulator's form: a market in the address of the page, and back.

Everything stands in the query, so that a scenario can be kept as a bookmark or sent to a colleague.
Names: ``p1.name``, ``p1.own``, ``p1.cost``, ``p1.had`` (per cent of shops), ``p1.a.ATTRIBUTE``; the
same behind ``b`` is the market that changes are counted from. ``keep.ATTRIBUTE``: not to vary.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from analysis.study import Attribute
from analysis.study.exercises import ChoiceExercise

MOST = 10
"""Products on the page."""
LONGEST = 60
"""Of a product's name."""
NOW, BASE = "p", "b"
METHODS = {
    "share": ("Share of preference", "Everybody divides their choices by what they like."),
    "first-choice": ("First choice", "Everybody takes what they like best, and nothing else."),
    "rfc": (
        "Randomised first choice",
        "First choices with errors: products alike share what one of them would get.",
    ),
}
"""Of counting choices: its name, and what it assumes."""
EXPONENTS = {
    "": "People choose as exactly as in the survey's tasks.",
    "tuned": "People choose as exactly as predicts survey tasks best that were held back.",
    "bought": (
        "Levels and prices count as much as they did in what customers bought, and products of the "
        "shop as often as they are bought beyond what levels and prices explain."
    ),
}
"""Of how much utilities count: what it means."""
_NUMBERED = re.compile(r"^([pb])(\d{1,2})\.(name|own|cost|had|a\.[a-z0-9_]+)$")


@dataclass(frozen=True, slots=True)
class ProductForm:
    """A product as it was typed."""

    name: str
    own: bool = False
    cost: str = ""
    had: str = "100"
    levels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MarketForm:
    """A market as it was typed, the one to compare with, and how to look at it."""

    products: tuple[ProductForm, ...]
    base: tuple[ProductForm, ...]
    none: bool
    size: str = ""
    method: str = "share"
    segment: str = ""
    curve: int = 1
    """The product whose prices and levels are tried, counted from 1."""
    exponent: str = ""
    """'tuned', 'bought' (calibrated on purchases), or '' for 1; of share of preference only."""
    best: bool = False
    """Whether to search for the best version of the product ``curve``."""
    keep: tuple[str, ...] = ()
    """Attributes that the search leaves as they are."""

    @property
    def query(self) -> str:
        """The query of the page's address."""
        return urlencode(list(self._pairs()))

    def _pairs(self) -> Iterator[tuple[str, str]]:
        for prefix, products in ((NOW, self.products), (BASE, self.base)):
            for n, product in enumerate(products, start=1):
                yield from _product_pairs(f"{prefix}{n}", product)
        yield "none", "1" if self.none else "0"
        yield "size", self.size
        yield "method", self.method
        yield "segment", self.segment
        yield "curve", str(self.curve)
        yield "exponent", self.exponent
        if self.best:
            yield "best", "1"
        for attribute in self.keep:
            yield f"keep.{attribute}", "1"

    def hidden_base(self) -> list[tuple[str, str]]:
        """Names and values of the fields that keep the market to compare with."""
        return [
            pair
            for n, product in enumerate(self.base, start=1)
            for pair in _product_pairs(f"{BASE}{n}", product)
        ]


def _product_pairs(place: str, product: ProductForm) -> Iterator[tuple[str, str]]:
    yield f"{place}.name", product.name
    if product.own:
        yield f"{place}.own", "1"
    yield f"{place}.cost", product.cost
    yield f"{place}.had", product.had
    for attribute, level in product.levels.items():
        yield f"{place}.a.{attribute}", level


def is_typed(attribute: Attribute) -> bool:
    """Whether any number within the tested range may be typed: a price, or what has no levels."""
    numbers = all(level.number is not None for level in attribute.levels)
    return not attribute.levels or (attribute.tag == "price" and numbers)


def tested(attribute: Attribute) -> tuple[float, float]:
    """The least and the greatest number of a typed attribute."""
    if attribute.range:
        return attribute.range.least, attribute.range.greatest
    numbers = [level.number for level in attribute.levels if level.number is not None]
    return min(numbers), max(numbers)


def first_market(exercise: ChoiceExercise) -> MarketForm:
    """What the page starts from: one's own product with the last levels, a rival with the first,
    both at the same price.
    """
    own, rival = ({a.id: _starting(a, place) for a in exercise.attributes} for place in (-1, 0))
    start = (
        ProductForm("Our product", own=True, levels=own),
        ProductForm("Competitor", levels=rival),
    )
    products = tuple(_allowed(exercise, product) for product in start)
    return MarketForm(products, products, none=exercise.none is not None)


def _starting(attribute: Attribute, place: int) -> str:
    if not is_typed(attribute):
        return attribute.levels[place].id
    if attribute.range:
        return f"{(attribute.range.least + attribute.range.greatest) / 2:g}"
    numbers = sorted(level.number for level in attribute.levels if level.number is not None)
    return f"{numbers[len(numbers) // 2]:g}"


def _allowed(exercise: ChoiceExercise, product: ProductForm) -> ProductForm:
    """The product, moved to a level that breaks no prohibition where it would."""
    for prohibition in exercise.prohibitions:
        if all(product.levels[name] in ids for name, ids in prohibition.items()):
            name, ids = next(iter(prohibition.items()))
            free = [lv.id for lv in exercise.attribute(name).levels if lv.id not in ids]
            if free:
                product = replace(product, levels={**product.levels, name: free[0]})
    return product


def read_form(given: Mapping[str, str], exercise: ChoiceExercise) -> MarketForm:
    """The form of a query; the first market where it names no product."""
    start = first_market(exercise)
    products = _products(given, NOW, exercise)
    if not products:
        return start
    method = given.get("method", "share")
    curve, exponent = given.get("curve", "1"), given.get("exponent", "")
    return MarketForm(
        products[:MOST],
        _products(given, BASE, exercise)[:MOST] or products[:MOST],
        none=given.get("none", "") == "1" and exercise.none is not None,
        size=given.get("size", "").strip()[:20],
        method=method if method in METHODS else "share",
        segment=given.get("segment", "")[:300],
        exponent=exponent if exponent in EXPONENTS and method == "share" else "",
        best=given.get("best") == "1",
        keep=tuple(a.id for a in exercise.attributes if given.get(f"keep.{a.id}") == "1"),
        curve=int(curve) if curve.isdecimal() and 0 < int(curve[:3]) <= len(products) else 1,
    )


def _products(
    given: Mapping[str, str], prefix: str, exercise: ChoiceExercise
) -> tuple[ProductForm, ...]:
    found: dict[int, dict[str, str]] = {}
    for key, value in given.items():
        match = _NUMBERED.match(key)
        if match and match[1] == prefix:
            found.setdefault(int(match[2]), {})[match[3]] = value.strip()
    made = []
    for _, fields in sorted(found.items()):
        levels = {a.id: fields.get(f"a.{a.id}", _starting(a, 0)) for a in exercise.attributes}
        cost, had = fields.get("cost", "")[:20], fields.get("had", "100")[:20]
        name = fields.get("name", "")[:LONGEST]
        made.append(ProductForm(name, fields.get("own") == "1", cost, had or "100", levels))
    return tuple(made)


def sold_market(form: MarketForm, sold: Mapping[str, Mapping[str, str | float]]) -> MarketForm:
    """The form with the shop's own products, calibrated; none left out, as purchases know none."""
    products = tuple(
        ProductForm(
            name[:LONGEST],
            own=True,
            levels={a: v if isinstance(v, str) else f"{v:g}" for a, v in levels.items()},
        )
        for name, levels in sold.items()
    )[:MOST]
    return replace(
        form,
        products=products,
        base=products,
        none=False,
        method="share",
        exponent="bought",
        curve=1,
    )


def acted(form: MarketForm, act: str) -> MarketForm:
    """The form after a button: add, base, reset, copy-N or remove-N."""
    verb, _, number = act.partition("-")
    place = int(number) - 1 if number.isdecimal() and len(number) < 3 else -1
    products = list(form.products)
    if verb == "add" and len(products) < MOST:
        products.append(replace(products[-1], name=_fresh(products, "Product"), own=False))
    elif verb == "copy" and 0 <= place < len(products) < MOST:
        copied = replace(products[place], name=_fresh(products, products[place].name))
        products.insert(place + 1, copied)
    elif verb == "remove" and 0 <= place < len(products) > 1:
        del products[place]
    elif verb == "base":
        return replace(form, base=form.products)
    elif verb == "reset":
        return replace(form, products=form.base, curve=1)
    curve = form.curve if form.curve <= len(products) else 1
    return replace(form, products=tuple(products), curve=curve)


def _fresh(products: list[ProductForm], name: str) -> str:
    """A name that no product has yet."""
    stem = re.sub(r" \d+$", "", name)[: LONGEST - 4]
    taken = {product.name for product in products}
    return next(f"{stem} {n}" for n in range(2, 2 * MOST + 3) if f"{stem} {n}" not in taken)


def number(text: str) -> float | None:
    """A number as people type it, '1,234.5' and '1.05' alike; None when it is none."""
    try:
        found = float(text.replace("\u00a0", "").replace(" ", "").replace(",", ""))
    except ValueError:
        return None
    return found if math.isfinite(found) else None
