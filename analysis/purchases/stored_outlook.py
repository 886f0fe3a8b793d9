"""Reading a run's outlook.sqlite: standard library only, so that pages may import it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FILE = "outlook.sqlite"
TABLES = ("acquisition", "offers")


class StoredOutlook:
    """The outlook of one run, open for reading; use it in a ``with`` block.

    Parameters
    ----------
    folder
        The run's folder.

    Raises
    ------
    FileNotFoundError
        When the run has none: it was made by an earlier build.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        if not path.is_file():
            raise FileNotFoundError(path)
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
        """Margin, horizon, reasons, warnings, and what is known of the alarm."""
        rows = self._file.execute("SELECT name, value FROM facts")
        return {row["name"]: json.loads(row["value"]) for row in rows}

    def table(self, name: str) -> list[dict[str, Any]]:
        """One of ``TABLES``, row by row."""
        if name not in TABLES:
            raise ValueError(f"an outlook has no table '{name}'; there are {', '.join(TABLES)}")
        return [dict(row) for row in self._file.execute(f"SELECT * FROM {name}")]  # noqa: S608

    def value(self, customer: str) -> dict[str, Any] | None:
        """The lifetime value of a customer, or None."""
        return self._one("SELECT * FROM lifetime_values WHERE customer = ?", customer)

    def alarm(self, customer: str) -> dict[str, Any] | None:
        """The alarm's answer about a customer, or None."""
        return self._one("SELECT * FROM alarms WHERE customer = ?", customer)

    def days(self, customer: str, *, limit: int, after: int) -> list[dict[str, Any]]:
        """Purchase days of a customer, the newest first."""
        return self._many(
            "SELECT * FROM days WHERE customer = ? ORDER BY day DESC LIMIT ? OFFSET ?",
            customer,
            limit,
            after,
        )

    def count_days(self, customer: str) -> int:
        """How many days with purchases or refunds a customer has."""
        found = self._one("SELECT count(*) AS n FROM days WHERE customer = ?", customer)
        return int(found["n"]) if found else 0

    def events(self, customer: str, *, limit: int = 50) -> list[dict[str, Any]]:
        """Offers and service contacts of a customer, the newest first."""
        return self._many(
            "SELECT * FROM events WHERE customer = ? ORDER BY day DESC LIMIT ?", customer, limit
        )

    def win_back(
        self, *, capacity: int | None = None, limit: int = -1, after: int = 0
    ) -> list[dict[str, Any]]:
        """The win-back list by rank; beyond the capacity nobody is contacted or left by lot."""
        rows = self._many("SELECT * FROM win_back ORDER BY rank LIMIT ? OFFSET ?", limit, after)
        for row in rows:
            if capacity is not None and row["contacts_before"] >= capacity:
                row["group"] = "beyond_capacity"
        return rows

    def win_back_counts(self, capacity: int | None = None) -> dict[str, int]:
        """How many of the list are in each group."""
        most = 2**62 if capacity is None else capacity
        rows = self._many(
            "SELECT CASE WHEN contacts_before >= ? THEN 'beyond_capacity' ELSE \"group\" END "
            "AS part, count(*) AS n FROM win_back GROUP BY part",
            most,
        )
        return {row["part"]: row["n"] for row in rows}

    def _one(self, statement: str, *values: object) -> dict[str, Any] | None:
        row = self._file.execute(statement, values).fetchone()
        return dict(row) if row else None

    def _many(self, statement: str, *values: object) -> list[dict[str, Any]]:
        return [dict(row) for row in self._file.execute(statement, values)]
