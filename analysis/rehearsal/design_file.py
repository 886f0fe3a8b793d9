"""Reading a design from a file: block, task, alternative and the level ids of each attribute."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.study import ChoiceExercise
from analysis.tables import ROLES, TableFault, TableFaults, read_cells


def read_design(path: Path, exercise: ChoiceExercise) -> pd.DataFrame:
    """The choice tasks of a CSV file with the columns of ``python -m analysis design``.

    Rows of a none alternative (no levels) are left out; without a column role all tasks are for
    estimation.

    Raises
    ------
    TableFaults
        With every fault and its row.
    OSError
        When the file cannot be opened.
    """
    names = [a.id for a in exercise.attributes]
    needed = ["block", "task", "alternative", *names]
    cells = read_cells(path, [*needed, "role"], {}, table="design")
    absent = [name for name in needed if name not in cells]
    if absent:
        faults = [TableFault(1, name, "the column is missing", "Add it") for name in absent]
        raise TableFaults(faults, table="file of design")
    cells = cells.apply(lambda column: column.astype("str").str.strip().where(column.notna(), ""))
    shown = cells[(cells[names] != "").any(axis=1)]
    faults = [*_numbers(shown), *_levels(shown, exercise), *_roles(shown)]
    if shown.empty:
        faults = [TableFault(0, "", "the design has no tasks", "Add them")]
    if faults:
        raise TableFaults(faults, table="file of design")
    shown = pd.DataFrame(shown.reset_index(drop=True))
    for name in ("block", "task", "alternative"):
        shown[name] = shown[name].astype(int)
    return shown


def _numbers(cells: pd.DataFrame) -> list[TableFault]:
    faults = []
    for column in ("block", "task", "alternative"):
        right = cells[column].str.fullmatch(r"[1-9][0-9]{0,8}")
        faults += _wrong(cells, column, ~right, "no number", "Write 1, 2, ...")
    if not faults:
        again = cells.duplicated(["block", "task", "alternative"])
        faults += _wrong(cells, "alternative", again, "twice in its task", "Number them 1, 2, ...")
    return faults


def _levels(cells: pd.DataFrame, exercise: ChoiceExercise) -> list[TableFault]:
    faults = []
    for attribute in exercise.attributes:
        ids = [level.id for level in attribute.levels]
        wrong = ~cells[attribute.id].isin(ids)
        faults += _wrong(cells, attribute.id, wrong, "no level", f"Use one of: {', '.join(ids)}")
    return faults


def _roles(cells: pd.DataFrame) -> list[TableFault]:
    if "role" not in cells:
        return []
    mend = f"Write one of: {', '.join(ROLES)}"
    return _wrong(cells, "role", ~cells["role"].isin(ROLES), "no role", mend)


def _wrong(
    cells: pd.DataFrame, column: str, where: pd.Series[bool], what: str, mend: str
) -> list[TableFault]:
    """One fault a row; the header is row 1 of the file."""
    rows = cells.index.to_numpy(int) + 2
    texts = cells[column].to_numpy(str)
    return [
        TableFault(int(rows[n]), column, f"'{texts[n][:40]}' is {what}", mend)
        for n in where.to_numpy(bool).nonzero()[0]
    ]
