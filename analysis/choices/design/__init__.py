"""Choice tasks: made block by block from an exercise, the same for the same seed."""

from __future__ import annotations

import pandas as pd

from analysis.choices.design.best_worst import make_sets
from analysis.choices.design.efficiency import burgess_street_bound, d_error
from analysis.choices.design.profiles import make_profiles
from analysis.choices.design.rules import DesignImpossible
from analysis.choices.design.tasks import Design, holdout_positions, make_design, make_tasks
from analysis.choices.design.watch import Watch
from analysis.study.exercises import BestWorstExercise, Exercise, RatingsExercise

__all__ = [
    "Design",
    "DesignImpossible",
    "Watch",
    "burgess_street_bound",
    "d_error",
    "design_of",
    "holdout_positions",
    "make_design",
    "make_profiles",
    "make_sets",
    "make_tasks",
]


def design_of(exercise: Exercise, watch: Watch | None = None) -> pd.DataFrame:
    """The tasks of an exercise of any kind: block, task, alternative, role, ``exercise.columns``.

    Parameters
    ----------
    watch
        Limits and tells of the search for choice tasks; the others take no time.

    Raises
    ------
    DesignImpossible
        When there are none.
    """
    if isinstance(exercise, BestWorstExercise):
        made = make_sets(exercise).rename(columns={"position": "alternative"})
        return made.assign(role="estimation")[
            ["block", "task", "alternative", "role", *exercise.columns]
        ]
    if isinstance(exercise, RatingsExercise):
        return make_profiles(exercise)
    return make_design(exercise, watch).tasks
