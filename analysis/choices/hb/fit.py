"""``fit_hb``: from a study and its choices to draws of everybody's part-worths."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.choices.coding import Coding, coding_of, tested_range
from analysis.choices.hb.constraints import Constraints, Monotone, constraints_of
from analysis.choices.hb.contradictions import StepCheck, check_steps
from analysis.choices.hb.diagnostics import Diagnostics, sample_until
from analysis.choices.hb.packing import Packed, pack
from analysis.choices.hb.priors import (
    Prior,
    PriorName,
    bayesm_prior,
    constrained_prior,
    sawtooth_prior,
)
from analysis.choices.hb.sampling import Posterior, Progress, Settings, State
from analysis.choices.identification import (
    check_identified,
    chosen_margins,
    separating_direction,
)
from analysis.choices.mnl import NotConverged, evaluate
from analysis.choices.partworths import PartWorths
from analysis.choices.sets import ChoiceSets, choice_sets
from analysis.study import Study
from analysis.tables import Choices

Floats = NDArray[np.float64]
SUSPECT = 5.0
"""Mean part-worth from which it is asked whether the answers set a limit to it at all."""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """What hierarchical Bayes knows beyond the mean.

    Attributes
    ----------
    respondents
        (N,) names, in the order of ``posterior.beta``.
    posterior, diagnostics
        The draws, and what they are worth.
    prior
        As used.
    covariates, covariate_means
        Columns of the upper level behind the intercept, and what was subtracted from each.
    constraints
        Which part-worths were held to an order; None: none. ``posterior`` then holds means,
        covariances and betas of the part-worths all the same, and its state the logarithms.
    step_checks
        Whether the answers bear each constrained step.
    """

    respondents: tuple[str, ...]
    posterior: Posterior
    diagnostics: Diagnostics
    prior: Prior
    covariates: tuple[str, ...]
    covariate_means: Floats
    constraints: Constraints | None = None
    step_checks: tuple[StepCheck, ...] = ()

    def individual(self) -> tuple[Floats, Floats]:
        """Posterior mean and standard deviation of everybody's part-worths, (N, K) each."""
        beta = self.posterior.beta
        mean = beta.mean((0, 1), dtype=float)
        squares = sum(np.square(draw - mean) for chain in beta for draw in chain)
        return mean, np.sqrt(squares / (beta.shape[0] * beta.shape[1]))


def fit_hb(
    study: Study,
    choices: Choices,
    *,
    seed: int,
    prior: PriorName | Prior = "sawtooth",
    settings: Settings | None = None,
    covariates: pd.DataFrame | None = None,
    monotone: Monotone = (),
    state: State | None = None,
    progress: Progress | None = None,
) -> PartWorths:
    """Fit a hierarchical multinomial logit with normal heterogeneity.

    Parameters
    ----------
    study, choices
        The study and the checked choices of one of its exercises. Holdout tasks are left out.
    seed
        Same choices, same seed, same machine: same draws.
    prior
        'sawtooth' (df 5, variance 1), 'bayesm', or a ``Prior`` of your own.
    settings
        Chains, burn-in, draws; default ``Settings()``. With ``at_most``, goes on until the
        diagnostics pass or so many draws are made.
    covariates
        Numbers by respondent (the index), for the upper level beta_i ~ N(Gamma'w_i, Sigma). They
        are centred, so that mu is the mean of the average respondent.
    monotone
        Attributes held to their ``preference`` for every respondent (a price without one: the
        less, the better); 'all' that have one. The prior of these is that of R bayesm's sign
        restrictions, see ``constrained_prior``.
    state
        ``hierarchy.posterior.state`` of an earlier fit to the same choices: goes on from there. The
        result rests on the new draws alone.
    progress
        Called with (draws done, draws in all); returning False cancels. Draws in all grow when the
        fit goes on.

    Returns
    -------
    PartWorths
        ``coefficients`` are the posterior means of mu, the mean part-worths of the population; the
        covariance 'posterior' is that of mu's draws; ``hierarchy`` has the draws. ``converged`` is
        False, with the reasons among the warnings, until the diagnostics pass.

    Raises
    ------
    NotIdentified
        When no task tells some part-worths apart, naming attribute, level and why: the draws
        would repeat the prior.
    ValueError
        Wrong covariates, constraints or state, or a task that this likelihood does not describe.
    Cancelled
        When ``progress`` returned False.
    """
    coding = coding_of(study, choices.exercise)
    sets = choice_sets(coding, choices.frame)
    check_identified(coding, choices.frame, evaluate(sets, np.zeros(coding.width)).information)
    constraints = constraints_of(coding, monotone)
    return fit_sets(
        sets,
        seed=seed,
        prior=prior,
        settings=settings,
        covariates=covariates,
        constraints=constraints,
        state=state,
        progress=progress,
    )


