"""Aggregate multinomial logit by exact Newton steps.

McFadden (1974), "Conditional logit analysis of qualitative choice behavior". The log-likelihood is
concave; the information is the sum over tasks of ``X'(diag p - pp')X``. A dual-response none has
one utility for both questions: with S the sum of e^V over the alternatives, the chosen one has the
chance e^V / S, and to be bought S / (S + e^V0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from analysis.choices.coding import (
    NONE,
    Covariate,
    Floats,
    coding_of,
    covariate_columns,
    with_covariates,
)
from analysis.choices.identification import NotIdentified, check_identified, check_separation
from analysis.choices.partworths import Covariance, PartWorths, few_respondents
from analysis.choices.sets import ChoiceSets, Chunk, choice_sets
from analysis.study import Study
from analysis.tables import Choices

TOLERANCE = 1e-13
"""Newton decrement g'H^-1 g at which the last step is taken (log-likelihood units)."""
MAX_STEPS = 50
MANY = 20_000
"""Tasks from which a tenth of them gives the first guess."""
SUSPECT = 12.0
"""A range of utilities within one task from which separation is looked for."""


class NotConverged(ArithmeticError):
    """The optimum was not reached; there is no result."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over the data at some coefficients.

    ``scores`` is (tasks, K), ``information`` (K, K); ``widest`` is the largest difference of
    utilities within a task.
    """

    log_likelihood: float
    gradient: Floats
    information: Floats
    scores: Floats
    widest: float


def fit_mnl(
    study: Study,
    choices: Choices,
    *,
    exercise: str | None = None,
    weights: Mapping[str, float] | None = None,
    covariates: Sequence[Covariate] = (),
) -> PartWorths:
    """Fit an aggregate multinomial logit.

    Parameters
    ----------
    study, choices
        The study and the checked choices of one of its exercises. Holdout tasks are left out.
    exercise
        Id of the exercise; default: the one the choices belong to.
    weights
        Weight by respondent; every respondent needs one, and who has zero is left out. Weights are
        scaled to a mean of 1, and the scores of a respondent are multiplied by them in all
        covariances.
    covariates
        Numbers of the respondents on which part-worths depend, linearly; each is centred at its
        mean over respondents, so that the other part-worths are those of the average respondent.

    Returns
    -------
    PartWorths
        With classical, robust and cluster covariances from one pass. Neither sandwich has a
        small-sample factor: the cluster covariance is H^-1 (sum of s_r s_r') H^-1 with s_r the
        summed score of respondent r.

    Raises
    ------
    NotIdentified
        When some part-worths cannot be told apart or have no finite estimate, naming attribute,
        level and why.
    NotConverged
        When the optimum is not reached.
    """
    wanted = study.choice_exercise(exercise or choices.exercise.id)
    check_belongs(wanted.id, choices)
    coding, frame = coding_of(study, wanted), choices.frame
    if wanted.is_dual and any(NONE in covariate.attributes for covariate in covariates):
        raise ValueError("a dual-response none cannot depend on a covariate; leave none out of it")
    if covariates:
        coding = with_covariates(coding, covariates)
        frame = covariate_columns(frame, covariates)
    sets = choice_sets(coding, frame, weights)
    _check_identified(sets, choices)
    coefficients, last, steps = maximise(sets, _warm_start(sets))
    if last.widest > SUSPECT:
        check_separation(coding, sets)
    return PartWorths(
        coding=coding,
        estimator="mnl",
        coefficients=coefficients,
        covariances=covariances(last, sets),
        n_respondents=len(sets.respondents),
        n_tasks=sets.n_tasks,
        log_likelihood=last.log_likelihood,
        null_log_likelihood=sets.null_log_likelihood(),
        converged=True,
        iterations=steps,
        warnings=_warnings(sets),
    )


def check_belongs(exercise_id: str, choices: Choices) -> None:
    """ValueError unless the choices are those of the exercise."""
    belongs = choices.exercise.id
    if belongs != exercise_id:
        raise ValueError(f"the choices belong to '{belongs}', not to '{exercise_id}'")


def check_supported(exercise_id: str, choices: Choices) -> None:
    """ValueError when a logit of single choices does not describe the choices."""
    check_belongs(exercise_id, choices)
    if choices.exercise.is_dual:
        raise ValueError(
            f"exercise '{exercise_id}' has a dual-response none, which only the aggregate logit "
            "describes; use --estimator mnl"
        )


def _warnings(sets: ChoiceSets) -> tuple[str, ...]:
    notes = list(few_respondents(len(sets.respondents), sets.coding.width))
    if sets.coding.exercise.interactions:
        notes.append(
            "importances and money values are those at the average of the attributes that interact"
        )
    return tuple(notes)


