"""The charts of a report as SVG, each in a wide and a narrow drawing, with words for ears."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from analysis.rendering.canvas import (
    BACK,
    INK,
    LINE,
    MUTED,
    NEUTRAL,
    SUNKEN,
    SURFACE,
    TAGS,
    WARM,
    Canvas,
)
from analysis.rendering.figures import decimal, ends, money, percent, whole
from analysis.rendering.rows import NARROW, WIDE, Axis, Row, axis_of, draw_rows
from analysis.rendering.section_charts import draw_map, draw_table, drawable, section_charts
from analysis.value_report.types import (
    BestWorstScores,
    LevelWorth,
    NetPromoterScore,
    PointMap,
    QuadrantSummary,
    RatedProfiles,
    Table,
    Upgrade,
    ValueMap,
    ValueReport,
)

LEGEND = "pale bar: 95 in 100 likely, dark bar: 50 in 100"
SHORT_LEGEND = "pale: 95 in 100 likely · dark: 50 in 100"
MOST_DOTS = 400
Chart = Callable[[ValueReport, str, bool], str]


def draw(report: ValueReport) -> dict[str, str]:
    """All charts that the report has numbers for: 'NAME.wide' and 'NAME.narrow' to SVG.

    Names: upgrades, part_worths, importances, tag_values, nps, value_map; best_worst_EXERCISE and
    rated_EXERCISE; SECTION.TABLE and SECTION.MAP of the sections.
    """
    drawn: dict[str, str] = {}
    charts = dict(CHARTS)
    charts |= {f"best_worst_{s.exercise}": _best_worst(s) for s in report.best_worst}
    charts |= {f"rated_{r.exercise}": _rated(r) for r in report.rated_profiles}
    charts |= {name: _of_section(part) for name, part in section_charts(report)}
    for name, chart in charts.items():
        for wide in (True, False):
            key = f"{name}.{'wide' if wide else 'narrow'}"
            svg = chart(report, key, wide)
            if svg:
                drawn[key] = svg
    return drawn


def _rows_svg(
    rows: Sequence[Row], axis: Axis, *, name: str, wide: bool, title: str, note: str = ""
) -> str:
    legend = LEGEND if wide else SHORT_LEGEND
    said = "; ".join(f"{row.label}: {row.figure} ({row.span})" for row in rows)
    canvas = draw_rows(rows, axis, wide=wide, legend=legend)
    return canvas.svg(name=name, title=title, desc=f"{said}. {note}".strip())


def _upgrades(report: ValueReport, name: str, wide: bool) -> str:
    shown = [u for u in report.upgrades if drawable(u.estimate)]
    if not shown:
        return ""
    rows = [_upgrade_row(u) for u in sorted(shown, key=lambda u: -ends(u.estimate)[0])]
    unit = shown[0].estimate.unit

    def say(value: float) -> str:
        return "no extra" if value == 0 else money(value, unit, signed=True)

    title = "What customers would pay more for each change, with the likely range"
    note = f"The largest is {rows[0].label}, the smallest {rows[-1].label}."
    return _rows_svg(rows, axis_of(rows, say), name=name, wide=wide, title=title, note=note)


def _upgrade_row(upgrade: Upgrade) -> Row:
    value, low, high = ends(upgrade.estimate)
    unit = upgrade.estimate.unit
    span = f"{_bare(low, unit)} to {_bare(high, unit)}"
    return Row(
        label=upgrade.label,
        kind=upgrade.tag,
        estimate=upgrade.estimate,
        figure=money(value, unit),
        span=span,
        below=_below(upgrade),
    )


def _below(upgrade: Upgrade) -> str:
    """The kind of value, after the attribute where the label does not say it."""
    words = f"{upgrade.attribute_label} · {upgrade.tag}"
    return words if len(words) <= 30 else upgrade.tag


def _bare(value: float, unit: str) -> str:
    """An amount without its unit, as it stands after the figure: '19'."""
    return money(value, unit).strip("¢p").removesuffix(" ct").replace("$", "").replace("€", "")


def _part_worths(report: ValueReport, name: str, wide: bool) -> str:
    title = "Part-worths of the levels, zero being the average of each attribute"
    return _worths_svg(report.part_worths, title, name=name, wide=wide)


def _worths_svg(worths: Sequence[LevelWorth], title: str, *, name: str, wide: bool) -> str:
    rows = [
        Row(
            label=w.level_label,
            kind=w.tag,
            estimate=w.estimate,
            figure=decimal(ends(w.estimate)[0], 2, signed=True),
            span=f"{decimal(ends(w.estimate)[1], 2)} to {decimal(ends(w.estimate)[2], 2)}",
            group=f"{w.attribute_label} · {w.tag}",
        )
        for w in worths
        if w.level and drawable(w.estimate)
    ]
    if not rows:
        return ""
    axis = axis_of(rows, lambda v: decimal(v, 1, signed=True))
    return _rows_svg(rows, axis, name=name, wide=wide, title=title)


def _rated(rated: RatedProfiles) -> Chart:
    title = "What each level adds to the rating, zero being the average of each attribute"

    def chart(_report: ValueReport, name: str, wide: bool) -> str:
        return _worths_svg(rated.part_worths, title, name=name, wide=wide)

    return chart


def _best_worst(scores: BestWorstScores) -> Chart:
    rows = [
        Row(
            label=item.label,
            kind=item.tag,
            estimate=item.share,
            figure=decimal(ends(item.share)[0], 0),
            span=f"{decimal(ends(item.share)[1], 0)} to {decimal(ends(item.share)[2], 0)}",
            below=item.tag,
        )
        for item in scores.items
        if drawable(item.share)
    ]

    def chart(_report: ValueReport, name: str, wide: bool) -> str:
        if not rows:
            return ""
        axis = axis_of(rows, lambda v: decimal(v, 0))
        title = "Share of each item in 100, with the likely range"
        return _rows_svg(rows, axis, name=name, wide=wide, title=title)

    return chart


def _of_section(part: Table | PointMap) -> Chart:
    def chart(_report: ValueReport, name: str, wide: bool) -> str:
        if isinstance(part, Table):
            return draw_table(part, name=name, wide=wide)
        return draw_map(part, name=name, wide=wide)

    return chart


def _importances(report: ValueReport, name: str, wide: bool) -> str:
    shown = [i for i in report.importances if drawable(i.estimate)]
    if not shown:
        return ""
    rows = [
        Row(
            label=i.label,
            kind=i.tag,
            estimate=i.estimate,
            figure=percent(ends(i.estimate)[0]),
            span=f"{percent(ends(i.estimate)[1])[:-1]} to {percent(ends(i.estimate)[2])[:-1]}",
            below=i.tag,
            reference=i.null_reference,
        )
        for i in sorted(shown, key=lambda i: -ends(i.estimate)[0])
    ]
    title = "Importance of each attribute among the levels tested"
    note = "The dashed tick is what an attribute without any effect would score."
    axis = axis_of(rows, percent)
    return _rows_svg(rows, axis, name=name, wide=wide, title=title, note=note)


def _tag_values(report: ValueReport, name: str, wide: bool) -> str:
    shown = [t for t in report.tag_values if drawable(t.money)]
    if not shown:
        return ""
    rows = []
    for tag in shown:
        value, low, high = ends(tag.money)
        unit = tag.money.unit
        count = len(tag.upgrades)
        rows.append(
            Row(
                label=f"{tag.tag.capitalize()} value",
                kind=tag.tag,
                estimate=tag.money,
                figure=money(value, unit),
                span=f"{_bare(low, unit)} to {_bare(high, unit)}",
                below=f"{count} upgrade{'s' if count != 1 else ''} together",
            )
        )
    axis = axis_of(rows, lambda v: money(v, shown[0].money.unit))
    title = "Money value of all functional and of all emotional upgrades together"
    return _rows_svg(rows, axis, name=name, wide=wide, title=title)


def _nps(report: ValueReport, name: str, wide: bool) -> str:
    if report.nps is None or not drawable(report.nps.estimate):
        return ""
    nps = report.nps
    value, low, high = ends(nps.estimate)
    width = WIDE if wide else NARROW
    canvas = Canvas(width, 150)
    left, right = 14.0, width - 14.0

    def place(points: float) -> float:
        return left + (points + 100) / 200 * (right - left)

    for tick in (-100, -50, 0, 50, 100):
        style = {"color": INK, "strokeWidth": 1.5} if tick == 0 else {"color": LINE}
        canvas.rule(place(tick), 34, place(tick), 70, **style)
        align = {-100: "left", 100: "right"}.get(tick, "center")
        x = {-100: 0.0, 100: float(width)}.get(tick, place(tick))
        canvas.text(x, 84, whole(tick, signed=True), color=MUTED, size=12, align=align)
    color, shape = TAGS["purchases"]
    canvas.rect(
        place(low), 44, place(high), 60, fill=color, fillOpacity=0.16, stroke=color, cornerRadius=8
    )
    canvas.dot(place(value), 52, shape=shape, color=color, size=150)
    words = f"{whole(value, signed=True)}"
    canvas.text(place(value), 16, words, size=18, weight=600, align="center")
    _shares(canvas, nps, left, right)
    promoters, passives, detractors = (percent(share) for share in nps.parts)
    desc = (
        f"{whole(value, signed=True)}, very likely between {whole(low, signed=True)} and "
        f"{whole(high, signed=True)}; {promoters} promoters, {passives} passives and "
        f"{detractors} detractors of {nps.estimate.n} answers."
    )
    return canvas.svg(name=name, title="Net Promoter Score from −100 to +100", desc=desc)


def _shares(canvas: Canvas, nps: NetPromoterScore, left: float, right: float) -> None:
    """A strip of detractors, passives and promoters."""
    color = TAGS["purchases"][0]
    promoters, passives, detractors = nps.parts
    groups: list[tuple[str, float, dict[str, Any]]] = [
        ("detractors", detractors, {"fill": SURFACE, "stroke": NEUTRAL}),
        ("passives", passives, {"fill": SUNKEN, "stroke": NEUTRAL}),
        ("promoters", promoters, {"fill": color, "fillOpacity": 0.3, "stroke": color}),
    ]
    x = left
    for name, share, style in groups:
        x2 = x + share * (right - left)
        canvas.rect(x, 104, x2, 122, **style)
        label = f"{percent(share)} {name}"
        align = {"detractors": "left", "promoters": "right"}.get(name, "center")
        at = {"detractors": left, "promoters": right}.get(name, (x + x2) / 2)
        if name != "passives" or canvas.width == WIDE:
            canvas.text(at, 138, label, color=MUTED, size=12, align=align)
        x = x2


def _value_map(report: ValueReport, name: str, wide: bool) -> str:
    if report.value_map is None:
        return ""
    found = report.value_map
    canvas = _map_wide(found) if wide else _map_tiles(found)
    groups = "; ".join(
        f"{q.name}: {q.n}, of which {q.too_close} too close" for q in found.quadrants
    )
    title = f"{found.value_label} against {found.engagement_label.lower()}, {found.n} customers"
    desc = f"{groups}. Hollow dots are too close to a cut to call."
    return canvas.svg(name=name, title=title, desc=desc)


def _map_wide(found: ValueMap) -> Canvas:
    canvas = Canvas(WIDE, 400)
    left, right, top, bottom = 30.0, float(WIDE), 4.0, 366.0
    spans = _span([p.engagement for p in found.points], found.engagement_cut)
    x = _mapper(spans, left + 8, right - 8)
    tall = _span([p.value for p in found.points], found.value_cut)
    y = _mapper(tall, bottom - 44, top + 44)
    cut_x, cut_y = x(found.engagement_cut), y(found.value_cut)
    canvas.rect(left, top, right, bottom, fill=BACK)
    canvas.rect(left, top, cut_x, cut_y, fill=WARM)
    canvas.rule(cut_x, top, cut_x, bottom, color=NEUTRAL)
    canvas.rule(left, cut_y, right, cut_y, color=NEUTRAL)
    one_in = -(-len(found.points) // MOST_DOTS)
    for point in found.points[::one_in]:
        ink = INK if point.quadrant == "at_risk" else NEUTRAL
        place = (x(point.engagement), y(point.value))
        if point.too_close:
            canvas.dot(*place, shape="circle", color=ink, size=26, filled=False, strokeWidth=0.9)
        else:
            canvas.dot(*place, shape="circle", color=ink, size=34)
    corners = {
        "at_risk": (left + 8, top, "left"),
        "keep_close": (right - 8, top, "right"),
        "leave_alone": (left + 8, bottom - 38, "left"),
        "habit": (right - 8, bottom - 38, "right"),
    }
    for quadrant in found.quadrants:
        cx, cy, align = corners[quadrant.quadrant]
        heading = f"{quadrant.name} · {quadrant.n}, clearly {quadrant.n - quadrant.too_close}"
        canvas.text(cx, cy + 13, heading, weight=600, align=align)
        canvas.text(cx, cy + 30, _worth(quadrant), color=MUTED, size=12, align=align)
    canvas.text(10, (top + bottom) / 2, f"{found.value_label} → more", color=MUTED, size=12,
                angle=270, align="center")  # fmt: skip
    words = "← buys less than before · buys more than before →"
    words += f" · a dot for one in {one_in}" if one_in > 1 else ""
    canvas.text((left + right) / 2, 386, words, color=MUTED, size=12, align="center")
    return canvas


def _map_tiles(found: ValueMap) -> Canvas:
    """Four tiles for phones."""
    canvas = Canvas(NARROW, 250)
    places = {
        "at_risk": (0.0, 0.0),
        "keep_close": (168.0, 0.0),
        "leave_alone": (0.0, 112.0),
        "habit": (168.0, 112.0),
    }
    for name, (x, y) in places.items():
        fill = WARM if name == "at_risk" else BACK
        canvas.rect(x, y, x + 160, y + 104, fill=fill, stroke=LINE, cornerRadius=8)
    for quadrant in found.quadrants:
        x, y = places[quadrant.quadrant]
        canvas.text(x + 10, y + 18, quadrant.name, weight=600)
        canvas.text(x + 10, y + 44, whole(quadrant.n), size=22, weight=600)
        canvas.text(x + 10, y + 68, _worth(quadrant).split(" · ")[0], color=MUTED, size=12)
        canvas.text(x + 10, y + 86, f"{quadrant.too_close} too close to call", color=MUTED, size=12)
    words = "left: buys less · right: buys more · top: values more"
    canvas.text(0, 238, words, color=MUTED, size=12)
    return canvas


def _worth(quadrant: QuadrantSummary) -> str:
    if not quadrant.yearly_spend.available:
        return quadrant.action
    value = money(ends(quadrant.yearly_spend)[0], quadrant.yearly_spend.unit)
    return f"{value} a year each · {quadrant.action}"


def _span(values: Sequence[float], cut: float) -> tuple[float, float]:
    """A range with the cut in its middle; the outermost hundredths stand at its edges."""
    ordered = sorted(values)
    edge = len(ordered) // 100
    half = max(cut - ordered[edge], ordered[-1 - edge] - cut, 1e-6)
    return cut - half, cut + half


def _mapper(span: tuple[float, float], start: float, end: float) -> Callable[[float], float]:
    low, high = span

    def place(value: float) -> float:
        return start + (min(max(value, low), high) - low) / (high - low) * (end - start)

    return place


CHARTS: dict[str, Chart] = {
    "upgrades": _upgrades,
    "value_map": _value_map,
    "part_worths": _part_worths,
    "importances": _importances,
    "tag_values": _tag_values,
    "nps": _nps,
}
