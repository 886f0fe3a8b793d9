"""Fitting latent classes: many starts, the best of their maxima, its covariances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np

from analysis.choices.latent_class.classes import SAME, LatentClasses
from analysis.choices.latent_class.em import End, maximise, random_start
from analysis.choices.latent_class.likelihood import derivatives, expect
from analysis.choices.latent_class.mixture import Mixture, ordered
from analysis.choices.mnl import NotConverged, check_supported, fit_mnl
from analysis.choices.panel import Panel, inverse, panel_of
from analysis.choices.partworths import PartWorths
from analysis.choices.sets import choice_sets
from analysis.study import Study
from analysis.tables import Choices

THREADS = 2
"""Starts side by side: NumPy releases the interpreter in everything that takes time."""


def fit_latent_class(
    study: Study,
    choices: Choices,
    *,
    classes: int,
    seed: int,
    scale_classes: int = 1,
    starts: int = 12,
    near: Mixture | None = None,
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
    near
        Where the first start begins instead of at random, such as a fit to some of the respondents.
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
    if near is not None and near.shape[:2] != (classes, scale_classes):
        raise ValueError(
            f"the mixture to begin near has {near.shape[0]} classes and {near.shape[1]} of scale, "
            f"not {classes} and {scale_classes}"
        )
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
    firsts = [random_start(panel, one, classes, scale_classes, generator) for _ in range(count)]
    if near is not None:
        firsts[0] = near
    with ThreadPoolExecutor(THREADS) as pool:
        ends = list(pool.map(partial(maximise, panel), firsts))
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


def _result(one: PartWorths, panel: Panel, ends: Sequence[End]) -> LatentClasses:
    strict = [end for end in ends if end.strict]
    if not strict:
        raise NotConverged(
            f"none of {len(ends)} starts ended at a finite maximum: a class became empty, or its "
            "choices are predicted perfectly; ask for fewer classes, or collect more choices"
        )
    best = max(strict, key=lambda end: end.log_likelihood)
    mixture = ordered(best.mixture)
    point, at = derivatives(panel, mixture), expect(panel, mixture)
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


def _warnings(found: LatentClasses, ends: Sequence[End]) -> list[str]:
    lacking = found.mean_part_worths().why_no_intervals("cluster")
    told = found.n_respondents <= found.coding.width
    notes = [f"{lacking}, so there are no intervals"] if lacking and not told else []
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
