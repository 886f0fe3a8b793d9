"""The simulated people: their part-worths, and worlds that the estimator does not share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, qmc

from analysis.choices.coding import NONE, Coding, Floats, table_numbers
from analysis.choices.design.priors import priors_of
from analysis.study import Attribute

RANGE = 1.0
"""Assumed without priors: the best level of an attribute is worth this much more than its worst."""
SPREAD = 0.5
"""Assumed without a stated one: standard deviation of a part-worth between respondents."""
REFUSAL = 4.0
"""What an alternative loses (logit units) when it costs more than somebody ever pays."""


@dataclass(frozen=True, slots=True)
class World:
    """How people answer.

    Attributes
    ----------
    ignores
        Chance that a respondent ignores an attribute, each on its own.
    at_random
        Share of respondents who choose at random.
    scale
        Factor of all part-worths.
    with_limit
        Share of respondents who hardly ever choose what costs more than a price of their own,
        any of the tested ones.
    """

    name: str
    label: str
    ignores: float = 0.0
    at_random: float = 0.0
    scale: float = 1.0
    with_limit: float = 0.0


PLANTED = World("planted", "As assumed")
OTHER_WORLDS = (
    World("non_attendance", "Each attribute is ignored by 30 % of respondents", ignores=0.3),
    World(
        "price_limits", "Half of the people refuse prices above one of their own", with_limit=0.5
    ),
    World("random_responders", "20 % of respondents choose at random", at_random=0.2),
    World("halved", "Part-worths are half as large as assumed", scale=0.5),
)


@dataclass(frozen=True, slots=True)
class People:
    """Simulated respondents: part-worths (n, K) and the price above which each refuses (n,)."""

    worths: Floats
    limits: Floats


@dataclass(frozen=True, slots=True)
class Population:
    """Normal part-worths on the columns of a coding, and what was assumed, in sentences."""

    coding: Coding
    mean: Floats
    covariance: Floats
    assumptions: tuple[str, ...]

    def draw(self, n: int, world: World, rng: np.random.Generator) -> People:
        """``n`` people of a world."""
        return self._living_in(world, rng.standard_normal((n, len(self.mean))), rng)

    def spread_evenly(self, n: int, world: World, *, seed: int) -> People:
        """``n`` people (a power of two) on scrambled Sobol points, for averages."""
        rng = np.random.default_rng(seed)
        points = qmc.Sobol(len(self.mean), seed=rng).random(n)
        return self._living_in(world, norm.ppf(np.clip(points, 1e-12, 1 - 1e-12)), rng)

    def exactly_alike(self) -> People:
        """One respondent with the mean part-worths."""
        return People(self.mean[None, :], np.full(1, np.inf))

    def _living_in(self, world: World, standard: Floats, rng: np.random.Generator) -> People:
        values, vectors = np.linalg.eigh(self.covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        worths = (self.mean + standard @ root.T) * world.scale
        n = len(worths)
        if world.ignores:
            for attribute in self.coding.exercise.attributes:
                ignored = rng.random(n) < world.ignores
                worths[ignored[:, None] & _columns(self.coding, attribute.id)] = 0.0
        if world.at_random:
            worths[rng.random(n) < world.at_random] = 0.0
        limits = np.full(n, np.inf)
        price = self.coding.exercise.price
        if world.with_limit and price is not None:
            has = rng.random(n) < world.with_limit
            limits[has] = rng.choice(table_numbers(price), size=int(has.sum()))
        return People(worths, limits)


def worlds_of(coding: Coding) -> tuple[World, ...]:
    """The other worlds that an exercise can be rehearsed in."""
    price = coding.exercise.price
    priced = price is not None and all(level.number is not None for level in price.levels)
    return tuple(world for world in OTHER_WORLDS if priced or not world.with_limit)


def _columns(coding: Coding, attribute_id: str) -> NDArray[np.bool_]:
    """Columns (K,) in which an attribute has a part: its own and those of its interactions."""
    return np.array([attribute_id in c.attribute.split(":") for c in coding.columns])


def population_of(coding: Coding) -> Population:
    """The people that the priors of an exercise describe; without priors, a convention.

    A stated standard deviation is taken as that between respondents; ``SPREAD`` stands in where
    none is stated.

    Raises
    ------
    ValueError
        When the priors state standard deviations that no part-worths can have.
    """
    exercise = coding.exercise
    covariance = assumed_spread(coding)
    if not exercise.priors:
        mean = np.zeros(coding.width)
        for attribute in exercise.attributes:
            mean[coding.places(attribute.id)] = _rising(coding, attribute)
        return Population(coding, mean, covariance, (_CONVENTION, _SPREAD))
    priors = priors_of(exercise, coding)
    stated = [name for name, prior in exercise.priors.items() if prior.sd is not None or prior.sds]
    for name in stated:
        places = coding.places(name)
        covariance[places, places] = priors.covariance[places, places]
    names = [a.id for a in exercise.attributes] + ([NONE] if exercise.none else [])
    unstated = [name for name in names if name not in exercise.priors]
    sentences = ["People choose by the priors of the study file."]
    if unstated:
        shown = ", ".join(unstated)
        sentences.append(f"No prior is stated for {shown}: their mean part-worths are 0.")
    if stated:
        sentences.append("The standard deviations of the priors are those between respondents.")
    if set(names) - set(stated):
        sentences.append(_SPREAD)
    return Population(coding, priors.mean, covariance, tuple(sentences))


_CONVENTION = (
    "No priors are stated, so a convention stands in for them: the levels of every attribute rise "
    f"evenly, the best worth {RANGE:g} logit units more than the worst (in the order of "
    "'preference', else as listed; a price falls), and none is worth as much as the average "
    "alternative."
)
_SPREAD = (
    f"Where no standard deviation is stated, a part-worth has one of {SPREAD:g} logit units "
    "between respondents (a number: across its tested range)."
)


def _rising(coding: Coding, attribute: Attribute) -> Floats:
    """Coefficients of an attribute whose worth rises evenly by ``RANGE``; a price's falls."""
    numbers = table_numbers(attribute) if attribute.range else np.array(list(numbers_of(attribute)))
    by_number = attribute.coding != "effects" or attribute.tag == "price"
    if not by_number or not np.isfinite(numbers).all():
        falls = attribute.preference == "decreasing" or (
            attribute.preference is None and attribute.tag == "price"
        )
        worths = np.linspace(-RANGE / 2, RANGE / 2, len(attribute.levels))
        return np.asarray(-worths if falls else worths)[:-1]
    slope = RANGE / float(np.ptp(numbers)) * (-1.0 if _falls(attribute, numbers) else 1.0)
    if attribute.coding == "effects":
        return np.asarray(slope * (numbers - numbers.mean()))[:-1]
    places = coding.places(attribute.id)
    return np.full(places.stop - places.start, slope)