def fit_sets(
    sets: ChoiceSets,
    *,
    seed: int,
    prior: PriorName | Prior,
    settings: Settings | None,
    covariates: pd.DataFrame | None,
    state: State | None,
    progress: Progress | None,
    constraints: Constraints | None = None,
) -> PartWorths:
    """``fit_hb`` for choice sets that are known to tell all part-worths apart."""
    coding = sets.coding
    names, means, w = _covariates(sets.respondents, covariates)
    chosen = (
        prior if isinstance(prior, Prior) else prior_named(prior, coding, w.shape[1], constraints)
    )
    if constraints and chosen.medians is not None:
        constraints = constraints.with_medians(chosen.medians)
    posterior, found = sample_until(
        packed_sets(sets, constraints),
        w,
        chosen,
        seed=seed,
        settings=settings or Settings(),
        state=state,
        progress=progress,
    )
    checks: tuple[StepCheck, ...] = ()
    if constraints:
        posterior = constraints.applied(posterior)
        checks = check_steps(constraints, sets, posterior.beta)
    mu = posterior.mu.reshape(-1, coding.width)
    return PartWorths(
        coding=coding,
        estimator="hb",
        coefficients=mu.mean(0),
        covariances={"posterior": np.atleast_2d(np.cov(mu.T))},
        n_respondents=len(sets.respondents),
        n_tasks=sets.n_tasks,
        log_likelihood=float(posterior.log_likelihood.mean()),
        null_log_likelihood=sets.null_log_likelihood(),
        converged=found.converged,
        iterations=posterior.state.done,
        warnings=(
            *_warnings(coding, len(sets.respondents), found.reasons),
            *_unlimited(mu.mean(0), sets),
            *(check.fact for check in checks if check.fact),
        ),
        hierarchy=Hierarchy(
            sets.respondents, posterior, found, chosen, names, means, constraints, checks
        ),
    )


def final(part_worths: PartWorths) -> PartWorths:
    """The same part-worths if they may be presented as final; NotConverged with reasons if not."""
    if not part_worths.converged:
        reasons = "; ".join(part_worths.warnings)
        raise NotConverged(f"these part-worths are not final yet: {reasons}")
    return part_worths


def _unlimited(coefficients: Floats, sets: ChoiceSets) -> tuple[str, ...]:
    """Say it when the answers set no upper limit to the size of some part-worths."""
    if np.abs(coefficients).max() < SUSPECT:
        return ()
    direction = separating_direction(chosen_margins(sets))
    if direction is None:
        return ()
    columns = zip(sets.coding.columns, np.abs(direction) > 1e-6, strict=True)
    names = ", ".join(dict.fromkeys(column.attribute for column, used in columns if used))
    return (
        f"nobody chooses against {names} (perfect prediction): how large these part-worths are "
        "rests on the prior alone",
    )


def _warnings(coding: Coding, respondents: int, reasons: tuple[str, ...]) -> tuple[str, ...]:
    """Why not final; few respondents; what interactions mean elsewhere; odd units."""
    found = [f"not final: {reason}" for reason in reasons]
    if respondents <= coding.width:
        found.append(
            f"{respondents} respondent(s) for {coding.width} part-worths: the spread between "
            "respondents is mostly that of the prior, and no figure here is one of a market"
        )
    if coding.exercise.interactions:
        found.append(
            "importances and money values are those at the average of the attributes that interact"
        )
    for attribute in coding.exercise.attributes:
        if attribute.coding != "linear":
            continue
        low, high = tested_range(attribute)
        if not 0.2 <= high - low <= 50:
            found.append(
                f"attribute '{attribute.id}' is tested over {high - low:g} units; the prior is per "
                "unit, so use units in which the range is between 0.2 and 50"
            )
    return tuple(found)


def prior_named(
    name: PriorName, coding: Coding, covariates: int = 1, constraints: Constraints | None = None
) -> Prior:
    """A prior by name, for a coding; ``covariates`` counts the intercept.

    With constraints the median step is e^2 by 'bayesm'; by 'sawtooth', which has no prior of its
    own for them, a constrained attribute is worth 2 from worst to best.
    """
    if constraints:
        plain = prior_named(name, coding, covariates)
        bounded = constraints.bounded
        medians = np.where(bounded, np.exp(2.0), 1.0)
        if name == "sawtooth":
            medians = constraints.moderate()
        return constrained_prior(plain, bounded, medians)
    if name == "bayesm":
        return bayesm_prior(coding.width, covariates)
    if name != "sawtooth":
        raise ValueError(f"there is no prior '{name}'; known: sawtooth, bayesm")
    blocks = []
    for (_, kind), columns in groupby(coding.columns, key=lambda c: (c.attribute, c.kind)):
        size = len(list(columns))
        blocks.append(-size if kind == "effects" else size)
    return sawtooth_prior(blocks, covariates=covariates)


