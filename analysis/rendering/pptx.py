"""The report as slides: one message a slide, native charts and tables, method in the notes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

from analysis.rendering import notes
from analysis.rendering.canvas import INK, MUTED
from analysis.rendering.outline import outline
from analysis.rendering.section_charts import drawable
from analysis.rendering.slide_charts import add_dots, add_points
from analysis.value_report.types import PointMap, Section, Table, ValueReport

WIDTH, HEIGHT = 13.333, 7.5
"""Inches: 16 to 9."""
MARGIN = 0.6
MOST_DOTS, MOST_ROWS, MOST_COLUMNS = 7, 9, 6
TITLE_ONLY = 5
"""The layout of python-pptx's own template with a title and nothing else."""


def report_pptx(report: ValueReport, *, stale: Sequence[str] = ()) -> bytes:
    """The presentation; lists of single customers and folded sections are not in it.

    ``stale``: what has become outdated, which the first slide says.
    """
    from pptx import Presentation
    from pptx.util import Inches

    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(WIDTH), Inches(HEIGHT)
    deck.core_properties.title = f"{report.header.title}: value report"
    deck.core_properties.language = "en"
    slides = _Slides(deck, report)
    slides.first(stale)
    for section in outline(report):
        if not section.folded:
            parts: list[Table | PointMap] = [*section.maps, *section.tables]
            for part in parts:
                slides.part(section, part)
    slides.acts()
    target = io.BytesIO()
    deck.save(target)
    return target.getvalue()


