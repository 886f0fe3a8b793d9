"""Native charts of slides: rows of estimates with their intervals, and maps of points."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from analysis.estimate import Estimate
from analysis.rendering.canvas import MUTED, TAGS
from analysis.rendering.figures import ends, value_and_range
from analysis.rendering.outline import KIND
from analysis.rendering.rows import Row, axis_of, ticks
from analysis.rendering.section_charts import drawable
from analysis.value_report.types import PointMap, Table

MARKERS = {"square": "SQUARE", "circle": "CIRCLE", "triangle-up": "TRIANGLE", "diamond": "DIAMOND"}
FORMATS = {"share": "0%", "USD": "$0.00", "EUR": "€0.00", "GBP": "£0.00"}
GAP, FIGURE = "not drawn", "figure"
MARK = 0.008
"""Width of the mark at a figure, as a share of the axis."""
Box = tuple[float, float, float, float]

_CAPSULE = """
<c:errBars xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"
           xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">
  <c:errDir val="{direction}"/><c:errBarType val="both"/><c:errValType val="cust"/>
  <c:noEndCap val="1"/>
  <c:plus><c:numLit><c:formatCode>General</c:formatCode>{plus}</c:numLit></c:plus>
  <c:minus><c:numLit><c:formatCode>General</c:formatCode>{minus}</c:numLit></c:minus>
  <c:spPr><a:ln w="{width}" cap="rnd"><a:solidFill><a:srgbClr val="{color}"><a:alpha
    val="45000"/></a:srgbClr></a:solidFill><a:round/></a:ln></c:spPr>
