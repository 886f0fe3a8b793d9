"""Ledger files as they come, CSV (also gzipped) or Parquet, block by block as tables of text."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BufferedIOBase
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from analysis.ledgers.decimals import decimal_of
from analysis.ledgers.faults import LedgerFaults
from analysis.ledgers.kinds import LedgerKind
from analysis.ledgers.layout import Layout
from analysis.ledgers.records import Records, split_records
from analysis.ledgers.window import Window
from analysis.ledgers.written import SAMPLE, read_beginning, refuse_foreign

ROWS = 200_000
MOST_CHARACTERS = 10_000
FEW = 0.25
FEW_SPACES = 5_000


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of a file: cells as text under the ledger's names, beside the line of each row.

    ``text`` and ``without`` know the lines until the next block is read.
    """

    cells: pa.Table
    numbers: npt.NDArray[np.int64]
    unreadable: list[tuple[int, str, str]]
    """Rows without cells: line, fact, text."""
    text: Callable[[int], str]
    """The text of the row on a line."""
    without: Callable[[set[int]], bytes]
    """All lines of the block but for the rows on these, as UTF-8."""
    padded: bool
    """Whether cells may have space around them."""
    read: int
    """About how many bytes of the file (as it is packed) were read so far."""


def whole(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array, without a copy where it is one."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


@dataclass(slots=True)
class LedgerFile:
    """One file, opened: how it is written, and the count of its lines as blocks are read."""

    path: Path
    kind: LedgerKind
    layout: Layout
    header: list[str]
    places: Mapping[str, int]
    notes: list[str] = field(default_factory=list)
    lines: int = 0
    blank: int = 0
    continued: int = 0
    header_lines: int = 0
    packed: bool = False
    head: bytes = b""
    """The header as it stands in the file, as UTF-8."""
    few: dict[str, bool] = field(default_factory=dict)
    """Whether a column has few distinct cells, as its last block showed."""

    def note_few(self, cells: pa.Table) -> None:
        """Note which columns have few distinct cells; one that once had many stays so."""
        for name in cells.column_names:
            column = whole(cells[name])
            if pa.types.is_dictionary(column.type):
                self.few[name] = len(column.dictionary) <= FEW * len(column)
            elif name not in self.few:
                self.few[name] = pc.count_distinct(column).as_py() <= FEW * len(column)

    @property
    def rest(self) -> dict[str, int]:
        """The columns that no column of the ledger takes."""
        taken = set(self.places.values())
        return {name: at for at, name in enumerate(self.header) if at not in taken}

    @property
    def wanted(self) -> dict[str, int]:
        """The cells to read: the ledger's columns, and ``rest_N`` for the others if kept."""
        keeps_rest = any(column.kind == "rest" for column in self.kind.columns)
        rest = {f"rest_{at}": at for at in self.rest.values()} if keeps_rest else {}
        return {**self.places, **rest}


@contextmanager
def open_ledger_file(
    path: Path, kind: LedgerKind, layout: Layout, *, name: str = ""
) -> Iterator[tuple[LedgerFile, Iterator[Block]]]:
    """Open a file; its blocks have every row once.

    Raises
    ------
    LedgerFaults
        When the file cannot be read at all, or its header has faults (all of them).
    """
    called = name or path.name
    try:
        with path.open("rb") as raw:
            start = raw.read(8)
            raw.seek(0)
            if start[:4] == b"PAR1":
                file = _parquet_file(path, kind, layout, called)
                yield file, _parquet_blocks(file)
                return
            refuse_foreign(start, called)
            packed = start[:2] == b"\x1f\x8b" or called.endswith(".gz")
            stream = gzip.GzipFile(fileobj=raw) if packed else raw
            file, head = _csv_file(path, kind, layout, cast(BufferedIOBase, stream), called)
            file.packed = packed
            window = Window(cast(BufferedIOBase, stream), head, str(file.layout.encoding))
            yield file, _csv_blocks(file, window, place=raw.tell)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        fault = f"the file cannot be unpacked ({error}). Pack it again with gzip."
        raise LedgerFaults(called, [fault]) from None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise LedgerFaults(called, [f"the file cannot be read ({error})."]) from None


def _csv_file(
    path: Path, kind: LedgerKind, layout: Layout, stream: BufferedIOBase, name: str
) -> tuple[LedgerFile, bytes]:
    """Read the header and find out how the file is written; also return the bytes read."""
    beginning = read_beginning(stream.read(SAMPLE), layout, name)
    header = beginning.header
    places = layout.places(header, kind, name)
    told = replace(layout, encoding=beginning.encoding, delimiter=beginning.delimiter)
    file = LedgerFile(path, kind, told, header, places, header_lines=beginning.header_lines)
    if layout.encoding is None and not beginning.encoding.startswith("utf-8"):
        file.notes.append(f"read as {beginning.encoding}")
    if layout.decimal is None:
        decimal, notes = decimal_of(_amounts(file, beginning.rows), name)
        file.layout = replace(told, decimal=decimal)
        file.notes += notes
    return file, beginning.content


def _amounts(file: LedgerFile, rows: list[list[str]]) -> list[str]:
    """The amounts in the first rows, as written."""
    money = [c.name for c in file.kind.columns if c.kind == "money" and c.name in file.places]
    places = [file.places[name] for name in money]
    return [row[at].strip() for row in rows for at in places if at < len(row)]


def _csv_blocks(file: LedgerFile, window: Window, *, place: Callable[[], int]) -> Iterator[Block]:
    number = 1
    skip = file.header_lines
    while not window.final:
        window.fill()
        start = 0
        while skip and start < len(window.data):
            end = window.data.index(b"\n", start) + 1
            file.head += window.data[start:end]
            skip, number, start = skip - 1, number + 1, end
            file.lines += 1
        if start:
            del window.data[:start]
        if not window.data:
            continue
        found = split_records(
            window.data,
            delimiter=str(file.layout.delimiter),
            width=len(file.header),
            final=window.final,
        )
        file.lines += found.lines
        file.blank += found.blank
        file.continued += found.continued
        yield _block(file, window.data, found, first=number, read=place())
        number += found.lines
        window.pass_on(found.consumed)


def _block(file: LedgerFile, data: bytearray, found: Records, *, first: int, read: int) -> Block:
    content = found.content(data)
    table, ragged = _cells(file, content, found)
    file.note_few(table)
    good = np.ones(len(found.first), dtype=bool)
    good[list(ragged)] = False
    numbers = found.first + first

    def text(number: int) -> str:
        at = int(np.searchsorted(numbers, number))
        return _shown(data[found.starts[at] : found.ends[at]])

    unreadable = [
        (line + first, fact, _shown(data[start:end])) for line, fact, start, end in found.unreadable
    ]

    def without(rows: set[int]) -> bytes:
        at = np.searchsorted(numbers, sorted(rows))
        ranges = [
            (int(found.starts[n]), int(found.ends[n]))
            for n in at
            if n < len(numbers) and int(numbers[n]) in rows
        ]
        ranges += [(start, end) for line, _, start, end in found.unreadable if line + first in rows]
        kept, done = [], 0
        for start, end in sorted(ranges):
            kept.append(data[done:start])
            done = end
        return b"".join([*kept, data[done : found.consumed]])

    unreadable += [(int(numbers[at]), fact, text(int(numbers[at]))) for at, fact in ragged.items()]
    padded = found.odd or _padded(content, str(file.layout.delimiter).encode())
    return Block(table, numbers[good], sorted(unreadable), text, without, padded, read)


def _padded(content: bytes | bytearray, delimiter: bytes) -> bool:
    """Whether cells may begin or end with space."""
    if not content.isascii() or b'"' in content:
        return True
    edges = (*delimiter, *b"\r\n")
    at = content.find(b" ")
    for _ in range(FEW_SPACES):
        if at < 0:
            return False
        if at == 0 or content[at - 1] in edges or content[at + 1] in edges:
            return True
        at = content.find(b" ", at + 1)
    found = np.frombuffer(content, dtype=np.uint8)
    spaces = np.flatnonzero(found == ord(" "))
    edge = np.zeros(256, dtype=bool)
    edge[[*edges]] = True
    return bool(edge[found[spaces - 1]].any() or edge[found[spaces + 1]].any())


def _cells(
    file: LedgerFile, content: bytes | bytearray, found: Records
) -> tuple[pa.Table, dict[int, str]]:
    """The cells of the rows, and the rows that have more or fewer cells than the header."""
    width = len(file.header)
    ragged: dict[int, str] = {}
    names = [f"c{at}" for at in range(width)]
    few, text = pa.dictionary(pa.int32(), pa.string()), pa.string()
    types = {f"c{at}": few if file.few.get(name) else text for name, at in file.wanted.items()}
    if not content:
        return pa.table({name: pa.array([], pa.string()) for name in file.wanted}), {}

    quotes = b'"' in content

    def note(row: pa.csv.InvalidRow) -> str:
        ragged[row.number - 1] = f"the row has {row.actual_columns} cells, the header {width}"
        return "skip"

    table = pa.csv.read_csv(
        pa.py_buffer(content),
        read_options=pa.csv.ReadOptions(
            use_threads=False, block_size=len(content) + 1, column_names=names
        ),
        parse_options=pa.csv.ParseOptions(
            delimiter=file.layout.delimiter,
            quote_char='"' if quotes else False,
            newlines_in_values=quotes,
            invalid_row_handler=note,
        ),
        convert_options=pa.csv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            strings_can_be_null=True,
            null_values=[""],
            check_utf8=False,
        ),
    )
    if len(table) + len(ragged) != len(found.first):
        return _cells_one_by_one(file, content, found)
    return table.rename_columns(list(file.wanted)), ragged