def packed_sets(sets: ChoiceSets, constraints: Constraints | None = None) -> Packed:
    """Choice sets as the kernel reads them; tasks may differ in number of alternatives.

    With constraints the design is that of steps: x'(turn b) = (x'turn)b.

    A dual-response none becomes tasks of single choices with the same likelihood: bought, one task
    of the concepts and none, as e^V_j / S times S / (S + e^V_0) is e^V_j / (S + e^V_0); not
    bought, one task of the concepts alone and one in which none was chosen.
    """
    x, y, there = _dual_arrays(sets) if sets.bought is not None else _arrays(sets)
    if constraints is None:
        return pack(x, y, there)
    turned = pack(x @ constraints.turn.astype(np.float32), y, there)
    return replace(turned, logs=constraints.columns)


Arrays = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_] | None]


def _arrays(sets: ChoiceSets) -> Arrays:
    n, width = len(sets.respondents), sets.coding.width
    counts = np.bincount(sets.respondent, minlength=n)
    order = np.argsort(sets.respondent, kind="stable")
    position = np.empty(sets.n_tasks, np.int64)
    position[order] = np.arange(sets.n_tasks) - np.repeat(np.cumsum(counts) - counts, counts)
    largest = max(group.size for group in sets.groups)
    x = np.zeros((n, int(counts.max()), largest, width), np.float32)
    y = np.full(x.shape[:2], -1, np.int64)
    there = np.zeros(x.shape[:3], np.bool_)
    for chunk in sets.chunks():
        at = (sets.respondent[chunk.place], position[chunk.place])
        x[*at, : chunk.size] = chunk.x.reshape(-1, chunk.size, width)
        there[*at, : chunk.size] = True
        y[at] = chunk.chosen
    return x, y, None if len(sets.groups) == 1 else there


def _dual_arrays(sets: ChoiceSets) -> Arrays:
    assert sets.bought is not None
    n, width = len(sets.respondents), sets.coding.width
    most = 2 * int(np.bincount(sets.respondent, minlength=n).max())
    none = max(group.size for group in sets.groups)
    x = np.zeros((n, most, none + 1, width), np.float32)
    x[:, :, none] = sets.coding.row(None)
    y = np.full(x.shape[:2], -1, np.int64)
    there = np.zeros(x.shape[:3], np.bool_)
    filled = np.zeros(n, np.int64)
    for chunk in sets.chunks():
        assert chunk.bought is not None
        tasks = chunk.x.reshape(-1, chunk.size, width)
        people = sets.respondent[chunk.place]
        for task, i, chosen, bought in zip(tasks, people, chunk.chosen, chunk.bought, strict=True):
            for answer, with_none in (
                ((chosen, True),) if bought else ((chosen, False), (none, True))
            ):
                at = i, filled[i]
                x[at][: chunk.size] = task
                there[at][: chunk.size] = True
                there[at][none] = with_none
                y[at] = answer
                filled[i] += 1
    return x, y, there


def _covariates(
    respondents: tuple[str, ...], frame: pd.DataFrame | None
) -> tuple[tuple[str, ...], Floats, Floats]:
    """Names, means, and (N, Q) with a leading column of ones."""
    ones = np.ones((len(respondents), 1))
    if frame is None or frame.shape[1] == 0:
        return (), np.zeros(0), ones
    numbers = frame.set_axis(frame.index.astype(str)).apply(pd.to_numeric, errors="coerce")
    if numbers.index.has_duplicates:
        raise ValueError("covariates name a respondent twice")
    values = numbers.reindex(list(respondents)).to_numpy(float)
    missing = [r for r, row in zip(respondents, values, strict=True) if not np.isfinite(row).all()]
    if missing:
        shown = ", ".join(missing[:10])
        raise ValueError(f"{len(missing)} respondents lack a number in a covariate: {shown}")
    means = values.mean(0)
    centred = values - means
    constant = [str(n) for n, c in zip(frame.columns, centred.T, strict=True) if not c.any()]
    if constant:
        raise ValueError(f"covariates that do not vary: {', '.join(constant)}; leave them out")
    return tuple(str(name) for name in frame.columns), means, np.hstack([ones, centred])