</c:errBars>
"""


def add_rows(slide: Any, table: Table, box: Box) -> Any:
    """The drawn column of a table, a row an estimate; returns the frame.

    A row is a capsule from the low to the high end with a mark at the figure, made of stacked bars
    whose first part is not drawn: dots with horizontal error bars are lost in some programs, and
    bars from zero with whiskers are misread (Correll & Gleicher 2014).
    """
    from pptx.chart.data import CategoryChartData

    at = table.chart or len(table.columns) - 1
    made = [
        Row(str(row[0]), kind, cell, *value_and_range(cell))
        for row, kind in zip(table.rows, _kinds(table), strict=True)
        if isinstance(cell := row[at], Estimate) and drawable(cell)
    ]
    axis = axis_of(made, lambda value: f"{value:g}")
    first, last = axis.ticks[0], axis.ticks[-1]
    data = CategoryChartData()
    data.categories = [_label(row) for row in made]
    pieces = stacked([ends(row.estimate) for row in made], (last - first) * MARK)
    for name, lengths in pieces.items():
        data.add_series(name, lengths)
    frame, chart = _chart(slide, data, box, "BAR_STACKED")
    chart.plots[0].gap_width, chart.plots[0].overlap = 90, 100
    for series in chart.plots[0].series:
        _fill(series, [TAGS[row.kind][0] for row in made])
    _axis(chart.value_axis, first, last, axis.ticks[1] - first)
    numbers = chart.value_axis.tick_labels
    numbers.number_format = FORMATS.get(made[0].estimate.unit, "General")
    numbers.number_format_is_linked = False
    _names(chart.category_axis)
    return frame


def _label(row: Row) -> str:
    said = row.kind == "figure" or row.kind in row.label.lower()
    kind = "" if said else f" ({row.kind})"
    return f"{row.label}{kind}\n{row.figure} ({row.span})"


def stacked(spans: Sequence[tuple[float, float, float]], mark: float) -> dict[str, list[float]]:
    """Lengths of stacked bars that draw [low, high] with a mark of a width at the value.

    Bars above zero are stacked upwards from zero, those below downwards, so that each side has
    its own gap and its own three parts; sides that nothing reaches are left out.
    """
    found: dict[str, list[float]] = {}
    for side, sign in (("", 1.0), (" under zero", -1.0)):
        rows = []
        for value, low, high in spans:
            left, right = value - mark / 2, value + mark / 2
            cuts = [min(low, left), left, right, max(high, right)]
            away = [max(sign * cut, 0.0) for cut in cuts[:: int(sign)]]
            rows.append([away[0], *(b - a for a, b in pairwise(away))])
        if any(any(row) for row in rows):
            parts = (GAP, "range to the figure", FIGURE, "range from the figure")
            for name, lengths in zip(parts, zip(*rows, strict=True), strict=True):
                found[name + side] = [sign * length for length in lengths]
    return found


def _fill(series: Any, colors: Sequence[str]) -> None:
    """A part of the bars in the colour of each row: nothing, the range, or the mark."""
    from pptx.dml.color import RGBColor

    if series.name.startswith(GAP):
        series.format.fill.background()
        return
    for n, color in enumerate(colors):
        fill = series.points[n].format.fill
        fill.solid()
        strong = series.name.startswith(FIGURE)
        fill.fore_color.rgb = RGBColor.from_string((color if strong else _pale(color)).lstrip("#"))


def _pale(color: str) -> str:
    """A colour mixed with white, three parts in five."""
    parts = [int(color[n : n + 2], 16) for n in (1, 3, 5)]
    return "#" + "".join(f"{round(0.4 * part + 0.6 * 255):02X}" for part in parts)


def _names(axis: Any) -> None:
    """The rows from top to bottom, under the scale; their names left of everything."""
    from pptx.dml.color import RGBColor
    from pptx.enum.chart import XL_TICK_LABEL_POSITION, XL_TICK_MARK

    axis.reverse_order = True
    axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    axis.major_tick_mark = XL_TICK_MARK.NONE
    axis.format.line.color.rgb = RGBColor.from_string(MUTED.lstrip("#"))


def add_points(slide: Any, found: PointMap, box: Box) -> Any:
    """A map of named points with their intervals on both scales; returns the frame."""
    from pptx.chart.data import XyChartData
    from pptx.util import Pt

    points = [p for p in found.points if drawable(p.across) and drawable(p.up)]
    data = XyChartData()
    series = data.add_series(found.caption)
    for point in points:
        series.add_data_point(ends(point.across)[0], ends(point.up)[0])
    frame, chart = _chart(slide, data, box, "XY_SCATTER")
    plotted = chart.plots[0].series[0]
    _dots(plotted, "figure")
    color = TAGS["figure"][0]
    _capsules(plotted, "x", [ends(p.across) for p in points], color, width=25400)
    _capsules(plotted, "y", [ends(p.up) for p in points], color, width=25400)
    _labels(plotted, [p.label for p in points])
    scales = (
        (chart.category_axis, found.across, found.across_cut, [p.across for p in points]),
        (chart.value_axis, found.up, found.up_cut, [p.up for p in points]),
    )
    for axis, words, cut, estimates in scales:
        _cross(axis, cut, [x for e in estimates for x in ends(e)])
        axis.axis_title.text_frame.text = words
        axis.axis_title.text_frame.paragraphs[0].runs[0].font.size = Pt(13)
        axis.tick_labels.number_format = FORMATS.get(estimates[0].unit, "General")
        axis.tick_labels.number_format_is_linked = False
    return frame


def _cross(axis: Any, cut: float, values: Sequence[float]) -> None:
    """A scale that holds all intervals; the other one crosses it at the cut."""
    from pptx.enum.chart import XL_TICK_LABEL_POSITION

    found = ticks(min(*values, cut), max(*values, cut))
    _axis(axis, found[0], found[-1], found[1] - found[0])
    axis.has_major_gridlines, axis.has_title = False, True
    axis.crosses_at = cut
    axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW


def _kinds(table: Table) -> list[str]:
    if KIND not in table.columns:
        return ["figure"] * len(table.rows)
    at = table.columns.index(KIND)
    return [str(row[at]) if row[at] in TAGS else "figure" for row in table.rows]


def _chart(slide: Any, data: Any, box: Box, kind: str) -> tuple[Any, Any]:
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches, Pt

    frame = slide.shapes.add_chart(XL_CHART_TYPE[kind], *map(Inches, box), data)
    chart = frame.chart
    chart.has_legend, chart.has_title = False, False
    chart.font.size = Pt(13)
    return frame, chart


def _axis(axis: Any, low: float, high: float, step: float) -> None:
    from pptx.dml.color import RGBColor

    axis.minimum_scale, axis.maximum_scale, axis.major_unit = low, high, step
    axis.has_major_gridlines = True
    axis.major_gridlines.format.line.color.rgb = RGBColor.from_string("D5DBE3")
    axis.format.line.color.rgb = RGBColor.from_string(MUTED.lstrip("#"))


def _dots(series: Any, kind: str) -> None:
    from pptx.dml.color import RGBColor
    from pptx.enum.chart import XL_MARKER_STYLE

    color, shape = TAGS[kind]
    series.format.line.fill.background()
    series.marker.style = XL_MARKER_STYLE[MARKERS[shape]]
    series.marker.size = 11
    series.marker.format.fill.solid()
    series.marker.format.fill.fore_color.rgb = RGBColor.from_string(color.lstrip("#"))


def _labels(series: Any, words: Sequence[str]) -> None:
    """A label at every point."""
    from pptx.enum.chart import XL_LABEL_POSITION
    from pptx.util import Pt

    for n, text in enumerate(words):
        label = series.points[n].data_label
        label.text_frame.text = text
        label.text_frame.paragraphs[0].runs[0].font.size = Pt(13)
        label.position = XL_LABEL_POSITION.RIGHT


def _capsules(
    series: Any,
    direction: str,
    spans: Sequence[tuple[float, float, float]],
    color: str,
    *,
    width: int,
) -> None:
    """Error bars from the ends of intervals, before the values as the format wants it."""
    from lxml import etree

    plus = _numbers([high - value for value, _, high in spans])
    minus = _numbers([value - low for value, low, _ in spans])
    text = _CAPSULE.format(direction=direction, plus=plus, minus=minus, width=width,
                           color=color.lstrip("#"))  # fmt: skip
    element = etree.fromstring(text)
    values = series._element.find("{*}xVal")
    values.addprevious(element)


def _numbers(values: Sequence[float]) -> str:
    points = "".join(
        f'<c:pt idx="{n}"><c:v>{max(value, 0.0)!r}</c:v></c:pt>' for n, value in enumerate(values)
    )
    return f'<c:ptCount val="{len(values)}"/>{points}'