def _cells_one_by_one(
    file: LedgerFile, content: bytes | bytearray, found: Records
) -> tuple[pa.Table, dict[int, str]]:
    """The same where quotes stand so oddly that rows would run into one another."""
    width = len(file.header)
    ragged: dict[int, str] = {}
    rows: list[list[str]] = []
    start = 0
    for at, length in enumerate(found.ends - found.starts):
        row = content[start : start + length].decode().rstrip("\r\n")
        start += length
        lines = row.split("\n")
        reader = csv.reader(lines, delimiter=str(file.layout.delimiter), strict=True)
        try:
            cells = next(reader, [])
        except csv.Error as error:
            ragged[at] = f"the row cannot be read ({error})"
            continue
        if len(cells) != width:
            ragged[at] = f"the row has {len(cells)} cells, the header {width}"
            continue
        rows.append(cells)
    columns = {
        name: pa.array([row[at] or None for row in rows], pa.string())
        for name, at in file.wanted.items()
    }
    return pa.table(columns), ragged


def _shown(row: bytes | bytearray) -> str:
    return row[: 4 * MOST_CHARACTERS].decode("utf-8", "replace")[:MOST_CHARACTERS].rstrip("\r\n")


def _parquet_file(path: Path, kind: LedgerKind, layout: Layout, name: str) -> LedgerFile:
    schema = pq.read_schema(path)
    header = list(schema.names)
    places = layout.places(header, kind, name)
    told = replace(layout, decimal=layout.decimal or "point")
    file = LedgerFile(path, kind, told, header, places, header_lines=0)
    nested = [header[at] for at in file.wanted.values() if pa.types.is_nested(schema.types[at])]
    if nested:
        raise LedgerFaults(
            name, [f"the column '{column}' holds no plain cells." for column in nested]
        )
    return file


def _parquet_blocks(file: LedgerFile) -> Iterator[Block]:
    """Rows are numbered as in a CSV file: the first is row 2."""
    number = 2
    wanted, size = file.wanted, file.path.stat().st_size
    with pq.ParquetFile(file.path) as opened:
        rows = opened.metadata.num_rows
        for batch in opened.iter_batches(ROWS, columns=[file.header[at] for at in wanted.values()]):
            found = pa.table(batch)
            columns = {
                name: found[file.header[at]].cast(pa.string()) for name, at in wanted.items()
            }
            cells = pa.table(columns)
            numbers = np.arange(number, number + len(cells))
            base = number

            def text(row: int, cells: pa.Table = cells, base: int = base) -> str:
                return str(cells.slice(row - base, 1).to_pylist()[0])[:MOST_CHARACTERS]

            number += len(cells)
            file.lines += len(cells)
            yield Block(cells, numbers, [], text, _nothing, True, size * file.lines // rows)


def _nothing(rows: set[int]) -> bytes:
    """A Parquet file has no lines."""
    raise NotImplementedError
