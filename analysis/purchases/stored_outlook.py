"""Reading a run's outlook.sqlite: standard library only, so that pages may import it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis.purchases.stored_run import StoredFile

FILE = "outlook.sqlite"
TABLES = ("acquisition",)


class StoredOutlook(StoredFile):
    """The outlook of one run: margin and horizon, reasons and warnings, worth, alarms, days.

    Parameters
    ----------
    folder
        The run's folder.

    Raises
    ------
    FileNotFoundError
        When the run has none: it was made by an earlier build.
    """

    tables = TABLES

    def __init__(self, folder: Path) -> None:
        path = folder / FILE
        if not path.is_file():
            raise FileNotFoundError(path)
        super().__init__(path)

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
