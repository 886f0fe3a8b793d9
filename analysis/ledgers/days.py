"""The calendar day on which the rows of ledgers happened: stored beside the time, else that in UTC.

Loads write the day (column ``day``) as it was in the store. Files written before that, and files
of others that are read where they lie, may lack it: for them the day is the date of the time in
UTC. Whoever reads ledgers reads them through here, and takes ``day`` for the day.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from analysis.ledgers.kinds import DAY


def split_by_day(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Parquet files with a day beside the time, and those with a time alone.

    Files without times (what an engine put down) are among the first.
    """
    dated: list[Path] = []
    undated: list[Path] = []
    for file in files:
        names = pq.read_schema(file).names
        (undated if "time" in names and DAY not in names else dated).append(file)
    return dated, undated


def dated_rows(
    engine: duckdb.DuckDBPyConnection, files: Sequence[Path], *, filename: bool = False
) -> duckdb.DuckDBPyRelation:
    """The rows of Parquet files, with the day of each; ``filename``: and the file of each."""
    dated, undated = split_by_day(files)
    if not undated:
        return engine.read_parquet([str(file) for file in dated], filename=filename)
    parts = [f"SELECT *, CAST(time AS DATE) AS {DAY} FROM {_read(undated, filename)}"]
    if dated:
        parts.append(f"SELECT * FROM {_read(dated, filename)}")
    return engine.sql(" UNION ALL BY NAME ".join(parts))


def days_of(rows: pd.DataFrame) -> pd.Series:
    """The day of each row of a table, as a time at midnight.

    Without the column ``day`` it is the date of ``time``: as written where that is text (ISO).
    """
    days = rows[DAY] if DAY in rows else rows["time"]
    if not pd.api.types.is_datetime64_any_dtype(days):
        texts = days.astype("string").str.replace("[T ].*", "", regex=True)
        days = pd.to_datetime(texts, format="ISO8601")
    found: pd.Series = days.dt.tz_localize(None).dt.normalize().astype("datetime64[us]")
    return found


def days_as_numpy(rows: pd.DataFrame) -> np.ndarray:
    """The same as whole days (n,) of NumPy."""
    return days_of(rows).to_numpy().astype("datetime64[D]")


def _read(files: Sequence[Path], filename: bool) -> str:
    listed = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    return f"read_parquet([{listed}]{', filename = true' if filename else ''})"
