"""Which identifier a pseudonym stands for, kept only where the installation says so."""

from __future__ import annotations

import duckdb

from analysis.ledgers.raw import RawFolder


def keep_identifiers(engine: duckdb.DuckDBPyConnection, raw: RawFolder) -> None:
    """Add the customers of the table 'names' to the identifiers that are kept."""
    target = raw.identifiers
    known = ""
    if target.exists():
        engine.read_parquet(str(target)).create_view("identifiers", replace=True)
        known = "UNION ALL SELECT customer, raw FROM identifiers"
    draft = target.with_suffix(".part")
    query = (
        "SELECT customer, min(raw) AS raw FROM "
        f"(SELECT customer, raw FROM names WHERE NOT erased {known}) "
        "GROUP BY customer ORDER BY customer"
    )
    path = str(draft).replace("'", "''")
    engine.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    draft.chmod(0o600)
    draft.replace(target)
