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

Area = tuple[float, float, float, float]
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
    taken: list[Area] = []
    for number, point in numbered:
        (a, a_low, a_high), (b, b_low, b_high) = ends(point.across), ends(point.up)
        canvas.rule(x(a_low), y(b), x(a_high), y(b), color=color, opacity=0.5)
        canvas.rule(x(a), y(b_low), x(a), y(b_high), color=color, opacity=0.5)
        canvas.dot(x(a), y(b), shape=shape, color=color, size=60)
        words = f"{number} {_short(point.label)}" if wide else str(number)
        outwards = "right" if wide and x(a) > (left + right) / 2 else "left"
        at, height_at, align = _free(x(a), y(b), 7.2 * len(words), outwards, taken)
        canvas.text(at, height_at, words, size=12, weight=600, align=align)
    centred: dict[str, Any] = {"color": MUTED, "size": 12, "align": "center"}
    canvas.text((left + right) / 2, height - 10, f"{found.across} →", **centred)
    canvas.text(9, (top + bottom) / 2, f"{found.up} →", angle=270, **centred)
    said = "; ".join(
        f"{number}, {p.label}: {found.across.lower()} {value_and_range(p.across)[0]}, "
        f"{found.up.lower()} {value_and_range(p.up)[0]}"
        for number, p in numbered
    )
    return canvas.svg(name=name, title=found.caption, desc=said)


def _free(
    x: float, y: float, width: float, align: str, taken: list[Area]
) -> tuple[float, float, str]:
    """Where the name of a point stands so that it covers no other name; adds it to ``taken``.

    Above the point at the wanted side, else below it, then further off, and at the other side.
    """
    other = "left" if align == "right" else "right"
    places = [(way, off) for way in (align, other) for off in (-9.0, 13.0, -25.0, 29.0)]
    areas = []
    for way, off in places:
        start = x + 7 if way == "left" else x - 7 - width
        areas.append((start, y + off - 8, start + width, y + off + 8))
    covered = [sum(_common(area, one) for one in taken) for area in areas]
    best = covered.index(min(covered))
    taken.append(areas[best])
    way, off = places[best]
    return x + (7 if way == "left" else -7), y + off, way


def _common(one: Area, other: Area) -> float:
    """How much of two areas (left, top, right, bottom) is the same."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return max(across, 0.0) * max(down, 0.0)


def _short(label: str) -> str:
    return textwrap.shorten(label, 28, placeholder=" …")


def drawable(cell: object) -> bool:
    """Whether a cell is an estimate with a finite interval."""
    return isinstance(cell, Estimate) and cell.available and all(map(math.isfinite, ends(cell)))


def _span(values: list[float], cut: float) -> tuple[float, float]:
    low, high = min(*values, cut), max(*values, cut)
    margin = 0.08 * max(high - low, 1e-6)
    return low - margin, high + margin
