"""Ratings-based conjoint: part-worths by least squares on ratings of single profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm

from analysis.choices.coding import Coding, Floats, coding_of
from analysis.choices.identification import NotIdentified, check_identified
from analysis.choices.partworths import PartWorths, few_respondents
from analysis.choices.sets import respondent_weights, without_zero_weights
from analysis.study import ChoiceExercise, Study
from analysis.study.exercises import RatingsExercise
from analysis.tables import Check, TableFaults, at_lines_of, read_cells, start_check

RATING_COLUMNS = ("respondent", "profile", "rating")
PLACES = ("exercise", "block")
"""Columns of an archive that say to which design a profile belongs."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """Checked ratings: respondent, profile, rating (a number), one column per attribute."""

    exercise: RatingsExercise
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RatingsFit:
    """Part-worths in points of the rating scale.

    Attributes
    ----------
    part_worths
        Of everybody together; 'robust' is HC1, 'cluster' has the usual factor
        G/(G-1) (n-1)/(n-P) of G respondents. Its log-likelihoods are those of normal errors.
    intercept, r_squared
        The rating of the average profile, and the share of variance explained.
    respondents, individual, individual_errors
        Names; each respondent's part-worths and standard errors, (respondents, rows of
        ``coding.level_rows()``), NaN where ``reasons`` says why there are none.
    individual_r_squared, reasons
        (respondents,): NaN, or empty texts where all is well.
    """

    part_worths: PartWorths
    intercept: float
    r_squared: float
    respondents: tuple[str, ...]
    individual: Floats
    individual_errors: Floats
    individual_r_squared: Floats
    reasons: tuple[str, ...]


def read_ratings(
    path: Path | str, exercise: RatingsExercise, *, mapping: Mapping[str, str] | None = None
) -> Ratings:
    """Read ratings from CSV in long format, one row per profile and respondent.

    Columns: respondent, profile, rating, one per attribute. Raises TableFaults with every fault,
    or OSError when the file cannot be opened.
    """
    known = [*RATING_COLUMNS, *(a.id for a in exercise.attributes)]
    cells = read_cells(path, known, mapping or {}, table="ratings")
    with at_lines_of(path, table="ratings"):
        return check_ratings(cells, exercise, first_row=2)


def check_ratings(frame: pd.DataFrame, exercise: RatingsExercise, *, first_row: int = 1) -> Ratings:
    """Check a frame of ratings; see ``read_ratings``."""
    needed = [*RATING_COLUMNS, *(a.id for a in exercise.attributes)]
    check = start_check(
        frame,
        as_choice_exercise(exercise),
        needed,
        first_row=first_row,
        table="ratings",
        places=PLACES,
    )
    respondent, people = check.required("respondent")
    profile, profiles = check.required("profile")
    keys = pd.Series(respondent * len(profiles) + profile)
    check.note(
        keys.duplicated().to_numpy(),
        "profile",
        "this respondent rated the profile twice",
        "Keep one rating, or give the second profile an id of its own",
    )
    columns = {
        "respondent": np.array(people, dtype=object)[respondent],
        "profile": np.array(profiles, dtype=object)[profile],
        "rating": _ratings(check, exercise),
        "role": "estimation",
    }
    columns |= check.attributes()
    if check.faults:
        raise TableFaults(check.faults, table="ratings")
    table = pd.DataFrame(columns).astype({"respondent": "str"})
    return Ratings(exercise, table, tuple(check.notes))


def _ratings(check: Check, exercise: RatingsExercise) -> Floats:
    numbers = pd.to_numeric(check.frame["rating"], errors="coerce").to_numpy(float)
    least, greatest = exercise.least, exercise.greatest
    mend = f"Give a number from {least} to {greatest}"
    wrong = ~np.isfinite(numbers)
    check.note(wrong, "rating", "the rating is empty or not a number", mend)
    outside = ~wrong & ((numbers < least) | (numbers > greatest))
    check.note(outside, "rating", f"the rating is outside {least} to {greatest}", mend)
    return numbers


def as_choice_exercise(exercise: RatingsExercise) -> ChoiceExercise:
    """The attributes of a ratings exercise as those of choices, for the one coder."""
    return ChoiceExercise(
        id=exercise.id, question=exercise.question, attributes=exercise.attributes
    )


def fit_ratings(
    study: Study,
    ratings: Ratings,
    *,
    weights: Mapping[str, float] | None = None,
) -> RatingsFit:
    """Fit part-worths to ratings by least squares, pooled and for each respondent.

    Parameters
    ----------
    study, ratings
        The study and the checked ratings of one of its exercises.
    weights
        Weight by respondent; weighs the pooled fit only. Who has zero is left out.

    Raises
    ------
    NotIdentified
        When the profiles cannot tell some part-worths apart, naming attribute and level.
    ValueError
        When all ratings are equal, or there are no more ratings than coefficients.
    """
    coding = coding_of(study, as_choice_exercise(ratings.exercise))
    frame = without_zero_weights(ratings.frame, weights)
    x = np.column_stack([np.ones(len(frame)), coding.matrix(frame)])
    y = frame["rating"].to_numpy(float)
    _check_told_apart(coding, frame, x[:, 1:])
    if np.ptp(y) == 0:
        raise ValueError(f"all {len(y)} ratings are {y[0]:g}: there is nothing to explain")
    if len(y) <= x.shape[1]:
        raise ValueError(f"{len(y)} ratings cannot tell {x.shape[1]} coefficients; collect more")
    place, names = pd.factorize(frame["respondent"])
    weight = respondent_weights(names, weights)[place]
    pooled = sm.WLS(y, x, weights=weight)
    found = pooled.fit()
    null = sm.WLS(y, x[:, :1], weights=weight).fit()
    clustered = len(names) > 1
    kind = {"cov_type": "cluster", "cov_kwds": {"groups": place}} if clustered else {}
    cluster = pooled.fit(**(kind or {"cov_type": "HC1"}))
    part_worths = PartWorths(
        coding=coding,
        estimator="ratings",
        coefficients=np.asarray(found.params)[1:],
        covariances={
            "classical": _slopes(found.cov_params()),
            "robust": _slopes(pooled.fit(cov_type="HC1").cov_params()),
            "cluster": _slopes(cluster.cov_params()),
        },
        n_respondents=len(names),
        n_tasks=len(y),
        log_likelihood=float(found.llf),
        null_log_likelihood=float(null.llf),
        converged=True,
        iterations=1,
        warnings=few_respondents(len(names), coding.width + 1),
        estimated=coding.width + 1,
    )
    own = [_respondent(coding, x[place == n], y[place == n]) for n in range(len(names))]
    return RatingsFit(
        part_worths=part_worths,
        intercept=float(found.params[0]),
        r_squared=float(found.rsquared),
        respondents=tuple(str(name) for name in names),
        individual=np.stack([one.worths for one in own]),
        individual_errors=np.stack([one.errors for one in own]),
        individual_r_squared=np.array([one.r_squared for one in own]),
        reasons=tuple(one.reason for one in own),
    )


def _slopes(covariance: Floats) -> Floats:
    return np.asarray(covariance, dtype=float)[1:, 1:]


def _check_told_apart(coding: Coding, frame: pd.DataFrame, x: Floats) -> None:
    centred = x - x.mean(axis=0)
    try:
        check_identified(coding, frame, centred.T @ centred)
    except NotIdentified as error:
        raise NotIdentified(
            reason.replace("all alternatives of every task", "all profiles")
            .replace("in every task", "in every profile")
            .replace("in no task", "in no profile")
            .replace("tasks", "profiles")
            for reason in error.reasons
        ) from None


@dataclass(frozen=True, slots=True)
class _One:
    """The least squares of one respondent."""

    worths: Floats
    errors: Floats
    r_squared: float
    reason: str


def _respondent(coding: Coding, x: Floats, y: Floats) -> _One:
    rows = coding.level_rows()[1]
    nothing = np.full(len(rows), np.nan)
    if np.ptp(y) == 0:
        return _One(nothing, nothing, np.nan, "all ratings are equal")
    if np.linalg.matrix_rank(x) < x.shape[1]:
        return _One(nothing, nothing, np.nan, "the profiles rated do not tell all levels apart")
    found = sm.OLS(y, x).fit()
    worths = rows @ np.asarray(found.params)[1:]
    if len(y) == x.shape[1]:
        return _One(worths, nothing, np.nan, "as many ratings as coefficients: no errors")
    errors = np.sqrt(np.einsum("lk,km,lm->l", rows, _slopes(found.cov_params()), rows))
    return _One(worths, errors, float(found.rsquared), "")
