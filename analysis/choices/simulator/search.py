"""The best product by exhaustive search, and how far the draws agree that it is the best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product as every_combination
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.choices.coding import Floats
from analysis.choices.simulator.candidates import of_candidates
from analysis.choices.simulator.outcomes import estimated
from analysis.choices.simulator.products import CAPTIVE, Market, Product, why_not_shown
from analysis.choices.simulator.shares import Simulator
from analysis.estimate import Estimate

Goal = Literal["share", "revenue", "profit"]
GOALS: tuple[Goal, ...] = ("share", "revenue", "profit")
MOST_CANDIDATES = 20_000
MOST_WORK = 2e9
"""Candidates times draws times respondents; fewer draws are used to stay below."""
CLEAR = 0.975


class TooLarge(ValueError):
    """The space cannot be searched whole; the message says how to cut it."""


class NoGoal(ValueError):
    """What should be best is not known."""


@dataclass(frozen=True, slots=True)
class Rank:
    """One candidate.

    ``chance`` is the share of draws in which it is the best, ``regret`` what is lost on average by
    taking it in place of the best of each draw, ``tied`` whether the draws cannot tell it from the
    best on average (the 95 % interval of the difference holds zero).
    """

    place: int
    value: Estimate
    chance: float
    regret: float
    tied: bool


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates, the best on average first.

    ``tied`` counts all that cannot be told from the best, itself included; ``present`` is the rank
    of one candidate asked for; ``draws`` is what it rests on.
    """

    ranks: tuple[Rank, ...]
    tied: int
    draws: int
    present: Rank | None = None

    @property
    def best(self) -> Rank:
        """The best on average."""
        return self.ranks[0]


def rank(
    simulator: Simulator,
    drawn: Floats,
    *,
    segment: int = 0,
    unit: str = "",
    most: int | None = None,
    present: int | None = None,
) -> Ranking:
    """Rank candidates by the mean of their values (D, C); ``most``: how many to return."""
    means = drawn.mean(axis=0)
    order = np.argsort(-means, kind="stable")
    best = drawn.max(axis=1)
    # Draws in which several are best count for each by its part.
    at_best: NDArray[np.bool_] = drawn >= best[:, None]
    chance = (at_best / at_best.sum(axis=1, keepdims=True)).mean(axis=0)
    tied = np.quantile(drawn[:, [order[0]]] - drawn, 1 - CLEAR, axis=0) <= 0
    unit = unit or simulator.worths.coding.money_unit

    def one(c: int) -> Rank:
        value = estimated(simulator, drawn[:, c], segment=segment, unit=unit)
        regret = float(best.mean() - means[c])
        return Rank(c, value, float(chance[c]), regret, bool(tied[c]))

    return Ranking(
        tuple(one(int(c)) for c in order[:most]),
        int(tied.sum()),
        len(drawn),
        None if present is None else one(present),
    )


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: candidates and their ranking by a goal.

    ``candidates`` are in the order searched, and ``ranking.ranks`` point into them; ``left_out``
    counts prohibited ones. ``ranking.present`` is the product as it is, where it was searched.
    """

    goal: Goal
    candidates: tuple[Product, ...]
    ranking: Ranking
    left_out: int


def search(
    simulator: Simulator,
    market: Market,
    place: int,
    vary: Mapping[str, Sequence[str | float]],
    *,
    goal: Goal,
    segment: int = 0,
    most: int = 20,
) -> Found:
    """Try every combination of the levels to vary, all other products as they are.

    Raises
    ------
    TooLarge
        When there are more combinations than can be searched whole.
    NoGoal
        When the goal is not known: a cost is missing, or the product is not one's own.
    """
    coding, today = simulator.worths.coding, market.products[place]
    _check_size(vary)
    candidates = tuple(_versions(today, vary))
    shown = tuple(p for p in candidates if not why_not_shown(coding, p.levels))
    if not shown:
        raise NoGoal("every combination to search is prohibited in the exercise")
    cells = int(MOST_WORK // len(shown))
    thin = replace(simulator, worths=simulator.worths.thinned(cells))
    found = of_candidates(thin, market, place, shown, segment=segment)
    drawn = getattr(found, goal)
    if drawn is None:
        why = "give unit_cost to every own product, and a price"
        raise NoGoal(f"the {goal} is not known: {CAPTIVE if market.captive else why}")
    unit = "share" if goal == "share" else coding.money_unit
    places = [n for n, p in enumerate(shown) if p == today]
    present = places[0] if places else None
    ranking = rank(thin, drawn, segment=segment, unit=unit, most=most, present=present)
    return Found(goal, shown, ranking, len(candidates) - len(shown))


def _check_size(vary: Mapping[str, Sequence[str | float]]) -> None:
    count = int(np.prod([len(values) for values in vary.values()], dtype=float))
    if count <= MOST_CANDIDATES:
        return
    sizes = ", ".join(f"{name} {len(values)}" for name, values in vary.items())
    widest = max(vary, key=lambda name: len(vary[name]))
    raise TooLarge(
        f"{count:,} combinations ({sizes}) are more than the {MOST_CANDIDATES:,} that are "
        f"searched whole. Name fewer values under 'vary', first of '{widest}', or leave out "
        "attributes whose best level the sensitivity table shows clearly"
    )


def _versions(today: Product, vary: Mapping[str, Sequence[str | float]]) -> Iterator[Product]:
    for values in every_combination(*vary.values()):
        chosen = dict(zip(vary, values, strict=True))
        yield replace(today, levels={**today.levels, **chosen})
