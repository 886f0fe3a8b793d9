"""What lies in a ledger: its rows, corrections, quarantine and loads, as tables."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from analysis.ledgers.days import dated_rows
from analysis.ledgers.engine import connection
from analysis.ledgers.folder import load_records, parquet_files
from analysis.ledgers.kinds import DAY, KINDS, PURCHASES, LedgerKind
from analysis.ledgers.raw import RawFolder
from analysis.ledgers.set_apart import ROWS
from analysis.ledgers.summary import FileLoad, file_load


def read_rows_of(
    folder: Path, kind: LedgerKind = PURCHASES, *, customers: Collection[str] | None = None
) -> pd.DataFrame:
    """The rows that hold now, sorted by time: the kind's columns, day, source and load.

    With ``customers`` only theirs: of a large ledger the rest never comes into memory.
    """
    with connection() as engine:
        files = parquet_files(folder)
        if not files:
            columns = ", ".join(f'CAST(NULL AS {c.sql}) AS "{c.name}"' for c in kind.columns)
            signed = f"CAST(NULL AS DATE) AS {DAY}, '' AS source, CAST(0 AS INTEGER) AS load"
            empty = f"SELECT {columns}, {signed} WHERE false"
            return engine.execute(empty).df()
        dated_rows(engine, files).create_view("ledger")
        by = ", ".join(f'"{name}"' for name in ("time", *kind.identity, *kind.customers))
        if customers is None:
            return engine.execute(f"SELECT * FROM ledger ORDER BY {by}").df()
        theirs = "SELECT * FROM ledger WHERE customer IN (SELECT unnest(?))"
        return engine.execute(f"{theirs} ORDER BY {by}", [sorted(customers)]).df()


def read_history_of(folder: Path, kind: LedgerKind = PURCHASES) -> pd.DataFrame:
    """Corrected rows: as those that hold, with superseded_at and superseded_by (a load)."""
    files = parquet_files(folder, "history")
    if not files:
        extra = ["source", "load", "superseded_at", "superseded_by"]
        return pd.DataFrame(columns=[*kind.stored, *extra])
    with connection() as engine:
        dated_rows(engine, files).create_view("history")
        return engine.execute("SELECT * FROM history ORDER BY superseded_at, load").df()


def read_quarantine_of(
    folder: Path, kind: LedgerKind = PURCHASES, raw: RawFolder | None = None
) -> pd.DataFrame:
    """Rows not accepted: file, row, reason, reasons, customer, load; with ``raw`` their text."""
    files = [str(path) for path in parquet_files(folder, "quarantine")]
    if not files:
        return pd.DataFrame(columns=[*ROWS.names, *(["text"] if raw else [])])
    with connection() as engine:
        engine.read_parquet(files).create_view("quarantine")
        found = engine.execute("SELECT * FROM quarantine ORDER BY load, row").df()
        if raw is None:
            return found
        texts = [(load, raw.texts(kind.name, load)) for load in found["load"].unique()]
        there = [
            engine.read_parquet(str(path)).df().assign(load=load)[["load", "row", "text"]]
            for load, path in texts
            if path.exists()
        ]
    if not there:
        return found.assign(text=None)
    return found.merge(pd.concat(there, ignore_index=True), on=["load", "row"], how="left")


def read_loads_of(folder: Path) -> tuple[FileLoad, ...]:
    """What became of the files loaded so far, in order."""
    return tuple(file_load(record) for record in load_records(folder).values())


def overview(root: Path) -> list[dict[str, object]]:
    """Each kind of ledger that an installation may have: files, rows, corrections, set apart."""
    found: list[dict[str, object]] = []
    with connection() as engine:
        for kind in KINDS.values():
            row: dict[str, object] = {"kind": kind.name, "title": kind.title}
            row["files"] = len(load_records(root / kind.name))
            for part in ("rows", "history", "quarantine"):
                files = [str(path) for path in parquet_files(root / kind.name, part)]
                row[part] = len(engine.read_parquet(files)) if files else 0
            found.append(row)
    return found
