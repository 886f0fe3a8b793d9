"""Layouts of design files of other programs: Sawtooth, Qualtrics, cbcTools and logitr.

- sawtooth: Version, Task, Concept, Att1 ... AttN, levels as numbers from 1; tasks of version 0 are
  fixed and shown to everybody (Lighthouse Studio, "Importing/Exporting CBC Designs").
- qualtrics: question_set, question, choice, one column per feature, levels as numbers from 1
  ("Exporting & Importing Conjoint Designs").
- cbctools: profileID, blockID (or respID), qID, altID, obsID, one column per attribute.
- surveyapp: block, task, alternative, role, one column per attribute; with a none alternative also
  none (0/1) and rows for it.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import pandas as pd

from analysis.choices.design.reading import DesignFaults, checked_design
from analysis.study import Attribute, ChoiceExercise

Layout = Literal["surveyapp", "sawtooth", "qualtrics", "cbctools"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
NUMBERED = {
    "sawtooth": ("Version", "Task", "Concept"),
    "qualtrics": ("question_set", "question", "choice"),
}


def to_layout(exercise: ChoiceExercise, tasks: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """The tasks of a design in the columns of another program."""
    if layout == "surveyapp":
        return _with_none(exercise, tasks)
    ids = {a.id: [level.id for level in a.levels] for a in exercise.attributes}
    if layout in NUMBERED:
        block, task, alternative = NUMBERED[layout]
        names = list(ids) if layout == "qualtrics" else [f"Att{n + 1}" for n in range(len(ids))]
        columns = {block: tasks["block"], task: tasks["task"], alternative: tasks["alternative"]}
        for name, (own, levels) in zip(names, ids.items(), strict=True):
            columns[name] = tasks[own].map({level: n + 1 for n, level in enumerate(levels)})
        return pd.DataFrame(columns)
    profiles = tasks[list(ids)].apply(tuple, axis=1)
    first = {
        "profileID": pd.factorize(profiles)[0] + 1,
        "blockID": tasks["block"],
        "qID": tasks["task"],
        "altID": tasks["alternative"],
        "obsID": (np.arange(len(tasks)) // exercise.alternatives) + 1,
    }
    shown = {a.id: tasks[a.id].map(_shown(a)) for a in exercise.attributes}
    return pd.DataFrame(first | shown)


def from_layout(exercise: ChoiceExercise, table: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """The checked design of a table that another program wrote (all cells as text).

    Raises
    ------
    DesignFaults
        With every fault of the file.
    """
    if layout == "surveyapp":
        return checked_design(exercise, table)
    if layout == "cbctools":
        return checked_design(exercise, _from_cbctools(exercise, table))
    ids = {a.id: [level.id for level in a.levels] for a in exercise.attributes}
    names = list(ids) if layout == "qualtrics" else [f"Att{n + 1}" for n in range(len(ids))]
    wanted = [*NUMBERED[layout], *names]
    if layout == "sawtooth" and len(table.columns) == len(wanted):
        table = table.set_axis(wanted, axis=1)
    _require(table, wanted)
    block, task, alternative = NUMBERED[layout]
    renamed = {"block": table[block], "task": table[task], "alternative": table[alternative]}
    for name, (own, levels) in zip(names, ids.items(), strict=True):
        numbers = {str(n + 1): level for n, level in enumerate(levels)}
        cells = table[name].astype(str).str.removesuffix(".0")
        renamed[own] = cells.map(numbers).fillna("number " + cells)
    frame = pd.DataFrame(renamed)
    return checked_design(exercise, _fixed_for_all(frame) if layout == "sawtooth" else frame)


def _with_none(exercise: ChoiceExercise, tasks: pd.DataFrame) -> pd.DataFrame:
    if exercise.none is None or exercise.none.response == "dual":
        return tasks
    none = tasks[tasks["alternative"] == 1].copy()
    none["alternative"] = exercise.alternatives + 1
    none[[a.id for a in exercise.attributes]] = ""
    both = pd.concat([tasks.assign(none=0), none.assign(none=1)])
    both = both.sort_values(["block", "task", "alternative"], ignore_index=True)
    first = ["block", "task", "alternative", "role", "none"]
    return both[[*first, *(a.id for a in exercise.attributes)]]


def _shown(attribute: Attribute) -> dict[str, object]:
    if attribute.coding == "effects":
        return {level.id: level.id for level in attribute.levels}
    return {level.id: level.number for level in attribute.levels}


def _require(table: pd.DataFrame, wanted: list[str]) -> None:
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        have = ", ".join(map(str, table.columns))
        raise DesignFaults(
            [f"there is no column '{n}'; the file has: {have}. Add it" for n in missing]
        )


def _fixed_for_all(frame: pd.DataFrame) -> pd.DataFrame:
    """Tasks of version 0 become holdouts of every version; tasks are numbered anew."""
    fixed = frame["block"].astype(str) == "0"
    if not fixed.any():
        return frame
    others = frame[~fixed].assign(role="estimation")
    blocks = others["block"].unique()
    copies = [frame[fixed].assign(block=block, role="holdout") for block in blocks]
    both = pd.concat([others, *copies], ignore_index=True)
    order = pd.to_numeric(both["task"], errors="coerce") * 2 + (both["role"] == "estimation")
    both["task"] = order.groupby(both["block"]).rank(method="dense")
    return both


def _from_cbctools(exercise: ChoiceExercise, table: pd.DataFrame) -> pd.DataFrame:
    block = next((n for n in ("blockID", "respID") if n in table.columns), "blockID")
    _require(table, [block, "qID", "altID", *(a.id for a in exercise.attributes)])
    if "no_choice" in table.columns:
        table = table[table["no_choice"].astype(str).isin(("0", "0.0"))]
    renamed = {"block": table[block], "task": table["qID"], "alternative": table["altID"]}
    for a in exercise.attributes:
        words: dict[str, str] = {}
        for level in a.levels:
            numbers = [] if level.number is None else [f"{level.number:g}", str(level.number)]
            words |= dict.fromkeys([*numbers, str(level.label), level.id], level.id)
        cells = table[a.id].astype(str)
        renamed[a.id] = cells.map(words).fillna(cells)
    return pd.DataFrame(renamed)
