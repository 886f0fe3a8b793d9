"""The Parquet files of a ledger: rewritten without corrected rows, merged when small."""

from __future__ import annotations

from pathlib import Path

import duckdb

from analysis.ledgers.days import dated_rows
from analysis.ledgers.engine import count, quoted, same
from analysis.ledgers.kinds import LedgerKind

SMALL = 4_000_000
MOST_SMALL = 32
WRITTEN = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880)"


def write_history(
    engine: duckdb.DuckDBPyConnection, kind: LedgerKind, version: Path, *, name: str, at: str
) -> None:
    """Keep the rows that a load corrects, with since when and by which load."""
    if not count(engine, "superseded"):
        return
    target = version / "history" / f"{kind.name}-{name}.parquet"
    before = ""
    if target.exists():
        dated_rows(engine, [target]).create_view("history_before")
        before = "UNION ALL BY NAME SELECT * FROM history_before"
    query = (
        f"SELECT {quoted(kind.stored)}, source, load, {_text(at)} AS superseded_at, "
        f"{_text(name)} AS superseded_by FROM superseded {before}"
    )
    draft = target.with_suffix(".part")
    _copy(engine, query, draft)
    draft.replace(target)


def rewrite_without(engine: duckdb.DuckDBPyConnection, version: Path, kind: LedgerKind) -> None:
    """Take the corrected rows out of the files in which they stand."""
    found = engine.execute("SELECT DISTINCT file FROM superseded ORDER BY file").fetchall()
    for (file,) in found:
        target = version / "rows" / Path(file).name
        condition = same((*kind.identity, "source", "load"), "r", "s")
        rewrite(
            engine,
            target,
            f"NOT EXISTS (SELECT 1 FROM superseded s WHERE s.file = {_text(file)} AND {condition})",
        )


def rewrite(engine: duckdb.DuckDBPyConnection, target: Path, keep: str) -> int:
    """Write a file anew with the rows ``r`` that fulfil a condition; return how many went."""
    rows = f"read_parquet({_text(str(target))}) r"
    before, after = count(engine, rows), count(engine, f"{rows} WHERE {keep}")
    if after == before:
        return 0
    draft = target.with_suffix(".part")
    _copy(engine, f"SELECT * FROM {rows} WHERE {keep}", draft)
    target.unlink()
    if after:
        draft.replace(target)
    else:
        draft.unlink()
    return before - after


def merge_small(engine: duckdb.DuckDBPyConnection, version: Path, number: int) -> None:
    """Merge small files into one when there are many, as daily loads leave them."""
    small = [p for p in sorted((version / "rows").glob("*.parquet")) if p.stat().st_size < SMALL]
    if len(small) <= MOST_SMALL:
        return
    dated_rows(engine, small).create_view("small_files")
    draft = version / "rows" / "merged.part"
    _copy(engine, "SELECT * FROM small_files", draft)
    for path in small:
        path.unlink()
    kind = small[0].name.split("-")[0]
    draft.replace(version / "rows" / f"{kind}-{number:06d}-merged.parquet")


def _copy(engine: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    engine.execute(f"COPY ({query}) TO {_text(str(target))} {WRITTEN}")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
