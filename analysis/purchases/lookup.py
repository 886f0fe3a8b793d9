"""A scoring run as one SQLite file, with indices, for pages that look up a customer."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from analysis.purchases.scoring import SCORE_COLUMNS

FILE = "lookup.sqlite"
BATCH = 50_000


def write_lookup(
    folder: Path, tables: Mapping[str, pd.DataFrame], *, facts: Mapping[str, Any]
) -> int:
    """Write lookup.sqlite beside customers.parquet and weeks.parquet; how many customers.

    Tables: customers (number, then ``SCORE_COLUMNS``), weeks (number, week, cents, days), facts
    (name, value as JSON), and those of ``tables``. Both Parquet files are sorted by customer.
    """
    with closing(sqlite3.connect(folder / FILE)) as file:
        file.execute("PRAGMA journal_mode = OFF")
        file.execute("PRAGMA synchronous = OFF")
        columns = ", ".join(f'"{name}"' for name in SCORE_COLUMNS)
        file.execute(f"CREATE TABLE customers (number INTEGER PRIMARY KEY, {columns})")
        file.execute(
            "CREATE TABLE weeks (number INTEGER, week INTEGER, cents INTEGER, days INTEGER, "
            "PRIMARY KEY (number, week)) WITHOUT ROWID"
        )
        n = 0
        holes = ", ".join("?" * (len(SCORE_COLUMNS) + 1))
        for rows in _batches(_numbered(folder / "customers.parquet")):
            file.executemany(f"INSERT INTO customers VALUES ({holes})", rows)  # noqa: S608
            n += len(rows)
        weeks = _weeks_numbered(file, folder / "weeks.parquet")
        for rows in _batches(weeks):
            file.executemany("INSERT INTO weeks VALUES (?, ?, ?, ?)", rows)
        file.execute("CREATE UNIQUE INDEX customers_by_name ON customers (customer)")
        file.execute("CREATE INDEX customers_by_rank ON customers (rank, customer)")
        file.execute(
            "CREATE INDEX customers_moves ON customers (customer, tier, rank, spend_52_weeks)"
        )
        file.execute("CREATE INDEX customers_by_tier ON customers (tier, rank, customer)")
        file.execute("CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT)")
        pairs = [(name, json.dumps(value)) for name, value in facts.items()]
        file.executemany("INSERT INTO facts VALUES (?, ?)", pairs)
        for name, table in tables.items():
            write_table(file, name, table)
        file.commit()
    return n


def write_table(file: sqlite3.Connection, name: str, table: pd.DataFrame) -> None:
    """Write a table; what is missing is NULL."""
    columns = ", ".join(f'"{column}"' for column in table.columns)
    file.execute(f"CREATE TABLE {name} ({columns})")
    holes = ", ".join("?" * len(table.columns))
    plain = table.astype(object).where(table.notna(), None)
    rows = [tuple(row) for row in plain.itertuples(index=False, name=None)]
    file.executemany(f"INSERT INTO {name} VALUES ({holes})", rows)  # noqa: S608


def _rows(path: Path, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    """The rows of a Parquet file, or of a folder of parts in order."""
    parts = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    for part in parts:
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(BATCH, columns=columns):
                yield from zip(*(batch[name].to_pylist() for name in columns), strict=True)


def _numbered(path: Path) -> Iterator[tuple[Any, ...]]:
    for number, row in enumerate(_rows(path, list(SCORE_COLUMNS))):
        yield (number, *row)


def _weeks_numbered(file: sqlite3.Connection, path: Path) -> Iterator[tuple[int, int, int, int]]:
    """The weeks with the customer's number: both are sorted by customer, so one walk is enough."""
    names = file.cursor().execute("SELECT number, customer FROM customers ORDER BY number")
    number, name = -1, None
    for customer, week, cents, days in _rows(path, ["customer", "week", "cents", "days"]):
        while name != customer:
            number, name = next(names)
        yield number, week, cents, days


def _batches(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while batch := list(islice(rows, BATCH)):
        yield batch
