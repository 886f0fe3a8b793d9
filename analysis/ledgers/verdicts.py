"""Which sound rows of a file are new, repeats, corrections or contradictions, as SQL of DuckDB.

Works on these tables of an engine: ``typed`` (checked rows, customers as written), ``names`` (raw,
customer, erased) and ``ledger`` (the rows so far of the same source, with the file of each).
Hashes only pick out the rows to look at; what is decided is decided on the cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from analysis.ledgers.checks import AMBIGUOUS
from analysis.ledgers.engine import count, quoted, same
from analysis.ledgers.kinds import LedgerKind

SOUND = f"(code = 0 OR code = {AMBIGUOUS})"


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How many sound rows are what; the tables 'dropped' and 'superseded' say which."""

    accepted: int
    superseding: int
    """Of the accepted: those that correct a row of the ledger."""
    duplicates: int
    contradicted: int
    erased: int


def judge(engine: duckdb.DuckDBPyConnection, kind: LedgerKind, *, empty: bool) -> Verdicts:
    """Make the tables 'dropped' (row, verdict) and 'superseded' (rows of the ledger).

    Parameters
    ----------
    empty
        Whether the ledger has no rows, so that there is nothing to compare with.
    """
    engine.execute(f"CREATE VIEW good AS {_good(kind)}")
    engine.execute("CREATE TABLE dropped (row BIGINT, verdict VARCHAR)")
    _drop_erased(engine, kind)
    _judge_named(engine, kind)
    if kind.named_by and not empty:
        _judge_loose(engine, kind)
    found = dict(
        engine.execute("SELECT verdict, count(*) FROM dropped GROUP BY verdict").fetchall()
    )
    sound = count(engine, f"typed WHERE {SOUND}")
    return Verdicts(
        accepted=sound - sum(found.values()),
        superseding=count(engine, "superseded"),
        duplicates=found.get("duplicate", 0),
        contradicted=found.get("contradicted", 0),
        erased=found.get("erased", 0),
    )


def accepted_rows(kind: LedgerKind) -> str:
    """The query of the rows to add, in the order of the file."""
    return f"SELECT row, {quoted(kind.names)} FROM good WHERE row NOT IN (SELECT row FROM dropped)"


def _good(kind: LedgerKind) -> str:
    """Sound rows with pseudonyms; ``mark`` is a hash of the identity of rows that have one."""
    columns, joins = [], []
    for name in kind.names:
        if kind.column(name).kind == "customer":
            joins.append(f'LEFT JOIN names AS "n_{name}" ON t."{name}" = "n_{name}".raw')
            columns.append(f'"n_{name}".customer AS "{name}"')
        else:
            columns.append(f't."{name}"')
    mark = "mark"
    if not kind.plainly_named:
        parts = ", ".join(
            f'"n_{n}".customer' if kind.column(n).kind == "customer" else f't."{n}"'
            for n in kind.identity
        )
        there = " AND ".join(f't."{name}" IS NOT NULL' for name in kind.named_by) or "true"
        mark = f"CASE WHEN {there} THEN hash({parts}) END AS mark"
    return f"SELECT row, {', '.join(columns)}, {mark} FROM typed t {' '.join(joins)} WHERE {SOUND}"


def _drop_erased(engine: duckdb.DuckDBPyConnection, kind: LedgerKind) -> None:
    if not count(engine, "names WHERE erased"):
        return
    erased = "(SELECT raw FROM names WHERE erased)"
    named = " OR ".join(f'"{name}" IN {erased}' for name in kind.customers)
    engine.execute(
        f"INSERT INTO dropped SELECT row, 'erased' FROM typed WHERE {SOUND} AND ({named})"
    )


def _judge_named(engine: duckdb.DuckDBPyConnection, kind: LedgerKind) -> None:
    """Rows that have an identity: repeats, corrections of the ledger, contradictions."""
    identity = quoted(kind.identity)
    source = f"(SELECT * FROM typed WHERE {SOUND})" if kind.plainly_named else "good"
    here = f"SELECT mark FROM {source} WHERE mark IS NOT NULL"
    named = " AND ".join(f'"{n}" IS NOT NULL' for n in kind.named_by) or "true"
    there = f"SELECT hash({identity}) AS mark FROM ledger WHERE {named}"
    engine.execute(
        f"CREATE TABLE marks AS SELECT mark FROM ({here}) GROUP BY mark HAVING count(*) > 1 "
        f"UNION SELECT mark FROM ({here}) WHERE mark IN ({there})"
    )
    engine.execute(
        "CREATE TABLE named AS SELECT *, row_number() OVER "
        f"(PARTITION BY {identity} ORDER BY row) AS turn FROM good "
        "WHERE mark IN (SELECT mark FROM marks) AND row NOT IN (SELECT row FROM dropped)"
    )
    engine.execute(
        f"CREATE TABLE earlier AS SELECT * FROM ledger WHERE {named} "
        f"AND hash({identity}) IN (SELECT mark FROM marks)"
    )
    found = same(kind.identity, "n", "e")
    first = same(kind.identity, "n", "f")
    engine.execute(
        f"CREATE TABLE verdicts AS SELECT n.row, n.turn, e.source IS NOT NULL AS known, "
        f"CASE WHEN n.turn > 1 AND {same(kind.content, 'n', 'f')} THEN 'duplicate' "
        "WHEN n.turn > 1 THEN 'contradicted' WHEN e.source IS NULL THEN 'accepted' "
        f"WHEN {same(kind.content, 'n', 'e')} THEN 'duplicate' ELSE 'superseding' END AS verdict "
        f"FROM named n JOIN (SELECT * FROM named WHERE turn = 1) f ON {first} "
        f"LEFT JOIN earlier e ON {found}"
    )
    engine.execute(
        "INSERT INTO dropped SELECT row, verdict FROM verdicts "
        "WHERE verdict IN ('duplicate', 'contradicted')"
    )
    engine.execute(
        "CREATE TABLE superseded AS SELECT e.* FROM earlier e JOIN named n "
        f"ON {found} JOIN verdicts v USING (row) WHERE v.verdict = 'superseding'"
    )


def _judge_loose(engine: duckdb.DuckDBPyConnection, kind: LedgerKind) -> None:
    """Rows without identity: of n equal rows, as many as the ledger has already are repeats."""
    names = quoted(kind.names)
    loose = " OR ".join(f'"{name}" IS NULL' for name in kind.named_by)
    engine.execute(
        f"CREATE TABLE loose AS SELECT row, {names}, hash({names}) AS whole, "
        f"row_number() OVER (PARTITION BY {names} ORDER BY row) AS turn FROM good "
        "WHERE mark IS NULL AND row NOT IN (SELECT row FROM dropped)"
    )
    engine.execute(
        f"CREATE TABLE loose_before AS SELECT {names}, count(*) AS n FROM ledger "
        f"WHERE ({loose}) AND hash({names}) IN (SELECT whole FROM loose) GROUP BY {names}"
    )
    engine.execute(
        "INSERT INTO dropped SELECT l.row, 'duplicate' FROM loose l JOIN loose_before b "
        f"ON {same(kind.names, 'l', 'b')} WHERE l.turn <= b.n"
    )
