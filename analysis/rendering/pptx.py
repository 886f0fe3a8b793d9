"""The report as slides: one message a slide, native charts and tables, method in the notes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

from analysis.rendering import notes
from analysis.rendering.canvas import INK, MUTED, TAGS
from analysis.rendering.outline import outline
from analysis.rendering.section_charts import drawable
from analysis.rendering.slide_charts import add_points, add_rows
from analysis.rendering.slide_tables import add_table, describe, pages, write
from analysis.value_report.types import Cell, PointMap, Section, Table, ValueReport

WIDTH, HEIGHT = 13.333, 7.5
"""Inches: 16 to 9."""
MARGIN, TOP, BOTTOM = 0.6, 1.95, 6.65
"""Where a chart or table begins and ends."""
MOST_ROWS, MOST_COLUMNS = 7, 6
ROW = 0.85
"""Inches of a row of a chart that has few."""
TITLE_ONLY = 5
"""The layout of python-pptx's own template with a title and nothing else."""
VERDICTS = ("Verdict", "Change")
ELSEWHERE = "All columns are in the spreadsheet of the report."


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
    _own_colours(deck)
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
        _figures(slide, report)
        who = [f"{head.title}: {head.n_completed:,} answers, study version {head.version}"]
        who += [f"Only {words}" for words in head.subset]
        who += ["Simulated people: nobody real answered"] if head.simulated else []
        self._text(slide, [(words, 12, False) for words in (*who, *stale)], top=6.3, color=MUTED)

    def part(self, section: Section, part: Table | PointMap) -> None:
        """The slides of a table or a map."""
        if isinstance(part, PointMap):
            if [p for p in part.points if drawable(p.across) and drawable(p.up)]:
                slide = self._slide(section.title, notes.made(self._report, section), part.caption)
                frame = add_points(slide, part, _box(TOP, BOTTOM - TOP))
                describe(frame, part.caption, notes.spoken_map(part))
                self._source(slide, section)
            return
        drawn = [] if part.chart is None else [r for r in part.rows if drawable(r[part.chart])]
        if drawn and _says_more(part):
            self._piecewise(section, part, drawn)
            part, drawn = part.model_copy(update={"chart": None}), []
        self._piecewise(section, part, drawn)

    def _piecewise(self, section: Section, part: Table, drawn: Sequence[tuple[Cell, ...]]) -> None:
        """As many slides as a table needs: a chart of the rows drawn, else the table."""
        shown = part.model_copy(update={"rows": tuple(drawn or part.rows)})
        pieces = list(_pieces(shown.rows) if drawn else pages(shown, MOST_COLUMNS, BOTTOM - TOP))
        for number, piece in enumerate(pieces, 1):
            more = f" ({number} of {len(pieces)})" if len(pieces) > 1 else ""
            few = shown.model_copy(update={"rows": tuple(piece)})
            slide = self._slide(section.title, self._notes(section, part), part.caption + more)
            if drawn:
                frame = add_rows(slide, few, _box(TOP, min(BOTTOM - TOP, 0.8 + ROW * len(piece))))
                describe(frame, part.caption, notes.spoken_rows(few))
            else:
                frame = add_table(slide, few, MOST_COLUMNS, _box(TOP, 0))
                describe(frame, part.caption, f"Table: {', '.join(part.columns)}")
            cut = not drawn and len(part.columns) > MOST_COLUMNS
            silent = "" if not drawn else notes.without_figures(part)
            self._source(slide, section, ELSEWHERE if cut else silent)

    def acts(self) -> None:
        """What is suggested."""
        if self._report.actions:
            slide = self._slide("What we suggest next", "Each act names its evidence.")
            lines = []
            for act in self._report.actions:
                lines += [(act.title, 20, True), (act.evidence, 16, False)]
            self._text(slide, lines, top=1.7)

    def _notes(self, section: Section, table: Table) -> str:
        said = [*section.text, section.caution, table.note, notes.made(self._report, section)]
        return "\n".join(words for words in said if words)

    def _slide(self, title: str, said: str, caption: str = "") -> Any:
        from pptx.util import Inches, Pt

        slide = self._deck.slides.add_slide(self._deck.slide_layouts[TITLE_ONLY])
        place = slide.shapes.title
        place.left, place.top = Inches(MARGIN), Inches(0.35)
        place.width, place.height = Inches(WIDTH - 2 * MARGIN), Inches(1.05)
        place.text_frame.text = title
        place.text_frame.word_wrap = True
        write(place.text_frame.paragraphs[0], Pt(26 if len(title) < 90 else 20), True, INK)
        slide.notes_slide.notes_text_frame.text = said
        if caption:
            self._text(slide, [(caption, 16, False)], top=1.4, color=MUTED)
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
            paragraph.space_before = Pt(12 if strong and n else 0)
            write(paragraph, Pt(size), strong, color)

    def _source(self, slide: Any, section: Section, more: str = "") -> None:
        """The line at the bottom: of what and when, and where the reader finds the method."""
        head = self._report.header
        method = {m.id: m.title for m in self._report.methods}.get(section.method, section.method)
        where = f"Study version {head.version}, {head.n_completed:,} answers. Ranges: where the "
        where += "true figure very likely lies (95 in 100)."
        words = f"{where} Method: {method}; see the notes. {more}".rstrip()
        self._text(slide, [(words, 12, False)], top=6.8, color=MUTED)


def _says_more(table: Table) -> bool:
    """Whether a column beside the drawn one holds counts or verdicts that a chart does not show."""
    others = [n for n in range(1, len(table.columns)) if n != table.chart]
    counts = any(isinstance(row[n], int) for row in table.rows for n in others)
    return counts or any(table.columns[n] in VERDICTS for n in others)


def _figures(slide: Any, report: ValueReport) -> None:
    """The key figures side by side, each with its meaning."""
    from pptx.util import Inches, Pt

    figures = report.key_figures
    if not figures:
        return
    wide = (WIDTH - 2 * MARGIN) / len(figures)
    for n, figure in enumerate(figures):
        box = slide.shapes.add_textbox(
            Inches(MARGIN + n * wide), Inches(2.2), Inches(wide - 0.3), Inches(3.2)
        )
        box.text_frame.word_wrap = True
        lines = ((figure.figure, 54, True), (figure.label, 20, True), (figure.meaning, 16, False))
        for k, (words, size, strong) in enumerate(lines):
            frame = box.text_frame
            paragraph = frame.paragraphs[0] if k == 0 else frame.add_paragraph()
            paragraph.text = words
            paragraph.space_after = Pt(6)
            write(paragraph, Pt(size), strong, MUTED if k == 2 else INK)


def _own_colours(deck: Any) -> None:
    """The first accent of the template, which tables take, becomes the product's own."""
    from pptx.opc.constants import RELATIONSHIP_TYPE

    theme = deck.slide_master.part.part_related_by(RELATIONSHIP_TYPE.THEME)
    theme._blob = theme.blob.replace(b"4F81BD", TAGS["functional"][0].lstrip("#").encode())


def _pieces(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Rows in as few pieces of about the same length as fit."""
    count = -(-len(rows) // MOST_ROWS)
    for n in range(count):
        yield rows[n * len(rows) // count : (n + 1) * len(rows) // count]


def _box(top: float, height: float) -> tuple[float, float, float, float]:
    """Left, top, width and height in inches of what stands under the title."""
    return (MARGIN, top, WIDTH - 2 * MARGIN, height)
