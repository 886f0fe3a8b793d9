"""Coding: how the levels of an exercise become the columns of an estimator. The only coder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.study import Attribute, ChoiceExercise, Study

Floats = NDArray[np.float64]
Kind = Literal["effects", "linear", "none"]
NONE = "none"
"""The attribute name of the none column."""


@dataclass(frozen=True, slots=True)
class Column:
    """One coefficient: the attribute and level it belongs to (level empty for a slope)."""

    attribute: str
    level: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Coding:
    """How levels became columns, so that other alternatives are coded exactly as at the fit.

    An effects attribute of L levels has L-1 columns; its last level is -1 in all of them, so that
    the part-worths of an attribute add up to zero. A linear attribute has one column: the number
    of the level less the centre of the attribute (the mean of its levels, or the middle of its
    range). Centring changes no slope; it only sets the profile that the none column is measured
    against. The none alternative has 1 in its own column and zero everywhere else.
    """

    exercise: ChoiceExercise
    currency: str
    columns: tuple[Column, ...]

    @property
    def width(self) -> int:
        """K, the number of columns."""
        return len(self.columns)

    def places(self, attribute_id: str) -> slice:
        """The columns of an attribute; KeyError when it has none."""
        found = [k for k, column in enumerate(self.columns) if column.attribute == attribute_id]
        if not found:
            raise KeyError(f"no columns for attribute '{attribute_id}'")
        return slice(found[0], found[-1] + 1)

    def table(self, attribute: Attribute) -> Floats:
        """Code of each level, (levels, columns of the attribute)."""
        if attribute.coding == "linear":
            return (level_numbers(attribute) - centre(attribute))[:, None]
        count = len(attribute.levels)
        return np.vstack([np.eye(count - 1), -np.ones(count - 1)])

    def code(self, attribute: Attribute, level: str | float) -> Floats:
        """Code of one level (an id), or of one number on a linear attribute."""
        if isinstance(level, str) and not attribute.range:
            ids = [lv.id for lv in attribute.levels]
            if level not in ids:
                raise KeyError(f"attribute '{attribute.id}' has no level '{level}': {ids}")
            found: Floats = self.table(attribute)[ids.index(level)]
            return found
        if attribute.coding != "linear":
            raise TypeError(f"attribute '{attribute.id}' is not linear; name one of its levels")
        return np.array([float(level) - centre(attribute)])

    def contrast(self, attribute_id: str, from_level: str | float, to_level: str | float) -> Floats:
        """The difference in columns (K,) between two levels of an attribute."""
        attribute = self.exercise.attribute(attribute_id)
        difference = np.zeros(self.width)
        difference[self.places(attribute_id)] = self.code(attribute, to_level) - self.code(
            attribute, from_level
        )
        return difference

    def row(self, levels: Mapping[str, str | float] | None) -> Floats:
        """The columns (K,) of one alternative; None for the none alternative."""
        coded = np.zeros(self.width)
        if levels is None:
            coded[self.places(NONE)] = 1.0
            return coded
        for attribute in self.exercise.attributes:
            coded[self.places(attribute.id)] = self.code(attribute, levels[attribute.id])
        return coded

    def matrix(self, frame: pd.DataFrame) -> Floats:
        """The columns (rows, K) of the alternatives of a checked table."""
        parts = [self.cells(frame, attribute) for attribute in self.exercise.attributes]
        coded = np.hstack([table[places] for table, places in parts])
        if self.exercise.none is None:
            return coded
        return np.column_stack([coded, (self.none_rows(frame)).astype(float)])

    def cells(self, frame: pd.DataFrame, attribute: Attribute) -> tuple[Floats, NDArray[np.intp]]:
        """A table of codes and each row's place in it; the none alternative has a row of zeros."""
        cells = frame[attribute.id]
        if attribute.range:
            values, codes = np.unique(cells.to_numpy(float), return_inverse=True)
            return np.nan_to_num(values - centre(attribute))[:, None], codes
        table = self.table(attribute)
        ids = [level.id for level in attribute.levels]
        codes = pd.Categorical(cells, categories=ids).codes.astype(np.intp)
        if self.exercise.none is None:
            return table, codes
        return np.vstack([table, np.zeros(table.shape[1])]), codes % (len(ids) + 1)

    def none_rows(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """Which rows are none alternatives."""
        return frame[self.exercise.attributes[0].id].isna().to_numpy(bool)

    def level_rows(self) -> tuple[tuple[Column, ...], Floats]:
        """Every level incl. the reference, each slope and none, with its contrast (rows, K)."""
        labels: list[Column] = []
        rows: list[Floats] = []
        for attribute in self.exercise.attributes:
            places = self.places(attribute.id)
            linear = attribute.coding == "linear"
            codes = np.ones((1, 1)) if linear else self.table(attribute)
            block = np.zeros((len(codes), self.width))
            block[:, places] = codes
            rows.append(block)
            names = [""] if linear else [level.id for level in attribute.levels]
            labels += [Column(attribute.id, name, attribute.coding) for name in names]
        if self.exercise.none is not None:
            labels.append(Column(NONE, "", "none"))
            rows.append(self.row(None)[None, :])
        return tuple(labels), np.vstack(rows)


def coding_of(study: Study, exercise: ChoiceExercise) -> Coding:
    """The coding of a choice exercise."""
    columns: list[Column] = []
    for attribute in exercise.attributes:
        if attribute.coding == "linear":
            columns.append(Column(attribute.id, "", "linear"))
        else:
            columns += [Column(attribute.id, lv.id, "effects") for lv in attribute.levels[:-1]]
    if exercise.none is not None:
        columns.append(Column(NONE, "", "none"))
    return Coding(exercise, study.currency, tuple(columns))


def level_numbers(attribute: Attribute) -> Floats:
    """The numbers of the levels; ValueError when one has none."""
    numbers = [level.number for level in attribute.levels]
    if any(number is None for number in numbers):
        raise ValueError(f"a level of attribute '{attribute.id}' has no number")
    return np.array(numbers, dtype=float)


def tested_range(attribute: Attribute) -> tuple[float, float]:
    """Least and greatest number tested on a linear attribute."""
    if attribute.range:
        return attribute.range.least, attribute.range.greatest
    numbers = level_numbers(attribute)
    return float(numbers.min()), float(numbers.max())


def centre(attribute: Attribute) -> float:
    """The number that a linear attribute is centred at."""
    if attribute.range:
        return (attribute.range.least + attribute.range.greatest) / 2
    return float(level_numbers(attribute).mean())
