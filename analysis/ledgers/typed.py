"""A block of cells as typed columns, with a code of everything that is wrong with each row.

A column of few distinct cells comes as a dictionary, and each distinct cell is typed and checked
once; texts that need no check are taken as they are, plain times and numbers are typed by Arrow,
and what is left is typed row by row in SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.ledgers.checks import LONGEST, PLACEHOLDERS, Checks
from analysis.ledgers.files import Block, whole
from analysis.ledgers.kinds import DAY, Column, LedgerKind
from analysis.ledgers.plain import Plain, can_be_plain, read_plain

MOST_WORDS = 100_000
ARROW: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "TIMESTAMP": pa.timestamp("us"),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
}


@dataclass(frozen=True, slots=True)
class Typed:
    """The rows of a block: all columns as stored (customers as written), and a code each."""

    columns: dict[str, pa.Array]
    """Texts may be dictionaries."""
    code: npt.NDArray[np.int64]


def schema_of(kind: LedgerKind) -> pa.Schema:
    """The columns of a kind as they are stored, and their types."""
    columns = [(column.name, ARROW[column.sql]) for column in kind.columns]
    return pa.schema([*columns, (DAY, pa.date32())])


class Typing:
    """The typing of the blocks of one file; what a distinct cell means is kept."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, checks: Checks) -> None:
        self._engine, self._checks = engine, checks
        self._words = {name: _Words() for name in (*checks.given, DAY)}

    def typed(self, block: Block) -> Typed:
        """Type and check the cells of a block."""
        checks = self._checks
        cells = {name: whole(block.cells[name]) for name in block.cells.column_names}
        code = np.zeros(len(block.numbers), dtype=np.int64)
        columns: dict[str, pa.Array] = {}
        few, others, plain, faulty = [], [], {}, {}
        for column in checks.kind.columns:
            name = column.name
            if column.kind == "rest" and checks.rest:
                others.append(name)
            elif name not in checks.given:
                columns[name] = _absent(column, checks, len(code))
            elif self._stands_alone(column) and pa.types.is_dictionary(cells[name].type):
                few.append(name)
            elif not block.padded and _taken_as_is(column):
                columns[name] = _without_placeholders(column, cells[name])
                faulty[name] = _faulty_text(column, columns[name])
            elif can_be_plain(column, checks):
                plain[name] = read_plain(column, cells[name], checks)
            else:
                others.append(name)
        if few:
            self._learn({name: cells[name].dictionary for name in few})
        for name in few:
            columns[name] = self._words[name].read(cells[name], code)
            if name == "time":
                columns[DAY] = self._words[DAY].read(cells[name], code)
        if others:
            found = self._ask(cells, checks.rows(tuple(others), padded=block.padded))
            code |= found["code"].to_numpy()
            there = found.column_names
            columns.update((name, whole(found[name])) for name in (*others, DAY) if name in there)
        if plain or faulty:
            self._settle(plain, faulty, cells, code, padded=block.padded)
            kinds = {name: ARROW[checks.kind.column(name).sql] for name in plain}
            columns.update((name, found.column(kinds[name])) for name, found in plain.items())
            if "time" in plain:
                columns[DAY] = plain["time"].days()
        columns.setdefault(DAY, pa.nulls(len(code), pa.date32()))
        return Typed({name: columns[name] for name in checks.kind.stored}, code)

    def _settle(
        self,
        plain: dict[str, Plain],
        faulty: dict[str, npt.NDArray[np.bool_]],
        cells: dict[str, pa.Array],
        code: npt.NDArray[np.int64],
        *,
        padded: bool,
    ) -> None:
        """Type and check the rows that are not plain in all; add what is wrong to ``code``."""
        masks = {name: found.hard for name, found in plain.items()} | faulty
        hard = np.flatnonzero(np.logical_or.reduce(list(masks.values())))
        if not len(hard):
            return
        names = tuple(name for name, mask in masks.items() if name in plain or mask.any())
        rows = {name: cells[name].take(pa.array(hard)) for name in names}
        self._engine.register("cells", pa.table(rows))
        query = self._checks.rows(names, padded=padded)
        found = self._engine.execute(query).fetchnumpy()  # an Arrow table would be planned twice
        self._engine.unregister("cells")
        code[hard] |= found["code"]
        for name in plain:
            plain[name].settle(hard, np.ma.asarray(found[name]))
        if "time" in plain:
            plain["time"].settle_days(hard, np.ma.asarray(found[DAY]))

    def _stands_alone(self, column: Column) -> bool:
        return not (column.kind == "time" and self._checks.by_store)

    def _learn(self, cells: dict[str, pa.Array]) -> None:
        """Type and check the distinct cells that were not seen before."""
        new = {name: self._words[name].new(column.to_pylist()) for name, column in cells.items()}
        if "time" in cells:
            self._words[DAY].new(cells["time"].to_pylist())
        most = max(map(len, new.values()))
        if not most:
            return
        padding = {name: words + [None] * (most - len(words)) for name, words in new.items()}
        table = {name: pa.array(words, pa.string()) for name, words in padding.items()}
        found = self._ask(table, self._checks.each(tuple(cells), padded=True))
        for name, words in new.items():
            values = whole(found[name]).slice(0, len(words))
            self._words[name].add(words, values, found[f"code_{name}"].to_numpy())
            if name == "time":
                days = whole(found[DAY]).slice(0, len(words))
                self._words[DAY].add(words, days, np.zeros(len(words), dtype=np.int64))

    def _ask(self, cells: dict[str, pa.Array], query: str) -> pa.Table:
        self._engine.register("cells", pa.table(cells))
        found = self._engine.sql(query).to_arrow_table()
        self._engine.unregister("cells")
        return found


