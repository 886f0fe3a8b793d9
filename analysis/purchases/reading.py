"""Purchases from where they are: read in place, or read whole with every fault of every row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import ibis
import pandas as pd

from analysis.ledgers.faults import LedgerFaults, RowFault
from analysis.ledgers.kinds import PURCHASES
from analysis.ledgers.layout import CURRENCIES, LARGEST, Layout
from analysis.ledgers.reading import read_rows
from analysis.purchases.engine import Purchases, purchases_table
from analysis.purchases.engines import frame, offer_purchases, open_engine
from analysis.purchases.parquet import in_ledger_form, parquet_files

PurchaseFaults = LedgerFaults

__all__ = ["PurchaseFaults", "RowFault", "purchases_at", "read_purchases"]


def read_purchases(
    path: Path, mapping: Mapping[str, str] | None = None, *, today: date | None = None
) -> pd.DataFrame:
    """Read a purchase file with the customers as they are written there.

    Parameters
    ----------
    path
        CSV (also gzipped) or Parquet.
    mapping
        Which column of the file is which: {'customer': 'card', 'time': 'date'}. Columns of the
        same name need no entry.
    today
        Times after this day are faults; without it any time is accepted.

    Returns
    -------
    DataFrame
        The columns of a ledger, amount in whole cents, time in UTC, and the day as written.

    Raises
    ------
    LedgerFaults
        With every fault of every row, or with what is wrong with the header.
    """
    return read_rows(path, PURCHASES, Layout(columns=dict(mapping or {})), today=today)


def purchases_at(place: Path, mapping: Mapping[str, str] | None = None) -> Purchases:
    """Purchases of a file or folder, in place where they are in the ledger's form.

    A folder (a ledger, or Parquet files), and a Parquet file with the ledger's columns and types,
    stay where they are: amounts are whole cents, times UTC, days those of a column ``day``, else
    of the times. Any other file is read whole: amounts are 12.34.

    Raises
    ------
    ValueError
        When a folder holds no purchases or is given a mapping, or files in place cannot be used.
    LedgerFaults
        See ``read_purchases``.
    """
    if place.is_file() and not in_ledger_form(place):
        return read_purchases(place, mapping)
    if mapping:
        what = "a folder" if place.is_dir() else place.name
        raise ValueError(f"--map: {what} has the ledger's columns already. Leave it out.")
    if not parquet_files(place):
        raise ValueError(f"{place}: there are no purchases in this folder (*.parquet).")
    if not (place / "current").is_symlink():  # rows of a ledger were checked when it was loaded
        _refuse_unusable(place)
    return place


def _refuse_unusable(purchases: Path) -> None:
    """Check the rows of Parquet files that are read in place, as loading would; counts of faults.

    Raises
    ------
    ValueError
        With how many rows lack a customer, time or amount, are before 1900, or have an amount or
        a currency that cannot be.
    """
    table = purchases_table()
    blank = table.customer.strip().fill_null("") == ""
    reasons = {
        "without a customer": blank,
        "without a time": table.time.isnull(),
        "without a day": table.day.isnull() & table.time.notnull(),
        "with a time before 1900": table.time < ibis.timestamp("1900-01-01"),
        "without an amount": table.amount.isnull(),
        f"with an amount beyond {LARGEST:,.0f}": table.amount.abs() > int(LARGEST * 100),
        "with an unknown currency": table.currency.notnull()
        & ~table.currency.isin(sorted(CURRENCIES)),
    }
    counts = {
        f"n_{place}": reason.fill_null(False).cast("int64").sum().fill_null(0).cast("int64")
        for place, reason in enumerate(reasons.values())
    }
    with open_engine() as engine:
        offer_purchases(engine, purchases)
        found = frame(engine, table.agg(**counts)).iloc[0]
    faults = [f"{int(n):,} rows {words}" for words, n in zip(reasons, found, strict=True) if n > 0]
    if faults:
        raise ValueError(
            f"{purchases.name}: {'; '.join(faults)}. Leave them out, or write the file as CSV: "
            "then every row is named"
        )
