"""Reading a scoring run's lookup.sqlite: standard library only, so that pages may import it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from analysis.purchases.stored_run import StoredFile

WEEKS, LATEST_WEEKS = 52, 13
RECORD, FILE = "run.json", "lookup.sqlite"
LAST = "\U0010ffff"
"""The last character there is: names that begin so sort before the beginning with it."""
TABLES = ("tiers", "moves", "cohorts", "retention", "offers")


@dataclass(frozen=True, slots=True)
class Week:
    """A week of a customer: its last day, spend in points, purchase days, and the rolling score."""

    ends: date
    points: float
    days: int
    rolling: float


def runs(folder: Path) -> list[dict[str, Any]]:
    """The records of all runs (see ``runs.Run``), by as-of day and then by when they were made."""
    found = [json.loads(file.read_text(encoding="utf-8")) for file in folder.glob(f"*/{RECORD}")]
    return sorted(found, key=lambda record: (record["as_of"], record["made"]))


class StoredScores(StoredFile):
    """The scores of one run: its record, tiers, cohorts, and every customer.

    Parameters
    ----------
    folder
        The run's folder.
    """

    tables = TABLES

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / FILE)

    def customer(self, name: str) -> dict[str, Any] | None:
        """The score of a customer, or None."""
        row = self._file.execute("SELECT * FROM customers WHERE customer = ?", [name]).fetchone()
        return dict(row) if row else None

    def search(
        self, *, begins: str = "", tier: str = "", limit: int = 50, after: int = 0
    ) -> list[dict[str, Any]]:
        """Customers by rank whose name begins so, in a tier; ``after`` so many.

        The page is found in an index alone; only its rows are read.
        """
        asked, values = _where(begins, tier)
        rows = self._file.execute(
            f"SELECT * FROM customers WHERE number IN (SELECT number FROM customers {asked} "  # noqa: S608
            "ORDER BY rank, customer LIMIT ? OFFSET ?) ORDER BY rank, customer",
            [*values, limit, after],
        )
        return [dict(row) for row in rows]

    def columns(self) -> tuple[str, ...]:
        """The columns of the customers but their number, in order."""
        found = self._file.execute("SELECT * FROM customers LIMIT 0").description
        return tuple(name for name, *_ in found if name != "number")

    def every(self, *, tier: str = "") -> Iterator[dict[str, Any]]:
        """All customers of a tier ('': of all tiers) by rank, one after the other."""
        asked, values = _where("", tier)
        statement = f"SELECT * FROM customers {asked} ORDER BY rank, customer"  # noqa: S608
        for row in self._file.execute(statement, values):
            yield dict(row)

    def movement_since(self, earlier: Path) -> list[dict[str, Any]]:
        """Customers by tier in an earlier run ('new': not in it) and in this one.

        Parameters
        ----------
        earlier
            Folder of a run with the same configuration, or its tiers do not compare.

        Returns
        -------
        list
            tier_then, tier_now, customers, spend_then, spend_now (52 weeks; 0 for the new).
        """
        there = f"{(earlier / FILE).absolute().as_uri()}?mode=ro"
        self._file.execute("ATTACH ? AS earlier", [there])
        rows = self._file.execute(
            "SELECT coalesce(e.tier, 'new') AS tier_then, n.tier AS tier_now, "
            "count(*) AS customers, coalesce(sum(e.spend_52_weeks), 0) AS spend_then, "
            "sum(n.spend_52_weeks) AS spend_now "
            "FROM main.customers n LEFT JOIN earlier.customers e ON e.customer = n.customer "
            "GROUP BY 1, 2"
        ).fetchall()
        self._file.execute("DETACH earlier")
        return [dict(row) for row in rows]

    def series(self, name: str) -> list[Week]:
        """The last 52 weeks of a customer, the oldest first; empty for an unknown customer."""
        found = self.customer(name)
        if found is None:
            return []
        facts = self.facts()
        rule = facts["configuration"]["rule"]
        rows = self._file.execute(
            "SELECT week, cents, days FROM weeks WHERE number = ?", [found["number"]]
        ).fetchall()
        cents, days = [0] * (2 * WEEKS), [0] * (2 * WEEKS)
        for row in rows:
            cents[row["week"]], days[row["week"]] = row["cents"], row["days"]
        per_cent, doubled = rule["points_per_unit"] / 100, rule["latest_weight"] - 1
        until = date.fromisoformat(facts["as_of"])
        return [
            Week(
                ends=until - timedelta(weeks=ago),
                points=cents[ago] * per_cent,
                days=days[ago],
                rolling=per_cent
                * (sum(cents[ago : ago + WEEKS]) + doubled * sum(cents[ago : ago + LATEST_WEEKS])),
            )
            for ago in range(WEEKS - 1, -1, -1)
        ]


def _where(begins: str, tier: str) -> tuple[str, list[str]]:
    """The condition of a search, one that an index answers, and its values."""
    conditions, values = [], []
    if begins:
        conditions.append("customer >= ? AND customer < ?")
        values += [begins, begins + LAST]
    if tier:
        conditions.append("tier = ?")
        values.append(tier)
    return f"WHERE {' AND '.join(conditions)}" if conditions else "", values
