"""The report as a tagged PDF (PDF/UA-1) on A4, typeset by Typst from plain data.

The text of the report reaches the typesetter as JSON and is set as text: nothing in it is markup.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from html import unescape
from pathlib import Path
from typing import Any

from analysis.estimate import Estimate
from analysis.rendering import notes
from analysis.rendering.figures import value_and_range, whole
from analysis.rendering.outline import drawing_of, outline
from analysis.value_report.types import Cell, Section, Table, ValueReport

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
FONTS = ("Inter", "Arial", "Liberation Sans", "DejaVu Sans")
"""The first one that is there is used; the last one comes with the charts' library."""
MOST = 48
"""Letters beyond which a column of a table does not ask for more width."""
_NO_TEXT = re.compile(r"[^\x09\x0a\x0d\x20-\U0010ffff]")


def report_pdf(
    report: ValueReport,
    charts: Mapping[str, str],
    *,
    customers: bool = False,
    stale: Sequence[str] = (),
) -> bytes:
    """The report as PDF; typesetting fails rather than leave out a text alternative.

    Parameters
    ----------
    charts
        What ``draw`` made; the wide drawings are set as vectors.
    customers
        Whether the lists of single customers are in it.
    stale
        What has become outdated, in sentences.
    """
    import typst

    content = json.dumps(_content(report, charts, customers, stale))
    made: bytes = typst.compile(
        TEMPLATE,
        font_paths=_own_fonts(),
        format="pdf",
        sys_inputs={"report": _NO_TEXT.sub("", content)},
        pdf_standards=["ua-1"],
    )
    return made


def _own_fonts() -> list[Path]:
    """The fonts that matplotlib brings along, so that a machine without any has one."""
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        return []
    return [Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"]


def _content(
    report: ValueReport, charts: Mapping[str, str], customers: bool, stale: Sequence[str]
) -> dict[str, Any]:
    head = report.header
    keys = notes.key_figures(report)
    known = {method.id: method for method in report.methods}
    return {
        "fonts": list(FONTS),
        "title": head.title,
        "waves": " · ".join(head.waves),
        "who": _who(report),
        "subset": "; ".join(head.subset),
        "simulated": head.simulated,
        "stale": list(stale),
        "not_final": list(report.estimation.reasons) if report.estimation else [],
        "headline": report.headlines[0].text if report.headlines else head.title,
        "figures": [
            {
                "figure": f.figure,
                "label": f.label,
                "meaning": f.meaning,
                "made": f"{known[f.method].title if f.method in known else f.method}; "
                f"{notes.text_of(f.estimate)}; {f.estimate.method}",
            }
            for f in report.key_figures
        ],
        "acts": [{"title": act.title, "evidence": act.evidence} for act in report.actions],
        "first": [_drawn("upgrades", charts), _drawn("value_map", charts)],
        "sections": [_section(report, s, charts) for s in outline(report, customers=customers)],
        "made": notes.made(report, keys),
        "methods": [
            {"title": m.title, "text": m.text, "source": f"{m.source} · {m.page}".strip(" ·")}
            for m in report.methods
        ],
        "warnings": [words for _, words in notes.warnings(report)],
        "about": notes.about(report, stale),
    }  # fmt: skip


def _who(report: ValueReport) -> str:
    head = report.header
    linked = f", {head.n_linked:,} joined to purchases of {head.n_customers:,} buyers"
    joined = linked if head.n_linked else ""
    return f"{head.n_completed:,} answers{joined} · study version {head.version}"


def _section(report: ValueReport, section: Section, charts: Mapping[str, str]) -> dict[str, Any]:
    drawings = [_drawn(drawing_of(section, table), charts) for table in section.tables]
    drawings += [_drawn(f"{section.id}.{found.id}", charts) for found in section.maps]
    tables = [_table(table) for table in section.tables]
    tables += [
        {
            "caption": found.caption,
            "columns": ["Name", found.across, found.up],
            "rows": [[p.label, _cell(p.across), _cell(p.up)] for p in found.points],
            "note": found.note,
        }
        for found in section.maps
    ]
    return {
        "title": section.title,
        "text": list(section.text),
        "caution": section.caution,
        "drawings": [one for one in drawings if one],
        "tables": tables,
        "made": notes.made(report, section),
    }


def _table(table: Table) -> dict[str, Any]:
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    return {
        "caption": table.caption,
        "columns": list(table.columns),
        "rows": rows,
        "numbers": notes.of_numbers(table) or [False] * len(table.columns),
        "widths": [_width([head, *column]) for head, column in
                   zip(table.columns, zip(*rows, strict=True), strict=False)] or None,
        "note": table.note,
    }  # fmt: skip


def _width(column: Sequence[str | dict[str, str]]) -> int:
    """Share of the page that a column asks for: its longest word, and text up to MOST letters."""
    lines = [
        line for cell in column for line in ((cell,) if isinstance(cell, str) else cell.values())
    ]
    word = max((len(word) for line in lines for word in line.split()), default=1)
    return max(word + 10, min(max(map(len, lines)), MOST))


def _cell(cell: Cell) -> str | dict[str, str]:
    """A cell as text; a figure stands over its range and its n."""
    if not isinstance(cell, Estimate) or not cell.available:
        return notes.text_of(cell)
    value, span = value_and_range(cell)
    return {"value": value, "span": f"{span}, n {whole(cell.n)}"}


def _drawn(name: str, charts: Mapping[str, str]) -> dict[str, str] | None:
    """A drawing with its words; None when there is none."""
    svg = charts.get(f"{name}.wide")
    if svg is None:
        return None
    words = re.findall(r"<(?:title|desc)[^>]*>(.*?)</(?:title|desc)>", svg, re.DOTALL)
    said = unescape(". ".join(words))
    fonts = ", ".join(f"'{font}'" for font in FONTS)
    return {"svg": svg.replace("<svg ", f'<svg font-family="{fonts}" ', 1), "alt": said}
