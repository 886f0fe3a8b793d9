"""PRODUCTS.yaml: a market, named scenarios and a search, or every fault of the file at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from analysis.choices.coding import Coding
from analysis.choices.simulator.products import (
    MOST_PRODUCTS,
    NONE,
    Costs,
    Market,
    Product,
    settled,
    why_not_shown,
)
from analysis.choices.simulator.randomised import Errors
from analysis.choices.simulator.search import GOALS, Goal

KEYS = (
    "products",
    "none",
    "market_size",
    "scale",
    "similarity",
    "level_costs",
    "scenarios",
    "search",
)
PRODUCT_KEYS = ("name", "levels", "own", "unit_cost", "availability", "factor")
OTHERS = PRODUCT_KEYS[2:]
SCENARIO_KEYS = ("name", "change", "add", "remove")
SEARCH_KEYS = ("product", "vary", "goal")
Place = tuple[str | int, ...]


class ProductFaults(ValueError):
    """All faults of a products file, each with its line, place, fact and mend."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        count = len(faults)
        heading = f"{count} fault{'s' if count != 1 else ''} in the products file"
        super().__init__("\n".join([heading, *(f"- {fault}" for fault in faults)]))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A search: which product, over which values of its attributes, for what."""

    product: str
    vary: Mapping[str, tuple[str | float, ...]]
    goal: Goal


@dataclass(frozen=True, slots=True)
class ProductsFile:
    """What a products file asks for."""

    market: Market
    scenarios: Mapping[str, Market]
    search: Wanted | None
    errors: Errors = field(default_factory=Errors)


def read_products(
    coding: Coding, content: Mapping[str, Any], lines: Mapping[Place, int]
) -> ProductsFile:
    """Read the content of a products file; ProductFaults with every fault.

    ``lines`` has the line of each place in the file, as ``parse_yaml`` gives it.
    """
    reader = _Reader(coding, lines, [])
    found = reader.file(content)
    if reader.faults:
        raise ProductFaults(list(dict.fromkeys(reader.faults)))
    return found


@dataclass(frozen=True, slots=True)
class _Reader:
    coding: Coding
    lines: Mapping[Place, int]
    faults: list[str]

    def fault(self, place: Place, fact: str) -> None:
        at = place
        while at and at not in self.lines:
            at = at[:-1]
        dotted = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in place).lstrip(".")
        line = f"line {self.lines[at]}, " if at in self.lines else ""
        self.faults.append(f"{line}{dotted or 'file'}: {fact}")

    def file(self, content: Mapping[str, Any]) -> ProductsFile:
        self._known((), content, KEYS)
        given = content.get("products")
        if not isinstance(given, list) or not given:
            self.fault(("products",), "list at least one product, with name and levels")
            given = []
        products = self._products(("products",), given)
        if len(products) > MOST_PRODUCTS:
            self.fault(("products",), f"{len(products)} products; give at most {MOST_PRODUCTS}")
        size = self._number(("market_size",), content.get("market_size"), "above 0", positive=True)
        scale = self._number(("scale",), content.get("scale", 1.0), "above 0", positive=True)
        part = self._number(
            ("similarity",), content.get("similarity", 0.5), "from 0 to 1", most=1.0
        )
        market = Market(
            tuple(products),
            self._none(content),
            size,
            scale or 1.0,
            self._costs(content.get("level_costs") or {}),
        )
        self._rivals((), market)
        return ProductsFile(
            market,
            self._scenarios(content.get("scenarios") or [], market),
            self._search(content.get("search"), market),
            Errors(similarity=0.5 if part is None else part),
        )

    def _rivals(self, place: Place, market: Market) -> None:
        if market.products and len(market.names) < 2:
            self.fault((*place, "products"), "a share needs at least one competitor, or none")

    def _none(self, content: Mapping[str, Any]) -> bool:
        has = self.coding.exercise.none is not None
        none = content.get("none", has)
        if not isinstance(none, bool):
            self.fault(("none",), f"'{none}' is neither true nor false")
        elif none and not has:
            self.fault(("none",), "the exercise has no none alternative; leave it out")
        return bool(none)

    def _products(self, place: Place, given: list[Any]) -> list[Product]:
        found: list[Product] = []
        for n, one in enumerate(given):
            product = self._product((*place, n), one)
            if product is None:
                continue
            if product.name in [p.name for p in found]:
                self.fault((*place, n, "name"), f"'{product.name}' stands twice; rename one")
            found.append(product)
        return found

    def _product(self, place: Place, given: Any) -> Product | None:
        if not isinstance(given, dict):
            self.fault(place, "a product has a name and levels")
            return None
        self._known(place, given, PRODUCT_KEYS)
        name = str(given.get("name", "")).strip()
        if not name or name == NONE:
            self.fault((*place, "name"), f"give the product a name other than '{NONE}'")
        levels = given.get("levels")
        if not isinstance(levels, dict):
            self.fault((*place, "levels"), "write ATTRIBUTE: LEVEL for every attribute")
            return None
        known = {a.id for a in self.coding.exercise.attributes}
        for missing in sorted(known - set(levels)):
            self.fault((*place, "levels"), f"'{missing}' has no level; every attribute needs one")
        found = self._levels((*place, "levels"), levels)
        more = self._more(place, given)
        if set(found) == known:
            self._shown((*place, "levels"), found)
        return Product(name, found, **more)

    def _shown(self, place: Place, levels: Mapping[str, str | float]) -> None:
        why = why_not_shown(self.coding, levels)
        if why:
            self.fault(place, f"{why}; choose another level")

    def _levels(self, place: Place, given: Mapping[str, Any]) -> dict[str, str | float]:
        known = {a.id: a for a in self.coding.exercise.attributes}
        found: dict[str, str | float] = {}
        for name, value in given.items():
            if name not in known:
                used = ", ".join(known)
                self.fault((*place, name), f"there is no attribute '{name}'; known: {used}")
                continue
            try:
                found[name] = settled(known[name], value)
            except ValueError as error:
                self.fault((*place, name), str(error))
        return found

    def _more(self, place: Place, given: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if "own" in given:
            found["own"] = given["own"] is True
            if not isinstance(given["own"], bool):
                self.fault((*place, "own"), f"'{given['own']}' is neither true nor false")
        for key, words, most, positive in (
            ("unit_cost", "0 or more", math.inf, False),
            ("availability", "above 0, and at most 1", 1.0, True),
            ("factor", "above 0", math.inf, True),
        ):
            if key in given:
                number = self._number(
                    (*place, key), given[key], words, positive=positive, most=most
                )
                found[key] = 1.0 if number is None and key != "unit_cost" else number
        return found

    def _number(
        self,
        place: Place,
        value: Any,
        words: str,
        *,
        positive: bool = False,
        most: float = math.inf,
    ) -> float | None:
        if value is None:
            return None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        low = number and (value > 0 if positive else value >= 0)
        if not number or not low or value > most or not math.isfinite(value):
            self.fault(place, f"'{value}' is no number {words}")
            return None
        return float(value)

    def _costs(self, given: Any) -> Costs:
        place: Place = ("level_costs",)
        if not isinstance(given, dict):
            self.fault(place, "write ATTRIBUTE: {LEVEL: COST}")
            return {}
        found: dict[str, dict[str, float]] = {}
        known = {a.id: [lv.id for lv in a.levels] for a in self.coding.exercise.attributes}
        for name, costs in given.items():
            if name not in known or not isinstance(costs, dict):
                self.fault((*place, name), f"write an attribute ({', '.join(known)}) with costs")
                continue
            for level, cost in costs.items():
                if str(level) not in known[name]:
                    self.fault(
                        (*place, name, level),
                        f"no level '{level}'; known: {', '.join(known[name])}",
                    )
                number = isinstance(cost, int | float) and not isinstance(cost, bool)
                if not number or not math.isfinite(cost):
                    self.fault((*place, name, level), f"'{cost}' is no number")
                    continue
                found.setdefault(name, {})[str(level)] = float(cost)
        return found

    def _scenarios(self, given: Any, base: Market) -> dict[str, Market]:
        if not isinstance(given, list):
            self.fault(("scenarios",), "list scenarios, each with a name")
            return {}
        found: dict[str, Market] = {}
        for n, one in enumerate(given):
            place: Place = ("scenarios", n)
            if not isinstance(one, dict) or not str(one.get("name", "")).strip():
                self.fault(place, "a scenario has a name, and change, add or remove")
                continue
            self._known(place, one, SCENARIO_KEYS)
            name = str(one["name"]).strip()
            if name in found:
                self.fault((*place, "name"), f"'{name}' stands twice; rename one")
            found[name] = self._scenario(place, one, base)
            if found[name] == base or not any(one.get(key) for key in SCENARIO_KEYS[1:]):
                self.fault(place, "nothing differs from the market; change, add or remove products")
        return found

    def _scenario(self, place: Place, given: Mapping[str, Any], base: Market) -> Market:
        products = {p.name: p for p in base.products}
        change = given.get("change") or {}
        if not isinstance(change, dict):
            self.fault((*place, "change"), "write PRODUCT: {ATTRIBUTE: LEVEL}")
            change = {}
        for name, levels in change.items():
            at: Place = (*place, "change", name)
            if name not in products or not isinstance(levels, dict):
                self.fault(at, f"name a product ({', '.join(products)}) with its new levels")
                continue
            products[name] = self._changed(at, products[name], levels)
        removed = given.get("remove") or []
        for name in removed if isinstance(removed, list) else [removed]:
            if products.pop(str(name), None) is None:
                self.fault((*place, "remove"), f"there is no product '{name}'")
        added = given.get("add") or []
        if not isinstance(added, list):
            self.fault((*place, "add"), "list products, each with name and levels")
            added = []
        for product in self._products((*place, "add"), added):
            if product.name in products:
                self.fault((*place, "add"), f"'{product.name}' is there already; rename it")
            products[product.name] = product
        market = replace(base, products=tuple(products.values()))
        self._rivals(place, market)
        return market

    def _changed(self, place: Place, product: Product, given: Mapping[str, Any]) -> Product:
        levels = {k: v for k, v in given.items() if k not in OTHERS}
        found = {**product.levels, **self._levels(place, levels)}
        more = self._more(place, {k: v for k, v in given.items() if k in OTHERS})
        if len(found) == len(self.coding.exercise.attributes):
            self._shown(place, found)
        return replace(product, levels=found, **more)

    def _search(self, given: Any, market: Market) -> Wanted | None:
        if given is None:
            return None
        place: Place = ("search",)
        if not isinstance(given, dict):
            self.fault(place, "write product and vary")
            return None
        self._known(place, given, SEARCH_KEYS)
        own = [p.name for p in market.products if p.own]
        name = str(given.get("product", own[0] if len(own) == 1 else ""))
        if name not in own:
            self.fault((*place, "product"), f"name one of your own: {', '.join(own) or 'no own'}")
        goal = given.get("goal", "profit")
        if goal not in GOALS:
            self.fault((*place, "goal"), f"'{goal}' is not one of: {', '.join(GOALS)}")
        return Wanted(name, self._vary((*place, "vary"), given.get("vary")), goal)

    def _vary(self, place: Place, given: Any) -> dict[str, tuple[str | float, ...]]:
        attributes = self.coding.exercise.attributes
        if given is None:
            return {a.id: tuple(lv.id for lv in a.levels) for a in attributes if a.levels}
        lists = isinstance(given, dict) and all(isinstance(v, list) and v for v in given.values())
        if not lists:
            self.fault(place, "write ATTRIBUTE: [LEVEL, ...]")
            return {}
        found: dict[str, tuple[str | float, ...]] = {}
        for name, values in given.items():
            read = [self._levels(place, {name: value}).get(name) for value in values]
            found[name] = tuple(dict.fromkeys(v for v in read if v is not None))
        return found

    def _known(self, place: Place, given: Mapping[str, Any], keys: tuple[str, ...]) -> None:
        for key in given:
            if key not in keys:
                self.fault((*place, key), f"there is no key '{key}'; known: {', '.join(keys)}")
