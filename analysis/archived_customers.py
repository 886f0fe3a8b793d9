"""Whether an archive holds a customer, and taking one out of it.

An archive is never altered but here: who has the right to be erased has it there too. Its facts
then say so, because a report made from it again has other numbers.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

FACT = "customers_erased"


def holds_customer(path: Path, customer: str) -> bool:
    """Whether an archive has rows of a customer."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as c:
        return any(
            c.execute(f'SELECT 1 FROM "{table}" WHERE customer = ?', (customer,)).fetchone()
            for table in _tables_with(c, "customer")
        )


def take_out_customer(path: Path, customer: str, *, answers: bool) -> int:
    """Remove a customer's rows from an archive; return how many went.

    Parameters
    ----------
    answers
        Whether their answers go too; otherwise these stay without the link to the customer.
    """
    with closing(sqlite3.connect(path)) as c:
        c.execute("PRAGMA secure_delete = ON")
        removed = 0
        with c:
            if answers:
                found = c.execute(
                    "SELECT respondent FROM respondents WHERE customer = ?", (customer,)
                )
                for (respondent,) in found.fetchall():
                    for table in _tables_with(c, "respondent"):
                        query = f'DELETE FROM "{table}" WHERE respondent = ?'
                        removed += c.execute(query, (respondent,)).rowcount
            for table in _tables_with(c, "customer"):
                query = f'DELETE FROM "{table}" WHERE customer = ?'
                if table == "respondents":
                    query = "UPDATE respondents SET customer = '' WHERE customer = ?"
                removed += c.execute(query, (customer,)).rowcount
            before = c.execute("SELECT value FROM facts WHERE name = ?", (FACT,)).fetchone()
            count = str(int(before[0]) + 1 if before else 1)
            c.execute("DELETE FROM facts WHERE name = ?", (FACT,))
            c.execute("INSERT INTO facts (name, value) VALUES (?, ?)", (FACT, count))
        c.execute("VACUUM")
    return removed


def _tables_with(c: sqlite3.Connection, column: str) -> list[str]:
    tables = c.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [
        name
        for (name,) in tables
        if column in {row[1] for row in c.execute(f'PRAGMA table_info("{name}")')}
    ]
