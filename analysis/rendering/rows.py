"""Rows of dots with capsules: the drawing of nearly every estimate in the report."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.estimate import Estimate
from analysis.rendering.canvas import INK, LINE, MUTED, NEUTRAL, TAGS, Canvas
from analysis.rendering.figures import ends

WIDE, NARROW = 540, 328
NARROW_LABEL, WIDE_LABEL = 28, 44
"""Most characters of a label on a phone: beside its figure, and on a line of its own."""
Say = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: label, what kind of value, the estimate and how it is printed."""

    label: str
    kind: str
    estimate: Estimate
    figure: str
    span: str
    below: str = ""
    """A second line under the label."""
    group: str = ""
    """Rows of one group stand under a heading."""
    reference: float | None = None
    """Where a tick of comparison stands."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The scale of the rows: ticks with their words, and where the zero line stands."""

    ticks: tuple[float, ...]
    say: Say
    zero: float | None = 0.0


def ticks(low: float, high: float, *, count: int = 4) -> tuple[float, ...]:
    """Round numbers that cover a range."""
    raw = max(high - low, 1e-9) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    return tuple(round(n * step, 10) for n in range(first, last + 1))


def axis_of(rows: Sequence[Row], say: Say, *, zero: float | None = 0.0) -> Axis:
    """An axis that holds all intervals, and zero."""
    found = [x for row in rows for x in ends(row.estimate)[1:] if abs(x) != float("inf")]
    if zero is not None:
        found.append(zero)
    return Axis(ticks(min(found), max(found)), say, zero)


def draw_rows(rows: Sequence[Row], axis: Axis, *, wide: bool, legend: str = "") -> Canvas:
    """Draw rows: label, dot with 50 and 95 % capsule, figure and range at the end."""
    return _wide(rows, axis, legend) if wide else _narrow(rows, axis, legend)


def _wide(rows: Sequence[Row], axis: Axis, legend: str) -> Canvas:
    height, top, ends_at = 52, 34, WIDE - _span_width(rows)
    canvas = Canvas(WIDE, top + height * len(rows) + 30 * _groups(rows) + (26 if legend else 4))
    place = _scale(axis, 206, ends_at - 58)
    _grid(canvas, axis, place, top - 8, canvas.height - (28 if legend else 4))
    y, group = float(top), ""
    for row in rows:
        if row.group != group:
            group = row.group
            canvas.text(0, y + 16, group, weight=600, color=MUTED, size=12)
            y += 30
        middle = y + height / 2 - 2
        lines = _lines(row.label, 25)
        first = middle - 8 * (len(lines) - (0 if row.below else 1))
        for n, line in enumerate(lines):
            canvas.text(0, first + 16 * n, line, weight=600)
        if row.below:
            canvas.text(0, first + 16 * len(lines), row.below, color=MUTED, size=12)
        _capsule(canvas, row, place, middle)
        canvas.text(ends_at - 8, middle, row.figure, weight=600, size=15, align="right")
        canvas.text(WIDE, middle, row.span, color=MUTED, size=12, align="right")
        y += height
    if legend:
        _legend(canvas, legend, rows)
    return canvas


def _narrow(rows: Sequence[Row], axis: Axis, legend: str) -> Canvas:
    top, ends_at = 30, NARROW - _span_width(rows)
    below = 0 if all(_fits(row, ends_at) for row in rows) else 16
    height = 56 + below
    canvas = Canvas(NARROW, top + height * len(rows) + 28 * _groups(rows) + (40 if legend else 2))
    place = _scale(axis, 14, NARROW - 14)
    for tick in axis.ticks:
        at = {axis.ticks[0]: ("left", 0), axis.ticks[-1]: ("right", NARROW)}
        align, x = at.get(tick, ("center", place(tick)))
        canvas.text(x, 10, axis.say(tick), color=MUTED, size=12, align=align)
    y, group = float(top), ""
    for row in rows:
        if row.group != group:
            group = row.group
            canvas.text(0, y + 14, group, weight=600, color=MUTED, size=12)
            y += 28
        most = NARROW_LABEL if below == 0 else WIDE_LABEL
        canvas.text(0, y + 6, _lines(row.label, most, most=1)[0], weight=600, size=12)
        canvas.text(ends_at - 6, y + 6 + below, row.figure, weight=600, align="right")
        canvas.text(NARROW, y + 6 + below, row.span, color=MUTED, size=12, align="right")
        _grid(canvas, axis, place, y + 18 + below, y + 40 + below, words=False)
        _capsule(canvas, row, place, y + 29 + below)
        y += height
    if legend:
        _legend(canvas, legend, rows)
    return canvas


