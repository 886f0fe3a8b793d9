"""Latent classes of respondents: a finite mixture of logits on the panel likelihood.

``L_n = sum_q share_q prod_t P(choice of n in task t | class q)``: a respondent belongs to one
class in all tasks. Kamakura & Russell (1989); with scale classes, Magidson & Vermunt (2007).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp

from analysis.choices.coding import Coding, Floats
from analysis.choices.mnl import NotConverged, check_supported, fit_mnl
from analysis.choices.panel import Panel, climb, inverse, panel_of
from analysis.choices.partworths import Covariance, PartWorths
from analysis.choices.sets import choice_sets
from analysis.study import Study
from analysis.tables import Choices

EM_STEPS = 400
EM_GAIN = 1e-6
"""Gain of an EM step, relative to the log-likelihood, below which Newton steps finish."""
WIDEST = 30.0
"""Standard error of a utility (logits) from which a class is taken to have no finite maximum."""
SAME = 1e-4
"""Log-likelihoods this near count as the same maximum."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """The parameters: Q classes, S scale classes (1 without), K columns.

    ``shares`` (Q,), ``coefficients`` (Q, K), ``scale_shares`` (S,), ``scales`` (S,) with the
    first one 1. A respondent of class q and scale class s has the coefficients
    ``scales[s] * coefficients[q]``; class and scale class are independent.
    """

    shares: Floats
    coefficients: Floats
    scale_shares: Floats
    scales: Floats

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.shares), len(self.scales), self.coefficients.shape[1]

    def components(self) -> Floats:
        """Coefficients of each pair of class and scale class, (Q * S, K)."""
        q, s, k = self.shape
        return (self.coefficients[:, None, :] * self.scales[:, None]).reshape(q * s, k)

    def log_shares(self) -> Floats:
        """Log-share of each pair of class and scale class, (Q * S,)."""
        with np.errstate(divide="ignore"):
            both = np.log(self.shares)[:, None] + np.log(self.scale_shares)
        return both.ravel()

    def vector(self) -> Floats:
        """Log-odds of shares, of scale shares (against the last), coefficients, log-scales."""
        return np.concatenate(
            [
                np.log(self.shares[:-1] / self.shares[-1]),
                np.log(self.scale_shares[:-1] / self.scale_shares[-1]),
                self.coefficients.ravel(),
                np.log(self.scales[1:]),
            ]
        )

    def at(self, vector: Floats) -> Mixture:
        """The mixture of this shape with another vector of parameters."""
        q, s, k = self.shape
        parts = np.split(vector, np.cumsum([q - 1, s - 1, q * k]))
        return Mixture(
            _softmax(parts[0]),
            parts[2].reshape(q, k),
            _softmax(parts[1]),
            np.concatenate([[1.0], np.exp(np.clip(parts[3], -30, 30))]),
        )


@dataclass(frozen=True, slots=True)
class LatentClasses:
    """A mixture of classes, the largest first.

    Attributes
    ----------
    coding
        How the levels became the K columns.
    mixture
        Shares and coefficients; the first scale class is the largest and has scale 1.
    covariances
        Of ``mixture.vector()``, (P, P): 'classical' is the inverse of the observed information
        of the mixture (exact, by Louis 1982); 'cluster' the sandwich over respondents.
    respondents, membership
        Names, and posterior chances (respondents, Q) of the classes.
    scale_membership
        Posterior chances (respondents, S) of the scale classes.
    log_likelihood, log_likelihoods
        The best one, and where each start ended (None: without a finite maximum).
    n_tasks, n_respondents, null_log_likelihood
        As in PartWorths.
    warnings
        What a reader must know.
    """

    coding: Coding
    mixture: Mixture
    covariances: Mapping[Covariance, Floats]
    respondents: tuple[str, ...]
    weight: Floats
    membership: Floats
    scale_membership: Floats
    log_likelihood: float
    log_likelihoods: tuple[float | None, ...]
    n_tasks: int
    null_log_likelihood: float
    warnings: tuple[str, ...] = ()

    @property
    def n_classes(self) -> int:
        return len(self.mixture.shares)

    @property
    def n_respondents(self) -> int:
        return len(self.respondents)

    @property
    def n_parameters(self) -> int:
        return len(self.mixture.vector())

    @property
    def aic(self) -> float:
        """-2 LL + 2 P."""
        return -2 * self.log_likelihood + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        """-2 LL + P log N, with N respondents."""
        return -2 * self.log_likelihood + self.n_parameters * float(np.log(self.n_respondents))

    @property
    def caic(self) -> float:
        """-2 LL + P (log N + 1), with N respondents."""
        return self.bic + self.n_parameters

    @property
    def entropy_r2(self) -> float:
        """1 less the mean entropy of membership over log Q; 1 with one class."""
        if self.n_classes == 1:
            return 1.0
        chances = np.clip(self.membership, 1e-300, 1)
        entropy = -(self.weight @ (chances * np.log(chances)).sum(axis=1)) / self.weight.sum()
        return float(1 - entropy / np.log(self.n_classes))

    @property
    def starts_at_best(self) -> int:
        """How many starts ended at the best log-likelihood."""
        return sum(
            ll is not None and self.log_likelihood - ll < SAME for ll in self.log_likelihoods
        )

    def share_errors(self, kind: Covariance = "cluster") -> Floats:
        """Standard errors of the shares, (Q,), by the delta method."""
        q = self.n_classes
        slope = np.diag(self.mixture.shares) - np.outer(self.mixture.shares, self.mixture.shares)
        slope = slope[:, : q - 1]
        spread = self.covariances[kind][: q - 1, : q - 1]
        errors: Floats = np.sqrt(np.einsum("qa,ab,qb->q", slope, spread, slope))
        return errors

    def scale_errors(self, kind: Covariance = "cluster") -> Floats:
        """Standard errors of the log-scales of the second and further scale classes, (S - 1,)."""
        count = len(self.mixture.scales) - 1
        errors: Floats = np.sqrt(np.diag(self.covariances[kind])[self.n_parameters - count :])
        return errors

    def class_part_worths(self, number: int) -> PartWorths:
        """The part-worths of one class (1 is the largest), for importances and money values.

        With scale classes, those at scale 1. Raw part-worths of classes are not comparable,
        because scale differs; compare money values or shares.
        """
        if not 1 <= number <= self.n_classes:
            raise ValueError(f"there is no class {number}; known: 1 to {self.n_classes}")
        width = self.coding.width
        slope = np.zeros((width, self.n_parameters))
        slope[:, self._place(number - 1)] = np.eye(width)
        return self._part_worths(self.mixture.coefficients[number - 1], slope)

    def mean_part_worths(self) -> PartWorths:
        """The mean of the classes, weighted by their shares (scale 1 with scale classes)."""
        q, _, width = self.mixture.shape
        shares, coefficients = self.mixture.shares, self.mixture.coefficients
        mean = shares @ coefficients
        slope = np.zeros((width, self.n_parameters))
        slope[:, : q - 1] = (shares[:, None] * (coefficients - mean))[: q - 1].T
        for n in range(q):
            slope[:, self._place(n)] = shares[n] * np.eye(width)
        return self._part_worths(mean, slope)

    def _place(self, number: int) -> slice:
        q, s, width = self.mixture.shape
        first = q + s - 2 + number * width
        return slice(first, first + width)

    def _part_worths(self, coefficients: Floats, slope: Floats) -> PartWorths:
        return PartWorths(
            coding=self.coding,
            estimator="latent-class",
            coefficients=coefficients,
            covariances={kind: slope @ v @ slope.T for kind, v in self.covariances.items()},
            n_respondents=self.n_respondents,
            n_tasks=self.n_tasks,
            log_likelihood=self.log_likelihood,
            null_log_likelihood=self.null_log_likelihood,
            converged=True,
            iterations=0,
            warnings=self.warnings,
        )


def fit_latent_class(
    study: Study,
    choices: Choices,
    *,
    classes: int,
    seed: int,
    scale_classes: int = 1,
    starts: int = 12,
    weights: Mapping[str, float] | None = None,
) -> LatentClasses:
    """Fit a mixture of logits by EM from many starts, finished by exact Newton steps.

    Parameters
    ----------
    study, choices
        The study and the checked choices of one of its exercises. Holdout tasks are left out.
    classes
        Q, the number of classes; 1 gives the aggregate logit.
    seed
        Of the random starts.
    scale_classes
        S: classes of respondents who choose with the same part-worths but more or less
        consistently; 1 (the default) leaves scale out.
    starts
        Random starts; local maxima are common, so take 10 or more.
    weights
        Weight by respondent; every respondent needs one.

    Returns
    -------
    LatentClasses
        The best strict maximum found; it is not proven to be the global one.

    Raises
    ------
    NotIdentified
        When already one class cannot be estimated (as in ``fit_mnl``).
    NotConverged
        When no start ends at a finite, strict maximum.
    ValueError
        For fewer respondents than classes, or numbers out of range.
    """
    _check_numbers(classes, scale_classes, starts)
    check_supported(choices.exercise.id, choices)
    one = fit_mnl(study, choices, weights=weights)
    n_components = classes * scale_classes
    if n_components > one.n_respondents:
        raise ValueError(
            f"{n_components} classes need at least as many respondents; there are "
            f"{one.n_respondents}"
        )
    sets = choice_sets(one.coding, choices.frame, weights)
    panel = panel_of(sets)
    generator = np.random.default_rng([seed, classes, scale_classes])
    count = 1 if n_components == 1 else starts
    ends = []
    for _ in range(count):
        first = _random_start(panel, one, classes, scale_classes, generator)
        ends.append(_maximise(panel, first))
    return _result(one, panel, ends)


def compare_classes(
    study: Study,
    choices: Choices,
    *,
    classes: Sequence[int],
    seed: int,
    scale_classes: int = 1,
    starts: int = 12,
    weights: Mapping[str, float] | None = None,
) -> tuple[LatentClasses, ...]:
    """Fit several numbers of classes with ``fit_latent_class``, to compare AIC, BIC and CAIC."""
    return tuple(
        fit_latent_class(
            study,
            choices,
            classes=number,
            seed=seed,
            scale_classes=scale_classes,
            starts=starts,
            weights=weights,
        )
        for number in classes
    )


def _check_numbers(classes: int, scale_classes: int, starts: int) -> None:
    wrong = [
        f"{name} is {value}; give 1 or more"
        for name, value in (
            ("classes", classes),
            ("scale_classes", scale_classes),
            ("starts", starts),
        )
        if value < 1
    ]
    if wrong:
        raise ValueError("; ".join(wrong))


def _softmax(odds: Floats) -> Floats:
    full = np.concatenate([odds, [0.0]])
    chances: Floats = np.exp(full - logsumexp(full))
    return chances


def _random_start(
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
        scores = _task_scores(panel, others)
        informations = _informations(panel, others, scores, chances) + prior
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


@dataclass(frozen=True, slots=True)
class _Expectation:
    """Log-likelihood and posterior chances (respondents, C), with what they were made from."""

    log_likelihood: float
    posterior: Floats
    others: Floats


def _expect(panel: Panel, mixture: Mixture) -> _Expectation:
    logs, others = panel.chances(mixture.components())
    joint = panel.by_respondent(logs) + mixture.log_shares()
    total = logsumexp(joint, axis=1)
    return _Expectation(float(panel.weight @ total), np.exp(joint - total[:, None]), others)


def _task_scores(panel: Panel, others: Floats) -> Floats:
    """Score of each task for each component, (tasks, C, K)."""
    scores: Floats = -np.matmul(others.transpose(0, 2, 1), panel.differences)
    return scores


def _informations(panel: Panel, others: Floats, scores: Floats, posterior: Floats) -> Floats:
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


def _em_step(panel: Panel, mixture: Mixture, at: _Expectation) -> Mixture:
    """One expectation-maximisation step: shares exactly, coefficients by a damped Newton step."""
    q, s, k = mixture.shape
    weighted = panel.weight[:, None] * at.posterior
    mass = weighted.sum(axis=0).reshape(q, s)
    scores = _task_scores(panel, at.others)
    informations = _informations(panel, at.others, scores, at.posterior).reshape(q, s, k, k)
    summed = np.einsum("nc,nck->ck", weighted, panel.by_respondent(scores)).reshape(q, s, k)
    gradient = np.einsum("s,qsk->qk", mixture.scales, summed)
    information = np.einsum("s,qskl->qkl", mixture.scales**2, informations)
    steps = np.stack([_solve(i, g) for i, g in zip(information, gradient, strict=True)])
    moved = replace(
        mixture,
        shares=mass.sum(axis=1) / mass.sum(),
        scale_shares=mass.sum(axis=0) / mass.sum(),
    )
    moved = _damped(panel, moved, steps, weighted)
    if s == 1:
        return moved
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
    return max(moved, scaled, key=lambda m: _expected(panel, m, weighted).sum())


def _solve(information: Floats, gradient: Floats) -> Floats:
    ridge = 1e-8 * np.trace(information) / len(gradient) + 1e-12
    step: Floats = np.linalg.solve(information + ridge * np.eye(len(gradient)), gradient)
    return step


def _expected(panel: Panel, mixture: Mixture, weighted: Floats) -> Floats:
    """Expected log-likelihood of the choices by class, (Q,)."""
    logs = panel.by_respondent(panel.chances(mixture.components())[0])
    q, s, _ = mixture.shape
    found: Floats = (weighted * logs).sum(axis=0).reshape(q, s).sum(axis=1)
    return found


def _damped(panel: Panel, mixture: Mixture, steps: Floats, weighted: Floats) -> Mixture:
    """Coefficients moved along their steps, halved class by class until nothing falls."""
    before = _expected(panel, mixture, weighted)
    length = np.ones(len(steps))
    for _ in range(30):
        moved = replace(mixture, coefficients=mixture.coefficients + length[:, None] * steps)
        worse = _expected(panel, moved, weighted) < before - 1e-12 * np.abs(before)
        if not worse.any():
            return moved
        length[worse] /= 2
    return replace(mixture, coefficients=mixture.coefficients + (length * ~worse)[:, None] * steps)


@dataclass(frozen=True, slots=True)
class _Point:
    """The log-likelihood of the mixture with its derivatives in ``Mixture.vector()``."""

    log_likelihood: float
    gradient: Floats
    information: Floats
    scores: Floats
    """(respondents, P), without weights."""


def derivatives(panel: Panel, mixture: Mixture) -> _Point:
    """Gradient and observed information of the mixture, exactly.

    Louis (1982): the observed information is the expected complete-data information less the
    covariance of the complete-data score, both given the choices.
    """
    at = _expect(panel, mixture)
    tasks = _task_scores(panel, at.others)
    beta_scores = panel.by_respondent(tasks)
    complete = _complete_scores(mixture, beta_scores)
    scores = np.einsum("nc,ncp->np", at.posterior, complete)
    informations = _informations(panel, at.others, tasks, at.posterior)
    weighted = panel.weight[:, None] * at.posterior
    flat = (complete * np.sqrt(weighted)[:, :, None]).reshape(-1, complete.shape[2])
    own = scores * np.sqrt(panel.weight)[:, None]
    beta_sums = np.einsum("nc,nck->ck", weighted, beta_scores)
    information = _complete_information(mixture, informations, beta_sums, panel.weight.sum())
    information = information - flat.T @ flat + own.T @ own
    return _Point(at.log_likelihood, panel.weight @ scores, information, scores)


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


@dataclass(frozen=True, slots=True)
class _End:
    """Where one start ended; ``strict``: at a finite, strict maximum."""

    mixture: Mixture
    log_likelihood: float
    strict: bool


def _maximise(panel: Panel, mixture: Mixture) -> _End:
    """EM until its gains are small, then Newton steps on the mixture itself."""
    at = _expect(panel, mixture)
    for _ in range(EM_STEPS):
        mixture = _em_step(panel, mixture, at)
        there = _expect(panel, mixture)
        gain, at = there.log_likelihood - at.log_likelihood, there
        if gain < EM_GAIN * abs(at.log_likelihood) or mixture.shares.min() < 1e-8:
            break
    if mixture.shares.min() < 1e-8 or mixture.scale_shares.min() < 1e-8:
        return _End(mixture, at.log_likelihood, False)
    shape = mixture
    summit = climb(lambda vector: derivatives(panel, shape.at(vector)), mixture.vector())
    found = shape.at(summit.point)
    end = derivatives(panel, found)
    return _End(found, end.log_likelihood, summit.strict and _finite(panel, found, end))


def _finite(panel: Panel, mixture: Mixture, at: _Point) -> bool:
    """Whether the coefficients have a finite maximum: without one, their errors explode."""
    q, s, k = mixture.shape
    errors = np.sqrt(np.diag(inverse(at.information)))[q + s - 2 : q + s - 2 + q * k]
    spread = panel.differences[panel.offered].std(axis=0)
    return bool((errors.reshape(q, k) * spread).max() < WIDEST)


def _ordered(mixture: Mixture) -> Mixture:
    """Classes and scale classes by size, the largest first; its scale is 1."""
    classes = np.argsort(-mixture.shares, kind="stable")
    scales = np.argsort(-mixture.scale_shares, kind="stable")
    unit = mixture.scales[scales[0]]
    return Mixture(
        mixture.shares[classes],
        mixture.coefficients[classes] * unit,
        mixture.scale_shares[scales],
        mixture.scales[scales] / unit,
    )


def _result(one: PartWorths, panel: Panel, ends: Sequence[_End]) -> LatentClasses:
    strict = [end for end in ends if end.strict]
    if not strict:
        raise NotConverged(
            f"none of {len(ends)} starts ended at a finite maximum: a class became empty, or its "
            "choices are predicted perfectly; ask for fewer classes, or collect more choices"
        )
    best = max(strict, key=lambda end: end.log_likelihood)
    mixture = _ordered(best.mixture)
    point, at = derivatives(panel, mixture), _expect(panel, mixture)
    bread = inverse(point.information)
    meat = (point.scores * panel.weight[:, None]).T @ (point.scores * panel.weight[:, None])
    q, s, _ = mixture.shape
    joint = at.posterior.reshape(-1, q, s)
    found = LatentClasses(
        coding=one.coding,
        mixture=mixture,
        covariances={"classical": bread, "cluster": bread @ meat @ bread},
        respondents=panel.respondents,
        weight=panel.weight,
        membership=joint.sum(axis=2),
        scale_membership=joint.sum(axis=1),
        log_likelihood=best.log_likelihood,
        log_likelihoods=tuple(end.log_likelihood if end.strict else None for end in ends),
        n_tasks=one.n_tasks,
        null_log_likelihood=one.null_log_likelihood,
    )
    return replace(found, warnings=(*one.warnings, *_warnings(found, ends)))


def _warnings(found: LatentClasses, ends: Sequence[_End]) -> list[str]:
    notes = []
    if len(ends) > 1 and found.starts_at_best == 1:
        notes.append(
            f"only one of {len(ends)} starts reached the best log-likelihood; take more starts"
        )
    better = max(end.log_likelihood for end in ends) - found.log_likelihood
    if better > SAME:
        notes.append(
            f"{sum(not end.strict for end in ends)} starts ended without a finite maximum, the "
            f"best {better:.3g} above the one reported: a class whose choices are predicted "
            "perfectly; fewer classes are safer"
        )
    people = found.mixture.shares.min() * found.n_respondents
    if people < found.coding.width:
        notes.append(
            f"the smallest class has about {people:.0f} respondents, fewer than it has part-worths"
        )
    return notes
