"""Choice consistency: everybody's RLH against random and careful responders in the same fit.

All three are scored by one function: the mode of a respondent's part-worths given the tasks, the
answers and the population of the fit, and the root likelihood of the answers there. So random
responders stand to the population as real ones do, shrunk by the same means and covariance, without
being let into the fit and changing it. Careful ones are drawn from that population and answer by
the logit. (Orme 2019, 'Consistency cutoffs to identify bad respondents', Sawtooth Software, fits
random responders by themselves, where the population is that of random answers.)

The forced choice of a dual-response none is scored, its second answer is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.choices.hb.fit import prior_named
from analysis.choices.partworths import PartWorths
from analysis.choices.sets import ChoiceSets, choice_sets
from analysis.customers.quality.types import Mark, Rule, unused
from analysis.tables import Choices

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
SIMULATED = 4_000
"""Random and careful responders each, at least; the tasks are those of the respondents in turn."""
LEAST_TASKS = 4
RANDOM_KEPT = 0.01
"""Share of random responders that may pass, if the wanted rate allows it."""
STEPS = 60
CHUNK = 1_000
LAPLACE_STEPS, EM_STEPS = 20, 30
EM_DRAWS = 60
WIDER = 1.2
"""Draws around a mode spread so much wider than the curvature there says, for the tails."""
PRIOR_PEOPLE = 1
MARGIN = 2
"""The stated rate is so many times that of the simulated careful: where people differ little, they
are less consistent than any population that can be estimated from a few tasks."""
MOST_ESTIMATED = 400
"""Respondents of whom a population is estimated."""


@dataclass(frozen=True, slots=True, eq=False)
class Tasks:
    """Coded tasks of respondents.

    Attributes
    ----------
    x
        (respondents, tasks, alternatives, K); zero where there is none.
    there
        (respondents, tasks, alternatives) whether the alternative was offered.
    chosen
        (respondents, tasks) place of the one chosen; 0 where there is no such task.
    """

    x: NDArray[np.float32]
    there: NDArray[np.bool_]
    chosen: Integers

    @property
    def asked(self) -> NDArray[np.bool_]:
        """(respondents, tasks) whether there is such a task."""
        return np.asarray(self.there.any(axis=2))

    def of(self, people: Integers, chosen: Integers | None = None) -> Tasks:
        """The tasks of some respondents, with other answers."""
        given = self.chosen[people] if chosen is None else chosen
        return Tasks(self.x[people], self.there[people], given)


def consistency(fitted: PartWorths, choices: Choices, *, wanted: float, seed: int) -> Rule:
    """Whose choices are no more consistent than those of random responders.

    Parameters
    ----------
    fitted
        The report's fit. Of hierarchical Bayes its population is used, and that of
        ``estimated_population`` where people drawn from it are less consistent; beside an aggregate
        logit, which has none, the latter alone.
    wanted
        The share of careful respondents who may be flagged.

    Notes
    -----
    The limit is the RLH that all but 1 % of random responders stay under, or, where careful ones
    would be flagged more often than ``wanted``, the RLH under which half that share of them lies.
    """
    sets = choice_sets(fitted.coding, choices.frame)
    tasks = laid_out(sets)
    counts = tasks.asked.sum(axis=1)
    judged = np.flatnonzero(counts >= LEAST_TASKS)
    if not len(judged):
        return unused("consistency", wanted, f"fewer than {LEAST_TASKS} tasks a respondent")
    populations, words = _populations(fitted, tasks.of(judged), seed)
    mean, covariance = populations[0]
    rng = np.random.default_rng(seed)
    taken = np.resize(judged, max(SIMULATED, len(judged)))
    shown = tasks.of(taken)
    random = rlh(shown.of(np.arange(len(taken)), _at_random(shown, rng)), mean, covariance)
    worlds = []
    for place, spread in populations:
        beta = rng.multivariate_normal(place, spread, size=len(taken), method="eigh")
        given = shown.of(np.arange(len(taken)), _by_logit(shown, beta, rng))
        worlds.append(rlh(given, mean, covariance))
    careful = min(worlds, key=lambda found: float(np.quantile(found, wanted / MARGIN)))
    seen = rlh(tasks.of(judged), mean, covariance)
    lowest = np.quantile(careful, wanted / MARGIN)
    limit = float(min(np.quantile(random, 1 - RANDOM_KEPT), lowest))
    names = [sets.respondents[n] for n in judged]
    marks = tuple(
        Mark(name, "consistency", f"RLH {value:.3f}, limit {limit:.3f}")
        for name, value in zip(names, seen, strict=True)
        if value < limit
    )
    caught = float((random < limit).mean())
    rule = (
        f"an RLH below {limit:.3f}: of random responders {100 * caught:.0f} in 100 lie under it "
        f"(median {np.median(random):.3f}; of careful ones {np.median(careful):.3f})"
    )
    null = (
        f"{len(taken):,} careful responders drawn from {words}, who answer the same tasks by the "
        "logit and are scored like everybody"
    )
    rate = min(MARGIN * float((careful < limit).mean()), wanted)
    scores = dict(zip(names, seen.tolist(), strict=True))
    return Rule("consistency", wanted, rate, rule, null, len(judged), "", scores, caught, marks)


def _populations(
    fitted: PartWorths, tasks: Tasks, seed: int
) -> tuple[list[tuple[Floats, Floats]], str]:
    """Means and covariances from which careful responders are drawn, the scoring one first."""
    estimated = estimated_population(fitted, tasks, seed=seed)
    hierarchy = fitted.hierarchy
    if hierarchy is None:
        return [estimated], "a normal population estimated from these choices"
    posterior = hierarchy.posterior
    width = fitted.coding.width
    mean = posterior.mu.reshape(-1, width).mean(axis=0, dtype=float)
    covariance = posterior.sigma.reshape(-1, width, width).mean(axis=0, dtype=float)
    words = (
        "the population of the fit, or from a normal one estimated from these choices where its "
        "people are less consistent (the fit's prior lets people who differ little look more so)"
    )
    return [(mean, covariance), estimated], words


def estimated_population(fitted: PartWorths, tasks: Tasks, *, seed: int) -> tuple[Floats, Floats]:
    """Mean (K,) and covariance (K, K) of part-worths between people.

    By expectation and maximisation: first with everybody's mode and the inverse curvature there for
    the expectation (Laplace), which makes people too much alike, then with draws around the modes,
    weighted by the posterior. The variance of the prior 'sawtooth' counts as one person: at its
    weight in HB, people who differ little would seem to differ, be more consistent, and the limit
    too high.
    """
    prior = prior_named("sawtooth", fitted.coding)
    rng = np.random.default_rng(seed)
    if len(tasks.x) > MOST_ESTIMATED:
        tasks = tasks.of(rng.choice(len(tasks.x), MOST_ESTIMATED, replace=False))
    n, width = len(tasks.x), fitted.coding.width
    z = rng.standard_normal((EM_DRAWS, n, width))
    mean, covariance = fitted.coefficients, prior.scale / prior.nu
    beta = np.tile(mean, (n, 1))
    for step in range(LAPLACE_STEPS + EM_STEPS):
        found = modes(tasks, mean, covariance, start=beta)
        beta = found.beta
        if step < LAPLACE_STEPS:
            mean = beta.mean(axis=0)
            away = beta - mean
            spread = away.T @ away + found.variance.sum(axis=0)
        else:
            mean, spread = _drawn_moments(tasks, found, mean, covariance, z)
        covariance = (PRIOR_PEOPLE * prior.scale / prior.nu + spread) / (PRIOR_PEOPLE + n)
    return mean, covariance


def _drawn_moments(
    tasks: Tasks, found: Modes, mean: Floats, covariance: Floats, z: Floats
) -> tuple[Floats, Floats]:
    """Mean of part-worths, and the sum of their squares about it, by importance sampling.

    ``z`` (draws, respondents, K) are the same normals in every step, so that the steps settle.
    """
    precision = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
    x = tasks.x.astype(float)
    roots = WIDER * np.linalg.cholesky(found.variance)
    drawn = found.beta + np.einsum("nkl,rnl->rnk", roots, z)
    log = np.array([_posterior(tasks, x, beta, mean, precision)[0] for beta in drawn])
    log += 0.5 * (z**2).sum(axis=2)
    weight = np.exp(log - log.max(axis=0))
    weight /= weight.sum(axis=0)
    centre = np.einsum("rn,rnk->k", weight, drawn) / len(x)
    away = drawn - centre
    return centre, np.einsum("rn,rnk,rnl->kl", weight, away, away, optimize=True)


def laid_out(sets: ChoiceSets) -> Tasks:
    """The estimation tasks of everybody as arrays."""
    n, width = len(sets.respondents), sets.coding.width
    counts = np.bincount(sets.respondent, minlength=n)
    order = np.argsort(sets.respondent, kind="stable")
    position = np.empty(sets.n_tasks, np.int64)
    position[order] = np.arange(sets.n_tasks) - np.repeat(np.cumsum(counts) - counts, counts)
    largest = max(group.size for group in sets.groups)
    x = np.zeros((n, int(counts.max()), largest, width), np.float32)
    there = np.zeros(x.shape[:3], np.bool_)
    chosen = np.zeros(x.shape[:2], np.int64)
    for chunk in sets.chunks():
        at = (sets.respondent[chunk.place], position[chunk.place])
        x[*at, : chunk.size] = chunk.x.reshape(-1, chunk.size, width)
        there[*at, : chunk.size] = True
        chosen[at] = chunk.chosen
    return Tasks(x, there, chosen)


def _at_random(tasks: Tasks, rng: np.random.Generator) -> Integers:
    drawn = np.where(tasks.there, rng.random(tasks.there.shape), -1.0)
    found: Integers = drawn.argmax(axis=2)
    return found


def _by_logit(tasks: Tasks, beta: Floats, rng: np.random.Generator) -> Integers:
    utility = np.einsum("ntjk,nk->ntj", tasks.x, beta) + rng.gumbel(size=tasks.there.shape)
    found: Integers = np.where(tasks.there, utility, -np.inf).argmax(axis=2)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Modes:
    """Everybody's most likely part-worths.

    Attributes
    ----------
    beta
        (respondents, K).
    variance
        (respondents, K, K), the inverse of the curvature there.
    rlh
        (respondents,) geometric mean of the chances of the answers given; 1 / alternatives by
        chance.
    """

    beta: Floats
    variance: Floats
    rlh: Floats


def rlh(tasks: Tasks, mean: Floats, covariance: Floats) -> Floats:
    """Root likelihood (respondents,) of everybody's answers at the mode of their part-worths."""
    return modes(tasks, mean, covariance).rlh


