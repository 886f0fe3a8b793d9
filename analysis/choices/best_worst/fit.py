"""Scores of everybody together: the sequential best-worst logit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analysis.choices.best_worst.answers import (
    BestWorstAnswers,
    as_choice_exercise,
    best_worst_sets,
    check_compared,
    commonest_size,
)
from analysis.choices.best_worst.scores import BestWorst, scores_of_means
from analysis.choices.coding import Coding, coding_of
from analysis.choices.identification import NotIdentified, chosen_margins, separating_direction
from analysis.choices.mnl import covariances, evaluate, maximise
from analysis.choices.partworths import PartWorths, few_respondents
from analysis.choices.sets import ChoiceSets
from analysis.study import Study


def fit_best_worst(
    study: Study,
    answers: BestWorstAnswers,
    *,
    seed: int,
    weights: Mapping[str, float] | None = None,
) -> BestWorst:
    """Fit the utilities of the items by a sequential best-worst logit.

    Parameters
    ----------
    study, answers
        The study and the checked answers of one of its exercises.
    seed
        Of the draws behind the intervals of rescaled scores.
    weights
        Weight by respondent; every respondent needs one.

    Raises
    ------
    NotIdentified
        When items were never compared, directly or through others, or are ranked perfectly.
    """
    coding = coding_of(study, as_choice_exercise(answers.exercise))
    sets = best_worst_sets(coding, answers, weights)
    zero = np.zeros(coding.width)
    check_compared(coding, answers.frame, evaluate(sets, zero).information)
    _check_not_ranked_perfectly(coding, sets)
    coefficients, last, steps = maximise(sets, zero)
    people = len(sets.respondents)
    part_worths = PartWorths(
        coding=coding,
        estimator="best-worst",
        coefficients=coefficients,
        covariances=covariances(last, sets),
        n_respondents=people,
        n_tasks=sets.n_tasks // 2,
        log_likelihood=last.log_likelihood,
        null_log_likelihood=sets.null_log_likelihood(),
        converged=True,
        iterations=steps,
        warnings=few_respondents(people, coding.width),
    )
    size = commonest_size(answers)
    return BestWorst(part_worths, size, scores_of_means(part_worths, size, seed=seed))


def _check_not_ranked_perfectly(coding: Coding, sets: ChoiceSets) -> None:
    direction = separating_direction(chosen_margins(sets))
    if direction is None:
        return
    attribute = coding.exercise.attributes[0]
    worth = coding.table(attribute) @ direction
    ranked = ", ".join(f"'{attribute.levels[n].id}'" for n in np.argsort(-worth, kind="stable"))
    reason = f"nobody answers against the order {ranked} (perfect prediction)"
    raise NotIdentified([f"{reason}; collect more answers"])
