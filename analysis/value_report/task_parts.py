"""The report's numbers from best-worst sets and from rated profiles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from analysis.choices.best_worst import (
    BestWorst,
    BestWorstAnswers,
    check_best_worst,
    fit_best_worst,
    fit_best_worst_hb,
)
from analysis.choices.importances import importances
from analysis.choices.mnl import NotConverged
from analysis.choices.partworths import level_worths
from analysis.choices.ratings_based import RatingsFit, check_ratings, fit_ratings
from analysis.study.exercises import BestWorstExercise, RatingsExercise
from analysis.tables import TableFaults
from analysis.value_report.choice_parts import CHAINS, Progress, importance_rows, worth_rows
from analysis.value_report.from_logit import normal
from analysis.value_report.types import BestWorstScores, ItemWorth, RatedProfiles
from analysis.value_report.used import Used

RATINGS_METHOD = "least squares on ratings; normal interval, errors clustered by respondent"


@dataclass(frozen=True, slots=True)
class TaskParts:
    """What exercises other than choices add to a report."""

    best_worst: tuple[BestWorstScores, ...] = ()
    rated_profiles: tuple[RatedProfiles, ...] = ()
    warnings: tuple[str, ...] = ()


def task_parts(used: Used, *, seed: int, progress: Progress | None = None) -> TaskParts:
    """Fit every best-worst and every ratings exercise; those without usable answers only warn.

    Best-worst sets are fitted by the plan's estimator, ratings always by least squares.
    """
    scores: list[BestWorstScores] = []
    rated: list[RatedProfiles] = []
    warnings: list[str] = []
    for exercise in used.study.exercises:
        frame = used.choices.get(exercise.id)
        if not isinstance(exercise, BestWorstExercise | RatingsExercise):
            continue
        if frame is None or frame.empty:
            warnings.append(f"Nobody answered '{exercise.id}': the report has no section of it.")
            continue
        try:
            if isinstance(exercise, BestWorstExercise):
                answers = check_best_worst(frame, exercise)
                scored = _fit_best_worst(used, answers, seed, progress)
                warnings += [*answers.notes, *scored.part_worths.warnings]
                if scored.part_worths.converged:
                    scores.append(_scores(exercise, scored))
                else:
                    warnings.append(_not_final(exercise, scored))
            else:
                ratings = check_ratings(frame, exercise)
                fitted = fit_ratings(used.study, ratings, weights=used.weighing)
                rated.append(_rated(exercise, fitted, seed))
                warnings += [*ratings.notes, *fitted.part_worths.warnings]
        except (TableFaults, ValueError, NotConverged) as error:
            warnings.append(f"The answers to '{exercise.id}' cannot be fitted ({error}).")
    return TaskParts(tuple(scores), tuple(rated), tuple(warnings))


def _fit_best_worst(
    used: Used, answers: BestWorstAnswers, seed: int, progress: Progress | None
) -> BestWorst:
    plan = used.study.analysis
    if plan.estimator == "mnl":
        return fit_best_worst(used.study, answers, seed=seed, weights=used.weighing)
    return fit_best_worst_hb(
        used.study,
        answers,
        seed=seed,
        prior=plan.prior or "sawtooth",
        settings=CHAINS,
        weights=used.weighing,
        progress=progress and partial(progress, "Drawing everybody's best and worst"),
    )


def _not_final(exercise: BestWorstExercise, scored: BestWorst) -> str:
    hierarchy = scored.part_worths.hierarchy
    reasons = "" if hierarchy is None else "; ".join(hierarchy.diagnostics.reasons)
    return f"The fit of '{exercise.id}' is not final ({reasons}): the report has no section of it."


def _scores(exercise: BestWorstExercise, fitted: BestWorst) -> BestWorstScores:
    """The items, the greatest share first."""
    items = [
        ItemWorth(
            item=found.item,
            label=exercise.item(found.item).label.say(),
            tag=exercise.item(found.item).tag,
            score=found.score,
            share=found.share,
        )
        for found in sorted(fitted.scores, key=lambda s: -s.utility)
    ]
    return BestWorstScores(
        exercise=exercise.id,
        question=exercise.question.say(),
        best_label=exercise.best_label.say(),
        set_size=fitted.set_size,
        items=tuple(items),
    )


def _rated(exercise: RatingsExercise, fitted: RatingsFit, seed: int) -> RatedProfiles:
    found = fitted.part_worths
    n, shares = found.n_respondents, importances(found, seed=seed)
    points = (
        normal(worth.part_worth, worth.se, n=n, method=RATINGS_METHOD, unit="points")
        for worth in level_worths(found)
    )
    return RatedProfiles(
        exercise=exercise.id,
        question=exercise.question.say(),
        least=exercise.least,
        greatest=exercise.greatest,
        part_worths=worth_rows(found.coding, points),
        importances=importance_rows(shares, exercise.attributes, [None] * len(shares)),
    )
