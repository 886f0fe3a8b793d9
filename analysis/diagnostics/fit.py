"""A fit together with what it was made of, and in a few words how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.choices.coding import Coding
from analysis.choices.partworths import PartWorths
from analysis.rendering.figures import whole
from analysis.study import Study
from analysis.tables import Choices

if TYPE_CHECKING:
    from analysis.choices.hb.fit import Hierarchy

PRIORS = {"sawtooth": "Sawtooth prior", "bayesm": "bayesm prior"}


@dataclass(frozen=True, slots=True)
class Fit:
    """Part-worths, the choices they were fitted to, and the settings that are not in them.

    ``prior`` is the name of the prior of hierarchical Bayes, ``burn_in`` the draws of each chain
    during which its sampler adapted.
    """

    study: Study
    choices: Choices
    fitted: PartWorths
    seed: int
    weights: Mapping[str, float] | None = None
    prior: str = ""
    burn_in: int = 0

    def in_words(self) -> str:
        """Estimator, prior, chains and draws: for headers."""
        hierarchy = self.fitted.hierarchy
        if hierarchy is None:
            return "aggregate logit, errors clustered by respondent"
        return f"hierarchical Bayes, {PRIORS.get(self.prior, 'own prior')}, {self.chains()}"

    def chains(self) -> str:
        """How many chains of how many draws, after how many that do not count."""
        posterior = _hierarchy(self.fitted).posterior
        chains, draws = posterior.log_likelihood.shape
        left_out = self.fitted.iterations - draws + self.burn_in
        name = "chain" if chains == 1 else "chains"
        return f"{chains} {name} of {whole(draws)} draws after {whole(left_out)} left out"


def column_labels(coding: Coding) -> tuple[str, ...]:
    """The columns of a coding as people read them: 'Freshness: Baked yesterday'."""
    return tuple(_label(coding, c.attribute, c.level, c.kind) for c in coding.columns)


def _label(coding: Coding, attribute: str, level: str, kind: str) -> str:
    if kind == "none":
        return "None option"
    if kind in ("interaction", "covariate"):
        return f"{attribute}: {level}" if level else attribute
    found = coding.exercise.attribute(attribute)
    if kind == "effects":
        return f"{found.label.say()}: {found.level(level).label.say()}"
    unit = found.unit.say() if found.unit else "unit"
    return f"{found.label.say()} per {unit}{f', {level}' if level else ''}"


def _hierarchy(fitted: PartWorths) -> Hierarchy:
    if fitted.hierarchy is None:
        raise ValueError(f"estimator '{fitted.estimator}' has no draws of respondents")
    return fitted.hierarchy
