"""Choice tasks: made block by block from an exercise, the same for the same seed."""

from __future__ import annotations

import pandas as pd

from analysis.choices.design.best_worst_sets import make_sets
from analysis.choices.design.efficiency import burgess_street_bound, d_error
from analysis.choices.design.profiles import make_profiles
from analysis.choices.design.rules import DesignImpossible
from analysis.choices.design.tasks import holdout_positions, make_tasks
from analysis.study.exercises import BestWorstExercise, Exercise, RatingsExercise

__all__ = [
    "DesignImpossible",
    "burgess_street_bound",
    "d_error",
    "design_of",
    "holdout_positions",
    "make_profiles",
    "make_sets",
    "make_tasks",
]


def design_of(exercise: Exercise) -> pd.DataFrame:
    """The tasks of an exercise of any kind: block, task, alternative, role, ``exercise.columns``.

    Raises DesignImpossible when there are none.
    """
    if isinstance(exercise, BestWorstExercise):
        return make_sets(exercise)
    return (
        make_profiles(exercise) if isinstance(exercise, RatingsExercise) else make_tasks(exercise)
    )
