"""How a CSV file begins: its encoding, the character between cells, the header, the first rows."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from analysis.ledgers.faults import LedgerFaults
from analysis.ledgers.layout import Layout

SAMPLE = 1_000_000
"""Bytes of a file from which all this is told."""
ROWS = 1_000
_MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}

_FOREIGN = {
    b"PK\x03\x04": "an Excel workbook or a zip archive. Save the sheet as CSV, or unpack it",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as CSV",
    b"%PDF": "a PDF. Export the table as CSV",
    b"SQLite f": "a SQLite database. Export the table as CSV",
    b"\x89PNG": "a picture. Choose a CSV or Parquet file",
    b"\xff\xd8\xff": "a picture. Choose a CSV or Parquet file",
}


@dataclass(frozen=True, slots=True)
class Beginning:
    """The beginning of a CSV file."""

    encoding: str
    delimiter: str
    header: list[str]
    header_lines: int
    rows: list[list[str]]
    """At most the first 1,000, as far as the sample reaches."""
    content: bytes
    """The sample without the mark of its encoding."""


def read_beginning(sample: bytes, layout: Layout, name: str) -> Beginning:
    """Tell from the first bytes of a file how it is written; what the layout says is taken.

    Raises
    ------
    LedgerFaults
        When there is no header, or it cannot be read.
    """
    encoding = layout.encoding or _encoding(sample)
    content = sample.removeprefix(_MARKS.get(codecs.lookup(encoding).name, b""))
    text = codecs.getincrementaldecoder(encoding)("replace").decode(content)
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise LedgerFaults(name, ["the file has no header."])
    newline = "\n" if "\n" in text else "\r"
    first = text.split(newline, 1)[0]
    delimiter = layout.delimiter or max(",;\t|", key=first.count)
    lines = iter(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    written = (f"{line}\n" for line in lines)
    reader = csv.reader(written, delimiter=delimiter, strict=True)
    try:
        header = [cell.strip() for cell in next(reader)]
    except csv.Error as error:
        raise LedgerFaults(name, [f"the header cannot be read ({error})."]) from None
    if "\ufffd" in "".join(header):
        fault = "the header is not text in this encoding. Save the file as UTF-8 or name another."
        raise LedgerFaults(name, [fault])
    if "\0" in "".join(header):
        fault = "the header holds NUL bytes: UTF-16 without a mark? Save the file as UTF-8."
        raise LedgerFaults(name, [fault])
    if header[0].lower().startswith("sep="):
        raise LedgerFaults(name, [f"the first line is '{first.strip()}'. Remove it."])
    rows = list(islice(_lenient(csv.reader(written, delimiter=delimiter)), ROWS))
    return Beginning(encoding, delimiter, header, reader.line_num, rows, content)


def refuse_foreign(start: bytes, name: str) -> None:
    """Raise LedgerFaults where the first bytes of a file are those of no table that is read."""
    for mark, what in _FOREIGN.items():
        if start.startswith(mark):
            raise LedgerFaults(name, [f"this is {what}."])


def _lenient(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error:
        return


def _encoding(head: bytes) -> str:
    """UTF-16 by its mark; cp1252 where several lines are beyond ASCII and none is UTF-8."""
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    beyond = [line for line in head.split(b"\n")[:-1] if not line.isascii()]
    sound = sum(1 for line in beyond if line.decode("utf-8", "ignore").encode() == line)
    if len(beyond) >= 3 and not sound and b"\0" not in head:
        return "cp1252"
    return "utf-8"
