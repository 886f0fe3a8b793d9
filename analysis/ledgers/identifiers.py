"""Which identifier a pseudonym stands for, kept only where the installation says so.

A file of its own, read with the standard library alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def keep_identifiers(path: Path, pairs: Iterable[tuple[str, str]]) -> None:
    """Add pairs of pseudonym and identifier; the first spelling of each is kept."""
    with _opened(path) as c:
        c.executemany("INSERT OR IGNORE INTO identifiers VALUES (?, ?)", pairs)


def identifier_of(path: Path, customer: str) -> str | None:
    """What a pseudonym stands for, or None when that is not known."""
    if not path.exists():
        return None
    with _opened(path) as c:
        row = c.execute("SELECT raw FROM identifiers WHERE customer = ?", (customer,)).fetchone()
    return str(row[0]) if row else None


def forget_identifier(path: Path, customer: str) -> int:
    """Remove what a pseudonym stands for; return how many rows went."""
    if not path.exists():
        return 0
    with _opened(path) as c:
        removed = c.execute("DELETE FROM identifiers WHERE customer = ?", (customer,)).rowcount
    with _opened(path) as c:
        c.commit()
        c.execute("VACUUM")
    return removed


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=30)
    try:
        with connection:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS identifiers "
                "(customer TEXT PRIMARY KEY, raw TEXT NOT NULL) WITHOUT ROWID"
            )
            yield connection
    finally:
        connection.close()
