"""Native charts of slides: dots whose error bars are the intervals, and maps of points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analysis.estimate import Estimate
from analysis.rendering.canvas import MUTED, TAGS
from analysis.rendering.figures import ends, value_and_range
from analysis.rendering.outline import KIND
from analysis.rendering.rows import Row, axis_of
from analysis.rendering.section_charts import drawable
from analysis.value_report.types import PointMap, Table

MARKERS = {"square": "SQUARE", "circle": "CIRCLE", "triangle-up": "TRIANGLE", "diamond": "DIAMOND"}
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


def add_dots(slide: Any, table: Table, box: Box) -> Any:
    """The drawn column of a table: a dot a row with its interval as a bar; returns the frame."""
    from pptx.chart.data import XyChartData

    at = table.chart or len(table.columns) - 1
    kinds = _kinds(table)
    rows = [(row, cell, kind) for row, kind in zip(table.rows, kinds, strict=True)
            if isinstance(cell := row[at], Estimate) and drawable(cell)]  # fmt: skip
    made = [Row(str(row[0]), kind, cell, *value_and_range(cell)) for row, cell, kind in rows]
    axis = axis_of(made, lambda value: f"{value:g}")
    places = [float(len(made) - n) for n in range(len(made))]
    data = XyChartData()
    for kind in dict.fromkeys(kinds):
        series = data.add_series("Value" if kind == "figure" else kind)
        for row, place in zip(made, places, strict=True):
            if row.kind == kind:
                series.add_data_point(ends(row.estimate)[0], place)
    names = data.add_series("Labels")
    for place in places:
        names.add_data_point(axis.ticks[0], place + 0.34)
    frame, chart = _chart(slide, data, box)
    for series, kind in zip(chart.plots[0].series, dict.fromkeys(kinds), strict=False):
        shown = [row.estimate for row in made if row.kind == kind]
        _dots(series, kind)
        _capsules(series, "x", [ends(e) for e in shown], TAGS[kind][0])
    _labels(chart.plots[0].series[-1], [f"{r.label}:  {r.figure}  ({r.span})" for r in made])
    unit = made[0].estimate.unit
    formats = {"share": "0%", "USD": "$0.00", "EUR": "€0.00", "GBP": "£0.00"}
    _axis(chart.category_axis, axis.ticks[0], axis.ticks[-1], axis.ticks[1] - axis.ticks[0])
    chart.category_axis.tick_labels.number_format = formats.get(unit, "General")
    chart.category_axis.tick_labels.number_format_is_linked = False
    _axis(chart.value_axis, 0.4, len(made) + 0.9, 1)
    chart.value_axis.visible = False
    return frame


def add_points(slide: Any, found: PointMap, box: Box) -> Any:
    """A map of named points with their intervals on both scales; returns the frame."""
    from pptx.chart.data import XyChartData

    points = [p for p in found.points if drawable(p.across) and drawable(p.up)]
    data = XyChartData()
    series = data.add_series(found.caption)
    for point in points:
        series.add_data_point(ends(point.across)[0], ends(point.up)[0])
    frame, chart = _chart(slide, data, box)
    plotted = chart.plots[0].series[0]
    _dots(plotted, "figure")
    color = TAGS["figure"][0]
    _capsules(plotted, "x", [ends(p.across) for p in points], color, width=25400)
    _capsules(plotted, "y", [ends(p.up) for p in points], color, width=25400)
    _labels(plotted, [p.label for p in points])
    for axis, words in ((chart.category_axis, found.across), (chart.value_axis, found.up)):
        axis.has_title = True
        axis.axis_title.text_frame.text = words
        axis.has_major_gridlines = False
    return frame


def _kinds(table: Table) -> list[str]:
    if KIND not in table.columns:
        return ["figure"] * len(table.rows)
    at = table.columns.index(KIND)
    return [str(row[at]) if row[at] in TAGS else "figure" for row in table.rows]


def _chart(slide: Any, data: Any, box: Box) -> tuple[Any, Any]:
    from pptx.enum.chart import XL_CHART_TYPE
    from pptx.util import Inches, Pt

    frame = slide.shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, *map(Inches, box), data)
    chart = frame.chart
    chart.has_legend, chart.has_title = False, False
    chart.font.size = Pt(12)
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
    """A label at every point; a series of labels alone has no marks."""
    from pptx.enum.chart import XL_LABEL_POSITION, XL_MARKER_STYLE
    from pptx.util import Pt

    if series.name == "Labels":
        series.format.line.fill.background()
        series.marker.style = XL_MARKER_STYLE.NONE
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
    width: int = 139700,
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
