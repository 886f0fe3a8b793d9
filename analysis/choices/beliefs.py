"""Beliefs: what an estimator holds about everybody's part-worths, as weighted points.

An aggregate logit has one point for all, a latent class one for each class, a mixed logit one for
each simulated draw, hierarchical Bayes one for each kept draw. Whatever averages over them
(chances, shares, RLH) is written once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from analysis.choices.coding import Coding, Floats
from analysis.choices.latent_class import LatentClasses
from analysis.choices.mixed_logit import MixedLogit, coefficients_at, halton_normals
from analysis.choices.panel import panel_of
from analysis.choices.partworths import PartWorths
from analysis.choices.sets import Places, choice_sets
from analysis.tables import Choices

if TYPE_CHECKING:
    from analysis.choices.hb.fit import Hierarchy

Point = tuple[Floats, Floats]
"""Coefficients (people, K), and the chance of this point for each of them (people,)."""
Fitted = PartWorths | LatentClasses | MixedLogit


@dataclass(frozen=True, slots=True)
class Beliefs:
    """Weighted points of the part-worths of any respondents.

    Attributes
    ----------
    coding, estimator
        Of the fit.
    respondents
        Those of the fit; others are believed to be like the population.
    means
        hb: (respondents, K) posterior means; None for the others.
    """

    coding: Coding
    estimator: str
    respondents: tuple[str, ...]
    means: Floats | None
    _points: Callable[[Sequence[str], int | None], Iterator[Point]]

    def points(self, people: Sequence[str], *, most: int | None = None) -> Iterator[Point]:
        """The points for these respondents; their chances add up to one for everybody.

        ``most`` is the number of draws of hierarchical Bayes to pass, evenly spread.
        """
        return self._points(people, most)

    def means_of(self, people: Sequence[str]) -> Floats | None:
        """(people, K) of ``means``; for others than the respondents, the mean over respondents."""
        if self.means is None:
            return None
        rows = np.vstack([self.means, self.means.mean(axis=0)])
        found: Floats = rows[_places(people, self.respondents)]
        return found


def beliefs_of(fitted: Fitted, choices: Choices, *, seed: int) -> Beliefs:
    """The beliefs of a fit, given the choices it was fitted to.

    ``seed`` is that of the draws of people whom hierarchical Bayes has not seen.
    """
    if isinstance(fitted, LatentClasses):
        return _of_classes(fitted, choices)
    if isinstance(fitted, MixedLogit):
        return _of_mixed_logit(fitted, choices)
    if fitted.hierarchy is not None:
        return _of_draws(fitted, fitted.hierarchy, seed)
    frame = choices.frame
    names = tuple(str(r) for r in frame.loc[frame["role"] == "estimation", "respondent"].unique())

    def one(people: Sequence[str], _most: int | None) -> Iterator[Point]:
        yield np.tile(fitted.coefficients, (len(people), 1)), np.ones(len(people))

    return Beliefs(fitted.coding, fitted.estimator, names, None, one)


def _places(people: Sequence[str], known: Sequence[str]) -> Places:
    """Where each name stands among the known; behind them for a name that is not known."""
    place = {name: n for n, name in enumerate(known)}
    return np.array([place.get(name, len(known)) for name in people], dtype=np.intp)


def _of_classes(fitted: LatentClasses, choices: Choices) -> Beliefs:
    components, prior = fitted.mixture.components(), fitted.mixture.log_shares()
    panel = panel_of(choice_sets(fitted.coding, choices.frame))
    joint = panel.by_respondent(panel.chances(components)[0]) + prior
    chances = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))

    def classes(people: Sequence[str], _most: int | None) -> Iterator[Point]:
        own = np.vstack([chances, np.exp(prior)])[_places(people, panel.respondents)]
        for coefficients, chance in zip(components, own.T, strict=True):
            yield np.tile(coefficients, (len(people), 1)), chance

    return Beliefs(fitted.coding, "latent-class", panel.respondents, None, classes)


def _of_mixed_logit(fitted: MixedLogit, choices: Choices) -> Beliefs:
    panel = panel_of(choice_sets(fitted.coding, choices.frame))
    count = len(panel.respondents)
    z = halton_normals(count + 1, fitted.n_draws, fitted.coding.width, fitted.spread)
    chances = np.full((count + 1, fitted.n_draws), 1 / fitted.n_draws)
    for n in range(count):
        coefficients = coefficients_at(fitted.spread, fitted.vector, z[n])
        joint = panel.of(n).chances(coefficients)[0].sum(axis=0)
        chances[n] = np.exp(joint - logsumexp(joint))

    def draws(people: Sequence[str], _most: int | None) -> Iterator[Point]:
        at = _places(people, panel.respondents)
        for r in range(fitted.n_draws):
            yield coefficients_at(fitted.spread, fitted.vector, z[at, r]), chances[at, r]

    return Beliefs(fitted.coding, "mixed-logit", panel.respondents, None, draws)


def _of_draws(fitted: PartWorths, hierarchy: Hierarchy, seed: int) -> Beliefs:
    posterior = hierarchy.posterior
    kept = posterior.beta.shape[1]

    def draws(people: Sequence[str], most: int | None) -> Iterator[Point]:
        generator = np.random.default_rng(seed)
        known = set(hierarchy.respondents)
        new = [name for name in dict.fromkeys(people) if name not in known]
        places = _places(people, (*hierarchy.respondents, *new))
        total = len(posterior.beta) * kept
        wanted = range(0, total, 1 if most is None else max(1, -(-total // most)))
        for number in wanted:
            chain, draw = divmod(number, kept)
            at = (draw + 1) * posterior.every - 1
            beta = posterior.beta[chain, draw].astype(float)
            if new:
                lower = np.linalg.cholesky(posterior.sigma[chain, at])
                z = generator.standard_normal((len(new), len(lower)))
                beta = np.concatenate([beta, posterior.mu[chain, at] + z @ lower.T])
            weight = np.full(len(people), 1 / len(wanted))
            yield beta[places], weight

    means = hierarchy.individual()[0]
    return Beliefs(fitted.coding, "hb", hierarchy.respondents, means, draws)
