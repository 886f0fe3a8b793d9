"""A file read into typed rows with every fault of every row: what loading and analysing share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from analysis.ledgers.checks import AMBIGUOUS, Checks, unreadable_bit
from analysis.ledgers.engine import connection, quoted
from analysis.ledgers.faults import SHOWN, LedgerFaults, Reason, RowFault, names_of
from analysis.ledgers.files import Block, open_ledger_file
from analysis.ledgers.kinds import LedgerKind
from analysis.ledgers.layout import Layout
from analysis.ledgers.typed import Typed, Typing, schema_of

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is not accepted: its line, reasons in order, customer as written, and text."""

    row: int
    reasons: tuple[Reason, ...]
    customer: str | None
    fact: str
    """Why it cannot be read, where that is the reason."""
    text: str

    def faults(self, cells: dict[str, object]) -> list[RowFault]:
        """The faults in words; ``cells`` are those of the row as written."""
        found = []
        for reason in self.reasons:
            cell = self.fact if not reason.column else str(cells.get(reason.column) or "")[:80]
            fact = reason.fact.format(cell=cell)
            found.append(RowFault(self.row, reason.name, fact, reason.mend))
        return found


def typed_blocks(
    engine: duckdb.DuckDBPyConnection, blocks: Iterator[Block], checks: Checks
) -> Iterator[tuple[Block, Typed, list[BadRow]]]:
    """Type each block, and tell the rows that are not accepted."""
    typing, reasons = Typing(engine, checks), checks.reasons
    first_bit = unreadable_bit(reasons)
    customers = [name for name in checks.kind.customers if name in checks.given][:1]
    for block in blocks:
        bad = [
            BadRow(row, names_of(first_bit, reasons), None, fact, text)
            for row, fact, text in block.unreadable
        ]
        typed = typing.typed(block)
        at = np.flatnonzero(typed.code & ~AMBIGUOUS)
        codes, rows = typed.code[at].tolist(), block.numbers[at].tolist()
        named = [None] * len(rows)
        for customer in customers:
            named = typed.columns[customer].take(pa.array(at)).to_pylist()
        bad += [
            BadRow(row, names_of(code, reasons), customer, "", block.text(row))
            for row, code, customer in zip(rows, codes, named, strict=True)
        ]
        yield block, typed, sorted(bad, key=lambda row: row.row)


def read_rows(
    path: Path, kind: LedgerKind, layout: Layout | None = None, *, today: date | None = None
) -> pd.DataFrame:
    """Read a file whole, with the customers as they are written there.

    Parameters
    ----------
    path
        CSV (also gzipped) or Parquet, told by its first bytes.
    layout
        How it is written.
    today
        Times after this day are faults; without it any time is accepted.

    Returns
    -------
    DataFrame
        The columns of the kind, and the day of each row: money in whole cents, times in UTC.

    Raises
    ------
    LedgerFaults
        With every faulty row, or with what is wrong with the header.
    """
    faults: list[RowFault] = []
    more = 0
    with connection() as engine, open_ledger_file(path, kind, layout or Layout()) as (file, blocks):
        checks = Checks.of(file, today)
        tables = [schema_of(kind).empty_table()]
        for block, typed, bad in typed_blocks(engine, blocks, checks):
            tables.append(pa.table(typed.columns).cast(schema_of(kind)))
            for row in bad:
                if len(faults) >= 20 * SHOWN:
                    more += len(row.reasons)
                else:
                    faults += row.faults(_cells_of(block, row.row))
        if faults:
            raise LedgerFaults(path.name, faults, more)
        engine.register("typed", pa.concat_tables(tables))
        return engine.execute(f"SELECT {quoted(kind.stored)} FROM typed").df()


def _cells_of(block: Block, row: int) -> dict[str, object]:
    at = block.numbers.searchsorted(row)
    if at == len(block.numbers) or block.numbers[at] != row:
        return {}
    found: dict[str, object] = block.cells.slice(int(at), 1).to_pylist()[0]
    return found
