"""Coding: how the levels of an exercise become the columns of an estimator. The only coder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from analysis.study import Attribute, ChoiceExercise, Study

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Kind = Literal["effects", "linear", "piecewise", "interaction", "covariate", "none"]
NONE = "none"
"""The attribute name of the none column."""


@dataclass(frozen=True, slots=True)
class Column:
    """One coefficient: the attribute and level it belongs to.

    The level of a slope is empty, that of a piece is its ends ('1-2'); an interaction joins the
    names of both attributes, and of both levels, with a colon.
    """

    attribute: str
    level: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Covariate:
    """A number of each respondent on which the part-worths of some attributes (or none) depend.

    ``centre`` is the number of the average respondent; a fit sets it.
    """

    name: str
    attributes: tuple[str, ...]
    values: Mapping[str, float]
    centre: float = 0.0

    @property
    def column(self) -> str:
        """The column of a table of choices that holds it, centred."""
        return f"covariate {self.name}"


@dataclass(frozen=True, slots=True)
class Coding:
    """How levels became columns, so that other alternatives are coded exactly as at the fit.

    An effects attribute of L levels has L-1 columns; its last level is -1 in all of them, so that
    the part-worths of an attribute add up to zero. A linear attribute has one column: the number
    of the level less the centre of the attribute (the mean of its levels, or the middle of its
    range). Centring changes no slope; it only sets the profile that the none column is measured
    against. A piecewise attribute has one column for each piece between its knots, how much of
    the piece lies below the number, centred alike; its coefficients are the slopes of the pieces.
    The columns of an interaction are the products of those of its two attributes, so that main
    effects stay those at the average of the other attribute. The none alternative has 1 in its
    own column and zero everywhere else. A covariate multiplies the columns of its attributes,
    less its mean over respondents: the other columns stand for the average respondent, and
    ``row`` codes alternatives for that person.
    """

    exercise: ChoiceExercise
    currency: str
    columns: tuple[Column, ...]
    covariates: tuple[Covariate, ...] = ()

    @property
    def width(self) -> int:
        """K, the number of columns."""
        return len(self.columns)

    @property
    def names(self) -> list[str]:
        """One name a column: 'attribute:level', or 'attribute' for slopes and none."""
        return [f"{c.attribute}:{c.level}" if c.level else c.attribute for c in self.columns]

    @property
    def money_unit(self) -> str:
        """The unit of money: that of the price attribute, else the study's currency."""
        price = self.exercise.price
        return price.unit.say() if price is not None and price.unit else self.currency

    def places(self, attribute_id: str) -> slice:
        """The columns of an attribute; KeyError when it has none."""
        found = [k for k, column in enumerate(self.columns) if column.attribute == attribute_id]
        if not found:
            raise KeyError(f"no columns for attribute '{attribute_id}'")
        return slice(found[0], found[-1] + 1)

    def table(self, attribute: Attribute) -> Floats:
        """Code of each level, (levels, columns of the attribute).

        Without levels, of the ends of the range and the knots between them.
        """
        if attribute.coding != "effects":
            return self.numeric(attribute, table_numbers(attribute))
        count = len(attribute.levels)
        return np.vstack([np.eye(count - 1), -np.ones(count - 1)])

    def numeric(self, attribute: Attribute, numbers: Floats) -> Floats:
        """Codes of numbers on a linear or piecewise attribute, (numbers, columns)."""
        if attribute.coding == "linear":
            return (numbers - centre(attribute))[:, None]
        average = [centre(attribute)] if attribute.range else level_numbers(attribute)
        middle = _pieces(attribute, np.asarray(average, dtype=float)).mean(axis=0)
        found: Floats = _pieces(attribute, numbers) - middle
        return found

    def code(self, attribute: Attribute, level: str | float) -> Floats:
        """Code of one level (an id), or of one number on a linear attribute."""
        if isinstance(level, str) and not attribute.range:
            ids = [lv.id for lv in attribute.levels]
            if level not in ids:
                raise KeyError(f"attribute '{attribute.id}' has no level '{level}': {ids}")
            found: Floats = self.table(attribute)[ids.index(level)]
            return found
        if attribute.coding == "effects":
            raise TypeError(f"attribute '{attribute.id}' is not linear; name one of its levels")
        code: Floats = self.numeric(attribute, np.array([float(level)]))[0]
        return code

    def price_steps(self, price: Attribute) -> Floats:
        """The numbers between which utility is linear in a price: levels, or ends and knots."""
        return level_numbers(price) if price.coding == "effects" else _edges(price)

    def contrast(self, attribute_id: str, from_level: str | float, to_level: str | float) -> Floats:
        """The difference in columns (K,) between two levels of an attribute.

        At the average of the attributes it interacts with.
        """
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
        for first, second in self.exercise.interactions:
            product = np.outer(coded[self.places(first)], coded[self.places(second)])
            coded[self.places(joined(first, second))] = product.ravel()
        return coded

    def matrix(self, frame: pd.DataFrame) -> Floats:
        """The columns (rows, K) of the alternatives of a checked table."""
        return np.hstack([table[places] for table, places in self.parts(frame)])

    def parts(self, frame: pd.DataFrame) -> list[tuple[Floats, NDArray[np.intp]]]:
        """Tables of codes and each row's place in them; side by side they are all columns."""
        own = {a.id: self.cells(frame, a) for a in self.exercise.attributes}
        parts = list(own.values())
        parts += [_product(own[first], own[second]) for first, second in self.exercise.interactions]
        if self.exercise.none is not None:
            own[NONE] = np.array([[0.0], [1.0]]), self.none_rows(frame).astype(np.intp)
            parts.append(own[NONE])
        for covariate in self.covariates:
            values, places = np.unique(frame[covariate.column].to_numpy(), return_inverse=True)
            person = values[:, None], places
            parts += [_product(own[name], person) for name in covariate.attributes]
        return parts

    def cells(self, frame: pd.DataFrame, attribute: Attribute) -> tuple[Floats, NDArray[np.intp]]:
        """A table of codes and each row's place in it; the none alternative has a row of zeros."""
        import pandas as pd

        cells = frame[attribute.id]
        if attribute.range:
            values, codes = np.unique(cells.to_numpy(float), return_inverse=True)
            return np.nan_to_num(self.numeric(attribute, values)), codes
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
        own = {a.id: self._own_rows(a) for a in self.exercise.attributes}
        for attribute in self.exercise.attributes:
            names, codes = own[attribute.id]
            rows.append(self._block(attribute.id, codes))
            labels += [Column(attribute.id, name, attribute.coding) for name in names]
        for first, second in self.exercise.interactions:
            pair = joined(first, second)
            cells: Floats = np.kron(own[first][1], own[second][1]).astype(np.float64)
            rows.append(self._block(pair, cells))
            names = [joined(a, b) for a in own[first][0] for b in own[second][0]]
            labels += [Column(pair, name, "interaction") for name in names]
        if self.exercise.none is not None:
            labels.append(Column(NONE, "", "none"))
            rows.append(self.row(None)[None, :])
            own[NONE] = [""], np.ones((1, 1))
        for covariate in self.covariates:
            for name in covariate.attributes:
                pair = joined(name, covariate.name)
                rows.append(self._block(pair, own[name][1]))
                labels += [Column(pair, level, "covariate") for level in own[name][0]]
        return tuple(labels), np.vstack(rows)

    def _own_rows(self, attribute: Attribute) -> tuple[list[str], Floats]:
        """Names and codes of the levels of an attribute, or of its slopes."""
        if attribute.coding == "effects":
            return [level.id for level in attribute.levels], self.table(attribute)
        names = [c.level for c in self.columns[self.places(attribute.id)]]
        return names, np.eye(len(names))

    def _block(self, name: str, codes: Floats) -> Floats:
        block = np.zeros((len(codes), self.width))
        block[:, self.places(name)] = codes
        return block