def _fits(row: Row, ends_at: float) -> bool:
    """Whether the label of a narrow row leaves room for the figure beside it."""
    label = _lines(row.label, NARROW_LABEL, most=1)[0]
    return label == row.label and 7.2 * len(label) + 8.5 * len(row.figure) <= ends_at - 10


def _groups(rows: Sequence[Row]) -> int:
    return len(dict.fromkeys(row.group for row in rows if row.group))


def _span_width(rows: Sequence[Row]) -> float:
    """Room for the widest range, at about 6.8 pixels a character of 12; a percent sign is wider."""
    return max(6.8 * len(row.span) + 5 * row.span.count("%") for row in rows)


def _lines(text: str, width: int, *, most: int = 2) -> list[str]:
    """A label in lines of at most so many characters."""
    return textwrap.wrap(text, width, max_lines=most, placeholder=" …") or [""]


def _scale(axis: Axis, left: float, right: float) -> Callable[[float], float]:
    low, high = axis.ticks[0], axis.ticks[-1]

    def place(value: float) -> float:
        return left + (min(max(value, low), high) - low) / (high - low) * (right - left)

    return place


def _grid(
    canvas: Canvas,
    axis: Axis,
    place: Callable[[float], float],
    top: float,
    bottom: float,
    *,
    words: bool = True,
) -> None:
    for tick in axis.ticks:
        zero = axis.zero is not None and tick == axis.zero
        style = {"color": INK, "strokeWidth": 1.5} if zero else {"color": LINE}
        canvas.rule(place(tick), top, place(tick), bottom, **style)
        if words:
            canvas.text(place(tick), 10, axis.say(tick), color=MUTED, size=12, align="center")


def _capsule(canvas: Canvas, row: Row, place: Callable[[float], float], y: float) -> None:
    color, shape = TAGS[row.kind]
    value, low, high = ends(row.estimate)
    if row.reference is not None:
        x = place(row.reference)
        canvas.rule(x, y - 11, x, y + 11, color=NEUTRAL, strokeWidth=2, strokeDash=[2, 2])
    canvas.rect(
        place(low), y - 6, place(high), y + 6,
        fill=color, fillOpacity=0.16, stroke=color, cornerRadius=6,
    )  # fmt: skip
    if row.estimate.low_50 is not None and row.estimate.high_50 is not None:
        canvas.rect(
            place(row.estimate.low_50), y - 4, place(row.estimate.high_50), y + 4,
            fill=color, fillOpacity=0.5,
        )  # fmt: skip
    canvas.dot(place(value), y, shape=shape, color=color, size=100)


def _legend(canvas: Canvas, words: str, rows: Sequence[Row]) -> None:
    y = canvas.height - (8 if canvas.width == WIDE else 26)
    x = 4.0
    for kind in dict.fromkeys(row.kind for row in rows):
        color, shape = TAGS[kind]
        canvas.dot(x + 2, y, shape=shape, color=color, size=70)
        canvas.text(x + 12, y, kind, color=MUTED, size=12)
        x += 24 + 6.6 * len(kind)
    if canvas.width == WIDE:
        canvas.text(x + 4, y, words, color=MUTED, size=12)
    else:
        canvas.text(0, y + 18, words, color=MUTED, size=12)
