"""Tables of answered tasks: which columns each kind of exercise has, and the rows of one task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from analysis.study.exercises import BestWorstExercise, ChoiceExercise, Exercise, RatingsExercise
from analysis.study.ordering import alternative_order
from analysis.tables import BOUGHT, POSITION, extra_columns

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Layout:
    """The table of an exercise: its name in an archive before the id, fixed columns, key."""

    prefix: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


LAYOUTS: dict[str, Layout] = {
    "choice": Layout(
        "choices_",
        ("respondent", "exercise", "block", "task", "alternative", "chosen", "role"),
        ("respondent", "task", "alternative"),
    ),
    "best_worst": Layout(
        "best_worst_",
        ("respondent", "exercise", "block", "task", "position", "item", "best", "worst"),
        ("respondent", "task", "item"),
    ),
    "ratings": Layout(
        "ratings_",
        ("respondent", "exercise", "block", "profile", "rating"),
        ("respondent", "profile"),
    ),
}
"""By kind of exercise; the attributes follow as further columns."""


@dataclass(frozen=True, slots=True)
class AnsweredTask:
    """One task as it was shown to a respondent, and the answer.

    Attributes
    ----------
    shown
        Level ids per attribute, or the item, of each alternative as designed.
    chosen, second
        The number of the alternative chosen or the best item, or the rating; the number of the
        worst item, or 1 and 0 for whether the chosen one would be bought.
    seed
        By which alternatives were shuffled.
    """

    respondent: str
    block: int
    task: int
    role: str
    shown: Sequence[Mapping[str, str]]
    chosen: int
    second: int | None
    seed: int | None


def table_columns(exercise: Exercise) -> tuple[str, ...]:
    """All columns of the table of an exercise."""
    fixed = LAYOUTS[exercise.kind].columns
    if isinstance(exercise, BestWorstExercise):
        return fixed
    more = extra_columns(exercise) if isinstance(exercise, ChoiceExercise) else ()
    return (*fixed, *more, *exercise.columns)


def task_rows(exercise: Exercise, task: AnsweredTask) -> Iterator[Row]:
    """The rows of a task: per alternative (none comes last, without levels), item, or profile."""
    start: Row = {"respondent": task.respondent, "exercise": exercise.id, "block": task.block}
    if isinstance(exercise, RatingsExercise):
        yield start | {"profile": task.task, "rating": task.chosen, **task.shown[0]}
        return
    start["task"] = task.task
    order = alternative_order(exercise, task.task, len(task.shown), task.seed)
    places = {n + 1: place for place, n in enumerate(order, start=1)}
    if isinstance(exercise, BestWorstExercise):
        for number, item in enumerate(task.shown, start=1):
            marks = {"best": int(number == task.chosen), "worst": int(number == task.second)}
            yield {**start, "position": places[number], **item, **marks}
        return
    extra = extra_columns(exercise)
    none: list[Mapping[str, str]] = [{}] if exercise.none and not exercise.is_dual else []
    for number, levels in enumerate([*task.shown, *none], start=1):
        row = start | {"alternative": number, "chosen": int(number == task.chosen)}
        row["role"] = task.role
        if BOUGHT in extra:
            row[BOUGHT] = task.second
        if POSITION in extra:
            row[POSITION] = places.get(number, number)
        yield row | {name: levels.get(name) for name in exercise.columns}


def tasks_of(
    exercise: Exercise, frame: pd.DataFrame, seeds: Mapping[str, int | None]
) -> Iterator[AnsweredTask]:
    """The tasks in the table of an exercise: the way back from ``task_rows``.

    ``seeds`` are by respondent; those without one were shown everything in its fixed order.
    """
    columns = list(LAYOUTS[exercise.kind].key[:2])
    for _, rows in frame.groupby(columns):
        respondent, number = (rows[column].iloc[0] for column in columns)
        task = AnsweredTask(
            respondent=str(respondent),
            block=int(rows["block"].iloc[0]),
            task=int(number),
            role=str(rows["role"].iloc[0]) if "role" in rows else "estimation",
            shown=(),
            chosen=0,
            second=None,
            seed=seeds.get(str(respondent)),
        )
        yield _READERS[exercise.kind](exercise, rows, task)


def _chosen_of(exercise: Exercise, rows: pd.DataFrame, task: AnsweredTask) -> AnsweredTask:
    rows = rows.sort_values("alternative")
    levels = [_levels(exercise, row) for row in rows.to_dict("records")]
    chosen = int(rows.loc[rows["chosen"] == 1, "alternative"].iloc[0])
    dual = isinstance(exercise, ChoiceExercise) and exercise.is_dual
    second = int(rows[BOUGHT].iloc[0]) if dual else None
    return replace(task, shown=[one for one in levels if one], chosen=chosen, second=second)


def _best_worst_of(exercise: Exercise, rows: pd.DataFrame, task: AnsweredTask) -> AnsweredTask:
    rows = rows.sort_values("position")
    order = alternative_order(exercise, task.task, len(rows), task.seed)
    designed = rows.assign(number=[n + 1 for n in order]).sort_values("number")
    best, worst = (int(designed.loc[designed[m] == 1, "number"].iloc[0]) for m in ("best", "worst"))
    shown = [{"item": str(item)} for item in designed["item"]]
    return replace(task, shown=shown, chosen=best, second=worst)


def _rating_of(exercise: Exercise, rows: pd.DataFrame, task: AnsweredTask) -> AnsweredTask:
    (row,) = rows.to_dict("records")
    return replace(task, shown=[_levels(exercise, row)], chosen=int(row["rating"]))


def _levels(exercise: Exercise, row: Mapping[Any, Any]) -> dict[str, str]:
    return {name: str(row[name]) for name in exercise.columns if not pd.isna(row[name])}


_READERS = {"choice": _chosen_of, "best_worst": _best_worst_of, "ratings": _rating_of}
