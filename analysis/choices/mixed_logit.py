"""Mixed logit: part-worths that vary normally between respondents, by simulated likelihood.

``L_n = mean over draws r of prod_t P(choice of n in task t | b + L z_nr)``, with Halton draws z
(Train 2009, chapters 6, 9 and 10).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp, ndtri

from analysis.choices.coding import Coding, Column, Floats
from analysis.choices.mnl import NotConverged, check_supported, fit_mnl
from analysis.choices.panel import Panel, climb, inverse, panel_of
from analysis.choices.partworths import Covariance, PartWorths
from analysis.choices.sets import Places, choice_sets
from analysis.study import Study
from analysis.tables import Choices

DROPPED = 100
"""Leading elements of every Halton sequence left out, its zero included."""
FEW_DRAWS = 200


@dataclass(frozen=True, slots=True)
class Spread:
    """Which entries of the lower triangular L (K, K) are free: their rows and columns."""

    rows: Places
    columns: Places
    width: int

    def matrix(self, entries: Floats) -> Floats:
        """L with these entries."""
        full = np.zeros((self.width, self.width))
        full[self.rows, self.columns] = entries
        return full


@dataclass(frozen=True, slots=True)
class MixedLogit:
    """The population of part-worths, N(b, L L').

    Attributes
    ----------
    coding
        How the levels became the K columns.
    vector
        (P,): the means b (K), then the free entries of L (``spread`` says which).
    covariances
        Of ``vector``, (P, P): 'classical' (inverse of the exact observed information of the
        simulated likelihood) and 'cluster' (sandwich over respondents).
    respondents, individual_means, individual_sds
        Names; mean and standard deviation of each respondent's part-worths given the choices and
        the estimated population, (respondents, rows of ``coding.level_rows()``).
    log_likelihood, null_log_likelihood
        Simulated with ``n_draws`` draws a respondent; and with equal chances.
    """

    coding: Coding
    vector: Floats
    spread: Spread
    covariances: Mapping[Covariance, Floats]
    respondents: tuple[str, ...]
    individual_means: Floats
    individual_sds: Floats
    n_tasks: int
    n_draws: int
    log_likelihood: float
    null_log_likelihood: float
    iterations: int
    warnings: tuple[str, ...] = ()

    @property
    def population_covariance(self) -> Floats:
        """Covariance of the coefficients between respondents, (K, K)."""
        lower = self.spread.matrix(self.vector[self.coding.width :])
        return lower @ lower.T

    def part_worths(self) -> PartWorths:
        """The means of the population, for importances and money values."""
        k = self.coding.width
        return PartWorths(
            coding=self.coding,
            estimator="mixed-logit",
            coefficients=self.vector[:k],
            covariances={kind: v[:k, :k] for kind, v in self.covariances.items()},
            n_respondents=len(self.respondents),
            n_tasks=self.n_tasks,
            log_likelihood=self.log_likelihood,
            null_log_likelihood=self.null_log_likelihood,
            converged=True,
            iterations=self.iterations,
            warnings=self.warnings,
            estimated=len(self.vector),
        )

    def level_spreads(
        self, kind: Covariance = "cluster"
    ) -> tuple[tuple[Column, ...], Floats, Floats]:
        """Standard deviation between respondents of every level, and its standard error."""
        columns, rows = self.coding.level_rows()
        k = self.coding.width
        across = rows @ self.spread.matrix(self.vector[k:])
        sds = np.sqrt((across**2).sum(axis=1))
        slope = rows[:, self.spread.rows] * across[:, self.spread.columns]
        slope = slope / np.where(sds > 0, sds, 1)[:, None]
        errors = np.sqrt(np.einsum("la,ab,lb->l", slope, self.covariances[kind][k:, k:], slope))
        if self.part_worths().why_no_intervals(kind):
            errors = np.full(len(sds), np.inf)
        return columns, sds, errors


def fit_mixed_logit(
    study: Study,
    choices: Choices,
    *,
    n_draws: int = 500,
    random: Sequence[str] | None = None,
    correlated: bool = False,
    weights: Mapping[str, float] | None = None,
) -> MixedLogit:
    """Fit normally distributed part-worths by maximum simulated likelihood.

    Parameters
    ----------
    study, choices
        The study and the checked choices of one of its exercises. Holdout tasks are left out.
    n_draws
        Halton draws a respondent: R. The log-likelihood belongs to these draws and still moves
        by tens of points between 100 and 600.
    random
        Ids of the attributes (and 'none') whose part-worths vary; default: all.
    correlated
        False: independent coefficients (L diagonal); True: any covariance (L triangular).
    weights
        Weight by respondent; every respondent needs one.

    Raises
    ------
    NotIdentified
        As in ``fit_mnl``.
    NotConverged
        When Newton's steps do not end at a strict maximum.
    ValueError
        For unknown attributes, too few draws or fewer than two respondents.
    """
    if n_draws < 2:
        raise ValueError(f"n_draws is {n_draws}; give 2 or more (500 for a report)")
    check_supported(choices.exercise.id, choices)
    one = fit_mnl(study, choices, weights=weights)
    if one.n_respondents < 2:
        raise ValueError("one respondent: there is no spread between respondents to estimate")
    if one.n_tasks == one.n_respondents:
        raise ValueError(
            "every respondent has one task: the spread between respondents cannot be told from "
            "chance; collect several tasks from each, or use the aggregate logit"
        )
    spread = _spread(one.coding, random, correlated)
    panel = panel_of(choice_sets(one.coding, choices.frame, weights))
    draws = halton_normals(one.n_respondents, n_draws, one.coding.width, spread)
    start = np.concatenate([one.coefficients, _first_spread(panel, spread)])
    summit = climb(lambda vector: derivatives(panel, draws, spread, vector), start)
    if not summit.strict:
        raise NotConverged(
            f"the mixed logit did not reach a strict maximum in {summit.steps} Newton steps; let "
            "fewer attributes vary, or take more draws"
        )
    return _result(one, panel, draws, spread, summit.point, summit.steps)


def _spread(coding: Coding, random: Sequence[str] | None, correlated: bool) -> Spread:
    known = dict.fromkeys(column.attribute for column in coding.columns)
    unknown = [name for name in random or () if name not in known]
    if unknown:
        names = ", ".join(f"'{name}'" for name in unknown)
        raise ValueError(f"no attribute {names} to vary; known: {', '.join(known)}")
    if random is not None and not random:
        raise ValueError("no attribute varies; use the aggregate logit")
    varies = [
        n for n, column in enumerate(coding.columns) if random is None or column.attribute in random
    ]
    pairs = [(i, j) for i in varies for j in varies if i == j or (correlated and j < i)]
    return Spread(np.array([i for i, _ in pairs]), np.array([j for _, j in pairs]), coding.width)


def _first_spread(panel: Panel, spread: Spread) -> Floats:
    size = panel.differences[panel.offered].std(axis=0)
    entries = np.zeros(len(spread.rows))
    own = spread.rows == spread.columns
    entries[own] = 0.5 / size[spread.rows[own]]
    return entries


def halton(length: int, base: int, *, dropped: int = DROPPED) -> Floats:
    """Elements of the Halton sequence of a prime (Halton 1960), the first ones left out.

    The sequence starts with zero: element i has the digits of i in that base, mirrored at the
    point.
    """
    index = np.arange(dropped, dropped + length)
    found, digit = np.zeros(length), 1.0 / base
    while index.any():
        found += digit * (index % base)
        index = index // base
        digit /= base
    return found


def halton_normals(respondents: int, n_draws: int, width: int, spread: Spread) -> Floats:
    """Standard normal draws (respondents, draws, K), zero in columns that do not vary.

    The varying columns take the primes 2, 3, 5, ... in turn; each respondent takes the next
    ``n_draws`` elements of every sequence. So do mlogit and xlogit.
    """
    found = np.zeros((respondents, n_draws, width))
    varies = np.unique(spread.rows)
    for column, prime in zip(varies, _primes(len(varies)), strict=True):
        uniform = halton(respondents * n_draws, prime)
        found[:, :, column] = ndtri(uniform).reshape(respondents, n_draws)
    return found


def _primes(count: int) -> list[int]:
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found


@dataclass(frozen=True, slots=True)
class _Point:
    """The simulated log-likelihood and its derivatives; ``scores`` (respondents, P) unweighted."""

    log_likelihood: float
    gradient: Floats
    information: Floats
    scores: Floats


def derivatives(panel: Panel, draws: Floats, spread: Spread, vector: Floats) -> _Point:
    """Value, gradient and observed information of the simulated log-likelihood, exactly.

    With the draws as R equally likely classes of each respondent, the information is that of
    Louis (1982): expected complete-data information less the covariance of its score.
    """
    size, k = len(vector), spread.width
    source = np.concatenate([np.arange(k), spread.rows])
    scores, total, information = np.zeros((len(draws), size)), 0.0, np.zeros((size, size))
    for n, weight in enumerate(panel.weight):
        part, z = panel.of(n), draws[n]
        factor = np.hstack([np.ones((len(z), k)), z[:, spread.columns]])
        logs, others = part.chances(coefficients_at(spread, vector, z))
        joint = logs.sum(axis=0)
        top = float(logsumexp(joint))
        chance = np.exp(joint - top)
        task_scores = -np.matmul(others.transpose(0, 2, 1), part.differences)
        own = task_scores.sum(axis=0)[:, source] * factor
        scores[n] = chance @ own
        total += weight * (top - np.log(len(z)))
        bend = _draw_informations(part, others, task_scores)[:, source][:, :, source]
        weighted = factor * chance[:, None]
        expected = (bend * weighted[:, :, None] * factor[:, None, :]).sum(axis=0)
        expected -= (own * chance[:, None]).T @ own - np.outer(scores[n], scores[n])
        information += weight * expected
    return _Point(float(total), panel.weight @ scores, information, scores)


def coefficients_at(spread: Spread, vector: Floats, z: Floats) -> Floats:
    """Coefficients b + L z (draws, K) at standard normals z (draws, K)."""
    lower = spread.matrix(vector[spread.width :])
    found: Floats = vector[: spread.width] + z @ lower.T
    return found


def _draw_informations(part: Panel, others: Floats, task_scores: Floats) -> Floats:
    """Information of the tasks of one respondent at each draw, (R, K, K)."""
    flat = part.differences.reshape(-1, part.differences.shape[2])
    squares = (flat[:, :, None] * flat[:, None, :]).reshape(len(flat), -1)
    size, count = flat.shape[1], others.shape[2]
    raw = (others.reshape(-1, count).T @ squares).reshape(count, size, size)
    by_draw = task_scores.transpose(1, 0, 2)
    found: Floats = raw - np.matmul(by_draw.transpose(0, 2, 1), by_draw)
    return found


def _result(
    one: PartWorths, panel: Panel, draws: Floats, spread: Spread, vector: Floats, steps: int
) -> MixedLogit:
    at = derivatives(panel, draws, spread, vector)
    bread = inverse(at.information)
    weighted = at.scores * panel.weight[:, None]
    rows = one.coding.level_rows()[1]
    means, sds = np.empty((2, len(draws), len(rows)))
    for n, z in enumerate(draws):
        coefficients = coefficients_at(spread, vector, z)
        joint = panel.of(n).chances(coefficients)[0].sum(axis=0)
        chance, worths = np.exp(joint - logsumexp(joint)), coefficients @ rows.T
        means[n] = chance @ worths
        sds[n] = np.sqrt(chance @ (worths - means[n]) ** 2)
    found = MixedLogit(
        coding=one.coding,
        vector=vector,
        spread=spread,
        covariances={"classical": bread, "cluster": bread @ (weighted.T @ weighted) @ bread},
        respondents=panel.respondents,
        individual_means=means,
        individual_sds=sds,
        n_tasks=one.n_tasks,
        n_draws=draws.shape[1],
        log_likelihood=at.log_likelihood,
        null_log_likelihood=one.null_log_likelihood,
        iterations=steps,
        warnings=one.warnings,
    )
    return replace(found, warnings=(*one.warnings, *_warnings(found)))


def _warnings(found: MixedLogit) -> list[str]:
    lacking = found.part_worths().why_no_intervals("cluster")
    told = len(found.respondents) <= found.coding.width
    notes = [f"{lacking}, so there are no intervals"] if lacking and not told else []
    if found.n_draws < FEW_DRAWS:
        notes.append(
            f"{found.n_draws} draws: the log-likelihood still depends on them; take 500 or more"
        )
    return notes
