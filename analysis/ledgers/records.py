"""The rows of a CSV file as bytes: which lines belong together, and which cannot be read."""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MOST_LINES = 1_000
MOST_BYTES = 4_000_000
RUN = 500_000  # bytes that stay in the cache
NEWLINE, SPACE, QUOTE = 10, 32, 34


@dataclass(frozen=True, slots=True)
class Records:
    """The rows of one block of lines.

    ``first``: for each readable row, the line on which it starts, counted from 0 in the block;
    ``starts`` and ``ends`` are its bytes. ``unreadable``: (line, fact, start, end).
    ``consumed``: bytes of the block that are dealt with; the rest belongs to the next block.
    """

    first: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    unreadable: list[tuple[int, str, int, int]]
    lines: int
    blank: int
    continued: int
    consumed: int
    odd: bool
    """Whether there are control characters besides the ends of lines."""

    def content(self, data: bytearray) -> bytes | bytearray:
        """The readable rows one after the other; the data themselves where these are all."""
        if not len(self.starts):
            return b""
        start, end = int(self.starts[0]), int(self.ends[-1])
        if end - start == int((self.ends - self.starts).sum()):
            return data if end - start == len(data) else data[start:end]
        breaks = np.flatnonzero(self.starts[1:] != self.ends[:-1])
        froms = self.starts[np.concatenate(([0], breaks + 1))]
        untils = self.ends[np.concatenate((breaks, [len(self.ends) - 1]))]
        return b"".join(data[a:b] for a, b in zip(froms, untils, strict=True))


def split_records(data: bytearray, *, delimiter: str, width: int, final: bool) -> Records:
    """Split whole lines (each ends with a newline) into rows.

    A quoted cell may hold newlines. Where a quote is opened and not closed within 1,000 lines, or
    what it makes of the lines does not fit the header, only its own line is unreadable.
    """
    found = np.frombuffer(data, dtype=np.uint8)
    control = _control(found)
    ends = control + 1
    odd = False
    newline = found[control] == NEWLINE
    if not newline.all():
        ends = ends[newline]
        odd = len(control) != len(ends) + data.count(b"\r\n")
    starts = np.concatenate(([0], ends[:-1]))
    lines = _Lines(data, starts, ends)
    joined = np.zeros(len(ends), dtype=bool)
    bad: dict[int, str] = {}
    last = len(ends)
    if b'"' in data:
        last = _join(lines, joined, bad, delimiter=delimiter, width=width, final=final)
    joined = joined[:last]
    first = np.flatnonzero(~joined)
    row_starts = starts[first]
    row_ends = ends[np.concatenate((first[1:] - 1, [last - 1]))] if len(first) else ends[:0]
    length = row_ends - row_starts
    blank = length == 1
    short = np.flatnonzero(length == 2)
    blank[short] = [data[row_starts[at]] == 13 for at in short]
    if odd or not data.isascii():
        _not_text(data, _Rows(first, row_starts, row_ends), bad)
    keep = ~blank
    if bad:
        keep &= ~np.isin(first, list(bad))
    at = np.searchsorted(first, sorted(bad))
    return Records(
        first=first[keep],
        starts=row_starts[keep],
        ends=row_ends[keep],
        unreadable=[
            (int(first[n]), bad[int(first[n])], int(row_starts[n]), int(row_ends[n])) for n in at
        ],
        lines=last,
        blank=int(blank.sum()),
        continued=int(joined.sum()),
        consumed=int(ends[last - 1]) if last else 0,
        odd=odd,
    )


def _control(found: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Places of the control characters."""
    runs = range(0, len(found), RUN)
    parts = [np.flatnonzero(found[start : start + RUN] < SPACE) + start for start in runs]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Lines:
    data: bytearray
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    def __getitem__(self, line: int) -> bytearray:
        return self.data[self.starts[line] : self.ends[line]]


@dataclass(frozen=True, slots=True)
class _Rows:
    first: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


def _join(
    lines: _Lines,
    joined: npt.NDArray[np.bool_],
    bad: dict[int, str],
    *,
    delimiter: str,
    width: int,
    final: bool,
) -> int:
    """Mark lines that continue the one before; return how many lines are dealt with."""
    quotes = np.flatnonzero(np.frombuffer(lines.data, dtype=np.uint8) == QUOTE)
    count = np.bincount(np.searchsorted(lines.ends, quotes, "right"), minlength=len(lines.ends))
    mark = delimiter.encode()
    until = 0
    for line in np.flatnonzero(count % 2).tolist():
        if line < until or not _inside_after(lines[line], mark, inside=False):
            continue
        end, size = line + 1, len(lines[line])
        inside = True
        while inside and end < len(lines.ends) and end - line < MOST_LINES and size < MOST_BYTES:
            size += len(lines[end])
            inside = _inside_after(lines[end], mark, inside=True)
            end += 1
        if inside and end == len(lines.ends) and not final and size < MOST_BYTES:
            return line
        text = lines.data[lines.starts[line] : lines.ends[end - 1]]
        if inside or _width(text, delimiter) != width:
            bad[line] = "a quote is opened and not closed as the header says"
            until = line + 1
            continue
        joined[line + 1 : end] = True
        until = end
    return len(lines.ends)


def _inside_after(line: bytearray, delimiter: bytes, *, inside: bool) -> bool:
    """Whether a quoted cell is open at the end of a line; a quote opens only a cell's start."""
    at = 0
    while True:
        if inside:
            close = line.find(b'"', at)
            if close < 0:
                return True
            if line[close + 1 : close + 2] == b'"':
                at = close + 2
                continue
            inside, at = False, close + 1
        elif at == 0 and line[:1] == b'"':
            inside, at = True, 1
        else:
            opened = line.find(delimiter + b'"', at)
            if opened < 0:
                return False
            inside, at = True, opened + 2


def _width(text: bytearray, delimiter: str) -> int:
    try:
        rows = csv.reader(text.decode("utf-8", "replace").splitlines(True), delimiter=delimiter)
        return len(next(rows, []))
    except csv.Error:
        return -1


def _not_text(data: bytearray, rows: _Rows, bad: dict[int, str]) -> None:
    """Note the rows that are no text: bytes that are not UTF-8, NUL, stray carriage returns."""
    suspects = np.zeros(len(rows.first), dtype=bool)
    found = np.frombuffer(data, dtype=np.uint8)
    if b"\0" in data:
        suspects |= _with(rows, np.flatnonzero(found == 0))
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        suspects |= _with(rows, np.flatnonzero(found == 13))
    if not data.isascii() and not _decodes(data):
        suspects |= _with(rows, np.flatnonzero(found > 127))
    for at in np.flatnonzero(suspects):
        text = data[rows.starts[at] : rows.ends[at]]
        if b"\0" in text:
            bad.setdefault(int(rows.first[at]), "the row holds a NUL byte")
        elif not _decodes(text):
            bad.setdefault(int(rows.first[at]), "the row is not UTF-8 text")
        elif text.count(b"\r") != text.count(b"\r\n"):
            bad.setdefault(int(rows.first[at]), "the row holds a carriage return within a cell")


def _with(rows: _Rows, places: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    marked = np.zeros(len(rows.first), dtype=bool)
    at = np.searchsorted(rows.starts, places, "right") - 1
    marked[at[at >= 0]] = True
    return marked


def _decodes(text: bytearray) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
