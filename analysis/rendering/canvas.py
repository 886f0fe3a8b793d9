"""A canvas in pixels: marks are collected, then drawn by Vega-Lite as SVG with a text beside it.

The description for Vega-Lite is written here, plainly: it is small and always the same. To have
Altair put it together and check it took five times as long as the drawing; the tests do.

The SVG has no style attributes and no style elements, so that it may stand in a page under a
strict content security policy. Colours are those of the light tokens; ``report.css`` turns them
into tokens by attribute selectors, which is how the dark colours come in.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from html import escape
from typing import Any

INK, MUTED, LINE, SURFACE, SUNKEN = "#18212F", "#4D5A6C", "#D5DBE3", "#FFFFFF", "#EBEEF2"
NEUTRAL, WARM, BACK = "#6B7585", "#FFF5E3", "#F5F6F8"
TAGS = {
    "functional": ("#1E4DA8", "square"),
    "emotional": ("#C6481B", "circle"),
    "price": ("#4A2536", "triangle-up"),
    "purchases": ("#189C8E", "diamond"),
    "figure": ("#189C8E", "circle"),
}
"""Colour and shape of each kind of value: never colour alone."""

_UNWANTED = re.compile(r' (?:role|aria-[a-z]+|class|font-family|xmlns:xlink|version)="[^"]*"')
_EMPTY = re.compile(r'<path d="[^"]*" display="none"/>|<path d="M0,0h[\d.]+v[\d.]+h-[\d.]+Z"/>')

Style = tuple[str, str]
"""Kind of mark, and its options as JSON."""


class Canvas:
    """Marks in pixels, gathered by style in the order in which styles are first used."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._marks: dict[Style, list[dict[str, Any]]] = defaultdict(list)

    def text(
        self, x: float, y: float, text: str, *, size: int = 13, weight: int = 400, **more: Any
    ) -> None:
        """A line of text with its middle at y; color, align, limit (width) and angle in more."""
        options = {"color": INK, "align": "left", "baseline": "middle", **more}
        style = {**options, "fontSize": size, "fontWeight": weight}
        self._add("text", style, {"x": x, "y": y, "t": text})

    def rect(self, x: float, y: float, x2: float, y2: float, **style: Any) -> None:
        """A rectangle between two corners."""
        options = {"strokeWidth": 1, **style}
        self._add("rect", options, {"x": x, "x2": x2, "y": y, "y2": y2})

    def rule(self, x: float, y: float, x2: float, y2: float, **style: Any) -> None:
        """A straight line."""
        self._add("rule", {"strokeWidth": 1, **style}, {"x": x, "x2": x2, "y": y, "y2": y2})

    def line(self, points: Sequence[tuple[float, float]], **style: Any) -> None:
        """A line through points; lines of the same style are told apart."""
        options = {"strokeWidth": 1, **style}
        key = ("line", json.dumps(options, sort_keys=True))
        number = len({mark["g"] for mark in self._marks[key]})
        for n, (x, y) in enumerate(points):
            self._add("line", options, {"x": x, "y": y, "g": number, "n": n})

    def dot(self, x: float, y: float, *, shape: str, color: str, **style: Any) -> None:
        """A mark of a shape, filled with a colour, or hollow with ``filled=False``."""
        options = {"shape": shape, "filled": True, "size": 90, "opacity": 1, "color": color}
        self._add("point", {**options, **style}, {"x": x, "y": y})

    def _add(self, mark: str, style: dict[str, Any], datum: dict[str, Any]) -> None:
        self._marks[mark, json.dumps(style, sort_keys=True)].append(datum)

    def svg(self, *, name: str, title: str, desc: str) -> str:
        """The drawing with its text alternatives; ``name`` makes their ids unique on a page."""
        import vl_convert

        drawn = vl_convert.vegalite_to_svg(self.spec())
        inside = drawn[drawn.index(">") + 1 : drawn.rindex("</svg>")]
        inside = _EMPTY.sub("", _UNWANTED.sub("", inside))
        key = name.replace(".", "-")
        kind = name.rsplit(".", 1)[-1]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart chart-{kind}" role="img" '
            f'aria-labelledby="{key}-title {key}-desc" width="{self.width}" '
            f'height="{self.height}" viewBox="0 0 {self.width} {self.height}">'
            f'<title id="{key}-title">{escape(title)}</title>'
            f'<desc id="{key}-desc">{escape(desc)}</desc>{inside}</svg>'
        )

    def spec(self) -> dict[str, Any]:
        """The drawing as a chart of Vega-Lite."""
        return {
            "width": self.width,
            "height": self.height,
            "padding": 0,
            "autosize": "none",
            "config": {"background": "transparent", "aria": False, "view": {"stroke": None}},
            "layer": [self._layer(*style, data) for style, data in self._marks.items()],
        }

    def _layer(self, mark: str, style: str, data: list[dict[str, Any]]) -> dict[str, Any]:
        encoding: dict[str, Any] = {
            "x": _place("x", [0, self.width]),
            "y": _place("y", [self.height, 0]),
        }
        if "x2" in data[0]:
            encoding |= {"x2": {"field": "x2"}, "y2": {"field": "y2"}}
        if "g" in data[0]:
            encoding["detail"] = {"field": "g", "type": "nominal"}
            encoding["order"] = {"field": "n", "type": "quantitative"}
        if "t" in data[0]:
            encoding["text"] = {"field": "t", "type": "nominal"}
        return {
            "data": {"values": data},
            "mark": {"type": mark, **json.loads(style)},
            "encoding": encoding,
        }


def _place(field: str, domain: list[int]) -> dict[str, Any]:
    scale = {"domain": domain, "nice": False, "zero": False}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": None}
