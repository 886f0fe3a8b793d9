"""Expectation-maximisation from a random start, finished by exact Newton steps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.choices.coding import Floats
from analysis.choices.latent_class.likelihood import (
    Chances,
    Expectation,
    Point,
    chances_of,
    component_informations,
    derivatives,
    expect,
    task_scores,
)
from analysis.choices.latent_class.mixture import Mixture
from analysis.choices.panel import Panel, climb, inverse
from analysis.choices.partworths import PartWorths

EM_STEPS = 400
EM_GAIN = 1e-6
"""Gain of an EM step, relative to the log-likelihood, below which Newton steps finish."""
WIDEST = 30.0
"""Standard error of a utility (logits) from which a class is taken to have no finite maximum."""


@dataclass(frozen=True, slots=True)
class End:
    """Where one start ended; ``strict``: at a finite, strict maximum."""

    mixture: Mixture
    log_likelihood: float
    strict: bool


def maximise(panel: Panel, mixture: Mixture) -> End:
    """EM until its gains are small, then Newton steps on the mixture itself."""
    at = expect(panel, mixture)
    for _ in range(EM_STEPS):
        mixture, chances = em_step(panel, mixture, at)
        there = expect(panel, mixture, chances)
        gain, at = there.log_likelihood - at.log_likelihood, there
        if gain < EM_GAIN * abs(at.log_likelihood) or mixture.shares.min() < 1e-8:
            break
    if mixture.shares.min() < 1e-8 or mixture.scale_shares.min() < 1e-8:
        return End(mixture, at.log_likelihood, False)
    shape = mixture
    summit = climb(lambda vector: derivatives(panel, shape.at(vector)), mixture.vector())
    found = shape.at(summit.point)
    end = derivatives(panel, found)
    return End(found, end.log_likelihood, summit.strict and _finite(panel, found, end))


def _finite(panel: Panel, mixture: Mixture, at: Point) -> bool:
    """Whether the coefficients have a finite maximum: without one, their errors explode."""
    q, s, k = mixture.shape
    errors = np.sqrt(np.diag(inverse(at.information)))[q + s - 2 : q + s - 2 + q * k]
    spread = panel.differences[panel.offered].std(axis=0)
    return bool((errors.reshape(q, k) * spread).max() < WIDEST)


def random_start(
    panel: Panel, one: PartWorths, q: int, s: int, generator: np.random.Generator
) -> Mixture:
    """Each class starts at the logit of a few random respondents, drawn to that of everybody."""
    people = len(panel.starts)
    coefficients = np.tile(one.coefficients, (q, 1))
    prior = inverse(one.covariance("classical")) / people
    few = min(10, max(1, people // (2 * q)))
    chances = np.zeros((people, q))
    for n in range(q if q > 1 else 0):
        chances[generator.choice(people, few, replace=False), n] = 1.0
    for _ in range(3 if q > 1 else 0):
        _, others = panel.chances(coefficients)
        scores = task_scores(panel, others)
        informations = component_informations(panel, others, scores, chances) + prior
        gradient = (
            np.einsum(
                "n,nq,nqk->qk", panel.weight, chances, panel.by_respondent(scores), optimize=True
            )
            - (coefficients - one.coefficients) @ prior
        )
        coefficients = coefficients + np.stack(
            [_solve(i, g) for i, g in zip(informations, gradient, strict=True)]
        )
    scales = np.concatenate([[1.0], np.exp(generator.normal(size=s - 1))])
    return Mixture(np.full(q, 1 / q), coefficients, np.full(s, 1 / s), scales)


def em_step(panel: Panel, mixture: Mixture, at: Expectation) -> tuple[Mixture, Chances]:
    """One expectation-maximisation step: shares exactly, coefficients by a damped Newton step.

    Returns the mixture and its chances, which the next expectation step needs.
    """
    q, s, k = mixture.shape
    weighted = panel.weight[:, None] * at.posterior
    mass = weighted.sum(axis=0).reshape(q, s)
    scores = task_scores(panel, at.others)
    informations = component_informations(panel, at.others, scores, at.posterior).reshape(
        q, s, k, k
    )
    summed = np.einsum("nc,nck->ck", weighted, panel.by_respondent(scores)).reshape(q, s, k)
    gradient = np.einsum("s,qsk->qk", mixture.scales, summed)
    information = np.einsum("s,qskl->qkl", mixture.scales**2, informations)
    steps = np.stack([_solve(i, g) for i, g in zip(information, gradient, strict=True)])
    moved = replace(
        mixture,
        shares=mass.sum(axis=1) / mass.sum(),
        scale_shares=mass.sum(axis=0) / mass.sum(),
    )
    moved, chances = _damped(panel, moved, steps, weighted, at.chances)
    if s == 1:
        return moved, chances
    slope = np.einsum("s,qk,qsk->s", mixture.scales, mixture.coefficients, summed)
    bend = np.einsum(
        "s,qk,qskl,ql->s",
        mixture.scales**2,
        mixture.coefficients,
        informations,
        mixture.coefficients,
    )
    step = np.clip(slope / np.maximum(bend, 1e-9), -0.5, 0.5)
    step[0] = 0.0
    scaled = replace(moved, scales=mixture.scales * np.exp(step))
    others = chances_of(panel, scaled)
    better = (
        _expected(mixture, others, weighted).sum() > _expected(mixture, chances, weighted).sum()
    )
    return (scaled, others) if better else (moved, chances)


def _solve(information: Floats, gradient: Floats) -> Floats:
    ridge = 1e-8 * np.trace(information) / len(gradient) + 1e-12
    step: Floats = np.linalg.solve(information + ridge * np.eye(len(gradient)), gradient)
    return step


def _expected(mixture: Mixture, chances: Chances, weighted: Floats) -> Floats:
    """Expected log-likelihood of the choices by class, (Q,)."""
    q, s, _ = mixture.shape
    found: Floats = (weighted * chances.logs).sum(axis=0).reshape(q, s).sum(axis=1)
    return found


def _damped(
    panel: Panel, mixture: Mixture, steps: Floats, weighted: Floats, chances: Chances
) -> tuple[Mixture, Chances]:
    """Coefficients moved along their steps, halved class by class until nothing falls."""
    before = _expected(mixture, chances, weighted)
    length = np.ones(len(steps))
    for _ in range(30):
        moved = replace(mixture, coefficients=mixture.coefficients + length[:, None] * steps)
        there = chances_of(panel, moved)
        worse = _expected(moved, there, weighted) < before - 1e-12 * np.abs(before)
        if not worse.any():
            return moved, there
        length[worse] /= 2
    last = replace(mixture, coefficients=mixture.coefficients + (length * ~worse)[:, None] * steps)
    return last, chances_of(panel, last)
