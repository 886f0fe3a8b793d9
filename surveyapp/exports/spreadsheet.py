"""CSV that spreadsheets open without running what respondents typed."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence

STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: such a text gets an apostrophe in front.

    Numbers keep their sign.
    """
    if not cell.startswith(STARTS_A_FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def _cell(cell: object) -> object:
    if cell is None or isinstance(cell, int | float):
        return cell  # a number is no formula, and nothing is an empty cell
    return safe(str(cell))


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A CSV text line by line; empty cells for None."""
    for row in itertools.chain([header], rows):
        line = io.StringIO()
        csv.writer(line).writerow([_cell(cell) for cell in row])
        yield line.getvalue()
