"""Erasing a customer: from every ledger, its history, its quarantine and the raw files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis.customer_key import normal_identifier
from analysis.ledgers.engine import connection
from analysis.ledgers.folder import alone, drop_earlier_versions, load_records, next_version
from analysis.ledgers.identifiers import forget_identifier
from analysis.ledgers.kinds import KINDS, LedgerKind
from analysis.ledgers.layout import Layout
from analysis.ledgers.parts import rewrite
from analysis.ledgers.raw import RawFolder, note_erased
from analysis.ledgers.scrub import scrub_staged


@dataclass(frozen=True, slots=True)
class ErasedRows:
    """How much was removed of a customer; nothing that names one."""

    ledger_rows: dict[str, int]
    """Rows by kind of ledger, corrected ones included."""
    quarantined: int
    staged_rows: int
    """Rows of staged files, quarantined ones included."""
    identifiers: int
    erased_before: bool

    @property
    def total(self) -> int:
        """Rows that were removed in all."""
        return (
            sum(self.ledger_rows.values()) + self.quarantined + self.staged_rows + self.identifiers
        )


def erase_customer(
    root: Path, raw: RawFolder, customer: str, *, key: bytes, identifier: str = ""
) -> ErasedRows:
    """Erase a customer from all ledgers; files loaded later do not bring them back.

    That the customer was erased is written first, as a keyed hash of the pseudonym, so that an
    erasure that is interrupted is finished by repeating it.

    Parameters
    ----------
    root
        The folder that holds the folders of the ledgers.
    customer
        The pseudonym.
    identifier
        As the company writes it, if known: it is searched for in rows that could not be read.
    """
    with alone(root):
        before = note_erased(root, customer, key)
        rows: dict[str, int] = {}
        quarantined = staged = 0
        scrubbed: set[str] = set()
        for kind in KINDS.values():
            folder = root / kind.name
            records = load_records(folder)
            if not records:
                continue
            found, apart = _erase_rows(folder, kind, customer, identifier, records, raw)
            quarantined += apart
            if found:
                rows[kind.name] = found
            for record in records.values():
                path = raw.staged / str(record["sha256"])
                if str(record["sha256"]) in scrubbed or not path.exists():
                    continue
                scrubbed.add(str(record["sha256"]))
                staged += scrub_staged(
                    path,
                    kind,
                    Layout(**record["layout"]),
                    key=key,
                    gone=customer.__eq__,
                    identifier=identifier,
                )
        raw.clear_scratch()
        forgotten = forget_identifier(raw.identifiers, customer)
        return ErasedRows(rows, quarantined, staged, forgotten, before)


def _erase_rows(
    folder: Path,
    kind: LedgerKind,
    customer: str,
    identifier: str,
    records: dict[str, dict[str, Any]],
    raw: RawFolder,
) -> tuple[int, int]:
    """Rows removed from the ledger and its history, and from its quarantine."""
    found = apart = 0
    named = " OR ".join(f"r.\"{name}\" = '{customer}'" for name in kind.customers)
    with next_version(folder) as version, connection() as engine:
        if named:
            for part in ("rows", "history"):
                for path in sorted((version / part).glob("*.parquet")):
                    found += rewrite(engine, path, f"NOT coalesce({named}, false)")
        for load in records:
            texts = raw.texts(kind.name, load)
            lines = _texts_naming(texts, customer, identifier)
            path = version / "quarantine" / f"{load}.parquet"
            if path.exists():
                apart += _erase_apart(engine, path, customer, lines)
            _drop_texts(texts, lines)
    drop_earlier_versions(folder)
    return found, apart


def _texts_naming(texts: Path, customer: str, identifier: str) -> list[int]:
    """The rows whose text names the customer, by pseudonym or as written."""
    if not texts.exists():
        return []
    wanted = normal_identifier(identifier)
    return [
        row["row"]
        for row in pq.read_table(texts).to_pylist()
        if row["customer"] == customer or (wanted and wanted in normal_identifier(row["text"]))
    ]


def _erase_apart(
    engine: duckdb.DuckDBPyConnection, path: Path, customer: str, lines: list[int]
) -> int:
    listed = ", ".join(map(str, lines)) or "-1"
    return rewrite(
        engine, path, f"NOT (coalesce(r.customer = '{customer}', false) OR r.row IN ({listed}))"
    )


def _drop_texts(texts: Path, lines: list[int]) -> None:
    if lines:
        table = pq.read_table(texts)
        keep = pc.invert(pc.is_in(table["row"], value_set=pa.array(lines)))
        _replace(texts, table.filter(keep))


def _replace(path: Path, table: pa.Table) -> None:
    draft = path.with_suffix(".part")
    pq.write_table(table, draft, compression="zstd")
    draft.chmod(0o600)
    draft.replace(path)
