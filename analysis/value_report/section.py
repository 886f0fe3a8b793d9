"""Sections to dig into: sentences, tables of estimates and their charts, in one form for all.

A section says in plain data what every rendering (page, print, slides, sheets) draws in its own
way. What needs a drawing of its own has a type of its own in ``types``.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from analysis.estimate import Estimate
from analysis.value_report.part import Part

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]

TOGETHER = (
    "The ranges of these differences are wide enough to hold all at once in 95 of 100 surveys."
)
"""Beside differences with simultaneous intervals: said once, in the same words everywhere."""

Cell = Estimate | int | str
"""A number with its interval, a count, or words."""


class Table(Part):
    """Rows of cells under column heads; the first cell of a row names it."""

    id: Name
    caption: str
    columns: Annotated[tuple[str, ...], Field(min_length=2)]
    rows: tuple[tuple[Cell, ...], ...]
    chart: int | None = None
    """Which column of estimates is drawn; None: none is."""
    note: str = ""
    groups: tuple[int, ...] = ()
    """Columns of groups that together are everybody: see ``small_cells``."""

    @model_validator(mode="after")
    def _square(self) -> Self:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"a row of table '{self.id}' has not {len(self.columns)} cells")
        if self.chart is not None and not 0 < self.chart < len(self.columns):
            raise ValueError(f"table '{self.id}' has no column {self.chart} to draw")
        return self


class Point(Part):
    """One named point of a map."""

    label: str
    across: Estimate
    up: Estimate


class PointMap(Part):
    """Named points on two scales, with a cut on each: importance against performance."""

    id: Name
    caption: str
    across: str
    """What the horizontal scale measures."""
    up: str
    across_cut: float
    up_cut: float
    corners: tuple[str, str, str, str]
    """Names of the corners: top left, top right, bottom left, bottom right."""
    points: tuple[Point, ...]
    note: str = ""


class Section(Part):
    """A part of the report below the first screens.

    ``method`` names the entry of the report's methods that explains its numbers.
    """

    id: Name
    title: str
    """What was found, as a sentence with numbers where there is one."""
    method: str
    text: tuple[str, ...] = ()
    """Sentences under the title."""
    caution: str = ""
    """What the design does not allow to say."""
    tables: tuple[Table, ...] = ()
    maps: tuple[PointMap, ...] = ()
    folded: bool = False
    """Long: shown closed, with its title."""

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [table.id for table in self.tables] + [found.id for found in self.maps]
        if len(set(names)) != len(names):
            raise ValueError(f"two parts of section '{self.id}' have the same id")
        return self