def coding_of(study: Study, exercise: ChoiceExercise) -> Coding:
    """The coding of a choice exercise."""
    return coding_in(study.currency, exercise)


def coding_in(currency: str, exercise: ChoiceExercise) -> Coding:
    """The coding of a choice exercise whose prices are in a currency."""
    columns: list[Column] = []
    for attribute in exercise.attributes:
        names = [lv.id for lv in attribute.levels[:-1]]
        if attribute.coding != "effects":
            names = [""] if attribute.coding == "linear" else list(attribute.pieces)
        columns += [Column(attribute.id, name, attribute.coding) for name in names]
    for first, second in exercise.interactions:
        columns += [
            Column(joined(first, second), joined(a.level, b.level), "interaction")
            for a in columns
            if a.attribute == first
            for b in columns
            if b.attribute == second
        ]
    if exercise.none is not None:
        columns.append(Column(NONE, "", "none"))
    return Coding(exercise, currency, tuple(columns))


def with_covariates(coding: Coding, covariates: Sequence[Covariate]) -> Coding:
    """The coding with columns for covariates at its end; ValueError when one cannot be used."""
    known = {column.attribute for column in coding.columns if column.kind != "interaction"}
    names, shown = [c.name for c in covariates], ", ".join(sorted(known))
    wrong = [
        f"covariate '{c.name}' names '{a}', which is no attribute; known: {shown}"
        for c in covariates
        for a in c.attributes
        if a not in known
    ]
    twice = {n for n in names if names.count(n) > 1}
    wrong += [f"covariate '{name}' stands twice" for name in sorted(twice)]
    wrong += [
        f"covariate '{c.name}' names an attribute twice"
        for c in covariates
        if len(set(c.attributes)) < len(c.attributes)
    ]
    if wrong:
        raise ValueError("; ".join(wrong))
    columns = [
        Column(joined(attribute, covariate.name), column.level, "covariate")
        for covariate in covariates
        for attribute in covariate.attributes
        for column in coding.columns
        if column.attribute == attribute
    ]
    return replace(coding, columns=(*coding.columns, *columns), covariates=tuple(covariates))


