"""The ledger of purchases: the kind 'purchases' of ``analysis.ledgers``, by its own names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from analysis.ledgers.folder import digest, parquet_files
from analysis.ledgers.kinds import PURCHASES
from analysis.ledgers.layout import Layout
from analysis.ledgers.load import Loading, load_files
from analysis.ledgers.looking import (
    read_history_of,
    read_loads_of,
    read_quarantine_of,
    read_rows_of,
)
from analysis.ledgers.raw import RawFolder
from analysis.ledgers.summary import FileLoad, LoadSummary


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

    Parameters
    ----------
    paths
        CSV (also gzipped) or Parquet files.
    ledger_folder
        Made when missing; raw files go to the folder 'raw' beside it.
    key
        The installation's secret; customers are stored only as ``customer_key(raw, key)``.
    today
        Later times are quarantined.
    mapping
        Which column of the files is which: {'customer': 'card', 'time': 'date'}.
    source
        Where the files come from ('tills', 'web shop'); order numbers are unique within it.
    currency
        Of amounts without one; lines in other currencies are quarantined.

    Raises
    ------
    LedgerFaults
        When a file cannot be read at all or its header lacks a column; files before it are
        loaded.
    """
    layout = Layout(columns=dict(mapping or {}), source=source, currency=currency)
    raw = RawFolder(ledger_folder.with_name("raw"))
    how = Loading(kind=PURCHASES, folder=ledger_folder, raw=raw, key=key, today=today)
    return load_files(paths, how, layout)


def current_purchases(folder: Path) -> list[Path]:
    """The Parquet files of the purchases that hold now, corrected ones left out.

    Together they are one table: the columns of ``engine.TYPES``, quantity, source and load.
    ``FOLDER/current/rows/*.parquet`` is the same as a pattern.
    """
    return parquet_files(folder)


def read_ledger(folder: Path) -> pd.DataFrame:
    """All purchases that hold now, sorted by time."""
    return read_rows_of(folder, PURCHASES)


def read_history(folder: Path) -> pd.DataFrame:
    """Purchases that were corrected, with when and by which load."""
    return read_history_of(folder, PURCHASES)


def read_quarantine(folder: Path, raw: RawFolder | None = None) -> pd.DataFrame:
    """Rows that were not accepted, with their reasons in order; with ``raw`` also their text."""
    return read_quarantine_of(folder, PURCHASES, raw)


def read_loads(folder: Path) -> tuple[FileLoad, ...]:
    """What became of the files loaded so far."""
    return read_loads_of(folder)


def ledger_digest(folder: Path) -> str:
    """SHA-256 of what a ledger holds; it changes whenever a load changes anything."""
    return digest(folder)


def scored_digest(purchases: Path, offers: Path | None) -> str:
    """SHA-256 of what the ledgers hold that a scoring reads; of purchases alone without offers."""
    if offers is None:
        return digest(purchases)
    return hashlib.sha256(f"{digest(purchases)}\n{digest(offers)}".encode()).hexdigest()
