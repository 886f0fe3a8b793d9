"""A block of cells as typed columns, with a code of everything that is wrong with each row.

A column of few distinct cells comes as a dictionary, and each distinct cell is typed and checked
once; the other columns are typed row by row, and texts that need neither are taken as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.ledgers.checks import LONGEST, Checks
from analysis.ledgers.files import Block
from analysis.ledgers.kinds import Column, LedgerKind

ARROW: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "TIMESTAMP": pa.timestamp("us"),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
}


@dataclass(frozen=True, slots=True)
class Typed:
    """The rows of a block: all columns of the kind (customers as written), and a code each."""

    columns: dict[str, pa.Array]
    """Texts may be dictionaries."""
    code: npt.NDArray[np.int64]


def schema_of(kind: LedgerKind) -> pa.Schema:
    """The columns of a kind and their types."""
    return pa.schema([(column.name, ARROW[column.sql]) for column in kind.columns])


def typed_block(engine: duckdb.DuckDBPyConnection, block: Block, checks: Checks) -> Typed:
    """Type and check the cells of a block."""
    cells = {name: block.cells[name].combine_chunks() for name in block.cells.column_names}
    code = np.zeros(len(block.numbers), dtype=np.int64)
    columns: dict[str, pa.Array] = {}
    few, plain, others = [], [], []
    for column in checks.kind.columns:
        name = column.name
        if column.kind == "rest" and checks.rest:
            others.append(name)
        elif name not in checks.given:
            columns[name] = _absent(column, checks, len(code))
        elif pa.types.is_dictionary(cells[name].type) and not (
            column.kind == "time" and checks.by_store
        ):
            few.append(name)
        elif not block.padded and _needs_nothing(column, cells[name]):
            plain.append(name)
        else:
            others.append(name)
    columns.update((name, cells[name]) for name in plain)
    if few:
        columns.update(_each(engine, {name: cells[name] for name in few}, checks, block, code))
    if others:
        engine.register("cells", pa.table(cells))
        found = engine.sql(checks.rows(tuple(others), padded=block.padded)).to_arrow_table()
        engine.unregister("cells")
        code |= found["code"].to_numpy()
        columns.update((name, found[name].combine_chunks()) for name in others)
    return Typed({name: columns[name] for name in checks.kind.names}, code)


def _each(
    engine: duckdb.DuckDBPyConnection,
    cells: dict[str, pa.DictionaryArray],
    checks: Checks,
    block: Block,
    code: npt.NDArray[np.int64],
) -> dict[str, pa.Array]:
    """The columns of few distinct cells; what is wrong is added to ``code``."""
    blank = max(len(column.dictionary) for column in cells.values())
    distinct = {name: _filled(column.dictionary, blank + 1) for name, column in cells.items()}
    engine.register("cells", pa.table(distinct))
    found = engine.sql(checks.each(tuple(cells), padded=block.padded)).to_arrow_table()
    engine.unregister("cells")
    columns = {}
    for name, column in cells.items():
        at = column.indices.fill_null(blank).to_numpy()
        bits = found[f"code_{name}"].to_numpy()
        if bits.any():
            code |= bits[at]
        columns[name] = _taken(found[name].combine_chunks(), at)
    return columns


def _filled(cells: pa.Array, size: int) -> pa.Array:
    return pa.concat_arrays([cells, pa.nulls(size - len(cells), cells.type)])


def _taken(values: pa.Array, at: npt.NDArray[np.int32]) -> pa.Array:
    if not pa.types.is_string(values.type):
        return values.take(pa.array(at))
    texts = values.dictionary_encode()  # spellings of one word become one
    return pa.DictionaryArray.from_arrays(texts.indices.take(pa.array(at)), texts.dictionary)


def _needs_nothing(column: Column, cells: pa.Array) -> bool:
    """Whether the cells are the values, and nothing can be wrong with them."""
    if column.kind not in ("customer", "text") or column.words:
        return False
    if column.required and cells.null_count:
        return False
    return (pc.max(pc.binary_length(cells)).as_py() or 0) <= LONGEST


def _absent(column: Column, checks: Checks, rows: int) -> pa.Array:
    """A column that the file does not have."""
    if column.kind == "currency" and checks.layout.currency:
        value = pa.array([checks.layout.currency])
        return pa.DictionaryArray.from_arrays(np.zeros(rows, dtype=np.int32), value)
    return pa.nulls(rows, ARROW[column.sql])
