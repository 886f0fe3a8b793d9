"""What Arrow types of plain cells is what the checks in SQL say, cell for cell."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from analysis.ledgers import plain, typed
from analysis.ledgers.checks import Checks
from analysis.ledgers.engine import connection
from analysis.ledgers.files import Block
from analysis.ledgers.kinds import AVAILABILITY, PURCHASES
from analysis.ledgers.layout import Layout

TIMES = """2026-01-05T10:11:12|2026-01-05 10:11:12|0000-01-01T00:00:00|9999-12-31T23:59:59|
2026-01-05|2026-01-05T24:00:00|2026-01-05T23:59:60|2026-02-29T00:00:00|2024-02-29|1899-12-31|
1900-02-29T00:00:00|2026-01-05t10:11:12|2026-01-05T10:11+00|2026-01-05 10+00:00|20260105|soon|
2026-1-05T10:11:12Z|2026-11-22T23:59:59|2026-11-23|2099-01-01T10:00:00|1066-10-14T10:00:00|
2026-01-05T10:11:12.5| 2026-01-05"""
NUMBERS = """1|1.|.5|+5|-5|-0|0x1A|1e5|1E+5|1e|inf|-Infinity|nan|1_000| 5|5 |1,5|1e400|1e-400|
00012|1.2.3|--1|1d|12.345|0.10|12345678901.23|1e9|1000000000.01|-1e9|1e13|١٢|true|$5|5%|1.005"""
RUN = plain.RUNS[-1]


def block(kind, *, padded):
    """Runs of plain cells with one odd cell, the same throughout a run; some runs have none."""
    columns = {}
    for column in kind.columns:
        odd = [*(TIMES if column.kind == "time" else NUMBERS).replace("\n", "").split("|"), None]
        cells = []
        for run in range(48):
            plainly = [f"2026-03-{n % 28 + 1:02d} 10:00:0{n % 10}" for n in range(RUN)]
            if column.kind in ("money", "number"):
                plainly = [f"{n}.{n % 100:02d}" for n in range(RUN)]
            elif column.kind != "time":
                plainly = ["a"] * RUN
                odd = ["b", "c" * 1_001, None, "NULL"]
            plainly[run] = odd[run % len(odd)]
            cells += plainly
        columns[column.name] = pa.array(cells, pa.string())
    numbers = np.arange(len(cells)) + 2
    return Block(pa.table(columns), numbers, [], str, lambda rows: b"", padded, 0)


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("kind", [PURCHASES, AVAILABILITY], ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    "layout", [Layout(), Layout(decimal="comma", zone="Europe/Berlin")], ids=["plain", "neither"]
)
def test_typed_by_arrow_as_by_sql(monkeypatch, kind, layout, padded):
    checks = Checks(kind, layout, kind.names, (), date(2026, 11, 22))
    cells = block(kind, padded=padded)
    with connection() as engine:
        found = typed.Typing(engine, checks).typed(cells)
        monkeypatch.setattr(typed, "can_be_plain", lambda column, checks: False)
        monkeypatch.setattr(typed, "_taken_as_is", lambda column: False)
        wanted = typed.Typing(engine, checks).typed(cells)
    np.testing.assert_array_equal(found.code, wanted.code)
    assert np.count_nonzero(found.code) > 50
    for name, column in wanted.columns.items():
        assert found.columns[name].equals(column), name


def test_only_doubtful_cells_are_left_to_sql():
    checks = Checks(PURCHASES, Layout(), PURCHASES.names, (), date(2026, 11, 22))
    cells = pa.array(["12.50"] * 5_000 + ["12.345", None, "-3"])
    read = plain.read_plain(PURCHASES.column("amount"), cells, checks)
    assert np.flatnonzero(read.hard).tolist() == [5_000, 5_001]
    assert read.values[[0, 5_002]].tolist() == [1_250, -300]