def evaluate(sets: ChoiceSets, coefficients: Floats) -> Pass:
    """Log-likelihood, gradient, information and scores, in chunks that stay in the cache."""
    width = len(coefficients)
    information = np.zeros((width, width))
    scores = np.empty((sets.n_tasks, width))
    total, widest = 0.0, 0.0
    none = sets.coding.row(None) if sets.bought is not None else np.zeros(width)
    for chunk in sets.chunks():
        x = chunk.columns
        utilities = (coefficients @ x.reshape(width, -1)).reshape(x.shape[1:])
        top = utilities.max(axis=0)
        utilities -= top
        widest = max(widest, float(-utilities.min()))
        ahead = np.arange(len(chunk.chosen))
        picked = utilities[chunk.chosen, ahead]
        np.exp(utilities, out=utilities)
        sums = utilities.sum(axis=0)
        total += float(chunk.weight @ (picked - np.log(sums)))
        shares = np.divide(utilities, sums, out=utilities)
        mean = np.einsum("jt,kjt->kt", shares, x)
        x -= mean[:, None]
        scores[chunk.place] = (x[:, chunk.chosen, ahead] * chunk.weight).T
        bend = chunk.weight
        if chunk.bought is not None:
            worth = top + np.log(sums) - coefficients @ none
            second = _second_question(chunk, worth, mean.T - none)
            total += second.log_likelihood
            scores[chunk.place] += second.scores
            information += second.information
            bend = bend * second.bend
            widest = max(widest, float(np.abs(worth).max()))
        x *= np.sqrt(np.multiply(shares, bend, out=shares))
        spread = x.reshape(width, -1)
        information += spread @ spread.T
    return Pass(total, scores.sum(axis=0), information, scores, widest)


@dataclass(frozen=True, slots=True)
class _Second:
    """What the second question of a dual-response none adds to a pass.

    ``bend`` (tasks,) multiplies the information of the first question, because the worth of
    choosing at all, log S, is itself curved.
    """

    log_likelihood: float
    scores: Floats
    information: Floats
    bend: Floats


def _second_question(chunk: Chunk, worth: Floats, slope: Floats) -> _Second:
    """buy log P + (1 - buy) log(1 - P), P = 1 / (1 + e^-worth), worth = log S - V0.

    ``slope`` (tasks, K) is the derivative of the worth: the mean alternative less none.
    """
    assert chunk.bought is not None
    buys, bought = expit(worth), chunk.bought
    log_chance = -np.logaddexp(0, np.where(bought > 0, -worth, worth))
    spread = slope * np.sqrt(buys * (1 - buys) * chunk.weight)[:, None]
    return _Second(
        float(chunk.weight @ log_chance),
        slope * ((bought - buys) * chunk.weight)[:, None],
        spread.T @ spread,
        1 - (bought - buys),
    )


def _check_identified(sets: ChoiceSets, choices: Choices) -> None:
    """Check the information at equal chances: of a part of the tasks when that is enough."""
    zero = np.zeros(sets.coding.width)
    part = sets.tenth() if sets.n_tasks >= MANY else sets
    try:
        check_identified(sets.coding, choices.frame, evaluate(part, zero).information)
    except NotIdentified:
        if part is sets:
            raise
        check_identified(sets.coding, choices.frame, evaluate(sets, zero).information)


def _warm_start(sets: ChoiceSets) -> Floats:
    """Coefficients near the optimum, from a tenth of the tasks when there are very many."""
    start = np.zeros(sets.coding.width)
    if sets.n_tasks < MANY:
        return start
    try:
        return maximise(sets.tenth(), start, tolerance=1e-2)[0]
    except NotConverged:
        return start


def maximise(
    sets: ChoiceSets, start: Floats, *, tolerance: float = TOLERANCE
) -> tuple[Floats, Pass, int]:
    """Newton with step halving: coefficients, the last pass, and the number of steps.

    The last pass stands one step before the coefficients returned; that step is so short that
    log-likelihood and information are the same to the last digits.
    """
    coefficients, here = start, evaluate(sets, start)
    for step in range(1, MAX_STEPS + 1):
        direction = _newton_direction(here, sets)
        decrement = float(here.gradient @ direction)
        if decrement < max(tolerance, 1e-15 * abs(here.log_likelihood)):
            return coefficients + direction, here, step
        coefficients, here = _climb(sets, coefficients, direction, here.log_likelihood)
    check_separation(sets.coding, sets)
    raise NotConverged(
        f"the logit did not converge in {MAX_STEPS} Newton steps (decrement {decrement:.2g})"
    )


def _newton_direction(here: Pass, sets: ChoiceSets) -> Floats:
    scale = np.sqrt(np.diag(here.information))
    if here.widest < 500 and (scale > 0).all():
        scaled = here.information / np.outer(scale, scale)
        if np.linalg.cond(scaled) < 1e13:
            return np.asarray(np.linalg.solve(scaled, here.gradient / scale) / scale)
    check_separation(sets.coding, sets)
    raise NotConverged("the information matrix became singular on the way to the optimum")


def _climb(
    sets: ChoiceSets, start: Floats, direction: Floats, log_likelihood: float
) -> tuple[Floats, Pass]:
    """Take the Newton step, halved until the log-likelihood does not fall."""
    length = 1.0
    for _ in range(40):
        there = evaluate(sets, start + length * direction)
        if there.log_likelihood >= log_likelihood - 1e-12 * abs(log_likelihood):
            return start + length * direction, there
        length /= 2
    raise NotConverged("no step along the Newton direction improves the log-likelihood")


def covariances(last: Pass, sets: ChoiceSets) -> dict[Covariance, Floats]:
    """Classical, robust and cluster covariance at a pass, (K, K) each."""
    scale = np.sqrt(np.diag(last.information))
    inverse = np.linalg.inv(last.information / np.outer(scale, scale)) / np.outer(scale, scale)
    order = np.argsort(sets.respondent, kind="stable")
    starts = np.flatnonzero(np.diff(sets.respondent[order], prepend=-1))
    sums = np.add.reduceat(last.scores[order], starts, axis=0)
    return {
        "classical": inverse,
        "robust": inverse @ (last.scores.T @ last.scores) @ inverse,
        "cluster": inverse @ (sums.T @ sums) @ inverse,
    }
