"""Simulating the market of a form with the draws of a report's run, within a request.

Draws are mapped into memory; what each process keeps of them is bounded.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from surveyapp.reports.market_form import MarketForm, ProductForm, is_typed, number, tested

if TYPE_CHECKING:
    from analysis.choices.coding import Coding
    from analysis.choices.simulator.outcomes import Line, Outcome
    from analysis.choices.simulator.people import People
    from analysis.choices.simulator.prices import PriceCurve
    from analysis.choices.simulator.products import Market, Product
    from analysis.choices.simulator.shares import Simulator
    from analysis.choices.simulator.volume import Volume
    from analysis.choices.simulator.worths import Worths
    from surveyapp.reports.trying import Tried

KEPT = 4
"""Reports whose draws a process keeps at hand."""
CELLS = 1_000_000
CURVE_CELLS = 250_000
"""Draws times respondents of the price curve, which tries two dozen prices."""
SEED = 1

_kept: OrderedDict[tuple[str, str], tuple[Worths, People]] = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Simulation:
    """What the page shows."""

    outcomes: tuple[Outcome, ...]
    line: Line
    volume: Volume | None
    curve: PriceCurve | None
    tried: Tried | None
    changed: bool
    error: float
    """Monte-Carlo error of the first share."""
    n: int
    method: str
    draws: int
    kept_of: int
    small: str
    """Why nothing is shown of the segment; empty when it is large enough."""


def worths_of(folder: Path, coding: Coding) -> tuple[Worths, People]:
    """Part-worths and people of a run, kept from earlier requests of this process.

    Raises NoWorths when they cannot be simulated.
    """
    from analysis.choices.simulator.files import read_draws
    from analysis.choices.simulator.people import read_people
    from analysis.choices.simulator.worths import weighted

    key = (str(folder), " ".join(coding.names))
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    worths = read_draws(folder, coding, seed=SEED, cells=CELLS)
    people = read_people(folder, worths)
    if people.weights is not None:
        worths = weighted(worths, people.weights)
    with _lock:
        _kept[key] = worths, people
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return worths, people


def divisions(people: People, worths: Worths) -> list[tuple[str, list[tuple[str, str, int]]]]:
    """What divides people, and its segments: value of the form, name, and how many."""
    from analysis.choices.simulator.people import members_of

    return [
        (
            label,
            [
                (f"{label}|{name}", name, int((member * (worths.mass[0] > 0)).sum()))
                for name, member in members_of(own).items()
            ],
        )
        for label, own in people.divisions.items()
    ]


def read_market(
    form: MarketForm, coding: Coding
) -> tuple[Market | None, Market | None, list[tuple[str, str]]]:
    """The market of a form, the one to compare with, and all faults: field id and message."""
    from analysis.choices.simulator.products import Market

    wrong: list[tuple[str, str]] = []
    products = [_product(p, f"p{n}", coding, wrong) for n, p in enumerate(form.products, start=1)]
    names = [p.name for p in form.products]
    for n, name in enumerate(names, start=1):
        if names.index(name) < n - 1:
            wrong.append((f"p{n}.name", f"Two products are called '{name}': rename one"))
    if len(products) + form.none < 2:
        wrong.append(("none", "A share needs a competitor: add a product, or offer none"))
    size = None
    if form.size:
        size = number(form.size)
        if size is None or size <= 0:
            wrong.append(("size", f"'{form.size}' is no number of choices above 0"))
            size = None
    ignored: list[tuple[str, str]] = []
    costs = {p.name: p.cost for p in form.products}
    # A cost that was typed later was the cost before as well.
    known = [replace(p, cost=p.cost or costs.get(p.name, "")) for p in form.base]
    before = [_product(p, "b", coding, ignored) for p in known]
    if wrong:
        return None, None, wrong
    market = Market(tuple(p for p in products if p), form.none, size)
    sound = not ignored and len({p.name for p in form.base}) == len(form.base)
    if not sound or len(before) + form.none < 2:
        return market, market, wrong
    return market, Market(tuple(p for p in before if p), form.none, size), wrong


def _product(
    form: ProductForm, place: str, coding: Coding, wrong: list[tuple[str, str]]
) -> Product | None:
    from analysis.choices.simulator.products import Product, settled, why_not_shown

    count, said = len(wrong), form.name or f"Product {place[1:]}"
    if not form.name or form.name == "none":
        wrong.append((f"{place}.name", f"Give {said} a name"))
    levels: dict[str, str | float] = {}
    for attribute in coding.exercise.attributes:
        value, label = form.levels[attribute.id], attribute.label.say()
        try:
            if not is_typed(attribute):
                levels[attribute.id] = attribute.level(value).id
                continue
            typed = number(value)
            if typed is None:
                raise ValueError
            levels[attribute.id] = settled(attribute, typed)
        except (KeyError, ValueError):
            low, high = tested(attribute) if is_typed(attribute) else (0.0, 0.0)
            hint = (
                f"between {low:g} and {high:g}, which were tested" if low < high else "of the list"
            )
            wrong.append((f"{place}.a.{attribute.id}", f"{said}: give a {label} {hint}"))
    cost = number(form.cost) if form.cost else None
    if form.cost and (cost is None or cost < 0):
        wrong.append((f"{place}.cost", f"{said}: '{form.cost}' is no cost of 0 or more"))
    had = number(form.had)
    if had is None or not 0 < had <= 100:
        wrong.append((f"{place}.had", f"{said}: give a percentage of shops above 0, up to 100"))
    if len(wrong) > count:
        return None
    why = why_not_shown(coding, levels)
    if why:
        wrong.append((f"{place}.name", f"{said}: {why}. Choose another level"))
        return None
    return Product(form.name, levels, form.own, cost, (had or 100.0) / 100)


def simulate(
    worths: Worths, people: People, form: MarketForm, market: Market, base: Market
) -> Simulation:
    """Simulate a market and the one it is compared with."""
    from analysis.choices.simulator.outcomes import (
        in_words,
        line,
        monte_carlo_error,
        outcomes,
        too_small,
    )
    from analysis.choices.simulator.shares import METHODS, simulator_of
    from analysis.choices.simulator.volume import source_of_volume

    chosen = _segment(worths, people, form.segment)
    method = next(m for m in METHODS if m == form.method)
    simulator = simulator_of(chosen, method)
    found = simulator.simulate(market)
    changed = market.products != base.products
    before = simulator.simulate(base) if changed else None
    small = too_small(chosen)
    return Simulation(
        outcomes(simulator, found, before),
        line(simulator, found, before),
        source_of_volume(simulator, before, found) if before is not None else None,
        None if small else _curve(simulator, form, market),
        None if small else _tried(simulator, form, market),
        changed,
        monte_carlo_error(found.drawn[:, 0, 0]),
        chosen.n[0],
        in_words(simulator),
        len(chosen.points),
        chosen.kept_of,
        small,
    )


def _segment(worths: Worths, people: People, wanted: str) -> Worths:
    """Of the segment of a form; of everybody when there is none like it."""
    from analysis.choices.simulator.people import members_of
    from analysis.choices.simulator.worths import divided

    label, _, name = wanted.partition("|")
    if label not in people.divisions:
        return worths
    members = members_of(people.divisions[label])
    if name not in members:
        return worths
    return divided(worths, {wanted: members[name]}).only(wanted)


def _tried(simulator: Simulator, form: MarketForm, market: Market) -> Tried:
    from surveyapp.reports.trying import tried

    return tried(simulator, market, form.curve - 1, search=form.best, keep=form.keep)


def _curve(simulator: Simulator, form: MarketForm, market: Market) -> PriceCurve | None:
    from analysis.choices.simulator.prices import NoPrice, price_curve

    place = form.curve - 1
    thin = replace(simulator, worths=simulator.worths.thinned(CURVE_CELLS))
    try:
        return price_curve(thin, market, place)
    except NoPrice:
        return None