class _Slides:
    """A presentation that is written slide by slide."""

    def __init__(self, deck: Any, report: ValueReport) -> None:
        self._deck, self._report = deck, report

    def first(self, stale: Sequence[str]) -> None:
        """The headline with the key figures."""
        report, head = self._report, self._report.header
        slide = self._slide(report.headlines[0].text, notes.made(report, notes.key_figures(report)))
        lines = []
        for figure in report.key_figures:
            lines.append((f"{figure.figure}  {figure.label}", 22, True))
            lines.append((figure.meaning, 16, False))
        self._text(slide, lines or [("No key figures could be made.", 16, False)], top=2.0)
        who = [f"{head.title}: {head.n_completed:,} answers, study version {head.version}"]
        who += [f"Only {words}" for words in head.subset]
        who += ["Simulated people: nobody real answered"] if head.simulated else []
        self._text(slide, [(words, 12, False) for words in (*who, *stale)], top=6.3, color=MUTED)

    def part(self, section: Section, part: Table | PointMap) -> None:
        """The slides of a table or a map."""
        if isinstance(part, PointMap):
            if [p for p in part.points if drawable(p.across) and drawable(p.up)]:
                slide = self._slide(section.title, notes.made(self._report, section))
                frame = add_points(slide, part, _box(1.6, 5.0))
                _describe(frame, part.caption, notes.spoken_map(part))
                self._source(slide, part.caption, section)
            return
        drawn = [] if part.chart is None else [r for r in part.rows if drawable(r[part.chart])]
        rows, most = (drawn, MOST_DOTS) if drawn else (part.rows, MOST_ROWS)
        pieces = list(_pieces(rows, most))
        for number, piece in enumerate(pieces, 1):
            more = f" ({number} of {len(pieces)})" if len(pieces) > 1 else ""
            shown = part.model_copy(update={"rows": tuple(piece)})
            slide = self._slide(section.title + more, self._notes(section, part))
            if drawn:
                frame = add_dots(slide, shown, _box(1.6, 5.0))
                _describe(frame, part.caption, notes.spoken_rows(shown))
            else:
                frame = self._table(slide, shown)
                _describe(frame, part.caption, f"Table: {', '.join(part.columns)}")
            self._source(slide, part.caption, section)

    def acts(self) -> None:
        """What is suggested."""
        if self._report.actions:
            slide = self._slide("What we suggest next", "Each act names its evidence.")
            lines = []
            for act in self._report.actions:
                lines += [(act.title, 20, True), (act.evidence, 15, False)]
            self._text(slide, lines, top=1.7)

    def _notes(self, section: Section, table: Table) -> str:
        said = [*section.text, section.caution, table.note, notes.made(self._report, section)]
        return "\n".join(words for words in said if words)

    def _slide(self, title: str, said: str) -> Any:
        from pptx.util import Inches, Pt

        slide = self._deck.slides.add_slide(self._deck.slide_layouts[TITLE_ONLY])
        place = slide.shapes.title
        place.left, place.top = Inches(MARGIN), Inches(0.35)
        place.width, place.height = Inches(WIDTH - 2 * MARGIN), Inches(1.15)
        place.text_frame.text = title
        place.text_frame.word_wrap = True
        _write(place.text_frame.paragraphs[0], Pt(26 if len(title) < 90 else 20), True, INK)
        slide.notes_slide.notes_text_frame.text = said
        return slide

    def _text(
        self, slide: Any, lines: Sequence[tuple[str, int, bool]], *, top: float, color: str = INK
    ) -> None:
        from pptx.util import Inches, Pt

        height = min(HEIGHT - top - 0.2, 0.42 * len(lines) + 0.3)
        box = slide.shapes.add_textbox(
            Inches(MARGIN), Inches(top), Inches(WIDTH - 2 * MARGIN), Inches(height)
        )
        box.text_frame.word_wrap = True
        for n, (words, size, strong) in enumerate(lines):
            frame = box.text_frame
            paragraph = frame.paragraphs[0] if n == 0 else frame.add_paragraph()
            paragraph.text = words
            _write(paragraph, Pt(size), strong, color)

    def _source(self, slide: Any, caption: str, section: Section) -> None:
        """The line under a chart: what it shows, and where the reader finds the method."""
        head = self._report.header
        where = f"{caption}. Study version {head.version}, {head.n_completed:,} answers."
        ranges = "Bars: the range the true figure very likely lies in (95 in 100)."
        method = {m.id: m.title for m in self._report.methods}.get(section.method, section.method)
        self._text(slide, [(f"{where} {ranges} Method: {method}; see the notes.", 11, False)],
                   top=6.75, color=MUTED)  # fmt: skip

    def _table(self, slide: Any, table: Table) -> Any:
        from pptx.util import Inches, Pt

        columns = table.columns[:MOST_COLUMNS]
        box = _box(1.7, 0.45 * (len(table.rows) + 1))
        shape = slide.shapes.add_table(len(table.rows) + 1, len(columns), *map(Inches, box))
        shape.table.first_row, shape.table.first_col = True, True
        cells = [columns, *([notes.text_of(c) for c in row[:MOST_COLUMNS]] for row in table.rows)]
        for y, row in enumerate(cells):
            for x, words in enumerate(row):
                cell = shape.table.cell(y, x)
                cell.text = words
                for paragraph in cell.text_frame.paragraphs:
                    paragraph.font.size = Pt(12)
        return shape


def _pieces(rows: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    """Rows in as few pieces of about the same length as fit."""
    count = -(-len(rows) // most)
    for n in range(count):
        yield rows[n * len(rows) // count : (n + 1) * len(rows) // count]


def _box(top: float, height: float) -> tuple[float, float, float, float]:
    """Left, top, width and height in inches of what stands under the title."""
    return (MARGIN, top, WIDTH - 2 * MARGIN, height)


def _describe(shape: Any, name: str, words: str) -> None:
    """The text alternative of a chart or table."""
    found = shape._element.nvGraphicFramePr.cNvPr
    found.set("title", name[:250])
    found.set("descr", words[:8000])


def _write(paragraph: Any, size: Any, strong: bool, color: str) -> None:
    from pptx.dml.color import RGBColor
    from pptx.enum.lang import MSO_LANGUAGE_ID
    from pptx.enum.text import PP_ALIGN

    paragraph.alignment = PP_ALIGN.LEFT
    for run in paragraph.runs:
        run.font.size, run.font.bold = size, strong
        run.font.color.rgb = RGBColor.from_string(color.lstrip("#"))
        run.font.language_id = MSO_LANGUAGE_ID.ENGLISH_US