def modes(tasks: Tasks, mean: Floats, covariance: Floats, *, start: Floats | None = None) -> Modes:
    """The mode of everybody's part-worths, given ``mean`` (K,) and ``covariance`` (K, K).

    ``start`` (respondents, K) is where the search begins; default: at the mean.
    """
    n = len(tasks.x)
    beta = np.tile(mean, (n, 1)) if start is None else start
    parts = []
    for first in range(0, n, CHUNK):
        mine = np.arange(first, min(first + CHUNK, n))
        parts.append(_modes(tasks.of(mine), mean, covariance, beta[mine]))
    return Modes(
        np.concatenate([part.beta for part in parts]),
        np.concatenate([part.variance for part in parts]),
        np.concatenate([part.rlh for part in parts]),
    )


def _modes(tasks: Tasks, mean: Floats, covariance: Floats, beta: Floats) -> Modes:
    """By Newton steps, halved where the posterior would fall; it is concave."""
    precision = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
    x = tasks.x.astype(float)
    picked = np.take_along_axis(x, tasks.chosen[:, :, None, None], axis=2)[:, :, 0]
    value, shares, likelihood = _posterior(tasks, x, beta, mean, precision)
    for _ in range(STEPS):
        expected = np.einsum("ntj,ntjk->ntk", shares, x)
        gradient = ((picked - expected) * tasks.asked[:, :, None]).sum(axis=1)
        gradient -= (beta - mean) @ precision
        flat = (shares[..., None] * x).reshape(len(x), -1, x.shape[-1])
        bend = flat.transpose(0, 2, 1) @ x.reshape(len(x), -1, x.shape[-1])
        bend += precision - expected.transpose(0, 2, 1) @ expected
        step = np.linalg.solve(bend, gradient[:, :, None])[:, :, 0]
        if np.abs(np.einsum("nk,nk->n", gradient, step)).max() < 1e-8:
            break
        size = np.ones(len(x))
        for _ in range(20):
            new = beta + size[:, None] * step
            found = _posterior(tasks, x, new, mean, precision)
            worse = found[0] < value - 1e-12
            if not worse.any():
                break
            size[worse] /= 2
        beta, (value, shares, likelihood) = new, found
    rooted = np.exp(likelihood / np.maximum(tasks.asked.sum(axis=1), 1))
    return Modes(beta, np.asarray(np.linalg.inv(bend), dtype=np.float64), rooted)


def _posterior(
    tasks: Tasks, x: Floats, beta: Floats, mean: Floats, precision: Floats
) -> tuple[Floats, Floats, Floats]:
    """Log posterior (n,), chances (n, tasks, alternatives) and log likelihood (n,)."""
    utility = (x.reshape(len(x), -1, x.shape[-1]) @ beta[:, :, None])[:, :, 0]
    utility = np.where(tasks.there, utility.reshape(tasks.there.shape), -np.inf)
    top = np.where(tasks.asked, utility.max(axis=2), 0.0)
    weight = np.exp(utility - top[:, :, None])
    total = np.where(tasks.asked, weight.sum(axis=2), 1.0)
    shares = weight / total[:, :, None]
    own = np.take_along_axis(utility, tasks.chosen[:, :, None], axis=2)[:, :, 0]
    log = np.where(tasks.asked, own - top - np.log(total), 0.0).sum(axis=1)
    away = beta - mean
    return log - 0.5 * np.einsum("nk,kl,nl->n", away, precision, away), shares, log
