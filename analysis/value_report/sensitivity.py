"""How the shares depend on choices of the study: the tags, and the prices tested."""

from __future__ import annotations

from dataclasses import replace

from analysis.choices.coding import tested_range
from analysis.choices.importances import ranges
from analysis.choices.partworths import PartWorths
from analysis.choices.willingness_to_pay import money_value_of_tag
from analysis.rendering.figures import money
from analysis.study.exercises import Tag

OTHER: dict[Tag, Tag] = {"functional": "emotional", "emotional": "functional"}


def of_tags(fitted: PartWorths) -> str:
    """What the money value of each kind would be if each contestable tag were the other one."""
    exercise = fitted.coding.exercise
    said = []
    for attribute in exercise.attributes:
        if not attribute.contestable or attribute.tag not in OTHER:
            continue
        turned = attribute.model_copy(update={"tag": OTHER[attribute.tag]})
        attributes = tuple(turned if a is attribute else a for a in exercise.attributes)
        other = exercise.model_copy(update={"attributes": attributes})
        refit = replace(fitted, coding=replace(fitted.coding, exercise=other))
        worth = {
            tag: money_value_of_tag(refit, tag).money
            for tag in OTHER
            if any(a.tag == tag for a in attributes)
        }
        amounts = [
            f"{tag} upgrades at {money(found.value, found.unit)}"
            for tag, found in worth.items()
            if found.value is not None
        ]
        if amounts:
            said.append(
                f"The study says that the tag of “{attribute.label.say()}” could be argued about: "
                f"counted as {turned.tag}, it would put {' and '.join(amounts)}."
            )
    return " ".join(said)


def of_prices(fitted: PartWorths) -> str:
    """What share the price would have had over half the range of prices."""
    exercise = fitted.coding.exercise
    price = exercise.price
    if price is None or price.coding != "linear":
        return ""
    low, high = tested_range(price)
    spans = ranges(fitted.coding, fitted.coefficients[None, :])[0]
    place = exercise.attributes.index(price)
    half = spans[place] / 2
    total = float(spans.sum())
    if not total > half > 0:
        return ""
    return (
        f"All shares depend on the prices tested ({low:g} to {high:g}): over half that range price "
        f"would decide {half / (total - half):.0%} in place of {spans[place] / total:.0%}."
    )
