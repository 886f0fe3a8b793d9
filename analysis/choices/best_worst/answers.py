"""Best-worst answers: their file, its check, and the choice sets they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.choices.coding import Coding, Floats
from analysis.choices.identification import NotIdentified, check_identified
from analysis.choices.sets import ChoiceSets, SizeGroup, respondent_weights, without_zero_weights
from analysis.study import Attribute, ChoiceExercise, Level
from analysis.study.exercises import BestWorstExercise
from analysis.tables import Check, Codes, Mask, TableFaults, at_lines_of, read_cells, start_check

ITEM = "item"
BEST_WORST_COLUMNS = ("respondent", "task", ITEM, "best", "worst")
PLACES = ("exercise", "block", "position")
"""Columns of an archive that say where an item stood."""


@dataclass(frozen=True, slots=True)
class BestWorstAnswers:
    """Checked answers, a row per item of a set: respondent, task, item, best, worst (bool)."""

    exercise: BestWorstExercise
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()


def read_best_worst(
    path: Path | str, exercise: BestWorstExercise, *, mapping: Mapping[str, str] | None = None
) -> BestWorstAnswers:
    """Read answers from CSV: respondent, task, item, best (0/1), worst (0/1), a row per item.

    Raises TableFaults with every fault, or OSError when the file cannot be opened.
    """
    cells = read_cells(path, BEST_WORST_COLUMNS, mapping or {}, table="best-worst answers")
    with at_lines_of(path, table="best-worst answers"):
        return check_best_worst(cells, exercise, first_row=2)


def check_best_worst(
    frame: pd.DataFrame, exercise: BestWorstExercise, *, first_row: int = 1
) -> BestWorstAnswers:
    """Check a frame of answers; see ``read_best_worst``."""
    check = start_check(
        frame,
        as_choice_exercise(exercise),
        BEST_WORST_COLUMNS,
        first_row=first_row,
        table="best-worst answers",
        places=PLACES,
    )
    respondent, people = check.required("respondent")
    task, tasks = check.required("task")
    best = check.truth("best", "Write 1 for the best item, 0 otherwise")
    worst = check.truth("worst", "Write 1 for the worst item, 0 otherwise")
    items = check.attributes()[ITEM]
    if not check.faults:
        sets = pd.factorize(respondent * len(tasks) + task)[0]
        _check_sets(check, sets, items.codes, best, worst)
    if check.faults:
        raise TableFaults(check.faults, table="best-worst answers")
    columns = {
        "respondent": np.array(people, dtype=object)[respondent],
        "task": np.array(tasks, dtype=object)[task],
        ITEM: items,
        "best": best,
        "worst": worst,
        "role": "estimation",
    }
    table = pd.DataFrame(columns).astype({"respondent": "str"})
    return BestWorstAnswers(exercise, table, tuple(check.notes))


def _check_sets(check: Check, sets: Codes, items: Codes, best: Mask, worst: Mask) -> None:
    sizes = np.bincount(sets)
    first = ~pd.Series(sets).duplicated().to_numpy()
    check.note(best & worst, "worst", "the item is both best and worst", "Mark two items")
    for name, marked in (("best", best), ("worst", worst)):
        wrong: Mask = np.bincount(sets, weights=marked) != 1
        fact = f"the task has not exactly one {name} item"
        check.note(first & wrong[sets], name, fact, f"Mark one item as {name}")
    small: Mask = first & (sizes < 3)[sets]
    check.note(small, ITEM, "the task has fewer than three items", "Add the others")
    twice = pd.DataFrame({"set": sets, "item": items}).duplicated().to_numpy()
    check.note(twice, ITEM, "the item stands twice in its task", "Keep one row for it")


def as_choice_exercise(exercise: BestWorstExercise) -> ChoiceExercise:
    """The items as the levels of one attribute, for the one coder."""
    levels = tuple(Level(id=item.id, label=item.label) for item in exercise.items)
    attribute = Attribute(id=ITEM, label=exercise.question, levels=levels)
    return ChoiceExercise(id=exercise.id, question=exercise.question, attributes=(attribute,))


def best_worst_sets(
    coding: Coding, answers: BestWorstAnswers, weights: Mapping[str, float] | None = None
) -> ChoiceSets:
    """Two choice sets for each task: best of all, then worst of the others with codes negated."""
    frame = without_zero_weights(answers.frame, weights)
    person, names = pd.factorize(frame["respondent"])
    task = pd.factorize(frame["task"])[0]
    sets = pd.factorize(person * (int(task.max()) + 1) + task)[0]
    item = frame[ITEM].cat.codes.to_numpy(np.int64)
    table = coding.table(coding.exercise.attributes[0])
    left = ~frame["best"].to_numpy(bool)
    rows = pd.DataFrame(
        {
            "set": np.concatenate([2 * sets, 2 * sets[left] + 1]),
            "code": np.concatenate([item, item[left] + len(table)]),
            "chosen": np.concatenate([frame["best"], frame["worst"][left]]),
            "person": np.concatenate([person, person[left]]),
        }
    )
    rows["size"] = rows.groupby("set")["set"].transform("size")
    rows = rows.sort_values(["size", "set"], kind="stable")
    heads = rows.drop_duplicates("set")
    groups, start = [], 0
    for size in np.unique(rows["size"].to_numpy(int)).tolist():
        part = rows[rows["size"] == size]
        chosen = part["chosen"].to_numpy(bool).reshape(-1, size).argmax(axis=1)
        codes = (part["code"].to_numpy(np.int32),)
        groups.append(SizeGroup(size, start, chosen.astype(np.intp), codes))
        start += len(chosen)
    respondent = heads["person"].to_numpy(np.intp)
    return ChoiceSets(
        coding,
        (np.vstack([table, -table]),),
        tuple(groups),
        tuple(str(name) for name in names),
        respondent,
        respondent_weights(names, weights)[respondent],
    )


def commonest_size(answers: BestWorstAnswers) -> int:
    """How many items most sets have."""
    sizes = answers.frame.groupby(["respondent", "task"], observed=True).size()
    return int(sizes.mode().iloc[0])


def check_compared(coding: Coding, frame: pd.DataFrame, information: Floats) -> None:
    """NotIdentified when an item is in no task, or some were never compared with the others."""
    attribute = coding.exercise.attributes[0]
    ids = [level.id for level in attribute.levels]
    unseen = [name for name in ids if not (frame[ITEM] == name).any()]
    if unseen:
        raise NotIdentified(
            f"item '{name}' is in no task; drop it, or add tasks that show it" for name in unseen
        )
    try:
        check_identified(coding, frame, information)
    except NotIdentified:
        raise NotIdentified(
            ["some items were never compared with the others; add tasks that mix them"]
        ) from None
