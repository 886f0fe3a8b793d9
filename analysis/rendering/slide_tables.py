"""Native tables of slides: columns as wide as their words need, and no more rows than fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from analysis.rendering import notes
from analysis.rendering.canvas import INK
from analysis.value_report.types import Cell, Table

SIZE = 13
"""Points of the words in a table."""
LETTER, LINE, PADDING, SIDES = 0.095, 0.225, 0.12, 0.25
"""Inches: a wide letter, a line, what a cell adds above and below, and at its sides."""
WIDE = 12.133
"""Inches: all columns together."""
MOST = 60
"""Letters beyond which a column does not ask for more width."""


def pages(table: Table, columns: int, height: float) -> Iterator[Sequence[tuple[Cell, ...]]]:
    """Rows of a table in pieces that fit into a height, in inches, with their head."""
    widths = _widths(table, columns)
    head = _height(table.columns[:columns], widths)
    piece: list[tuple[Cell, ...]] = []
    used = head
    for row in table.rows:
        needed = _height([notes.text_of(cell) for cell in row[:columns]], widths)
        if piece and used + needed > height:
            yield piece
            piece, used = [], head
        piece.append(row)
        used += needed
    if piece:
        yield piece


def add_table(slide: Any, table: Table, columns: int, box: tuple[float, ...]) -> Any:
    """The first columns of a table; returns the frame."""
    from pptx.util import Inches, Pt

    cells = [table.columns[:columns]]
    cells += [tuple(notes.text_of(c) for c in row[:columns]) for row in table.rows]
    shape = slide.shapes.add_table(len(cells), len(cells[0]), *map(Inches, box))
    shape.table.first_row, shape.table.first_col = True, False
    widths = _widths(table, columns)
    for column, width in zip(shape.table.columns, widths, strict=True):
        column.width = Inches(width)
    for y, row in enumerate(cells):
        shape.table.rows[y].height = Inches(_height(row, widths))
        for x, words in enumerate(row):
            cell = shape.table.cell(y, x)
            cell.text = words
            for paragraph in cell.text_frame.paragraphs:
                write(paragraph, Pt(SIZE), x == 0 or y == 0, "#FFFFFF" if y == 0 else INK)
    return shape


def describe(shape: Any, name: str, words: str) -> None:
    """The text alternative of a chart or table."""
    found = shape._element.nvGraphicFramePr.cNvPr
    found.set("title", name[:250])
    found.set("descr", words[:8000])


def write(paragraph: Any, size: Any, strong: bool, color: str) -> None:
    """Give a paragraph its letters, at the left."""
    from pptx.dml.color import RGBColor
    from pptx.enum.lang import MSO_LANGUAGE_ID
    from pptx.enum.text import PP_ALIGN

    paragraph.alignment = PP_ALIGN.LEFT
    for run in paragraph.runs:
        run.font.size, run.font.bold = size, strong
        run.font.color.rgb = RGBColor.from_string(color.lstrip("#"))
        run.font.language_id = MSO_LANGUAGE_ID.ENGLISH_US


def _widths(table: Table, columns: int) -> list[float]:
    """Inches of each column: its longest word at least, then by its longest cell."""
    texts = [table.columns[:columns]]
    texts += [tuple(notes.text_of(c) for c in row[:columns]) for row in table.rows]
    least, wanted = [], []
    for column in zip(*texts, strict=True):
        words = [word for text in column for word in text.split()] or [""]
        least.append(1.15 * LETTER * max(map(len, words)) + SIDES)
        wanted.append(min(max(map(len, column)), MOST))
    rest = max(WIDE - sum(least), 0.0)
    found = [a + rest * b / max(sum(wanted), 1) for a, b in zip(least, wanted, strict=True)]
    return [WIDE * width / sum(found) for width in found]


def _height(words: Sequence[str], widths: Sequence[float]) -> float:
    """Inches of a row: the lines of its longest cell."""
    lines = max(
        -(-len(text) // max(int((width - SIDES) / LETTER), 1))
        for text, width in zip(words, widths, strict=True)
    )
    return LINE * max(lines, 1) + PADDING
