"""The ledger: validated purchases of one installation, as Parquet files in a folder.

Each loaded file becomes ``purchases-ID.parquet`` and ``quarantine-ID.parquet``; the record
``load-ID.json``, written last, makes them count. A load that is killed before its record leaves
the ledger as it was, and loading the file again repairs it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.customer_key import customer_key
from analysis.purchases.engine import RECORDS, TYPES, as_arrow, connection, ledger_files
from analysis.purchases.reading import CELLS, check, stage

LEDGER: dict[str, str] = {**TYPES, "source": "string"}
CHECKED: dict[str, str] = {"row": "int64", **TYPES, "reason": "string"}


@dataclass(frozen=True, slots=True)
class FileLoad:
    """What became of one purchase file."""

    file: str
    sha256: str
    source: str
    rows: int
    """Rows in the file, without header and blank lines."""
    accepted: int
    quarantined: int
    duplicates: int
    """Lines that the ledger, or an earlier row of the file, already has."""
    reasons: dict[str, int]
    """How many rows were quarantined for each reason."""
    already_loaded: bool = False
    """True: the same file was loaded before, so nothing was done; the figures are of then."""

    @property
    def reconciled(self) -> bool:
        """Whether every row of the file is accounted for."""
        return self.rows == self.accepted + self.quarantined + self.duplicates


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """What became of the files of one load."""

    files: tuple[FileLoad, ...]

    @property
    def accepted(self) -> int:
        return sum(f.accepted for f in self.files if not f.already_loaded)

    @property
    def quarantined(self) -> int:
        return sum(f.quarantined for f in self.files if not f.already_loaded)

    @property
    def duplicates(self) -> int:
        return sum(f.duplicates for f in self.files if not f.already_loaded)


def load_purchases(
    paths: Sequence[Path],
    *,
    ledger_folder: Path,
    key: bytes,
    today: date,
    mapping: Mapping[str, str] | None = None,
    source: str = "",
    currency: str | None = None,
) -> LoadSummary:
    """Load purchase files into the ledger; loading a file twice changes nothing.

    Rows that cannot be accepted go to quarantine with the first reason that applies
    (``reading.MENDS`` lists them in order). A line whose source, order and line number are known
    is a duplicate, or 'line_changed' when it says something else. In lines without line number,
    a repeat of order, customer, time, amount and product from an earlier file is a duplicate;
    lines without an order can only be recognised by loading the same file again. A file of which
    no row was accepted is read afresh.

    Parameters
    ----------
    paths
        CSV (also gzipped) or Parquet files.
    ledger_folder
        Made when missing.
    key
        The installation's secret; customers are stored only as ``customer_key(raw, key)``.
    today
        Later times are quarantined.
    mapping
        Which column of the files is which, as in ``read_purchases``.
    source
        Where the files come from ('tills', 'web shop'); order numbers are unique within it.
    currency
        Of amounts without one; lines in other currencies are quarantined.

    Raises
    ------
    PurchaseFaults
        When a file cannot be read at all or its header lacks a column; files before it are
        loaded.
    """
    ledger_folder.mkdir(parents=True, exist_ok=True)
    with _alone(ledger_folder):
        return LoadSummary(
            tuple(
                _load_file(path, ledger_folder, key, mapping, (source, today, currency))
                for path in paths
            )
        )


def read_ledger(folder: Path) -> pd.DataFrame:
    """All purchases of a ledger, sorted by time: the columns of ``engine.TYPES`` and source."""
    with connection() as engine:
        _offer_ledger(engine, folder)
        return engine.execute('SELECT * FROM ledger ORDER BY time, customer, "order", line').df()


def read_quarantine(folder: Path) -> pd.DataFrame:
    """Rows that were not accepted: file, row, reason, customer (key), cells (JSON of the rest)."""
    files = [f.with_name(f.name.replace("purchases-", "quarantine-")) for f in ledger_files(folder)]
    tables = [pq.read_table(file).to_pandas() for file in files]
    columns = ["file", "row", "reason", "customer", "cells"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def read_loads(folder: Path) -> tuple[FileLoad, ...]:
    """The records of the files loaded so far."""
    return tuple(_read_record(record)[0] for record in sorted(folder.glob(RECORDS)))


def ledger_digest(folder: Path) -> str:
    """SHA-256 of what a ledger holds; it changes whenever a load adds anything."""
    contents = sorted(_read_record(record)[1] for record in folder.glob(RECORDS))
    return hashlib.sha256("\n".join(contents).encode()).hexdigest()


def _load_file(
    path: Path,
    folder: Path,
    key: bytes,
    mapping: Mapping[str, str] | None,
    terms: tuple[str, date, str | None],
) -> FileLoad:
    source, today, currency = terms
    digest = _sha256(path)
    name = hashlib.sha256(f"{source}\n{digest}".encode()).hexdigest()[:20]
    record = folder / f"load-{name}.json"
    if record.exists():
        before = _read_record(record)[0]
        if before.accepted:
            return FileLoad(**{**asdict(before), "already_loaded": True})
        record.unlink()
    with connection() as engine:
        _offer_ledger(engine, folder)
        stage(engine, path, mapping)
        check(engine, today=today, currency=currency)
        _pseudonyms(engine, key)
        engine.execute(f"CREATE TABLE verdicts AS {_sql(_verdicts(source))}")
        accepted = _accepted(engine, source)
        quarantine = _quarantine(engine, path.name)
        rows = _count(engine, "staged")
        duplicates = _count(engine, "verdicts WHERE verdict = 'duplicate'")
    reasons = quarantine.column("reason").to_pandas().value_counts().sort_index()
    load = FileLoad(
        file=path.name,
        sha256=digest,
        source=source,
        rows=rows,
        accepted=len(accepted),
        quarantined=len(quarantine),
        duplicates=duplicates,
        reasons={str(reason): int(n) for reason, n in reasons.items()},
    )
    if not load.reconciled:
        raise RuntimeError(f"{path.name}: rows do not add up, so nothing was loaded: {load}")
    _write_parquet(quarantine, folder / f"quarantine-{name}.parquet")
    content = _write_parquet(accepted, folder / f"purchases-{name}.parquet")
    text = json.dumps({**asdict(load), "content": content}, indent=1, sort_keys=True)
    _write(record, text.encode())
    return load


def _count(engine: duckdb.DuckDBPyConnection, rows: str) -> int:
    return int(engine.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0])  # noqa: S608


def _offer_ledger(engine: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make the ledger so far known as the view 'ledger'."""
    files = ledger_files(folder)
    if files:
        engine.read_parquet([str(file) for file in files]).create_view("ledger")
        return
    empty = as_arrow(pd.DataFrame(columns=list(TYPES)))
    engine.register("ledger", empty.append_column("source", pa.array([], pa.string())))


