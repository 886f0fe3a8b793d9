"""Layouts of design files: our own, and those of Sawtooth, Qualtrics, cbcTools and logitr.

- sawtooth: Version, Task, Concept, Att1 ... AttN, levels as numbers from 1; tasks of version 0 are
  fixed and shown to everybody (Lighthouse Studio, "Importing/Exporting CBC Designs").
- qualtrics: question_set, question, choice, one column per feature, levels as numbers from 1
  ("Exporting & Importing Conjoint Designs").
- cbctools: profileID, blockID (or respID), qID, altID, obsID, one column per attribute.
- surveyapp: block, task, alternative, role, one column per attribute; with a none alternative also
  none (0/1) and rows for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, get_args

from analysis.study.exercises import Attribute, ChoiceExercise

Layout = Literal["surveyapp", "sawtooth", "qualtrics", "cbctools"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
PLACES: dict[Layout, tuple[str, ...]] = {
    "surveyapp": ("block", "task", "alternative"),
    "sawtooth": ("Version", "Task", "Concept"),
    "qualtrics": ("question_set", "question", "choice"),
    "cbctools": ("qID", "altID"),
}
"""The columns by which a layout is known."""

Row = Mapping[str, object]
"""An alternative: block, task, alternative, role, and the level id of each attribute."""


def detected(columns: Iterable[str]) -> Layout | None:
    """The layout of a file with these columns; None when it is none of ours."""
    have = set(columns)
    return next((layout for layout, names in PLACES.items() if have.issuperset(names)), None)


def level_columns(exercise: ChoiceExercise, layout: Layout) -> list[str]:
    """What the columns of the attributes are called."""
    if layout == "sawtooth":
        return [f"Att{n + 1}" for n in range(len(exercise.attributes))]
    return [a.id for a in exercise.attributes]


def written(
    exercise: ChoiceExercise, rows: Iterable[Row], layout: Layout
) -> Iterator[list[object]]:
    """The heads and then the cells of a design in a layout; rows in the order of the design."""
    if layout == "surveyapp":
        yield from _own(exercise, rows)
    elif layout == "cbctools":
        yield from _cbctools(exercise, rows)
    else:
        yield [*PLACES[layout], *level_columns(exercise, layout)]
        numbers = [{v.id: n for n, v in enumerate(a.levels, start=1)} for a in exercise.attributes]
        for row in rows:
            cells = zip(exercise.attributes, numbers, strict=True)
            yield [row["block"], row["task"], row["alternative"], *(n[row[a.id]] for a, n in cells)]  # type: ignore[index]


def _own(exercise: ChoiceExercise, rows: Iterable[Row]) -> Iterator[list[object]]:
    offered = exercise.none is not None and exercise.none.response == "single"
    names = [a.id for a in exercise.attributes]
    yield [*PLACES["surveyapp"], "role", *(["none"] if offered else []), *names]
    for row in rows:
        first = [row["block"], row["task"]]
        none: list[object] = [0] if offered else []
        yield [*first, row["alternative"], row["role"], *none, *(row[n] for n in names)]
        if offered and row["alternative"] == exercise.alternatives:
            yield [*first, exercise.alternatives + 1, row["role"], 1, *("" for _ in names)]


def _cbctools(exercise: ChoiceExercise, rows: Iterable[Row]) -> Iterator[list[object]]:
    shown = [_shown(a) for a in exercise.attributes]
    yield ["profileID", "blockID", "qID", "altID", "obsID", *(a.id for a in exercise.attributes)]
    profiles: dict[tuple[object, ...], int] = {}
    for n, row in enumerate(rows):
        profile = tuple(row[a.id] for a in exercise.attributes)
        number = profiles.setdefault(profile, len(profiles) + 1)
        task = n // exercise.alternatives + 1
        cells = [names[str(level)] for names, level in zip(shown, profile, strict=True)]
        yield [number, row["block"], row["task"], row["alternative"], task, *cells]


def _shown(attribute: Attribute) -> dict[str, object]:
    if attribute.coding == "effects":
        return {level.id: level.id for level in attribute.levels}
    return {level.id: level.number for level in attribute.levels}
