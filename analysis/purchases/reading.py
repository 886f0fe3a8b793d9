"""Purchase files read whole, with every fault of every row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pandas as pd

from analysis.ledgers.faults import LedgerFaults, RowFault
from analysis.ledgers.kinds import PURCHASES
from analysis.ledgers.layout import Layout
from analysis.ledgers.reading import read_rows

PurchaseFaults = LedgerFaults

__all__ = ["PurchaseFaults", "RowFault", "read_purchases"]


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
        The columns of a ledger, amount in whole cents, time in UTC.

    Raises
    ------
    LedgerFaults
        With every fault of every row, or with what is wrong with the header.
    """
    return read_rows(path, PURCHASES, Layout(columns=dict(mapping or {})), today=today)
