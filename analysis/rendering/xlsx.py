"""The report as an Excel file: one sheet a section, numbers as numbers, native charts."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from typing import Any

from analysis.estimate import Estimate
from analysis.rendering import notes
from analysis.rendering.outline import outline
from analysis.rendering.section_charts import drawable
from analysis.value_report.types import Cell, PointMap, Section, Table, ValueReport

PARTS = ("", "low", "high", "n", "method")
"""The columns that an estimate takes."""
SAFE = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}
MOST_DRAWN = 20
WIDEST = 60


def report_xlsx(
    report: ValueReport, *, customers: bool = False, stale: Sequence[str] = ()
) -> bytes:
    """The workbook; ``customers`` adds the lists of single customers, ``stale`` what is outdated.

    Text never becomes a formula or a link, whatever a respondent wrote.
    """
    import xlsxwriter

    target = io.BytesIO()
    with xlsxwriter.Workbook(target, SAFE) as book:
        sheets = _Sheets(book)
        about = notes.about(report, stale)
        book.set_properties({"title": about[0][1], "subject": "Value report"})
        first = [(h.text, h.section or "first screen") for h in report.headlines]
        sheets.words("Report", ("", ""), [*about, *first, *notes.warnings(report)])
        sheets.section(notes.key_figures(report))
        for section in outline(report, customers=customers):
            sheets.section(section)
        methods = [(m.id, m.title, m.text, m.source, m.page) for m in report.methods]
        sheets.words("Methods", ("Method", "Title", "How", "Source", "Page"), methods)
    return target.getvalue()


class _Sheets:
    """A workbook that is written sheet by sheet."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._names: set[str] = set()
        self._head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True})
        self._title = book.add_format({"bold": True, "font_size": 14})
        self._words = book.add_format({"text_wrap": True, "valign": "top"})

    def words(self, name: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A sheet of text."""
        sheet = self._sheet(name)
        for column, title in enumerate(head):
            sheet.write_string(0, column, title, self._head)
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, len(head) - 1, 30, self._words)
        for n, row in enumerate(rows, 1):
            for column, text in enumerate(row):
                sheet.write_string(n, column, text, self._words)

    def section(self, section: Section) -> None:
        """One sheet for every table and map of a section; the first holds its sentences."""
        tables = [*section.tables, *(_table_of(found) for found in section.maps)]
        for number, table in enumerate(tables):
            name = section.id if number == 0 else f"{section.id} {table.id}"
            self._table(section, table, name, first=number == 0)

    def _table(self, section: Section, table: Table, name: str, *, first: bool) -> None:
        sheet = self._sheet(name)
        said = [section.title, table.caption]
        said += [*section.text, section.caution] if first else []
        said = [words for words in (*said, table.note) if words]
        wide = _columns_of(table)
        heads = [_head(title, part) for title, parts in wide for part in parts]
        for column, title in enumerate(heads):
            sheet.write_string(0, column, title, self._head)
        sheet.freeze_panes(1, 1)
        for n, row in enumerate(table.rows, 1):
            column = 0
            for cell, (_, parts) in zip(row, wide, strict=True):
                for value in _values(cell, len(parts)):
                    _write(sheet, n, column, value)
                    column += 1
        sheet.autofit(max_width=8 * WIDEST)
        sheet.autofilter(0, 0, max(len(table.rows), 1), len(heads) - 1)
        below = len(table.rows) + 2
        for n, words in enumerate(said):
            sheet.write_string(below + n, 0, words, self._title if n == 0 else None)
        sheet.write_string(below + len(said), 0, f"Method: {section.method} (sheet 'Methods')")
        self._chart(sheet, table, wide, len(heads), section)

    def _chart(self, sheet: Any, table: Table, wide: Any, width: int, section: Section) -> None:
        """Dots with the ends of their intervals, from the cells of the sheet."""
        if table.chart is None:
            return
        drawn = [n for n, row in enumerate(table.rows, 1) if drawable(row[table.chart])]
        if not drawn or drawn[-1] - drawn[0] + 1 != len(drawn) or len(drawn) > MOST_DRAWN:
            return
        first, last = drawn[0], drawn[-1]
        at = sum(len(parts) for _, parts in wide[: table.chart])
        chart = self._book.add_chart({"type": "line"})
        looks = ((0, "circle", 9, "#189C8E"), (1, "dash", 7, "#4D5A6C"), (2, "dash", 7, "#4D5A6C"))
        for offset, kind, size, color in looks:
            marker = {"type": kind, "size": size, "fill": {"color": color}}
            chart.add_series(
                {
                    "name": [sheet.get_name(), 0, at + offset],
                    "categories": [sheet.get_name(), first, 0, last, 0],
                    "values": [sheet.get_name(), first, at + offset, last, at + offset],
                    "line": {"none": True},
                    "marker": {**marker, "border": {"color": color}},
                }
            )
        chart.set_high_low_lines({"line": {"color": "#189C8E", "width": 3, "transparency": 40}})
        chart.set_title({"name": section.title, "name_font": {"size": 12}})
        chart.set_x_axis({"label_position": "low"})
        chart.set_legend({"position": "bottom"})
        chart.set_size({"width": 760, "height": 380})
        words = {"description": notes.spoken_rows(table)[:8000], "object_position": 2}
        sheet.insert_chart(0, width + 1, chart, words)

    def _sheet(self, name: str) -> Any:
        """A sheet with a name that Excel takes, and that no other has."""
        plain = re.sub(r"[\[\]:*?/\\']", " ", name.replace("_", " ")).strip().capitalize()[:31]
        chosen, number = plain, 1
        while chosen.lower() in self._names or chosen.lower() == "history":
            number += 1
            chosen = f"{plain[: 30 - len(str(number))]} {number}"
        self._names.add(chosen.lower())
        return self._book.add_worksheet(chosen)


def _table_of(found: PointMap) -> Table:
    rows: list[tuple[Cell, ...]] = [(p.label, p.across, p.up) for p in found.points]
    columns = ("Name", found.across, found.up)
    return Table(id=found.id, caption=found.caption, columns=columns, rows=tuple(rows),
                 note=found.note)  # fmt: skip


def _columns_of(table: Table) -> list[tuple[str, tuple[str, ...]]]:
    """Every column with the parts that it takes."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for n, title in enumerate(table.columns):
        estimates = any(isinstance(row[n], Estimate) for row in table.rows)
        found.append((title, PARTS if estimates else ("",)))
    return found


def _head(title: str, part: str) -> str:
    return f"{title}: {part}" if part else title


def _values(cell: Cell, width: int) -> list[float | int | str | None]:
    if not isinstance(cell, Estimate):
        return [cell, *[None] * (width - 1)]
    if not cell.available:
        return [f"not available: {cell.reason}", None, None, cell.n, cell.method]
    unit = f" [{cell.unit}]" if cell.unit else ""
    return [cell.value, cell.low, cell.high, cell.n, cell.method + unit]


def _write(sheet: Any, row: int, column: int, value: float | int | str | None) -> None:
    if value is None:
        return
    if isinstance(value, str):
        sheet.write_string(row, column, value)
    elif math.isfinite(value):
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, "unlimited" if value > 0 else "−unlimited")
