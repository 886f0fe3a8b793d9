"""Purchase files as they come: CSV or Parquet, cell by cell, with every fault of every row."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from analysis.purchases.engine import REQUIRED, TYPES, connection

BATCH = 100_000
SHOWN = 50
CELLS = tuple(TYPES)
STAGED: dict[str, str] = {"row": "int64", **dict.fromkeys(CELLS, "string"), "unreadable": "string"}
ISO_TIME = (
    r"^\d{4}-\d{2}-\d{2}"
    r"([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?$"
)
AMOUNT = r"^[+-]?\d{1,9}(\.\d{1,2}0*)?$"
TRUE, FALSE = ("true", "1", "yes", "y", "t"), ("false", "0", "no", "n", "f")

MENDS: dict[str, tuple[str, str, str]] = {
    "row_unreadable": ("unreadable", "{cell}", "Write the row as the header says, in UTF-8"),
    "customer_missing": ("customer", "the customer is missing", "Fill it in or leave the row out"),
    "time_unparsed": (
        "time",
        "the time '{cell}' is no ISO date or time",
        "Write 2026-08-31 or 2026-08-31T17:45",
    ),
    "time_in_future": ("time", "the time '{cell}' is after today", "Correct the date"),
    "amount_unparsed": (
        "amount",
        "the amount '{cell}' is no amount under a billion with at most two decimals",
        "Write 12.34: a point, no thousands separator, no currency sign",
    ),
    "currency_unknown": (
        "currency",
        "the currency '{cell}' is not known here",
        "Convert to the ledger's currency, written as three capitals such as USD",
    ),
    "on_sale_unparsed": ("on_sale", "on_sale is '{cell}'", "Write true or false"),
    "line_changed": (
        "line",
        "order and line are known with other content",
        "The earlier line is kept; correct it with a line of its own",
    ),
}
"""Reasons in the order in which they are looked for: (column, fact, mend)."""


@dataclass(frozen=True, slots=True)
class RowFault:
    """One faulty row of a purchase file, by the line on which it starts; line 1 is the header."""

    row: int
    reason: str
    fact: str
    mend: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.fact}. {self.mend}."


class PurchaseFaults(ValueError):
    """All faults of a purchase file; ``str`` shows the first 50 and how many follow."""

    def __init__(self, file: str, faults: list[RowFault] | list[str]) -> None:
        self.faults = tuple(faults)
        count = f"{len(faults)} fault{'s' if len(faults) != 1 else ''}"
        lines = [f"{count} in {file}", *(f"- {fault}" for fault in faults[:SHOWN])]
        if len(faults) > SHOWN:
            lines.append(f"- and {len(faults) - SHOWN} more")
        super().__init__("\n".join(lines))


def read_purchases(
    path: Path, mapping: Mapping[str, str] | None = None, *, today: date | None = None
) -> pd.DataFrame:
    """Read a purchase file with the customers as they are written there.

    Parameters
    ----------
    path
        ``.csv``, ``.csv.gz`` or ``.parquet``.
    mapping
        Which column of the file is which: {'customer': 'card', 'time': 'date'}. Columns of the
        same name need no entry.
    today
        Times after this day are faults; without it any time is accepted.

    Returns
    -------
    DataFrame
        The columns of a ledger (see ``engine.TYPES``), amount in whole cents, time in UTC.

    Raises
    ------
    PurchaseFaults
        With every faulty row, or with what is wrong with the header.
    """
    with connection() as engine:
        stage(engine, path, mapping)
        check(engine, today=today, currency=None)
        faults = row_faults(engine.execute("SELECT * FROM bad_rows").df())
        if faults:
            raise PurchaseFaults(path.name, faults)
        names = ", ".join(f'"{name}"' for name in CELLS)
        return engine.execute(f'SELECT {names} FROM checked ORDER BY "row"').df()  # noqa: S608


def stage(
    engine: duckdb.DuckDBPyConnection, path: Path, mapping: Mapping[str, str] | None
) -> frozenset[str]:
    """Copy a file's cells as text into the table 'staged'; return the columns it has.

    'staged' has a row for every row of the file, so that accepted, quarantined and duplicate
    rows can be reconciled with it.
    """
    schema = pa.schema([(name, _arrow(kind)) for name, kind in STAGED.items()])
    engine.register("batch", schema.empty_table())
    engine.execute("CREATE TABLE staged AS SELECT * FROM batch")
    if path.suffix == ".parquet":
        return _stage_parquet(engine, path, mapping or {})
    try:
        with _csv_rows(path) as (header, rows):
            places = _places(header, mapping or {}, path.name)
            for batch in _batches(rows, places, width=len(header)):
                engine.register("batch", pa.Table.from_pylist(batch, schema=schema))
                engine.execute("INSERT INTO staged SELECT * FROM batch")
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        fault = f"the file cannot be unpacked ({error}). Pack it again with gzip."
        raise PurchaseFaults(path.name, [fault]) from None
    return frozenset(places)


def check(engine: duckdb.DuckDBPyConnection, *, today: date | None, currency: str | None) -> None:
    """Turn 'staged' into typed rows with the first reason against each, if any.

    Makes the tables 'checked' (row, typed columns, reason) and 'bad_rows' (row, reason, and the
    cells as they were). A blank currency becomes ``currency``; with ``currency`` given, other
    currencies are unknown.
    """
    typed = _typed(ibis.table(STAGED, name="staged"), today=today, currency=currency)
    engine.execute(f"CREATE TABLE checked AS {ibis.to_sql(typed, dialect='duckdb')}")
    engine.execute(
        "CREATE TABLE bad_rows AS SELECT c.reason, s.* FROM checked c JOIN staged s USING (row) "
        'WHERE c.reason IS NOT NULL ORDER BY "row"'
    )


def row_faults(bad_rows: pd.DataFrame) -> list[RowFault]:
    """The faults of rows (columns row, reason and the staged cells), in words."""
    faults = []
    for row in bad_rows.to_dict("records"):
        column, fact, mend = MENDS[row["reason"]]
        cell = row[column] if isinstance(row[column], str) else ""
        fact = fact.format(cell=cell[:80])
        faults.append(RowFault(int(row["row"]), str(row["reason"]), fact, mend))
    return faults


def _typed(staged: ir.Table, *, today: date | None, currency: str | None) -> ir.Table:
    none = ibis.null("string")
    time = staged.time.re_replace(r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3")
    moment = ibis.ifelse(time.re_search(ISO_TIME), time, none).try_cast("timestamp('UTC')")
    amount = ibis.ifelse(staged.amount.re_search(AMOUNT), staged.amount, none)
    sale = staged.on_sale.lower()
    rows = staged.select(
        "row",
        "customer",
        "unreadable",
        "store",
        "product",
        "channel",
        "order",
        "line",
        time=moment.cast("timestamp"),
        amount=(amount.try_cast("decimal(18, 2)") * 100).cast("int64"),
        currency=staged.currency.fill_null(currency) if currency else staged.currency,
        on_sale=ibis.cases((sale.isin(TRUE), True), (sale.isin(FALSE), False)),
        sale_given=sale.notnull(),
    )
    known = rows.currency.re_search("^[A-Z]{3}$")
    known = known & (rows.currency == currency) if currency else known
    late = rows.time.date() > ibis.date(today.isoformat()) if today else ibis.literal(False)
    reason = ibis.cases(
        (rows.unreadable.notnull(), "row_unreadable"),
        (rows.customer.isnull(), "customer_missing"),
        (rows.time.isnull(), "time_unparsed"),
        (late, "time_in_future"),
        (rows.amount.isnull(), "amount_unparsed"),
        (rows.currency.notnull() & ~known, "currency_unknown"),
        (rows.sale_given & rows.on_sale.isnull(), "on_sale_unparsed"),
        else_=none,
    )
    return rows.mutate(reason=reason).select("row", *CELLS, "reason")


def _stage_parquet(
    engine: duckdb.DuckDBPyConnection, path: Path, mapping: Mapping[str, str]
) -> frozenset[str]:
    try:
        file = engine.read_parquet(str(path))
    except duckdb.Error as error:
        raise PurchaseFaults(path.name, [f"the file cannot be read as Parquet ({error})"]) from None
    header = file.columns
    places = _places(header, mapping, path.name)
    cells = [
        f"nullif(trim(CAST({_quoted(header[places[name]])} AS VARCHAR), ' \t\r\n'), '')"
        if name in places
        else "NULL"
        for name in CELLS
    ]
    file.create_view("parquet_file")
    engine.execute(
        f"INSERT INTO staged SELECT 1 + row_number() OVER (), {', '.join(cells)}, NULL "  # noqa: S608
        "FROM parquet_file"
    )
    return frozenset(places)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _places(header: list[str], mapping: Mapping[str, str], file: str) -> dict[str, int]:
    """Where each known column stands; raises with everything wrong about the header."""
    faults = [
        f"'{name}' is not a column of purchases. Map one of: {', '.join(CELLS)}."
        for name in mapping
        if name not in CELLS
    ]
    faults += [
        f"there is no column '{wanted}' for '{name}'. The file has: {', '.join(header)}."
        for name, wanted in mapping.items()
        if wanted not in header
    ]
    faults += [
        f"the column '{name}' stands {header.count(name)} times. Keep one of them."
        for name in dict.fromkeys(header)
        if header.count(name) > 1
    ]
    faults += [
        f"no column '{name}'. Rename one, or map it: {name}=COLUMN. "
        f"The file has: {', '.join(header)}."
        for name in REQUIRED
        if name not in mapping and name not in header
    ]
    if faults:
        raise PurchaseFaults(file, faults)
    wanted = {name: mapping.get(name, name) for name in CELLS}
    return {name: header.index(column) for name, column in wanted.items() if column in header}


@contextmanager
def _csv_rows(path: Path) -> Iterator[tuple[list[str], Iterator[tuple[int, list[str] | str]]]]:
    """The header of a CSV file and its rows with their line numbers; a str row is unreadable."""
    with path.open("rb") as file:
        raw = gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file
        text = io.TextIOWrapper(raw, "utf-8-sig", errors="surrogateescape", newline="")
        first = text.readline()
        delimiter = max(",;\t", key=first.count)
        rows = _numbered(csv.reader(chain([first], text), delimiter=delimiter, strict=True))
        header = next(rows, (1, []))[1]
        fault = f"the header cannot be read ({header})." if isinstance(header, str) else ""
        if isinstance(header, str) or not header:
            raise PurchaseFaults(path.name, [fault or "the file has no header."])
        if not all(_is_text(name) for name in header):
            raise PurchaseFaults(path.name, ["the header is not UTF-8 text. Save it as UTF-8."])
        yield [name.strip() for name in header], rows


def _numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str] | str]]:
    while True:
        row = reader.line_num + 1  # type: ignore[attr-defined]
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield row, f"the row cannot be read ({error})"
            continue
        if cells or row == 1:
            yield row, cells


def _batches(
    rows: Iterator[tuple[int, list[str] | str]], places: Mapping[str, int], *, width: int
) -> Iterator[list[dict[str, object]]]:
    batch: list[dict[str, object]] = []
    for row, cells in rows:
        batch.append(_staged_row(row, cells, places, width))
        if len(batch) == BATCH:
            yield batch
            batch = []
    yield batch


def _staged_row(
    row: int, cells: list[str] | str, places: Mapping[str, int], width: int
) -> dict[str, object]:
    if isinstance(cells, str):
        return {"row": row, "unreadable": cells}
    if len(cells) != width:
        return {"row": row, "unreadable": f"the row has {len(cells)} cells, the header {width}"}
    found: dict[str, object] = {name: cells[at].strip() or None for name, at in places.items()}
    if any(isinstance(cell, str) and not _is_text(cell) for cell in found.values()):
        return {"row": row, "unreadable": "the row is not UTF-8 text"}
    return {"row": row, **found}


def _is_text(cell: str) -> bool:
    return cell.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in cell)


def _arrow(kind: str) -> pa.DataType:
    return pa.int64() if kind == "int64" else pa.string()
