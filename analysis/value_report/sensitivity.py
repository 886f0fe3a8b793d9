"""How the shares depend on choices of the study: the tags, and the prices tested."""

from __future__ import annotations

from collections.abc import Iterable

from analysis.choices.coding import Coding, tested_range
from analysis.choices.tag_values import HALF_PRICES, TagFigure, as_other_tag
from analysis.choices.tag_values.named import OTHER
from analysis.rendering.figures import money


def of_tags(coding: Coding, figures: Iterable[TagFigure]) -> str:
    """What the money value of each kind would be if each contestable tag were the other one."""
    found = {(f.tag, f.figure): f.estimate for f in figures}
    said = []
    for attribute in coding.exercise.attributes:
        if not attribute.contestable or attribute.tag not in OTHER:
            continue
        other = OTHER[attribute.tag]
        worth = {tag: found.get((tag, as_other_tag("money", attribute))) for tag in OTHER}
        amounts = [
            f"{tag} upgrades at {money(amount.value, amount.unit)}"
            for tag, amount in worth.items()
            if amount is not None and amount.value is not None
        ]
        if amounts:
            said.append(
                f"The study says that the tag of “{attribute.label.say()}” could be argued about: "
                f"counted as {other}, it would put {' and '.join(amounts)}."
            )
    return " ".join(said)


def of_prices(coding: Coding, figures: Iterable[TagFigure]) -> str:
    """What share the price would have over half the range of prices, beside what it has.

    Of the mean of respondents' shares where there is one, else of the mean part-worths.
    """
    price = coding.exercise.price
    shares = {f.figure: f.estimate.value for f in figures if f.tag == "price"}
    half = next((figure for figure in shares if figure.endswith(HALF_PRICES)), "")
    whole, narrower = shares.get(half.removesuffix(HALF_PRICES)), shares.get(half)
    if price is None or whole is None or narrower is None:
        return ""
    low, high = tested_range(price)
    return (
        f"All shares depend on the prices tested ({low:g} to {high:g}): over half that range price "
        f"would decide {narrower:.0%} in place of {whole:.0%}."
    )
