"""The likelihood of a mixture of logits on a panel, and its exact derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from analysis.choices.coding import Floats
from analysis.choices.latent_class.mixture import Mixture
from analysis.choices.panel import Panel


@dataclass(frozen=True, slots=True)
class Chances:
    """Log-chance of what each respondent chose (respondents, C); chances of the others."""

    logs: Floats
    others: Floats


@dataclass(frozen=True, slots=True)
class Expectation:
    """Log-likelihood and posterior chances (respondents, C), with what they were made from."""

    log_likelihood: float
    posterior: Floats
    chances: Chances

    @property
    def others(self) -> Floats:
        """Chances of the other alternatives, (tasks, others, C)."""
        return self.chances.others


def chances_of(panel: Panel, mixture: Mixture) -> Chances:
    """The chances of the choices under each component."""
    logs, others = panel.chances(mixture.components())
    return Chances(panel.by_respondent(logs), others)


def expect(panel: Panel, mixture: Mixture, chances: Chances | None = None) -> Expectation:
    """The expectation step at a mixture, whose ``chances`` may be known already."""
    found = chances or chances_of(panel, mixture)
    joint = found.logs + mixture.log_shares()
    total = logsumexp(joint, axis=1)
    return Expectation(float(panel.weight @ total), np.exp(joint - total[:, None]), found)


def task_scores(panel: Panel, others: Floats) -> Floats:
    """Score of each task for each component, (tasks, C, K)."""
    scores: Floats = -np.matmul(others.transpose(0, 2, 1), panel.differences)
    return scores


def component_informations(
    panel: Panel, others: Floats, scores: Floats, posterior: Floats
) -> Floats:
    """Information about the coefficients of each component, posterior-weighted, (C, K, K)."""
    weight = (panel.weight[:, None] * posterior)[panel.respondent]
    width = panel.differences.shape[2]
    flat = panel.differences.reshape(-1, width)
    found = np.empty((others.shape[2], width, width))
    for c in range(others.shape[2]):
        spread = flat * np.sqrt(others[:, :, c] * weight[:, c, None]).reshape(-1, 1)
        middle = scores[:, c] * np.sqrt(weight[:, c, None])
        found[c] = spread.T @ spread - middle.T @ middle
    return found


@dataclass(frozen=True, slots=True)
class Point:
    """The log-likelihood of the mixture with its derivatives in ``Mixture.vector()``."""

    log_likelihood: float
    gradient: Floats
    information: Floats
    scores: Floats
    """(respondents, P), without weights."""


def derivatives(panel: Panel, mixture: Mixture) -> Point:
    """Gradient and observed information of the mixture, exactly.

    Louis (1982): the observed information is the expected complete-data information less the
    covariance of the complete-data score, both given the choices.
    """
    at = expect(panel, mixture)
    tasks = task_scores(panel, at.others)
    beta_scores = panel.by_respondent(tasks)
    complete = _complete_scores(mixture, beta_scores)
    scores = np.einsum("nc,ncp->np", at.posterior, complete)
    informations = component_informations(panel, at.others, tasks, at.posterior)
    weighted = panel.weight[:, None] * at.posterior
    flat = (complete * np.sqrt(weighted)[:, :, None]).reshape(-1, complete.shape[2])
    own = scores * np.sqrt(panel.weight)[:, None]
    beta_sums = np.einsum("nc,nck->ck", weighted, beta_scores)
    information = _complete_information(mixture, informations, beta_sums, panel.weight.sum())
    information = information - flat.T @ flat + own.T @ own
    return Point(at.log_likelihood, panel.weight @ scores, information, scores)


def _complete_scores(mixture: Mixture, beta_scores: Floats) -> Floats:
    """Score of each respondent in the parameters if the component were known, (N, C, P)."""
    q, s, k = mixture.shape
    components = mixture.components()
    found = np.zeros((len(beta_scores), q * s, q + s - 2 + q * k + s - 1))
    for c in range(q * s):
        own, scale = divmod(c, s)
        found[:, c, : q - 1] = (np.arange(q) == own)[:-1] - mixture.shares[:-1]
        found[:, c, q - 1 : q + s - 2] = (np.arange(s) == scale)[:-1] - mixture.scale_shares[:-1]
        first = q + s - 2 + own * k
        found[:, c, first : first + k] = mixture.scales[scale] * beta_scores[:, c]
        if scale:
            found[:, c, q + s - 2 + q * k + scale - 1] = beta_scores[:, c] @ components[c]
    return found


def _complete_information(
    mixture: Mixture, informations: Floats, beta_sums: Floats, mass: float
) -> Floats:
    """Expected information if the components were known, (P, P)."""
    q, s, k = mixture.shape
    components = mixture.components()
    found = np.zeros((q + s - 2 + q * k + s - 1,) * 2)
    for shares, first in ((mixture.shares, 0), (mixture.scale_shares, q - 1)):
        block = mass * (np.diag(shares) - np.outer(shares, shares))[:-1, :-1]
        found[first : first + len(block), first : first + len(block)] = block
    for c in range(q * s):
        own, scale = divmod(c, s)
        size, beta = mixture.scales[scale], components[c]
        place = slice(q + s - 2 + own * k, q + s - 2 + (own + 1) * k)
        found[place, place] += size**2 * informations[c]
        if scale:
            last = q + s - 2 + q * k + scale - 1
            cross = size * (informations[c] @ beta - beta_sums[c])
            found[place, last] += cross
            found[last, place] += cross
            found[last, last] += beta @ informations[c] @ beta - beta @ beta_sums[c]
    return found
