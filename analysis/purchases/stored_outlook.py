"""Reading a run's outlook.sqlite: standard library only, so that pages may import it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby, islice
from pathlib import Path
from struct import Struct
from typing import Any

from analysis.purchases.stored_run import StoredFile

FILE = "outlook.sqlite"
TABLES = ("acquisition",)
LINE = Struct("<iqiib")
"""A line of ``purchase_days``: day since 1970, net cents, channel and store (numbers of ``places``,
-1: unknown), and 1 where it was on sale."""
EPOCH = date(1970, 1, 1)


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
        if self._has("days"):
            return self._many(
                "SELECT * FROM days WHERE customer = ? ORDER BY day DESC LIMIT ? OFFSET ?",
                customer,
                limit,
                after,
            )
        by_day = groupby(self._lines(customer), key=lambda line: line[0])
        asked = [(day, list(lines)) for day, lines in islice(by_day, after, after + limit)]
        names = {row["number"]: row["name"] for row in self._many("SELECT * FROM places")}
        return [_purchase_day(day, lines, names) for day, lines in asked]

    def count_days(self, customer: str) -> int:
        """How many days with purchases or refunds a customer has."""
        if self._has("days"):
            found = self._one("SELECT count(*) AS n FROM days WHERE customer = ?", customer)
            return int(found["n"]) if found else 0
        return len({line[0] for line in self._lines(customer)})

    def _lines(self, customer: str) -> Iterator[tuple[int, ...]]:
        found = self._one("SELECT lines FROM purchase_days WHERE customer = ?", customer)
        return LINE.iter_unpack(found["lines"] if found else b"")

    def _has(self, table: str) -> bool:
        """Whether there is a table; runs made before ``purchase_days`` have ``days``."""
        there = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return self._one(there, table) is not None

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


def _purchase_day(day: int, lines: list[tuple[int, ...]], names: dict[int, str]) -> dict[str, Any]:
    """A row of ``StoredOutlook.days``."""
    channels, stores = (
        ", ".join(sorted({names[line[at]] for line in lines if line[at] >= 0})) for at in (2, 3)
    )
    return {
        "day": (EPOCH + timedelta(days=day)).isoformat(),
        "cents": sum(line[1] for line in lines),
        "lines": len(lines),
        "channels": channels or None,
        "stores": stores or None,
        "sale_lines": sum(line[4] for line in lines),
    }