def covariate_columns(frame: pd.DataFrame, covariates: Sequence[Covariate]) -> pd.DataFrame:
    """The table of choices with a column for each covariate, less its centre.

    ValueError when a respondent has no finite number, or everybody the same one.
    """
    people = frame["respondent"].drop_duplicates()
    added, wrong = {}, []
    for covariate in covariates:
        numbers = people.map(covariate.values).to_numpy(float)
        missing = people[~np.isfinite(numbers)].tolist()
        if missing:
            shown = ", ".join(missing[:10])
            wrong.append(f"{len(missing)} respondents have no '{covariate.name}': {shown}")
        elif np.ptp(numbers) == 0:
            wrong.append(f"covariate '{covariate.name}' is the same for everybody; leave it out")
        centred = dict(zip(people, numbers - covariate.centre, strict=True))
        added[covariate.column] = frame["respondent"].map(centred).astype(float)
    if wrong:
        raise ValueError("; ".join(wrong))
    return frame.assign(**added)


def joined(first: str, second: str) -> str:
    """The name of an interaction: two attributes, or two levels, with a colon between."""
    return f"{first}:{second}"


def _product(
    first: tuple[Floats, NDArray[np.intp]], second: tuple[Floats, NDArray[np.intp]]
) -> tuple[Floats, NDArray[np.intp]]:
    """The products of two parts, only for the pairs of rows that occur."""
    pairs, codes = np.unique(first[1] * len(second[0]) + second[1], return_inverse=True)
    left, right = first[0][pairs // len(second[0])], second[0][pairs % len(second[0])]
    return (left[:, :, None] * right[:, None, :]).reshape(len(pairs), -1), codes


def _edges(attribute: Attribute) -> Floats:
    low, high = tested_range(attribute)
    return np.array([low, *attribute.knots, high])


def _pieces(attribute: Attribute, numbers: Floats) -> Floats:
    """How much of each piece lies below a number, (numbers, pieces)."""
    edges = _edges(attribute)
    found: Floats = np.clip(numbers[:, None], edges[:-1], edges[1:]) - edges[:-1]
    return found


def table_numbers(attribute: Attribute) -> Floats:
    """The numbers of the rows of ``Coding.table``: of the levels, else ends of the range, knots."""
    return _edges(attribute) if attribute.range else level_numbers(attribute)


def level_numbers(attribute: Attribute) -> Floats:
    """The numbers of the levels; ValueError when one has none."""
    numbers = [level.number for level in attribute.levels]
    if any(number is None for number in numbers):
        raise ValueError(f"a level of attribute '{attribute.id}' has no number")
    return np.array(numbers, dtype=float)


def tested_range(attribute: Attribute) -> tuple[float, float]:
    """Least and greatest number tested on a linear or piecewise attribute."""
    if attribute.range:
        return attribute.range.least, attribute.range.greatest
    numbers = level_numbers(attribute)
    return float(numbers.min()), float(numbers.max())


def centre(attribute: Attribute) -> float:
    """The number that a linear attribute is centred at."""
    if attribute.range:
        return (attribute.range.least + attribute.range.greatest) / 2
    return float(level_numbers(attribute).mean())