def _falls(attribute: Attribute, numbers: Floats) -> bool:
    """Whether the worth falls as the number rises."""
    if attribute.tag == "price":
        return True
    return (attribute.preference == "decreasing") == bool(numbers[-1] > numbers[0])


def assumed_spread(coding: Coding) -> Floats:
    """Covariance (K, K) between respondents with ``SPREAD`` for every part-worth.

    Levels of an effects attribute get sd^2 (I - 11'/L) L / (L - 1), the reference included; a
    slope is such that the worth of the tested range varies by ``SPREAD``.
    """
    found = np.zeros((coding.width, coding.width))
    for attribute in coding.exercise.attributes:
        places = coding.places(attribute.id)
        size = places.stop - places.start
        if attribute.coding == "effects":
            levels = size + 1
            own = (np.eye(size) - 1 / levels) * levels / (levels - 1)
            found[places, places] = SPREAD**2 * own
        else:
            span = float(np.ptp(table_numbers(attribute)))
            found[places, places] = np.full((size, size), (SPREAD / span) ** 2)
    if coding.exercise.none is not None:
        place = coding.places(NONE).start
        found[place, place] = SPREAD**2
    return found


def numbers_of(attribute: Attribute) -> Iterator[float]:
    """Numbers of the levels of an attribute; NaN where a level has none."""
    for level in attribute.levels:
        yield np.nan if level.number is None else level.number