class _Words:
    """The distinct cells of one column so far: what each means, and what is wrong with it."""

    def __init__(self) -> None:
        self._places: dict[str | None, int] = {}
        self._values: Any = None
        self._code = np.empty(0, dtype=np.int64)

    def new(self, cells: list[str]) -> list[str | None]:
        """Those not seen before; the blank cell is always among the known."""
        if len(self._places) > MOST_WORDS:
            self._places, self._values = {}, None
            self._code = self._code[:0]
        return [cell for cell in (None, *cells) if cell not in self._places]

    def add(self, cells: list[str | None], values: pa.Array, code: npt.NDArray[np.int64]) -> None:
        """Keep what cells mean."""
        if not cells:
            return
        start = len(self._places)
        self._places.update((cell, start + at) for at, cell in enumerate(cells))
        if self._values is not None:
            known = self._values
            if pa.types.is_dictionary(known.type):
                known = known.dictionary_decode()
            values = pa.concat_arrays([known, values])
        # spellings of one word become one
        self._values = values.dictionary_encode() if pa.types.is_string(values.type) else values
        self._code = np.concatenate((self._code, code[: len(cells)]))

    def read(self, column: pa.DictionaryArray, code: npt.NDArray[np.int64]) -> pa.Array:
        """The values of a column; what is wrong is added to ``code``."""
        cells = [*column.dictionary.to_pylist(), None]
        places = np.array([self._places[cell] for cell in cells], dtype=np.int32)
        indices = column.indices
        at = indices.fill_null(len(cells) - 1) if indices.null_count else indices
        if self._code.any():
            code |= self._code[places][at.to_numpy()]
        values = self._values.take(pa.array(places))
        if not pa.types.is_dictionary(values.type):
            return values.take(at)
        return pa.DictionaryArray.from_arrays(values.indices.take(at), values.dictionary)


def _taken_as_is(column: Column) -> bool:
    """Whether the cells are the values."""
    return column.kind in ("customer", "text") and not column.words


def _without_placeholders(column: Column, cells: pa.Array) -> pa.Array:
    """The cells, missing where a customer is not known."""
    if column.kind != "customer":
        return cells
    length = pc.binary_length(cells).fill_null(LONGEST).to_numpy()
    short = np.flatnonzero(length <= max(map(len, PLACEHOLDERS)))
    found = pc.is_in(cells.take(pa.array(short)), value_set=pa.array(PLACEHOLDERS))
    places = short[np.asarray(found)]
    if not len(places):
        return cells
    there = np.ones(len(cells), dtype=bool)
    there[places] = False
    return pc.if_else(pa.array(there), cells, None)


def _faulty_text(column: Column, cells: pa.Array) -> npt.NDArray[np.bool_]:
    """Which texts are too long, or missing although required."""
    length = pc.binary_length(cells)
    if not (column.required and cells.null_count) and (pc.max(length).as_py() or 0) <= LONGEST:
        return np.zeros(len(cells), dtype=bool)
    faulty = pc.fill_null(pc.greater(length, LONGEST), column.required)
    return np.asarray(faulty)


def _absent(column: Column, checks: Checks, rows: int) -> pa.Array:
    """A column that the file does not have."""
    if column.kind == "currency" and checks.layout.currency:
        value = pa.array([checks.layout.currency])
        return pa.DictionaryArray.from_arrays(np.zeros(rows, dtype=np.int32), value)
    return pa.nulls(rows, ARROW[column.sql])
