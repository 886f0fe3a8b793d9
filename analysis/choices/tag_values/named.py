"""The named upgrades and range shares of every tag, and what they would be otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.choices.coding import Coding, Floats
from analysis.choices.partworths import PartWorths
from analysis.choices.willingness_to_pay import (
    Upgrade,
    tag_upgrades,
)
from analysis.estimate import Estimate
from analysis.study.exercises import Attribute, Tag

TAGS: tuple[Tag, ...] = ("functional", "emotional", "price")
OTHER: dict[Tag, Tag] = {"functional": "emotional", "emotional": "functional"}
MEAN_SHARE = "share of the mean part-worths"
HALF_PRICES = " over half the tested prices"
"""Ends the name of a share with half the range of a linear price."""
SMALLEST = 10
"""Respondents from which figures of a segment are shown."""


@dataclass(frozen=True, slots=True)
class TagFigure:
    """One figure; ``null_reference`` is what pure noise would score (shares over draws only)."""

    tag: Tag
    figure: str
    what: str
    estimate: Estimate
    null_reference: float | None = None


@dataclass(frozen=True, slots=True)
class Upgrades:
    """A sum of upgrades to be valued: ``contrast`` is (K,)."""

    tag: Tag
    figure: str
    what: str
    contrast: Floats


@dataclass(frozen=True, slots=True)
class RangeShare:
    """Attributes whose ranges are shared out: ``mask`` (A,), after ranges times ``scale`` (A,)."""

    tag: Tag
    figure: str
    what: str
    mask: NDArray[np.bool_]
    scale: Floats

    def of(self, spread: Floats) -> Floats:
        """The share in ranges (..., A)."""
        scaled = spread * self.scale
        found: Floats = scaled[..., self.mask].sum(axis=-1) / scaled.sum(axis=-1)
        return found


def upgrades_of_tags(part_worths: PartWorths, *, contestable: bool = True) -> list[Upgrades]:
    """All upgrades of each tag, and again with each contestable attribute under the other tag."""
    coding = part_worths.coding
    found = _moneys_of(part_worths, "money")
    for attribute, turned in _turned(coding) if contestable else ():
        name = as_other_tag("money", attribute)
        found += _moneys_of(replace(part_worths, coding=turned), name)
    return found


def _moneys_of(part_worths: PartWorths, figure: str) -> list[Upgrades]:
    found = []
    for tag in TAGS[:2]:
        upgrades, contrast = tag_upgrades(part_worths, tag)
        if upgrades:
            found.append(Upgrades(tag, figure, "; ".join(map(_say, upgrades)), contrast))
    return found


def _say(upgrade: Upgrade) -> str:
    return f"{upgrade.attribute}: {upgrade.from_level} to {upgrade.to_level}"


def shares_of_tags(coding: Coding, figure: str) -> list[RangeShare]:
    """The share of each tag, that over half the tested prices, and with contestable tags turned."""
    everything = np.ones(len(coding.exercise.attributes))
    found = _shares_of(coding, figure, everything)
    price = coding.exercise.price
    if price is not None and price.coding == "linear":
        half = np.where([a is price for a in coding.exercise.attributes], 0.5, 1.0)
        found += _shares_of(coding, figure + HALF_PRICES, half)
    for attribute, turned in _turned(coding):
        found += _shares_of(turned, as_other_tag(figure, attribute), everything)
    return found


def _shares_of(coding: Coding, figure: str, scale: Floats) -> list[RangeShare]:
    found = []
    for tag in TAGS:
        mask = np.array([a.tag == tag for a in coding.exercise.attributes])
        names = ", ".join(a.id for a in coding.exercise.attributes if a.tag == tag)
        if mask.any():
            found.append(RangeShare(tag, figure, names, mask, scale))
    return found


def as_other_tag(figure: str, attribute: Attribute) -> str:
    """The name of a figure in which a contestable attribute counts under the other tag."""
    return f"{figure} if {attribute.id} counted as {OTHER[attribute.tag]}"


def _turned(coding: Coding) -> Iterator[tuple[Attribute, Coding]]:
    """Each contestable attribute, and the coding in which it carries the other tag."""
    for attribute in coding.exercise.attributes:
        if not attribute.contestable or attribute.tag not in OTHER:
            continue
        other = attribute.model_copy(update={"tag": OTHER[attribute.tag]})
        attributes = tuple(other if a is attribute else a for a in coding.exercise.attributes)
        exercise = coding.exercise.model_copy(update={"attributes": attributes})
        yield attribute, replace(coding, exercise=exercise)
