"""How the shares depend on choices of the study: the tags, and the prices tested."""

from __future__ import annotations

from dataclasses import replace

from analysis.choices.coding import tested_range
from analysis.rendering.figures import money
from analysis.study.exercises import Tag
from analysis.value_report.from_draws import FromDraws
from analysis.value_report.from_logit import FromLogit

OTHER: dict[Tag, Tag] = {"functional": "emotional", "emotional": "functional"}


def of_tags(figures: FromLogit | FromDraws) -> str:
    """What the money value of each kind would be if each contestable tag were the other one."""
    fitted = figures.fitted
    exercise = fitted.coding.exercise
    said = []
    for attribute in exercise.attributes:
        if not attribute.contestable or attribute.tag not in OTHER:
            continue
        turned = attribute.model_copy(update={"tag": OTHER[attribute.tag]})
        attributes = tuple(turned if a is attribute else a for a in exercise.attributes)
        other = exercise.model_copy(update={"attributes": attributes})
        recoded = replace(fitted, coding=replace(fitted.coding, exercise=other))
        worth = {
            tag: replace(figures, fitted=recoded).tag(tag).money
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


def of_prices(figures: FromLogit | FromDraws, shown: float | None) -> str:
    """What share the price would have had over half the range of prices, in place of ``shown``."""
    half = figures.price_share_over_half()
    price = figures.fitted.coding.exercise.price
    if price is None or half is None or shown is None:
        return ""
    low, high = tested_range(price)
    return (
        f"All shares depend on the prices tested ({low:g} to {high:g}): over half that range price "
        f"would decide {half:.0%} in place of {shown:.0%}."
    )
