"""Which sound rows of a file are new, repeats, corrections or contradictions, as SQL of DuckDB.

Works on the draft of a load and on the table ``ledger`` of an engine (the rows so far of the same
source, with the file of each); only rows that may have a verdict are taken out of the draft.
Hashes only pick out the rows to look at; what is decided is decided on the cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.ledgers.draft import Draft, mark_of
from analysis.ledgers.engine import count, quoted, same
from analysis.ledgers.kinds import DAY, LedgerKind


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How many sound rows are what; the tables 'dropped' and 'superseded' say which."""

    accepted: int
    superseding: int
    """Of the accepted: those that correct a row of the ledger."""
    duplicates: int
    contradicted: int
    erased: int


def judge(
    engine: duckdb.DuckDBPyConnection, kind: LedgerKind, draft: Draft, *, empty: bool
) -> Verdicts:
    """Make the tables 'dropped' (row, verdict) and 'superseded' (rows of the ledger).

    The rows that are dropped leave the draft.

    Parameters
    ----------
    empty
        Whether the ledger has no rows, so that there is nothing to compare with.
    """
    engine.execute("CREATE TABLE dropped (row BIGINT, verdict VARCHAR)")
    _judge_named(engine, kind, draft, empty=empty)
    if kind.named_by and not empty:
        _judge_loose(engine, kind, draft)
    found = dict(
        engine.execute("SELECT verdict, count(*) FROM dropped GROUP BY verdict").fetchall()
    )
    draft.drop(engine.sql("SELECT row FROM dropped").to_arrow_table()["row"].to_numpy())
    return Verdicts(
        accepted=int(np.count_nonzero(draft.keep)),
        superseding=count(engine, "superseded"),
        duplicates=found.get("duplicate", 0),
        contradicted=found.get("contradicted", 0),
        erased=draft.erased,
    )


def _candidates(
    engine: duckdb.DuckDBPyConnection, kind: LedgerKind, draft: Draft, there: str
) -> npt.NDArray[np.int64]:
    """Places of the rows whose mark stands twice in the file, or in the ledger too."""
    marks = np.sort(draft.marks)
    wanted = np.unique(marks[1:][(marks[1:] == marks[:-1]) & (marks[1:] != 0)])
    if there:
        engine.register("here", pa.table({"mark": marks}))
        known = engine.sql(f"SELECT mark FROM here WHERE mark IN ({there})").to_arrow_table()
        engine.unregister("here")
        wanted = np.union1d(wanted, known["mark"].to_numpy())
    if not len(wanted):
        return np.empty(0, dtype=np.int64)
    among = pc.is_in(pa.array(draft.marks), value_set=pa.array(wanted))
    return np.flatnonzero(np.asarray(among) & draft.keep)


def _judge_named(
    engine: duckdb.DuckDBPyConnection, kind: LedgerKind, draft: Draft, *, empty: bool
) -> None:
    """Rows that have an identity: repeats, corrections of the ledger, contradictions."""
    identity = quoted(kind.identity)
    named = " AND ".join(f'"{n}" IS NOT NULL' for n in kind.named_by) or "true"
    there = f"SELECT {mark_of(kind)} FROM ledger WHERE {named}"
    places = _candidates(engine, kind, draft, "" if empty else there)
    engine.register("candidates", draft.rows(places))
    engine.execute(
        "CREATE TABLE named AS SELECT *, row_number() OVER "
        f"(PARTITION BY {identity} ORDER BY row) AS turn FROM candidates"
    )
    engine.unregister("candidates")
    engine.execute(
        f"CREATE TABLE earlier AS SELECT * FROM ledger WHERE {named} "
        f"AND {mark_of(kind)} IN (SELECT {mark_of(kind)} FROM named)"
    )
    found = same(kind.identity, "n", "e")
    first = same(kind.identity, "n", "f")
    engine.execute(
        f"CREATE TABLE verdicts AS SELECT n.row, n.turn, e.source IS NOT NULL AS known, "
        f"CASE WHEN n.turn > 1 AND {same(kind.content, 'n', 'f')} THEN 'duplicate' "
        "WHEN n.turn > 1 THEN 'contradicted' WHEN e.source IS NULL THEN 'accepted' "
        f"WHEN {same((*kind.content, DAY), 'n', 'e')} THEN 'duplicate' "
        "ELSE 'superseding' END AS verdict "
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


def _judge_loose(engine: duckdb.DuckDBPyConnection, kind: LedgerKind, draft: Draft) -> None:
    """Rows without identity: of n equal rows, as many as the ledger has already are repeats."""
    names = quoted(kind.names)
    loose = " OR ".join(f'"{name}" IS NULL' for name in kind.named_by)
    engine.register("nameless", draft.rows(np.flatnonzero(draft.keep & (draft.marks == 0))))
    engine.execute(
        f"CREATE TABLE loose AS SELECT row, {names}, hash({names}) AS whole, "
        f"row_number() OVER (PARTITION BY {names} ORDER BY row) AS turn FROM nameless"
    )
    engine.unregister("nameless")
    engine.execute(
        f"CREATE TABLE loose_before AS SELECT {names}, count(*) AS n FROM ledger "
        f"WHERE ({loose}) AND hash({names}) IN (SELECT whole FROM loose) GROUP BY {names}"
    )
    engine.execute(
        "INSERT INTO dropped SELECT l.row, 'duplicate' FROM loose l JOIN loose_before b "
        f"ON {same(kind.names, 'l', 'b')} WHERE l.turn <= b.n"
    )
