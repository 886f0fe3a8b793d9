"""Design files: a table of choice tasks checked against its exercise, every fault at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.choices.design.efficiency import Levels
from analysis.choices.design.fieldable import faults_to_field
from analysis.choices.design.tasks import holdout_positions
from analysis.study import ChoiceExercise

PLACES = ("block", "task", "alternative")
SHOWN = 20
"""Faults listed of a file; the rest is counted."""


class DesignFaults(ValueError):
    """All faults of a design file; ``reasons`` names each with its line."""

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = tuple(reasons)
        more = [f"- and {len(reasons) - SHOWN} more"] if len(reasons) > SHOWN else []
        heading = f"{len(reasons)} fault{'s' if len(reasons) != 1 else ''} in the design"
        super().__init__("\n".join([heading, *(f"- {r}" for r in reasons[:SHOWN]), *more]))


def checked_design(
    exercise: ChoiceExercise, table: pd.DataFrame, *, to_field: bool = False
) -> pd.DataFrame:
    """The design of a table in the order block, task, alternative, with levels as text.

    Rows of a none alternative (no levels) are left out. Without a column role, the holdouts are the
    tasks at the exercise's places for them, when every block shows these alike, or else as many
    tasks as it has holdouts, when just these are alike; all others are for estimation. Lines in
    faults count from the table's index, the heads being line 1.

    Parameters
    ----------
    to_field
        Also ask that tasks and holdouts are as many as the exercise shows, that nothing prohibited
        is shown, and that fixed tasks are there. Else ``inspect_design`` reports broken rules.

    Raises
    ------
    DesignFaults
        With every fault: columns missing, unknown levels, incomplete or misnumbered tasks.
    """
    names = [a.id for a in exercise.attributes]
    missing = [name for name in (*PLACES, *names) if name not in table.columns]
    if missing:
        have = ", ".join(map(str, table.columns))
        raise DesignFaults(
            [f"there is no column '{n}'; the file has: {have}. Add it" for n in missing]
        )
    frame = table.assign(role=table["role"] if "role" in table.columns else "estimation")
    lines = table.index.to_numpy(np.int64) + 2
    empty = frame[names].isna().all(axis=1) | (frame[names].astype(str) == "").all(axis=1)
    numbered = [*_numbers(frame, lines)]
    faults = [*numbered, *_levels(exercise, frame[~empty], lines[~empty])]
    faults += [
        f"line {line}: role '{role}' is neither 'estimation' nor 'holdout'. Use one of them"
        for line, role in zip(lines, frame["role"], strict=True)
        if role not in ("estimation", "holdout")
    ]
    if numbered:
        raise DesignFaults(faults)
    frame = frame[~empty].astype(dict.fromkeys(PLACES, float)).astype(dict.fromkeys(PLACES, int))
    frame = frame[[*PLACES, "role", *names]].sort_values(list(PLACES), kind="stable")
    for attribute in exercise.attributes:
        frame[attribute.id] = frame[attribute.id].map(_level_id)
    if "role" not in table.columns:
        frame["role"] = _roles(exercise, frame)
    faults += _complete(exercise, frame)
    if to_field:
        faults += faults_to_field(exercise, frame)
    if faults:
        raise DesignFaults(list(dict.fromkeys(faults)))
    return frame.reset_index(drop=True)


def level_places(exercise: ChoiceExercise, frame: pd.DataFrame) -> Levels:
    """The levels (tasks, J, A) of a checked design as places in each attribute's list."""
    columns = []
    for attribute in exercise.attributes:
        order = {level.id: n for n, level in enumerate(attribute.levels)}
        columns.append(frame[attribute.id].map(order).to_numpy(np.int64))
    shape = (-1, exercise.alternatives, len(columns))
    return np.ascontiguousarray(np.stack(columns, axis=-1).reshape(shape))


def _roles(exercise: ChoiceExercise, frame: pd.DataFrame) -> pd.Series[str]:
    """Roles where a file has none (see ``checked_design``)."""
    cells = ["task", "alternative", *(a.id for a in exercise.attributes)]
    in_blocks = frame.groupby(cells)["block"].transform("nunique") == frame["block"].nunique()
    alike = in_blocks.groupby(frame["task"]).all()
    same = set(alike.index[alike])
    places = set(holdout_positions(exercise.tasks, exercise.holdouts))
    counts = frame.groupby("block")["task"].nunique()
    if places <= same and (counts == exercise.tasks + exercise.holdouts).all():
        held = places
    else:
        held = same if len(same) == exercise.holdouts and len(counts) > 1 else set()
    return frame["task"].isin(held).map({True: "holdout", False: "estimation"})


def _level_id(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _numbers(frame: pd.DataFrame, lines: Levels) -> Iterator[str]:
    for name in PLACES:
        numbers = pd.to_numeric(frame[name], errors="coerce")
        wrong = ~(numbers >= 1) | (numbers % 1 != 0)
        for line, value in zip(lines[wrong], frame[name][wrong], strict=True):
            yield f"line {line}: {name} '{value}' is no whole number from 1 on. Mend it"


def _levels(exercise: ChoiceExercise, frame: pd.DataFrame, lines: Levels) -> Iterator[str]:
    for attribute in exercise.attributes:
        known = [level.id for level in attribute.levels]
        found = frame[attribute.id].map(_level_id)
        wrong = (~found.isin(known)).to_numpy()
        for line, value in zip(lines[wrong], found[wrong], strict=True):
            shown = ", ".join(known)
            yield f"line {line}: '{attribute.id}' has no level '{value}'. Use one of: {shown}"


def _complete(exercise: ChoiceExercise, frame: pd.DataFrame) -> Iterator[str]:
    wanted = list(range(1, exercise.alternatives + 1))
    for (block, task), rows in frame.groupby(["block", "task"]):
        if rows["alternative"].tolist() != wanted:
            yield (
                f"block {block}, task {task}: alternatives {rows['alternative'].tolist()} "
                f"instead of {wanted}. Give each once"
            )
        if rows["role"].nunique() > 1:
            yield f"block {block}, task {task}: more than one role. Use one for the whole task"
    tasks = frame.groupby("block")["task"].unique()
    first = tasks.iloc[0].tolist() if len(tasks) else []
    for block, found in tasks.items():
        numbers = sorted(found.tolist())
        if numbers != list(range(1, len(found) + 1)):
            yield f"block {block}: tasks {numbers} are not numbered 1, 2, ... Renumber them"
        elif len(found) != len(first):
            yield f"block {block}: {len(found)} tasks, but {len(first)} in the first. Even them out"
    if not len(tasks):
        yield "the design has no task. Add rows"
