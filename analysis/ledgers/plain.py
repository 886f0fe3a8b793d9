"""Cells that are plainly times, amounts or numbers, typed by Arrow in a third of the time.

Only cells that are sound beyond doubt are typed here: whatever Arrow refuses, or may be wrong in
any way, is left to the checks in SQL, which alone say what a fault is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from analysis.ledgers.checks import LARGEST_MONEY, Checks
from analysis.ledgers.kinds import Column

FIRST = datetime(1900, 1, 1)
A_DAY = 86_400_000_000
"""Microseconds."""
RUNS = (1_024, 128)
"""Rows that are typed at once, and where one of them is refused."""


@dataclass(slots=True)
class Plain:
    """The values of a column, and which cells are still to be looked at."""

    values: npt.NDArray[np.int64] | npt.NDArray[np.float64]
    """Microseconds, cents or numbers; times are in UTC."""
    missing: npt.NDArray[np.bool_]
    hard: npt.NDArray[np.bool_]
    other_days: tuple[npt.NDArray[np.int64], npt.NDArray[Any]] | None = None
    """Of times: the places of days that are not those of the times in UTC, and these days."""

    def settle(self, places: npt.NDArray[np.int64], found: npt.NDArray[Any]) -> None:
        """Take what was found for the hard cells, which stand at these places."""
        self.missing[places] = np.ma.getmaskarray(found)
        if found.dtype.kind == "M":
            found = found.view(np.int64)
        self.values[places] = np.ma.filled(found, 0)

    def settle_days(self, places: npt.NDArray[np.int64], found: npt.NDArray[Any]) -> None:
        """Take the days that were found for the hard cells, which stand at these places."""
        self.other_days = places, np.ma.filled(found, np.datetime64("NaT"))

    def days(self) -> pa.Array:
        """The days of times that are written without a zone: as in UTC, but for the hard cells."""
        days = (self.values // A_DAY).astype("datetime64[D]")
        if self.other_days is not None:
            places, found = self.other_days
            days[places] = found.astype("datetime64[D]")
        return pa.array(days, pa.date32(), mask=self.missing if self.missing.any() else None)

    def column(self, kind: pa.DataType) -> pa.Array:
        """All values as a column of a type."""
        mask = self.missing if self.missing.any() else None
        return pa.array(self.values, mask=mask).cast(kind)


def can_be_plain(column: Column, checks: Checks) -> bool:
    """Whether the cells of a column may be plain: points in amounts, no zone or form of times."""
    layout = checks.layout
    if column.kind == "time":
        return not (layout.time_format or layout.zones) and layout.zone == "UTC"
    return column.kind in ("money", "number") and layout.decimal != "comma"


def read_plain(column: Column, cells: pa.Array, checks: Checks) -> Plain:
    """Type the cells that are plain (text, also with blanks, of a column that can be plain)."""
    missing = np.asarray(cells.is_null())
    target = pa.timestamp("us") if column.kind == "time" else pa.float64()
    tried = cells
    if column.kind == "time":
        length = pc.binary_length(cells).fill_null(0).to_numpy()
        fits = length == 19
        if not column.ends:
            fits |= length == 10
        if not fits.all():
            tried = pc.if_else(pa.array(fits), cells, None)
    typed = _runs(tried, target, RUNS)
    hard = np.asarray(typed.is_null())
    if column.kind == "time":
        values = typed.cast(pa.int64()).fill_null(0).to_numpy()
        hard |= (values < _micros(FIRST)) | (values >= _end(column, checks))
    else:
        values = typed.fill_null(0).to_numpy()
        with np.errstate(invalid="ignore", over="ignore"):
            values, sound = _amounts(values, checks) if column.kind == "money" else _numbers(values)
        hard |= ~sound
        if column.least is not None:
            hard |= values < column.least * (100 if column.kind == "money" else 1)
    if not column.required:
        hard &= ~missing
    return Plain(np.require(values, requirements="W"), missing, hard)


def _runs(cells: pa.Array, target: pa.DataType, sizes: tuple[int, ...]) -> pa.Array:
    """The cells typed run by run; null where even a short run is refused."""
    found = []
    size, *shorter = sizes
    for start in range(0, len(cells), size):
        run = cells.slice(start, size)
        try:
            found.append(run.cast(target))
        except pa.ArrowInvalid:
            none = pa.nulls(len(run), target)
            found.append(_runs(run, target, tuple(shorter)) if shorter else none)
    return pa.concat_arrays(found) if found else pa.nulls(0, target)


def _amounts(
    values: npt.NDArray[np.float64], checks: Checks
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    cents = values * 100
    whole = np.rint(cents)
    most = min(LARGEST_MONEY, checks.layout.largest)
    sound = (np.abs(cents - whole) < 1e-3) & (np.abs(values) <= most)
    return np.where(sound, whole, 0).astype(np.int64), sound


def _numbers(
    values: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    return values, np.isfinite(values)


def _end(column: Column, checks: Checks) -> int:
    """The microsecond from which times are too late."""
    if checks.today is None or column.ahead:
        return int(np.iinfo(np.int64).max)
    day = datetime(checks.today.year, checks.today.month, checks.today.day)
    return _micros(day + timedelta(days=1))


def _micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)
