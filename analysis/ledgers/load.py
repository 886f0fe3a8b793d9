"""Loading files into a ledger: whole or not at all, each line accounted for, twice as once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from analysis.customer_key import erased_mark
from analysis.ledgers.checks import Checks
from analysis.ledgers.days import dated_rows
from analysis.ledgers.draft import Draft
from analysis.ledgers.engine import connection, quoted
from analysis.ledgers.faults import CONTRADICTED, reasons_of
from analysis.ledgers.files import LedgerFile, open_ledger_file
from analysis.ledgers.folder import (
    alone,
    load_records,
    next_version,
    parquet_files,
    write_record,
)
from analysis.ledgers.identifiers import keep_identifiers
from analysis.ledgers.kinds import DAY, LedgerKind
from analysis.ledgers.layout import Layout
from analysis.ledgers.names import Names
from analysis.ledgers.parts import merge_small, rewrite_without, write_history
from analysis.ledgers.raw import RawFolder, read_erased
from analysis.ledgers.reading import BadRow, Progress, typed_blocks
from analysis.ledgers.scrub import scrub_staged
from analysis.ledgers.set_apart import SetApart
from analysis.ledgers.summary import FileLoad, LoadSummary, NotReconciled, file_load
from analysis.ledgers.verdicts import Verdicts, judge

LATE = "_in_future"


@dataclass(frozen=True, slots=True)
class Loading:
    """Where a ledger lies, and on what terms files are loaded into it."""

    kind: LedgerKind
    folder: Path
    """The folder of this ledger; the list of erased customers lies beside it."""
    raw: RawFolder
    key: bytes
    today: date
    """Later times are not accepted."""
    at: str = ""
    """The moment of the load, kept with what it changes; default: the day."""
    keep_identifiers: bool = False
    memory: str = ""
    progress: Progress = lambda step, done, total: None


def load_files(paths: Sequence[Path], how: Loading, layout: Layout | None = None) -> LoadSummary:
    """Load files into a ledger; loading a file twice changes nothing.

    Each file is copied under its SHA-256, checked, and counted: rows = accepted + quarantined +
    duplicates + erased. A row whose identity the ledger knows is a duplicate when it says the
    same, else a correction: the old row moves to the history. Within one file the later of two
    contradicting rows is quarantined. Of rows without identity, as many equal ones as the ledger
    has already are duplicates; equal ones beyond that, and within one file, are rows of their own.

    A file is read afresh when it is loaded on other terms, brought nothing the first time, or had
    times in the future then.

    Raises
    ------
    LedgerFaults
        When a file cannot be read at all or its header has faults; files before it are loaded.
    NotReconciled
        When the rows of a file do not add up.
    """
    layout = layout or Layout()

    def waiting() -> None:
        how.progress("Waiting for another load to end", 0, 0)

    with alone(how.folder.parent, waiting):
        try:
            return LoadSummary(tuple(_load_file(path, how, layout) for path in paths))
        finally:
            how.raw.clear_scratch()


def load_name(digest: str, layout: Layout) -> str:
    """The name of the load of a file (by its SHA-256) on the terms of a layout."""
    terms = json.dumps([digest, asdict(layout)], sort_keys=True)
    return hashlib.sha256(terms.encode()).hexdigest()[:20]


def _load_file(path: Path, how: Loading, layout: Layout) -> FileLoad:
    how.progress(f"Staging {path.name}", 0, 0)
    how.raw.clear_scratch()
    digest, staged = how.raw.stage(path)
    name = load_name(digest, layout)
    records = load_records(how.folder)
    before = records.get(name)
    if before is not None and not _worth_reading_again(before, how.today):
        return replace(file_load(before), already_loaded=True)
    number = before["number"] if before else len(records) + 1
    with (
        next_version(how.folder) as version,
        connection(how.memory, how.raw.scratch / "spill") as engine,
        open_ledger_file(staged, how.kind, layout, name=path.name) as (file, blocks),
    ):
        apart = SetApart(version, how, name, path.name, read_erased(how.folder.parent))
        names = Names(engine, how.key, apart.erased_marks)
        draft = Draft(engine, how.kind, names, how.raw.scratch / "draft")
        size = staged.stat().st_size
        engine.execute("SET threads = 1")  # more only wait for each other over a block
        for block, typed, bad in typed_blocks(engine, blocks, Checks.of(file, how.today)):
            apart.add(bad)
            draft.add(typed, block.numbers)
            how.progress(f"Reading {path.name}", min(block.read, size), size)
        how.progress(f"Comparing {path.name} with the ledger", 0, 0)
        draft.close()
        engine.execute("RESET threads")
        _offer_ledger(engine, how, layout.source)
        verdicts = judge(engine, how.kind, draft, empty=not parquet_files(how.folder))
        apart.add(_contradicted(engine, how.kind, draft))
        apart.close()
        found = _counted(file, path.name, digest, apart=apart, verdicts=verdicts)
        found = replace(found, ambiguous_times=draft.ambiguous)
        if not found.reconciled:
            raise NotReconciled(f"{path.name}: rows do not add up, nothing was loaded: {found}")
        how.progress(f"Writing {path.name}", 0, 0)
        draft.write(version, name=name, source=layout.source, number=number)
        write_history(engine, how.kind, version, name=name, at=how.at or how.today.isoformat())
        rewrite_without(engine, version, how.kind)
        merge_small(engine, version, number)
        if how.keep_identifiers:
            keep_identifiers(how.raw.identifiers, names.pairs())
        record = {**found.as_record(), "number": number, "at": how.at or how.today.isoformat()}
        record["today"] = how.today.isoformat()
        record["layout"] = asdict(replace(file.layout, encoding=layout.encoding))
        write_record(version, name, record)
        if found.erased:
            _scrub(staged, record, how, apart.erased_marks)
        how.raw.keep(digest, staged)
    return found


def _scrub(staged: Path, record: dict[str, Any], how: Loading, erased: frozenset[str]) -> None:
    """Take the rows of erased customers out of a staged file."""

    def gone(customer: str) -> bool:
        return erased_mark(customer, how.key) in erased

    scrub_staged(staged, how.kind, Layout(**record["layout"]), key=how.key, gone=gone)


def _worth_reading_again(record: dict[str, Any], today: date) -> bool:
    """Whether loading a file again may bring more: nothing was accepted, or times were to come."""
    if not record["accepted"] and not record["duplicates"]:
        return True
    late = any(reason.endswith(LATE) for reason in record["reasons"])
    return late and today.isoformat() > str(record["today"])


def _offer_ledger(engine: duckdb.DuckDBPyConnection, how: Loading, source: str) -> None:
    """Make the rows so far of a source known as the view 'ledger', each with its file."""
    columns = ", ".join(f'CAST(NULL AS {c.sql}) AS "{c.name}"' for c in how.kind.columns)
    files = parquet_files(how.folder)
    if not files:
        extra = f"CAST(NULL AS DATE) AS {DAY}, '' AS source, 0 AS load, '' AS file"
        engine.execute(f"CREATE VIEW ledger AS SELECT {columns}, {extra} WHERE false")
        return
    dated_rows(engine, files, filename=True).create_view("every_row")
    wanted = "'" + source.replace("'", "''") + "'"
    engine.execute(
        f"CREATE VIEW ledger AS SELECT {quoted(how.kind.stored)}, source, load, "
        f"filename AS file FROM every_row WHERE source = {wanted}"
    )


def _contradicted(
    engine: duckdb.DuckDBPyConnection, kind: LedgerKind, draft: Draft
) -> list[BadRow]:
    reason = tuple(r for r in reasons_of(kind) if r.name == CONTRADICTED)
    found = engine.sql("SELECT row FROM dropped WHERE verdict = 'contradicted' ORDER BY row")
    lines = found.to_arrow_table()["row"].to_numpy()
    named = kind.customers[0] if kind.customers else ""
    return [
        BadRow(
            row.pop("row"),
            reason,
            row.get(named),
            "",
            json.dumps(
                {name: row[name] for name in kind.names if row[name] is not None}, default=str
            ),
        )
        for row in draft.rows(np.searchsorted(draft.lines, lines), raw=True).to_pylist()
    ]


def _counted(
    file: LedgerFile, name: str, digest: str, *, apart: SetApart, verdicts: Verdicts
) -> FileLoad:
    return FileLoad(
        file=name,
        sha256=digest,
        source=file.layout.source,
        rows=file.lines - file.header_lines - file.blank - file.continued,
        accepted=verdicts.accepted,
        quarantined=apart.rows,
        duplicates=verdicts.duplicates,
        reasons=dict(sorted(apart.reasons.items())),
        superseding=verdicts.superseding,
        erased=verdicts.erased + apart.erased,
        lines=file.lines,
        header_lines=file.header_lines,
        blank=file.blank,
        continued=file.continued,
        notes=tuple(file.notes),
    )
