"""The rows of a load in progress: typed, on disk batch by batch, until it is known which stay.

Customers stand in it as their numbers among the ``Names`` of the file.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.ledgers.checks import AMBIGUOUS
from analysis.ledgers.engine import quoted
from analysis.ledgers.kinds import DAY, LedgerKind
from analysis.ledgers.names import Names
from analysis.ledgers.typed import Typed, schema_of

ROWS_A_BATCH = 1_000_000
BATCHES_A_GROUP = 2
"""Batches in a row group: each group has the pseudonyms of its customers once more."""
BATCHES_A_FILE = 4
FEW_GONE = 500
LARGEST_DICTIONARY = 256_000_000
Rows = npt.NDArray[np.int64]


class Draft:
    """Batches of typed rows, their lines, marks (0: no identity), and which are sound so far."""

    def __init__(
        self, engine: duckdb.DuckDBPyConnection, kind: LedgerKind, names: Names, folder: Path
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._engine, self._kind, self._names, self._folder = engine, kind, names, folder
        self._waiting: list[pa.Table] = []
        self._count = 0
        self._starts = [0]
        self._lines: list[Rows] = []
        self._marks: list[npt.NDArray[np.uint64]] = []
        self.erased = 0
        self.ambiguous = 0
        self.lines = np.empty(0, dtype=np.int64)
        self.marks = np.empty(0, dtype=np.uint64)
        self.keep = np.empty(0, dtype=bool)

    def add(self, typed: Typed, lines: Rows) -> None:
        """Add the sound rows of a block, but for those of erased customers."""
        sound = (typed.code & ~AMBIGUOUS) == 0
        self.ambiguous += int(np.count_nonzero(typed.code == AMBIGUOUS))
        columns = dict(typed.columns)
        gone = np.zeros(len(lines), dtype=bool)
        for name in self._kind.customers:
            numbers = self._names.numbers(columns[name])
            gone |= self._names.erased(numbers)
            columns[name] = pa.array(numbers)
        self.erased += int(np.count_nonzero(sound & gone))
        keep = sound & ~gone
        table = pa.table(columns)
        if not keep.all():
            table, lines = table.filter(pa.array(keep)), lines[keep]
        self._waiting.append(table)
        self._lines.append(lines)
        self._count += len(lines)
        if self._count - self._starts[-1] >= ROWS_A_BATCH:
            self._put_down()

    def close(self) -> None:
        """No more rows come."""
        self._put_down()
        self._names.close()
        self.lines, self._lines = np.concatenate([self.lines, *self._lines]), []
        self.keep = np.ones(self._count, dtype=bool)
        self.marks, self._marks = np.concatenate([self.marks, *self._marks]), []

    def rows(self, places: Rows, *, raw: bool = False) -> pa.Table:
        """Some rows with their lines as ``row``, by their places in the draft, in order."""
        found = [self._schema.empty_table()]
        for batch in range(len(self._starts) - 1):
            start, end = np.searchsorted(places, self._starts[batch : batch + 2])
            if start < end:
                taken = self._batch(batch).take(pa.array(places[start:end] - self._starts[batch]))
                found.append(self._named(taken, raw).cast(self._schema))
        table = pa.concat_tables(found)
        return table.append_column("row", pa.array(self.lines[places]))

    def drop(self, lines: Rows) -> None:
        """Rows on these lines do not stay."""
        self.keep[np.searchsorted(self.lines, lines)] = False

    def write(self, version: Path, *, name: str, source: str, number: int) -> None:
        """Write the rows that stay to Parquet files of the ledger, in order; the last call."""
        self.lines, self.marks = self.lines[:0], self.marks[:0]
        batches = range(len(self._starts) - 1)
        for part, first in enumerate(batches[::BATCHES_A_FILE]):
            target = version / "rows" / f"{self._kind.name}-{number:06d}-{part:03d}-{name}.parquet"
            target.unlink(missing_ok=True)
            writer = None
            until = min(first + BATCHES_A_FILE, len(batches))
            for start in range(first, until, BATCHES_A_GROUP):
                table = self._kept(batches[start : min(start + BATCHES_A_GROUP, until)])
                if len(table):
                    table = _signed(self._named(table, raw=False), source, number)
                    writer = writer or _writer(target, table.schema)
                    writer.write_table(_as(table, writer.schema), row_group_size=len(table))
            if writer:
                writer.close()

    def _kept(self, batches: range) -> pa.Table:
        """The rows of some batches that stay, each column with one dictionary."""
        tables: list[pa.Table] = []
        for batch in batches:
            keep = self.keep[self._starts[batch] : self._starts[batch + 1]]
            table = _where(self._batch(batch), keep)
            tables.append(_as(table, tables[0].schema) if tables else table)
        return pa.concat_tables(tables).unify_dictionaries()

    @property
    def _schema(self) -> pa.Schema:
        return schema_of(self._kind)

    def _put_down(self) -> None:
        if not self._waiting:
            return
        last = self._waiting[-1].schema
        batch = pa.concat_tables([_as(t, last) for t in self._waiting]).unify_dictionaries()
        path = self._folder / f"batch-{len(self._starts) - 1:06d}.arrow"
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
            writer.write_table(batch)
        self._marks.append(self._marked(batch))
        self._starts.append(self._count)
        self._waiting = []

    def _batch(self, batch: int) -> pa.Table:
        path = self._folder / f"batch-{batch:06d}.arrow"
        with pa.memory_map(str(path)) as file:
            return pa.ipc.open_file(file).read_all()

    def _marked(self, batch: pa.Table) -> npt.NDArray[np.uint64]:
        kind = self._kind
        wanted = batch.select(list(dict.fromkeys((*kind.identity, *kind.named_by))))
        self._engine.register("identities", self._named(wanted, raw=False))
        query = f"SELECT hash({quoted(kind.identity)}) AS mark FROM identities"
        found = self._engine.sql(query).to_arrow_table()
        self._engine.unregister("identities")
        marks: npt.NDArray[np.uint64] = np.maximum(
            found["mark"].cast(pa.uint64()).to_numpy(), np.uint64(1)
        )
        for name in kind.named_by:
            marks[np.asarray(batch[name].is_null())] = 0
        return marks

    def _named(self, table: pa.Table, raw: bool) -> pa.Table:
        """The table with customers in place of their numbers."""
        for name in self._kind.customers:
            if name in table.column_names:
                numbers = table[name].to_numpy()
                named = self._names.raw(numbers) if raw else self._names.pseudonyms(numbers)
                table = table.set_column(table.column_names.index(name), name, named)
        return table


def _where(table: pa.Table, keep: npt.NDArray[np.bool_]) -> pa.Table:
    """The rows of a table that are kept: without a copy where few are not."""
    gone = np.flatnonzero(~keep)
    if len(gone) > FEW_GONE:
        return table.take(pa.array(np.flatnonzero(keep)))
    bounds = zip([0, *(gone + 1)], [*gone, len(keep)], strict=True)
    parts = [table.slice(start, end - start) for start, end in bounds if end > start]
    return pa.concat_tables(parts or [table.slice(0, 0)])


def mark_of(kind: LedgerKind) -> str:
    """The mark of rows with identity, above zero, as SQL."""
    return f"greatest(hash({quoted(kind.identity)}), 1)"


def _signed(table: pa.Table, source: str, number: int) -> pa.Table:
    """The table with its source and the number of its load."""
    nought = np.zeros(len(table), dtype=np.int32)
    named = pa.DictionaryArray.from_arrays(nought, pa.array([source]))
    table = table.append_column("source", named)
    return table.append_column("load", pa.array(nought + np.int32(number)))


def _writer(target: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        target,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=[
            field.name
            for field in schema
            if pa.types.is_dictionary(field.type) or field.name == DAY
        ],
        dictionary_pagesize_limit=LARGEST_DICTIONARY,
        write_statistics=[field.name for field in schema if not _is_text(field.type)],
        store_schema=False,
    )


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind) or pa.types.is_string(kind))


def _as(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the dictionaries of a schema, and no others."""
    for at, field in enumerate(schema):
        column = table[field.name]
        if column.type != field.type:
            coded = pa.types.is_dictionary(field.type)
            fitting = column.dictionary_encode() if coded else column.cast(field.type)
            table = table.set_column(at, field, fitting)
    return table