def _pseudonyms(engine: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Make the table 'pseudonyms' (raw, customer) of every customer in the file."""
    found = engine.execute("SELECT DISTINCT customer FROM staged WHERE customer IS NOT NULL")
    raw = [row[0] for row in found.fetchall()]
    names = pa.table({"raw": pa.array(raw, pa.string()), "customer": _keys(raw, key)})
    engine.register("pseudonyms", names)


def _keys(raw: list[str], key: bytes) -> pa.Array:
    return pa.array([customer_key(customer, key) for customer in raw], pa.string())


def _verdicts(source: str) -> ir.Table:
    """Each row of the file with its verdict: 'accepted', 'duplicate', or a reason."""
    rows = _keyed_rows()
    ledger = ibis.table(LEDGER, name="ledger")
    ledger = ledger.filter(ledger.source == source)
    named = rows.filter(rows.reason.isnull() & rows.order.notnull() & rows.line.notnull())
    first = named.group_by("order", "line").agg(row=named.row.min())
    first = first.inner_join(named, ["order", "line", "row"]).select("order", "line", *_SAID, "row")
    earlier = ledger.filter(ledger.order.notnull() & ledger.line.notnull())
    earlier = earlier.select("order", "line", *_SAID).mutate(row=ibis.literal(0, "int64"))
    original = _first_of(earlier.union(first))
    loose = ledger.filter(ledger.order.notnull() & ledger.line.isnull())
    loose = loose.mutate(product=loose.product.fill_null("")).select(*_LOOSE).distinct()
    loose = loose.mutate(known_loose=ibis.literal(True))
    plain = rows.mutate(product=rows.product.fill_null(""))
    joined = plain.left_join(original, ["order", "line"], rname="original_{name}")
    joined = joined.left_join(loose, list(_LOOSE), rname="loose_{name}")
    same = ibis.and_(*(joined[name] == joined[f"original_{name}"] for name in _SAID))
    verdict = ibis.cases(
        (joined.reason.notnull(), joined.reason),
        (joined.line.isnull() & joined.known_loose.notnull(), "duplicate"),
        (joined.original_row.isnull() | (joined.original_row == joined.row), "accepted"),
        (same, "duplicate"),
        else_="line_changed",
    )
    return joined.select("row", "customer", verdict=verdict)


_SAID = ("customer", "time", "amount")
_LOOSE = ("order", "customer", "time", "amount", "product")


def _keyed_rows() -> ir.Table:
    """The checked rows with customers as pseudonyms."""
    rows = ibis.table(CHECKED, name="checked").rename(raw="customer")
    names = ibis.table({"raw": "string", "customer": "string"}, name="pseudonyms")
    return rows.left_join(names, "raw").drop("raw", "raw_right")


def _first_of(lines: ir.Table) -> ir.Table:
    """One row per order and line: the ledger's (row 0) before the file's."""
    rank = ibis.row_number().over(ibis.window(group_by=["order", "line"], order_by="row"))
    ranked = lines.mutate(rank=rank)
    return ranked.filter(ranked["rank"] == 0).drop("rank")


def _accepted(engine: duckdb.DuckDBPyConnection, source: str) -> pa.Table:
    names = ", ".join(f'c."{name}"' for name in CELLS if name != "customer")
    return engine.sql(
        f"SELECT v.customer, {names}, CAST(? AS VARCHAR) AS source "  # noqa: S608
        "FROM checked c JOIN verdicts v USING (row) WHERE v.verdict = 'accepted' ORDER BY row",
        params=[source],
    ).to_arrow_table()


def _quarantine(engine: duckdb.DuckDBPyConnection, file: str) -> pa.Table:
    """Quarantined rows; the customer's identifier is left out of the kept cells."""
    cells = ", ".join(f"'{name}', s.\"{name}\"" for name in CELLS if name != "customer")
    return engine.sql(
        f"SELECT CAST(? AS VARCHAR) AS file, v.row, v.verdict AS reason, v.customer, "  # noqa: S608
        f"CAST(json_object({cells}, 'unreadable', s.unreadable) AS VARCHAR) AS cells "
        "FROM verdicts v JOIN staged s USING (row) "
        "WHERE v.verdict NOT IN ('accepted', 'duplicate') ORDER BY v.row",
        params=[file],
    ).to_arrow_table()


def _sql(expression: ir.Table) -> str:
    return str(ibis.to_sql(expression, dialect="duckdb"))


def _read_record(record: Path) -> tuple[FileLoad, str]:
    stored = json.loads(record.read_text(encoding="utf-8"))
    content = stored.pop("content")
    return FileLoad(**stored), content


def _write_parquet(table: pa.Table, target: Path) -> str:
    """Write a table whole or not at all; return the SHA-256 of the file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content = sink.getvalue().to_pybytes()
    _write(target, content)
    return hashlib.sha256(content).hexdigest()


def _write(target: Path, content: bytes) -> None:
    """Write beside the target, flush to disk, then rename over it."""
    draft = target.with_suffix(".part")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other load writes to the folder; a killed load holds nothing."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
