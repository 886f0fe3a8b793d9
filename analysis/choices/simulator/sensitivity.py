"""Sensitivity: what every other level of a product would do to its share, one at a time."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.choices.coding import table_numbers
from analysis.choices.simulator.candidates import of_candidates, with_level
from analysis.choices.simulator.outcomes import estimated, in_words
from analysis.choices.simulator.products import Market, why_not_shown
from analysis.choices.simulator.shares import Simulator
from analysis.estimate import Estimate, unavailable


@dataclass(frozen=True, slots=True)
class Swap:
    """One level in place of the present one: the share, and its change."""

    attribute: str
    level: str | float
    present: bool
    share: Estimate
    change: Estimate


def sensitivity(
    simulator: Simulator, market: Market, place: int, *, segment: int = 0
) -> tuple[Swap, ...]:
    """Every level of every attribute of a product, all else as it is.

    A combination that was prohibited in the exercise is unavailable, with the reason.
    """
    product, coding = market.products[place], simulator.worths.coding
    swaps: list[tuple[str, str | float]] = []
    for attribute in coding.exercise.attributes:
        values: list[str | float] = [level.id for level in attribute.levels]
        values = values or [float(number) for number in table_numbers(attribute)]
        if product.levels[attribute.id] not in values:
            values.append(product.levels[attribute.id])
        swaps += [(attribute.id, value) for value in values]
    versions = [with_level(product, name, value) for name, value in swaps]
    why = [why_not_shown(coding, version.levels) for version in versions]
    shown = [version for version, reason in zip(versions, why, strict=True) if not reason]
    drawn = of_candidates(simulator, market, place, [product, *shown], segment=segment).share
    rows, at = [], 0
    n, method = simulator.worths.n[segment], in_words(simulator)
    for (name, value), reason in zip(swaps, why, strict=True):
        present = product.levels[name] == value
        if reason:
            none = unavailable(reason, n=n, method=method, unit="share")
            rows.append(Swap(name, value, present, none, none))
            continue
        at += 1
        share = drawn[:, at]
        change = share - drawn[:, 0]
        rows.append(
            Swap(
                name,
                value,
                present,
                estimated(simulator, share, segment=segment),
                estimated(simulator, change, segment=segment),
            )
        )
    return tuple(rows)
