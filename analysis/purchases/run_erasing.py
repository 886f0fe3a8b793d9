"""Taking a customer out of scoring runs: Parquet, lookup.sqlite and outlook.sqlite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis.purchases.stored_outlook import FILE as OUTLOOK
from analysis.purchases.stored_scores import FILE as LOOKUP


def erase_from_runs(folder: Path, customer: str) -> int:
    """Remove a customer from all runs; how many rows were removed.

    Counts and shares of whole runs stay, for they name nobody. It may be repeated.
    """
    removed = 0
    for run in sorted(path for path in folder.glob("*") if path.is_dir()):
        for name in ("customers.parquet", "weeks.parquet"):
            path = run / name
            parts = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
            removed += sum(_from_parquet(part, customer) for part in parts if part.is_file())
        for name in (LOOKUP, OUTLOOK):
            if (run / name).is_file():
                removed += _from_sqlite(run / name, customer)
    return removed


def _from_parquet(path: Path, customer: str) -> int:
    if not any(pc.any(pc.equal(c, customer)).as_py() for c in _names(path)):
        return 0
    table = pq.read_table(path, partitioning=None)
    kept = table.filter(pc.not_equal(table["customer"], customer))
    draft = path.with_suffix(".part")
    pq.write_table(kept, draft, compression="zstd")
    draft.replace(path)
    return int(table.num_rows - kept.num_rows)


def _names(path: Path) -> Iterator[pa.Array]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=["customer"]):
            yield batch["customer"]


def _from_sqlite(path: Path, customer: str) -> int:
    with closing(sqlite3.connect(path, timeout=60)) as file:
        file.execute("PRAGMA secure_delete = ON")
        named = "SELECT name FROM sqlite_master WHERE type = 'table'"
        tables = [name for (name,) in file.execute(named)]
        columns = {
            name: [row[1] for row in file.execute(f"PRAGMA table_info({name})")] for name in tables
        }
        removed = 0
        if "weeks" in tables:
            removed += file.execute(
                "DELETE FROM weeks WHERE number = "
                "(SELECT number FROM customers WHERE customer = ?)",
                [customer],
            ).rowcount
        for name in tables:
            if "customer" in columns[name]:
                statement = f"DELETE FROM {name} WHERE customer = ?"  # noqa: S608
                removed += file.execute(statement, [customer]).rowcount
        file.commit()
        return removed
