"""The charts of the report's sections: rows of estimates, and maps of named points."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from typing import Any

from analysis.estimate import Estimate
from analysis.rendering.canvas import BACK, LINE, MUTED, NEUTRAL, TAGS, Canvas
from analysis.rendering.figures import ends, value_and_range
from analysis.rendering.rows import NARROW, WIDE, Row, axis_of, draw_rows
from analysis.value_report.types import PointMap, Table, ValueReport

LEGEND = "with the range it very likely lies in (95 in 100)"
SHORT_LEGEND = "with its likely range (95 in 100)"


def section_charts(report: ValueReport) -> Iterator[tuple[str, Table | PointMap]]:
    """Every part of a section that is drawn, with the name of its chart, 'SECTION.PART'."""
    for section in report.sections:
        for table in section.tables:
            if table.chart is not None:
                yield f"{section.id}.{table.id}", table
        for point_map in section.maps:
            yield f"{section.id}.{point_map.id}", point_map


def draw_table(table: Table, *, name: str, wide: bool) -> str:
    """One column of a table as rows with their intervals; empty when it has no numbers."""
    if table.chart is None:
        return ""
    rows = []
    for cells in table.rows:
        cell = cells[table.chart]
        if isinstance(cell, Estimate) and drawable(cell):
            figure, span = value_and_range(cell)
            rows.append(Row(str(cells[0]), "figure", cell, figure, span))
    if not rows:
        return ""
    unit = rows[0].estimate.unit

    def say(value: float) -> str:
        one = Estimate(value=value, low=value, high=value, n=0, method="", unit=unit)
        return value_and_range(one)[0]

    canvas = draw_rows(rows, axis_of(rows, say), wide=wide, legend=LEGEND if wide else SHORT_LEGEND)
    said = "; ".join(f"{row.label}: {row.figure} ({row.span})" for row in rows)
    return canvas.svg(name=name, title=f"{table.caption}: {table.columns[table.chart]}", desc=said)


def draw_map(found: PointMap, *, name: str, wide: bool) -> str:
    """Points by number on two scales with their intervals; the table beside it names them."""
    numbered = [
        (number, p)
        for number, p in enumerate(found.points, 1)
        if drawable(p.across) and drawable(p.up)
    ]
    if not numbered:
        return ""
    points = [point for _, point in numbered]
    width, height = (WIDE, 400) if wide else (NARROW, 320)
    canvas = Canvas(width, height)
    left, right, top, bottom = 24.0, float(width) - 6, 6.0, height - 28.0
    across = _span([x for p in points for x in ends(p.across)], found.across_cut)
    up = _span([x for p in points for x in ends(p.up)], found.up_cut)

    def x(value: float) -> float:
        return left + (value - across[0]) / (across[1] - across[0]) * (right - left)

    def y(value: float) -> float:
        return bottom - (value - up[0]) / (up[1] - up[0]) * (bottom - top)

    canvas.rect(left, top, right, bottom, fill=BACK, stroke=LINE)
    canvas.rule(x(found.across_cut), top, x(found.across_cut), bottom, color=NEUTRAL)
    canvas.rule(left, y(found.up_cut), right, y(found.up_cut), color=NEUTRAL)
    places = [(left + 6, top + 12, "left"), (right - 6, top + 12, "right"),
              (left + 6, bottom - 10, "left"), (right - 6, bottom - 10, "right")]  # fmt: skip
    for words, (at, height_at, align) in zip(found.corners, places, strict=True):
        canvas.text(at, height_at, words, size=12, weight=600, color=MUTED, align=align)
    color, shape = TAGS["figure"]
    for number, point in numbered:
        (a, a_low, a_high), (b, b_low, b_high) = ends(point.across), ends(point.up)
        canvas.rule(x(a_low), y(b), x(a_high), y(b), color=color, opacity=0.5)
        canvas.rule(x(a), y(b_low), x(a), y(b_high), color=color, opacity=0.5)
        canvas.dot(x(a), y(b), shape=shape, color=color, size=60)
        words = f"{number} {_short(point.label)}" if wide else str(number)
        aside = (-7, "right") if wide and x(a) > (left + right) / 2 else (7, "left")
        canvas.text(x(a) + aside[0], y(b) - 9, words, size=12, weight=600, align=aside[1])
    centred: dict[str, Any] = {"color": MUTED, "size": 12, "align": "center"}
    canvas.text((left + right) / 2, height - 10, f"{found.across} →", **centred)
    canvas.text(9, (top + bottom) / 2, f"{found.up} →", angle=270, **centred)
    said = "; ".join(
        f"{number}, {p.label}: {found.across.lower()} {value_and_range(p.across)[0]}, "
        f"{found.up.lower()} {value_and_range(p.up)[0]}"
        for number, p in numbered
    )
    return canvas.svg(name=name, title=found.caption, desc=said)


def _short(label: str) -> str:
    return textwrap.shorten(label, 28, placeholder=" …")


def drawable(cell: object) -> bool:
    """Whether a cell is an estimate with a finite interval."""
    return isinstance(cell, Estimate) and cell.available and all(map(math.isfinite, ends(cell)))


def _span(values: list[float], cut: float) -> tuple[float, float]:
    low, high = min(*values, cut), max(*values, cut)
    margin = 0.08 * max(high - low, 1e-6)
    return low - margin, high + margin
