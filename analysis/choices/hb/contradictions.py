"""Do the answers bear the order that the part-worths were held to?"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.choices.hb.constraints import Constraints, Step
from analysis.choices.identification import NotIdentified
from analysis.choices.mnl import NotConverged, covariances, maximise
from analysis.choices.sets import ChoiceSets

Floats = NDArray[np.float64]
NOTHING = 0.05
"""Utility below which a step counts as worth nothing: it moves a chance by a percent or so."""
MANY = 0.25
"""Share of respondents for whom a step is worth nothing that is worth a warning."""


@dataclass(frozen=True, slots=True)
class StepCheck:
    """What the answers say about one step.

    Attributes
    ----------
    pooled, se
        Its utility in a logit of all respondents together without constraints, with the error
        clustered by respondent; NaN when that logit has no maximum, and the error when there are
        no more respondents than part-worths.
    worth_nothing
        Share of respondents and draws in which it is worth less than 0.05.
    """

    step: Step
    pooled: float
    se: float
    worth_nothing: float

    @property
    def contradicted(self) -> bool:
        """Whether all respondents together prefer the other direction (95 %)."""
        return self.pooled < -1.96 * self.se

    @property
    def fact(self) -> str:
        """What a reader must know; empty when the answers bear the order."""
        step = self.step
        name = f"'{step.attribute}' from '{step.from_level}' to '{step.to_level}'"
        if self.contradicted:
            return (
                f"the answers contradict the order of {name}: without constraints this step is "
                f"worth {self.pooled:.2f} (standard error {self.se:.2f}); leave the constraint out"
            )
        if self.worth_nothing > MANY:
            return (
                f"{name} is worth next to nothing to {self.worth_nothing:.0%} of respondents; some "
                "may prefer the other direction: compare with a fit without constraints"
            )
        return ""


def check_steps(
    constraints: Constraints, sets: ChoiceSets, beta: NDArray[np.float32]
) -> tuple[StepCheck, ...]:
    """Check every step against a pooled logit and the draws ``beta`` (chains, kept, N, K)."""
    contrasts = constraints.contrasts
    pooled = errors = np.full(len(contrasts), np.nan)
    # a logit without a maximum says nothing here
    with suppress(NotConverged, NotIdentified):
        coefficients, last, _ = maximise(sets, np.zeros(sets.coding.width))
        pooled = contrasts @ coefficients
        if len(sets.respondents) > sets.coding.width:
            spread = covariances(last, sets)["cluster"]
            errors = np.sqrt(np.einsum("sk,km,sm->s", contrasts, spread, contrasts))
    near = np.zeros(len(contrasts))
    for chain in beta:
        for draw in chain:
            near += (draw @ contrasts.T < NOTHING).mean(axis=0)
    near /= beta.shape[0] * beta.shape[1]
    return tuple(
        StepCheck(step, float(value), float(error), float(share))
        for step, value, error, share in zip(constraints.steps, pooled, errors, near, strict=True)
    )
