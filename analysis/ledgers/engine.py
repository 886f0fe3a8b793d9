"""DuckDB as ledgers use it: in UTC, within a cap of memory, spilling to a folder."""

from __future__ import annotations

from pathlib import Path

import duckdb


def connection(memory: str = "", scratch: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A fresh DuckDB in memory.

    Parameters
    ----------
    memory
        The most memory it takes, such as '2GB'; default: DuckDB's own share of the machine.
    scratch
        Where it puts what does not fit.
    """
    engine = duckdb.connect()
    engine.execute("SET TimeZone = 'UTC'")
    engine.execute("SET enable_progress_bar = false")
    if memory:
        engine.execute("SET memory_limit = ?", [memory])
    if scratch:
        engine.execute("SET temp_directory = ?", [str(scratch)])
    return engine


def count(engine: duckdb.DuckDBPyConnection, rows: str) -> int:
    """How many rows a FROM clause has."""
    return int(engine.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0])


def quoted(names: tuple[str, ...], table: str = "") -> str:
    """Names as a list of columns."""
    prefix = f"{table}." if table else ""
    return ", ".join(f'{prefix}"{name}"' for name in names)


def same(names: tuple[str, ...], one: str, other: str) -> str:
    """The condition that two tables agree in columns, missing equal to missing."""
    return " AND ".join(f'{one}."{n}" IS NOT DISTINCT FROM {other}."{n}"' for n in names)
