"""A SQLite file of a scoring run, open for reading: standard library only, for pages."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self


class StoredFile:
    """One file of a run; use it in a ``with`` block.

    Parameters
    ----------
    path
        The file, which has a table ``facts`` (name, value as JSON).
    """

    tables: ClassVar[tuple[str, ...]] = ()
    """Those that ``table`` reads as a whole."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        self._file.row_factory = sqlite3.Row

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def facts(self) -> dict[str, Any]:
        """What is known of the run, by name."""
        rows = self._file.execute("SELECT name, value FROM facts")
        return {row["name"]: json.loads(row["value"]) for row in rows}

    def table(self, name: str) -> list[dict[str, Any]]:
        """One of ``tables``, row by row; empty when the run is older than the table."""
        if name not in self.tables:
            raise ValueError(f"a run has no table '{name}'; there are {', '.join(self.tables)}")
        there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        if self._file.execute(there, [name]).fetchone() is None:
            return []
        return [dict(row) for row in self._file.execute(f"SELECT * FROM {name}")]  # noqa: S608
