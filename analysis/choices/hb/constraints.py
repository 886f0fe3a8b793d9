"""Part-worths held to a stated order: steps between levels that cannot be negative.

As in R bayesm, a constrained coefficient is sign * exp(b) with b normal between respondents. Here
the coefficients are steps: from each level of an effects attribute to the next better one, along a
linear attribute, along each piece of a piecewise one. A matrix turns steps into part-worths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.choices.coding import Coding, level_numbers, tested_range
from analysis.choices.hb.sampling import Posterior
from analysis.study import Attribute

Floats = NDArray[np.float64]
Monotone = Literal["all"] | Sequence[str]


@dataclass(frozen=True, slots=True)
class Step:
    """A change of one attribute that is not worth less than nothing, and its column."""

    column: int
    attribute: str
    from_level: str
    to_level: str


@dataclass(frozen=True, slots=True)
class Constraints:
    """Which columns are steps, and what part-worths follow from them.

    Attributes
    ----------
    steps
        Every constrained column.
    turn
        (K, K): part-worths = turn @ (steps where constrained, part-worths elsewhere).
    contrasts
        (steps, K): a row times part-worths is the utility of the step.
    """

    steps: tuple[Step, ...]
    turn: Floats
    contrasts: Floats

    @property
    def columns(self) -> tuple[int, ...]:
        """The constrained columns."""
        return tuple(step.column for step in self.steps)

    @property
    def attributes(self) -> tuple[str, ...]:
        """The constrained attributes."""
        return tuple(dict.fromkeys(step.attribute for step in self.steps))

    @property
    def bounded(self) -> NDArray[np.bool_]:
        """(K,) which columns are constrained."""
        found = np.zeros(len(self.turn), bool)
        found[list(self.columns)] = True
        return found

    def moderate(self) -> Floats:
        """(K,) sizes of steps that make every constrained attribute worth 2 from worst to best."""
        found = np.ones(len(self.turn))
        worths = dict.fromkeys(self.attributes, 0.0)
        for step, contrast in zip(self.steps, self.contrasts, strict=True):
            worths[step.attribute] += float(contrast @ self.turn[:, step.column])
        for step in self.steps:
            found[step.column] = 2.0 / worths[step.attribute]
        return found

    def with_medians(self, medians: Floats) -> Constraints:
        """The same with steps counted in multiples of ``medians`` (K,): exp(0) is then one."""
        return replace(self, turn=self.turn * medians)

    def part_worths(self, b: NDArray[np.floating]) -> NDArray[np.floating]:
        """Part-worths (..., K) of coefficients (..., K), logarithms where constrained."""
        steps = np.where(self.bounded, np.exp(np.where(self.bounded, b, 0)), b)
        return steps @ self.turn.T.astype(b.dtype)

    def moments(self, gamma: Floats, sigma: Floats) -> tuple[Floats, Floats]:
        """Mean and covariance of the part-worths between respondents, of draws of (Gamma, Sigma).

        Parameters
        ----------
        gamma, sigma
            (..., Q, K) and (..., K, K), of the logarithms where a column is constrained.

        Returns
        -------
        tuple
            (..., Q, K): the mean of the average respondent, then by how much it changes with one
            unit of a covariate; (..., K, K): the covariance around it.

        Notes
        -----
        Moments of the log-normal: E e^b = e^(m + s/2), cov(e^b, e^c) = E e^b E e^c (e^(s_bc) - 1),
        cov(b, e^c) = s_bc E e^c.
        """
        bounded = self.bounded
        half = np.diagonal(sigma, axis1=-2, axis2=-1) / 2
        logs = np.where(bounded, gamma[..., 0, :] + half, 0.0)
        middle = np.where(bounded, np.exp(logs), 1.0)
        means = np.where(bounded, np.expm1(gamma), gamma) * middle[..., None, :]
        means[..., 0, :] = np.where(bounded, middle, gamma[..., 0, :])
        both = bounded[:, None] & bounded
        spread = np.where(both, np.expm1(np.where(both, sigma, 0.0)), sigma)
        spread *= middle[..., :, None] * middle[..., None, :]
        return means @ self.turn.T, self.turn @ spread @ self.turn.T

    def applied(self, posterior: Posterior) -> Posterior:
        """The posterior on the scale of part-worths; overwrites its betas, keeps its state."""
        for chain in posterior.beta:
            for draw in chain:
                draw[:] = self.part_worths(draw)
        gamma, sigma = self.moments(posterior.gamma, posterior.sigma)
        return replace(posterior, gamma=gamma, sigma=sigma)


def constraints_of(coding: Coding, monotone: Monotone) -> Constraints | None:
    """Constraints of the attributes named, or of all that have an order; None when none is named.

    The order is the ``preference`` of the attribute; without one, a price is worth less the higher
    it is.

    Raises
    ------
    ValueError
        With everything that is wrong: no such attribute, no order, an interaction.
    """
    known = {a.id: a for a in coding.exercise.attributes}
    if monotone == "all":
        wanted = [name for name, a in known.items() if a.preference or a.tag == "price"]
        wrong = [] if wanted else ["no attribute states a 'preference', and none is a price"]
    else:
        wanted = list(dict.fromkeys([monotone] if isinstance(monotone, str) else monotone))
        shown = ", ".join(known)
        wrong = [f"there is no attribute '{w}'; known: {shown}" for w in wanted if w not in known]
    own = [known[name] for name in wanted if name in known]
    wrong += [fact for attribute in own if (fact := _why_not(coding, attribute))]
    if wrong:
        raise ValueError("cannot hold to an order: " + "; ".join(wrong))
    if not own:
        return None
    turn, steps, contrasts = np.eye(coding.width), [], []
    for attribute in own:
        places = coding.places(attribute.id)
        block = _effects(attribute) if attribute.coding == "effects" else _slopes(coding, attribute)
        turn[places, places] = block
        for column, (low, high) in enumerate(_ends(attribute), start=places.start):
            steps.append(Step(column, attribute.id, str(low), str(high)))
            contrasts.append(coding.contrast(attribute.id, low, high))
    return Constraints(tuple(steps), turn, np.array(contrasts))


def _why_not(coding: Coding, attribute: Attribute) -> str:
    """Why an attribute cannot be constrained; empty when it can."""
    name = attribute.id
    if any(name in pair for pair in coding.exercise.interactions):
        return (
            f"attribute '{name}' takes part in an interaction, so that its order may differ by the "
            "other attribute; leave out the interaction or the constraint"
        )
    if attribute.preference is None and attribute.tag != "price":
        return (
            f"attribute '{name}' states no order; give it 'preference: increasing' or 'decreasing'"
        )
    numbers = [level.number for level in attribute.levels]
    if attribute.preference is None and not attribute.range and None in numbers:
        return f"price '{name}' has levels without numbers; give them, or a 'preference'"
    if attribute.coding == "effects" or attribute.range:
        return ""
    rises = np.diff(level_numbers(attribute))
    if attribute.preference and not ((rises > 0).all() or (rises < 0).all()):
        return f"the numbers of attribute '{name}' neither rise nor fall; list its levels in order"
    return ""


def _worst_to_best(attribute: Attribute) -> list[int]:
    """Places of the levels in the order of their worth."""
    if attribute.preference is None:
        return [int(n) for n in np.argsort(-level_numbers(attribute), kind="stable")]
    places = list(range(len(attribute.levels)))
    return places if attribute.preference == "increasing" else places[::-1]


def _rising(attribute: Attribute) -> bool:
    """Whether the worth of a linear or piecewise attribute rises with its number."""
    if attribute.range or attribute.preference is None:
        return attribute.preference == "increasing"
    numbers = level_numbers(attribute)
    return bool(numbers[-1] > numbers[0]) == (attribute.preference == "increasing")


def _effects(attribute: Attribute) -> Floats:
    """(L - 1, L - 1): effects from steps, each level the sum of the steps below it, centred."""
    count = len(attribute.levels)
    rank = np.argsort(_worst_to_best(attribute))
    reached = (rank[:, None] > np.arange(count - 1)).astype(float)
    found: Floats = (reached - reached.mean(axis=0))[:-1]
    return found


def _slopes(coding: Coding, attribute: Attribute) -> Floats:
    places = coding.places(attribute.id)
    found: Floats = np.eye(places.stop - places.start)
    return found if _rising(attribute) else -found


def _ends(attribute: Attribute) -> list[tuple[str | float, str | float]]:
    """From what to what each step leads, in the order of the columns."""
    if attribute.coding == "effects":
        ids = [attribute.levels[n].id for n in _worst_to_best(attribute)]
        return list(pairwise(ids))
    low, high = tested_range(attribute)
    pairs = list(pairwise([low, *attribute.knots, high]))
    return [pair if _rising(attribute) else pair[::-1] for pair in pairs]
