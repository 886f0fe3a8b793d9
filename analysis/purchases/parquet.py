"""Parquet files that are read where they lie: which, and whether their columns can be used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.ledgers.folder import parquet_files as ledger_files
from analysis.ledgers.kinds import DAY

TYPES: dict[str, str] = {
    "customer": "string",
    "time": "timestamp",
    "amount": "int64",
    "currency": "string",
    "store": "string",
    "product": "string",
    "channel": "string",
    "on_sale": "boolean",
    "order": "string",
    "line": "string",
    "day": "date",
}
"""The columns of purchases: time in UTC without zone, amount in whole cents, the day in the store.

Files may lack the day, which then is that of the time (see ``analysis.ledgers.days``)."""
REQUIRED = ("customer", "time", "amount")
_WANTED = {
    "string": "Write text",
    "timestamp": "Write times in UTC without a zone",
    "int64": "Write whole cents (integers)",
    "boolean": "Write true, false or null",
    "date": "Write dates, or leave the column out",
}


def parquet_files(place: Path) -> list[Path]:
    """The Parquet files of purchases; of a ledger only those of finished loads.

    Raises
    ------
    ValueError
        When a file lacks a column of ``TYPES``, or has one of another type.
    """
    return parquet_files_with(place, TYPES, what="purchases")


def parquet_files_with(place: Path, columns: Mapping[str, str], *, what: str) -> list[Path]:
    """The Parquet files of a place (see ``parquet_files``), which have columns of some types.

    Raises
    ------
    ValueError
        With what each file lacks or has in another type; ``what`` names its rows.
    """
    files = [place] if place.is_file() else ledger_files(place) or sorted(place.glob("*.parquet"))
    faults = [fault for file in files for fault in _faults(file, columns, what)]
    if faults:
        raise ValueError("\n".join(faults))
    return files


def _faults(file: Path, columns: Mapping[str, str], what: str) -> list[str]:
    schema = pq.read_schema(file)
    absent = [name for name in columns if name not in (*schema.names, DAY)]
    found = [f"{file.name}: {what} lack the column(s) {', '.join(absent)}"] if absent else []
    return found + [
        f"{file.name}: '{name}' is {schema.field(name).type}. {_WANTED[kind]}"
        for name, kind in columns.items()
        if name in schema.names and not _is(schema.field(name).type, kind, name)
    ]


def _is(found: pa.DataType, kind: str, name: str) -> bool:
    """Whether a column of a file is of a type; optional ones may be null throughout."""
    if pa.types.is_null(found):
        return name not in (*REQUIRED, DAY)
    if pa.types.is_dictionary(found):
        found = found.value_type
    if kind == "string":
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found))
    if kind == "timestamp":
        return pa.types.is_timestamp(found) and found.tz is None
    if kind == "date":
        return bool(pa.types.is_date32(found))
    return bool(pa.types.is_integer(found) if kind == "int64" else pa.types.is_boolean(found))


def in_ledger_form(file: Path) -> bool:
    """Whether a file is Parquet with all columns of a ledger in their types: amounts in cents."""
    try:
        known = {name: kind for name, kind in TYPES.items() if name != DAY}
        return not _faults(file, known, "purchases")
    except (pa.ArrowInvalid, OSError):
        return False
