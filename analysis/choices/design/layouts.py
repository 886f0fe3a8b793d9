"""Designs in the layouts of other programs: written as tables, and read from them.

The layouts are those of ``analysis.study.design_layouts``.
"""

from __future__ import annotations

from io import StringIO

import pandas as pd

from analysis.choices.design.reading import DesignFaults, checked_design
from analysis.study import ChoiceExercise
from analysis.study.design_layouts import (
    LAYOUTS,
    PLACES,
    Layout,
    detected,
    level_columns,
    written,
)

__all__ = ["LAYOUTS", "Layout", "from_layout", "layout_of", "table_of", "to_layout"]
DELIMITERS = ",;\t|"


def to_layout(exercise: ChoiceExercise, tasks: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    """The tasks of a design in the columns of another program."""
    heads, *rows = written(exercise, tasks.to_dict("records"), layout)  # type: ignore[arg-type]
    return pd.DataFrame(rows, columns=pd.Index(map(str, heads)))


def table_of(text: str) -> pd.DataFrame:
    """The table of a CSV file, all cells as text; commas, semicolons, tabs or bars divide it.

    Raises
    ------
    DesignFaults
        When the text is no table.
    """
    head = text.partition("\n")[0]
    divider = max(DELIMITERS, key=head.count)
    if "\x00" in text or not head.count(divider):
        raise DesignFaults(
            ["line 1: the file is no table of columns. Save it as CSV, with a line of heads"]
        )
    try:
        return pd.read_csv(StringIO(text), dtype=str, keep_default_na=False, sep=divider)
    except ValueError as error:
        raise DesignFaults([f"the file is no table: {error}. Save it as CSV"]) from None


def layout_of(table: pd.DataFrame) -> Layout:
    """The layout of a table by its columns.

    Raises
    ------
    DesignFaults
        When it is in no known layout.
    """
    layout = detected(map(str, table.columns))
    if layout is None:
        have = ", ".join(map(str, table.columns))
        known = "; ".join(f"{name}: {', '.join(heads)}" for name, heads in PLACES.items())
        raise DesignFaults(
            [f"line 1: the heads are those of no known layout: {have}. Use one of {known}"]
        )
    return layout


def from_layout(
    exercise: ChoiceExercise,
    table: pd.DataFrame,
    layout: Layout,
    *,
    to_field: bool = False,
) -> pd.DataFrame:
    """The checked design of a table that another program wrote (all cells as text).

    ``to_field`` also asks that the tasks are as many as the exercise shows, and keep to its rules.

    Raises
    ------
    DesignFaults
        With every fault of the file.
    """
    if layout == "surveyapp":
        return checked_design(exercise, table, to_field=to_field)
    renamed = _from_cbctools if layout == "cbctools" else _from_numbers
    frame = renamed(exercise, table, layout)
    if "role" in table.columns:
        frame["role"] = table["role"]
    if layout == "sawtooth":
        frame = _fixed_for_all(frame)
    return checked_design(exercise, frame, to_field=to_field)


def _from_numbers(exercise: ChoiceExercise, table: pd.DataFrame, layout: Layout) -> pd.DataFrame:
    names = level_columns(exercise, layout)
    wanted = [*PLACES[layout], *names]
    if layout == "sawtooth" and len(table.columns) == len(wanted):
        table = table.set_axis(wanted, axis=1)
    _require(table, wanted)
    block, task, alternative = PLACES[layout]
    renamed = {"block": table[block], "task": table[task], "alternative": table[alternative]}
    for name, attribute in zip(names, exercise.attributes, strict=True):
        numbers = {str(n): level.id for n, level in enumerate(attribute.levels, start=1)}
        cells = table[name].astype(str).str.removesuffix(".0")
        renamed[attribute.id] = cells.map(numbers).fillna("number " + cells)
    return pd.DataFrame(renamed)


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
    both = pd.concat([others, *copies])
    order = pd.to_numeric(both["task"], errors="coerce") * 2 + (both["role"] == "estimation")
    both["task"] = order.groupby(both["block"]).rank(method="dense")
    return both


def _from_cbctools(exercise: ChoiceExercise, table: pd.DataFrame, _: Layout) -> pd.DataFrame:
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
