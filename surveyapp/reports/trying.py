"""Other versions of one product on the simulator's page: one level at a time, and the best of all.

Both go through fewer draws than the shares, and the search is bounded: a page answers at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.choices.simulator.products import Market
    from analysis.choices.simulator.search import Found, Goal
    from analysis.choices.simulator.sensitivity import Swap
    from analysis.choices.simulator.shares import Simulator

CELLS = 250_000
"""Draws times respondents of the levels tried."""
MOST_WORK = 4e7
"""Versions times draws times respondents of a search: some 0.2 seconds of CPU."""
SHOWN = 5
"""Versions shown of a search."""
TOO_SLOW = (
    "Randomised first choice takes too long for this on a page: count by share of preference or "
    "first choice, or ask a researcher to run the command 'simulate'."
)


@dataclass(frozen=True, slots=True)
class Tried:
    """What other versions of a product would get.

    ``swaps`` are its levels one at a time; ``best`` is None where no search was asked for or
    ``refused`` says why there is none.
    """

    product: str
    swaps: tuple[Swap, ...]
    why_no_swaps: str
    best: Found | None
    refused: str


def tried(
    simulator: Simulator, market: Market, place: int, *, search: bool, keep: tuple[str, ...] = ()
) -> Tried:
    """Try the levels of a product and, where asked, search for its best version.

    ``keep`` names the attributes that a search leaves as they are.
    """
    from analysis.choices.simulator.sensitivity import sensitivity

    name = market.products[place].name
    if simulator.method == "rfc":
        return Tried(name, (), TOO_SLOW, None, TOO_SLOW if search else "")
    thin = replace(simulator, worths=simulator.worths.thinned(CELLS))
    swaps = sensitivity(thin, market, place)
    best, refused = _best(simulator, market, place, keep) if search else (None, "")
    return Tried(name, swaps, "", best, refused)


def _best(
    simulator: Simulator, market: Market, place: int, keep: tuple[str, ...]
) -> tuple[Found | None, str]:
    """The best version by profit, else revenue, else share; or why it is not searched for.

    Money is no goal where everybody must buy one of our products.
    """
    from analysis.choices.simulator.search import NoGoal, search
    from analysis.choices.simulator.worths import FEWEST_DRAWS

    product = market.products[place]
    if not product.own:
        return None, f"Tick 'Our own product' of {product.name}: the best is the best for us."
    vary = _values(simulator, market, place, keep)
    if not vary:
        return None, "Everything is kept as it is: leave something to vary."
    count, people = prod(len(values) for values in vary.values()), simulator.worths.points.shape[1]
    most = int(MOST_WORK // (FEWEST_DRAWS * people))
    if count > most:
        return None, (
            f"{count:,} versions are more than the {most:,} that a page searches with {people:,} "
            "respondents. Keep more of the product as it is, first what the table of levels shows "
            "clearly, or ask a researcher to run the command 'simulate'."
        )
    cells = int(min(CELLS, MOST_WORK // count))
    thin = replace(simulator, worths=simulator.worths.thinned(cells))
    try:
        return search(thin, market, place, vary, goal=_goal(thin, market), most=SHOWN), ""
    except NoGoal as error:
        return None, f"No best version: {error}."


def _values(
    simulator: Simulator, market: Market, place: int, keep: tuple[str, ...]
) -> dict[str, list[str | float]]:
    """Tested levels of what may vary, and the present one where it lies between them."""
    from analysis.choices.coding import table_numbers

    found: dict[str, list[str | float]] = {}
    for attribute in simulator.worths.coding.exercise.attributes:
        if attribute.id in keep:
            continue
        values: list[str | float] = [level.id for level in attribute.levels]
        values = values or [float(number) for number in table_numbers(attribute)]
        now = market.products[place].levels[attribute.id]
        found[attribute.id] = values if now in values else [*values, now]
    return found


def _goal(simulator: Simulator, market: Market) -> Goal:
    from analysis.choices.simulator.outcomes import margin

    if market.captive:
        return "share"
    own = [n for n, product in enumerate(market.products) if product.own]
    for goal in ("profit", "revenue"):
        if all(not isinstance(margin(simulator, market, n, goal), str) for n in own):
            return "profit" if goal == "profit" else "revenue"
    return "share"
