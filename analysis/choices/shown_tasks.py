"""What tasks showed: which ones everybody saw alike, and which ones somebody saw twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.choices.bootstrap import FEWEST, mean_of_answers
from analysis.choices.sets import Places
from analysis.estimate import Estimate, unavailable
from analysis.study import ChoiceExercise
from analysis.tables import BOUGHT, Choices

NO_REPEAT = "unknown: no repeated task"
TASK = ["respondent", "task"]


@dataclass(frozen=True, slots=True)
class FixedTask:
    """A task that respondents saw alike: its name, and the places of its answers."""

    name: str
    places: Places


@dataclass(frozen=True, slots=True)
class ShownTasks:
    """Tasks in the order of choice sets: ``task`` (T,) names, and those that are fixed.

    ``why_none`` says why no task is fixed; empty when one is.
    """

    task: NDArray[Any]
    fixed: tuple[FixedTask, ...]
    why_none: str


def shown_tasks(exercise: ChoiceExercise, frame: pd.DataFrame) -> ShownTasks:
    """Read a table of choices sorted by respondent, task and alternative.

    A task is fixed when all who answered a task of that name saw the same alternatives in it, and
    they are at least half of the respondents, and 10 or more.
    """
    content = _contents(exercise, frame)
    order = np.argsort(content["size"].to_numpy(), kind="stable")
    content = content.iloc[order].reset_index(drop=True)
    people = content["respondent"].nunique()
    fixed = []
    for name, own in content.groupby("task", sort=True):
        if own["shown"].nunique() == 1 and len(own) >= max(FEWEST, people / 2):
            fixed.append(FixedTask(str(name), own.index.to_numpy(np.intp)))
    why = "" if fixed else "respondents saw different holdout tasks: there is no share to predict"
    return ShownTasks(content["task"].astype(str).to_numpy(), tuple(fixed), why)


def agreement(choices: Choices, *, seed: int) -> Estimate:
    """How often a respondent who saw the same alternatives again gave the same answer.

    Order does not matter, and roles do not either. Of several repeats each is compared with the one
    before. Two answers agree with the chance sum p_j^2, which is at most the best chance max p_j
    that a prediction could have, and at least its square.
    """
    frame = choices.frame.sort_values([*TASK, "alternative"], kind="stable")
    content = _contents(choices.exercise, frame.reset_index(drop=True))
    content["set"] = [tuple(sorted(shown)) for shown in content["shown"]]
    again = content.groupby(["respondent", "set"], sort=False)
    before = again["answer"].shift()
    repeated = before.notna()
    if not repeated.any():
        return unavailable(NO_REPEAT, n=0, method="test-retest agreement", unit="share")
    same = (content["answer"] == before)[repeated].groupby(content["respondent"])
    sums, counts = same.sum().to_numpy().astype(float), same.size().to_numpy().astype(float)
    found = mean_of_answers(sums, counts, seed=seed, unit="share")
    repeats = f"{int(counts.sum())} repeated tasks; {found.method}"
    return found.model_copy(update={"method": repeats})


def _contents(exercise: ChoiceExercise, frame: pd.DataFrame) -> pd.DataFrame:
    """A row a task: respondent, task, size, shown (profiles in order), answer (its profile)."""
    profile = frame.groupby(
        [a.id for a in exercise.attributes], dropna=False, observed=True, sort=False
    ).ngroup()
    answer = 2 * profile
    if BOUGHT in frame.columns:
        answer += frame[BOUGHT].astype(int)
    rows = frame[TASK].assign(profile=profile, answer=answer.where(frame["chosen"]))
    return (
        rows.groupby(TASK, sort=False, observed=True)
        .agg(size=("profile", "size"), shown=("profile", tuple), answer=("answer", "max"))
        .reset_index()
    )
