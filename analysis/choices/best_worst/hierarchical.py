"""Scores of every respondent: the sequential best-worst logit in hierarchical Bayes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.choices.best_worst.answers import (
    BestWorstAnswers,
    as_choice_exercise,
    best_worst_sets,
    check_compared,
    commonest_size,
)
from analysis.choices.best_worst.scores import (
    BestWorst,
    ItemScore,
    chance,
    share,
    zero_to_hundred,
)
from analysis.choices.coding import Floats, coding_of
from analysis.choices.hb.fit import fit_sets
from analysis.choices.hb.market import counted, hierarchy_of, in_blocks, mean_of
from analysis.choices.hb.priors import Prior, PriorName
from analysis.choices.hb.sampling import Progress, Settings, State
from analysis.choices.intervals import estimate_of
from analysis.choices.mnl import evaluate
from analysis.choices.partworths import PartWorths, level_worths
from analysis.study import Study

SCALES = (
    ("score", zero_to_hundred, "points"),
    ("chance", chance, "share"),
    ("share", share, "points"),
)
METHOD = (
    "hierarchical Bayes, mean of respondents' scores; 95 % of draws, Bayesian bootstrap over "
    "respondents"
)


def fit_best_worst_hb(
    study: Study,
    answers: BestWorstAnswers,
    *,
    seed: int,
    prior: PriorName | Prior = "sawtooth",
    settings: Settings | None = None,
    covariates: pd.DataFrame | None = None,
    weights: Mapping[str, float] | None = None,
    state: State | None = None,
    progress: Progress | None = None,
) -> BestWorst:
    """Fit everybody's utilities of the items, normally distributed between respondents.

    Parameters
    ----------
    study, answers
        The study and the checked answers of one of its exercises.
    seed
        Of the sampler and of the bootstrap behind the scores' intervals.
    prior, settings, covariates, state, progress
        As in ``fit_hb``; the Sawtooth prior gives every item the same variance.
    weights
        Weight by respondent, for the scores only: the fit is unweighted.

    Returns
    -------
    BestWorst
        ``part_worths.hierarchy`` has the draws; scores are means of respondents' scores, with
        intervals that cover the population.

    Raises
    ------
    NotIdentified
        When items were never compared, directly or through others.
    ValueError, Cancelled
        As ``fit_hb``.
    """
    coding = coding_of(study, as_choice_exercise(answers.exercise))
    sets = best_worst_sets(coding, answers)
    check_compared(coding, answers.frame, evaluate(sets, np.zeros(coding.width)).information)
    fitted = fit_sets(
        sets,
        seed=seed,
        prior=prior,
        settings=settings,
        covariates=covariates,
        state=state,
        progress=progress,
    )
    part_worths = replace(fitted, estimator="best-worst", n_tasks=sets.n_tasks // 2)
    size = commonest_size(answers)
    return BestWorst(part_worths, size, _scores(part_worths, size, seed, weights))


def _scores(
    part_worths: PartWorths, size: int, seed: int, weights: Mapping[str, float] | None
) -> tuple[ItemScore, ...]:
    """Means of respondents' scores within every draw, respondents reweighted by a bootstrap."""
    rows, hierarchy = part_worths.coding.level_rows()[1], hierarchy_of(part_worths)

    def means(beta: Floats, mass: Floats) -> Floats:
        utilities = beta @ rows.T
        return np.stack([mean_of(scale(utilities, size), mass) for _, scale, _ in SCALES], axis=1)

    drawn = in_blocks(hierarchy, means, seed, weights)
    n = counted(hierarchy, weights)
    return tuple(
        ItemScore(
            item.level,
            item.part_worth,
            item.se,
            **{
                name: estimate_of(drawn[:, scale, k], n=n, method=METHOD, unit=unit)
                for scale, (name, _, unit) in enumerate(SCALES)
            },
        )
        for k, item in enumerate(level_worths(part_worths, "posterior"))
    )


def individual_scores(found: BestWorst) -> pd.DataFrame:
    """A row a respondent: of every item the utility, its sd, and the mean of its scores.

    Columns NAME, NAME sd, NAME score_0_100, NAME chance, NAME share. Scores are means over draws
    of the respondent's scores, which is not the score of the mean utility.
    """
    coding, hierarchy = found.part_worths.coding, hierarchy_of(found.part_worths)
    labels, rows = coding.level_rows()
    squares = np.zeros((len(hierarchy.respondents), len(rows)))
    totals = [np.zeros_like(squares) for _ in SCALES]
    draws = hierarchy.posterior.beta.reshape(-1, *hierarchy.posterior.beta.shape[2:])
    mean = draws.mean(0, dtype=float) @ rows.T
    for draw in draws:
        utilities = draw @ rows.T
        squares += np.square(utilities - mean)
        for total, (_, scale, _) in zip(totals, SCALES, strict=True):
            total += scale(utilities, found.set_size)
    columns: dict[str, object] = {"respondent": list(hierarchy.respondents)}
    for k, label in enumerate(labels):
        columns[label.level] = mean[:, k]
        columns[f"{label.level} sd"] = np.sqrt(squares[:, k] / len(draws))
        for total, (name, _, _) in zip(totals, SCALES, strict=True):
            title = "score_0_100" if name == "score" else name
            columns[f"{label.level} {title}"] = total[:, k] / len(draws)
    return pd.DataFrame(columns)
