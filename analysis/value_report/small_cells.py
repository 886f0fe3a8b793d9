"""Figures of fewer than ten people are not shown: the one place for all formats.

Rule: (1) a figure that rests on fewer than 10 respondents or customers has no number, no interval
and no n; sentences and key figures that say it are left out. (2) Where the columns of a table are
groups that together are everybody, and the groups of a row that are too small are fewer than 10
people together, the next smallest is not shown either, nor any difference in the row: with the
figure of everybody, subtraction would give the small ones away.
(3) A whole study of fewer than 10 completed answers shows none of its answers. Counts of people
alone (how many are in a group) are shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from analysis.estimate import Estimate, unavailable
from analysis.ratings.between_groups import LEAST_GROUP
from analysis.value_report.section import Cell, Section, Table
from analysis.value_report.types import Headline, ValueReport

SMALL = f"fewer than {LEAST_GROUP} respondents"
WITH_IT = f"not shown, because another group has {SMALL}"
_OF_CUSTOMERS = ("best_customers", "declining_customers", "sale_only_customers", "states",
                 "alarm_answers", "list_note")  # fmt: skip


def without_small_cells(report: ValueReport) -> ValueReport:
    """The report without figures of fewer than 10 people."""
    if report.header.n_completed < LEAST_GROUP:
        return _of_hardly_anybody(report)
    hidden = {name for name in ("nps", "relation", "value_map") if _small_part(report, name)}
    hollow = {f.method for f in report.key_figures if _small(f.estimate)}
    quiet = {name for name in ValueReport.model_fields if _has_small(getattr(report, name))}
    spared = report.model_copy(
        update={
            **dict.fromkeys(hidden),
            "key_figures": tuple(f for f in report.key_figures if not _small(f.estimate)),
            "headlines": _headlines(report, quiet | hidden, hollow),
            "sections": tuple(_section(section) for section in report.sections),
        }
    )
    shown: ValueReport = _rebuilt(spared)
    return shown


def _of_hardly_anybody(report: ValueReport) -> ValueReport:
    """Only what does not come from answers."""
    kept = {name: getattr(report, name) for name in _OF_CUSTOMERS}
    text = f"Fewer than {LEAST_GROUP} people answered: too few to show what they said"
    methods = tuple(m for m in report.methods if m.id in ("sample", "lists", "customer_score"))
    return ValueReport(
        header=report.header,
        headlines=(Headline(text=text, method="sample"),),
        key_figures=(),
        actions=(),
        methods=methods,
        warnings=report.warnings,
        estimation=report.estimation,
        **kept,
    )


def _headlines(report: ValueReport, quiet: set[str], hollow: set[str]) -> tuple[Headline, ...]:
    kept = tuple(h for h in report.headlines if h.section not in quiet and h.method not in hollow)
    if kept and not kept[0].section:
        return kept
    said = f"{report.header.n_completed:,} people answered; the sections say what they value"
    return (Headline(text=said, method="sample"), *kept)


def _small_part(report: ValueReport, name: str) -> bool:
    part = getattr(report, name)
    n = None if part is None else getattr(part, "n", None)
    return _small(getattr(part, "estimate", None)) or (n is not None and 0 < n < LEAST_GROUP)


def _small(cell: object) -> bool:
    return isinstance(cell, Estimate) and cell.available and 0 < cell.n < LEAST_GROUP


def _suppressed(cell: object) -> bool:
    """Not shown for its size, here or where it was made."""
    return _small(cell) or (
        isinstance(cell, Estimate) and bool(cell.reason) and str(cell.reason).startswith(SMALL)
    )


def _has_small(value: Any) -> bool:
    return any(_small(estimate) for estimate in _estimates(value))


def _estimates(value: Any) -> Iterator[Estimate]:
    if isinstance(value, Estimate):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _estimates(getattr(value, name))
    elif isinstance(value, tuple):
        for one in value:
            yield from _estimates(one)


def _rebuilt(value: Any) -> Any:
    """The same plain data with every small figure made unavailable."""
    if isinstance(value, Estimate):
        return _hidden(value, SMALL) if _suppressed(value) else value
    if isinstance(value, BaseModel):
        changed = {name: _rebuilt(getattr(value, name)) for name in type(value).model_fields}
        return value.model_copy(update=changed)
    if isinstance(value, tuple):
        return tuple(_rebuilt(one) for one in value)
    return value


def _hidden(cell: Estimate, why: str) -> Estimate:
    return unavailable(why, n=0, method=cell.method if cell.available else "", unit=cell.unit)


def _section(section: Section) -> Section:
    return section.model_copy(update={"tables": tuple(_table(table) for table in section.tables)})


def _table(table: Table) -> Table:
    if len(table.groups) < 2:
        return table
    return table.model_copy(update={"rows": tuple(_row(row, table.groups) for row in table.rows)})


def _row(row: tuple[Cell, ...], groups: tuple[int, ...]) -> tuple[Cell, ...]:
    """The row with a further group hidden where the small ones would come out by subtraction."""
    cells = {n: cell for n, cell in enumerate(row) if isinstance(cell, Estimate)}
    small = [n for n in groups if n in cells and _suppressed(cells[n])]
    shown = {n: cells[n].n for n in groups if n in cells and cells[n].available and n not in small}
    if not small or not shown or sum(cells[n].n for n in small) >= LEAST_GROUP:
        return row
    also = min(shown, key=lambda n: shown[n])
    hidden = {also, *(n for n in range(1, len(row)) if n not in groups)}
    return tuple(_not_shown(cell) if n in hidden else cell for n, cell in enumerate(row))


def _not_shown(cell: Cell) -> Cell:
    return _hidden(cell, WITH_IT) if isinstance(cell, Estimate) else "not shown"
