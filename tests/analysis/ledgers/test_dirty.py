"""Files as companies send them: a clear fault, or the right number, never a wrong one."""

from __future__ import annotations

from datetime import date

import pyarrow.parquet as pq
import pytest

from analysis.ledgers.faults import LedgerFaults
from analysis.ledgers.folder import parquet_files
from analysis.ledgers.kinds import ATTRIBUTES, PURCHASES
from analysis.ledgers.load import Loading, load_files
from analysis.ledgers.raw import RawFolder


def loaded(folder, content, kind=PURCHASES):
    path = folder / "file.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    where = folder / "ledger" / kind.name
    how = Loading(
        kind=kind,
        folder=where,
        raw=RawFolder(folder / "raw"),
        key=b"0123456789abcdef",
        today=date(2026, 11, 22),
    )
    found = load_files([path], how).files[0]
    return found, [row for file in parquet_files(where) for row in pq.read_table(file).to_pylist()]


def amounts(*cells, delimiter=";"):
    rows = [delimiter.join((f"c{n}", "2026-01-05", cell)) for n, cell in enumerate(cells)]
    return "\n".join([delimiter.join(("customer", "time", "amount")), *rows]) + "\n"


@pytest.mark.parametrize("cells", [("1.234", "2.500"), ("2.500", "750"), ("1.000.000", "2.500")])
def test_points_that_may_part_thousands_are_asked_about(tmp_path, cells):
    with pytest.raises(LedgerFaults, match="Name the decimal: comma") as told:
        loaded(tmp_path, amounts(*cells))
    assert f"amounts such as {cells[0]} may have thousands or three decimals" in str(told.value)


@pytest.mark.parametrize(
    ("cells", "cents"),
    [
        (("1.234,50", "2.500"), [123_450, 250_000]),
        (("1234.50", "2.500"), [123_450, 250]),
        (("0.500", "12"), [50, 1_200]),
    ],
)
def test_one_amount_tells_the_decimal_of_the_others(tmp_path, cells, cents):
    _, rows = loaded(tmp_path, amounts(*cells))
    assert [row["amount"] for row in rows] == cents


def test_three_decimals_throughout_are_decimals_and_noted(tmp_path):
    found, rows = loaded(tmp_path, amounts("2.500", "11.990"))
    assert [row["amount"] for row in rows] == [250, 1_199]
    assert found.notes == ("amounts read with a decimal point: 2.500 is not 2500",)


@pytest.mark.parametrize("many", [1, 300])
def test_what_programs_write_for_nobody_is_no_customer(tmp_path, many):
    people = ["ann", "NULL", "Nan", "nan", "#N/A", "None", "nullmann"] * many
    lines = [f"{who},2026-01-05,{n}.50" for n, who in enumerate(people)]
    found, rows = loaded(tmp_path, "\n".join(["customer,time,amount", *lines, ""]))
    assert found.reasons == {"customer_missing": 4 * many}
    assert len({row["customer"] for row in rows}) == 3


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"PK\x03\x04" + bytes(range(256)), "workbook or a zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1" + bytes(900), "save the sheet as CSV"),
        ("customer,time,amount\n".encode("utf-16-le"), "NUL bytes: UTF-16 without a mark"),
        (b"sep=;\ncustomer;time;amount\nann;2026-01-05;1.50\n", "first line is 'sep=;'. Remove"),
    ],
)
def test_files_that_are_no_csv_are_told_so(tmp_path, content, fault):
    with pytest.raises(LedgerFaults, match=fault):
        loaded(tmp_path, content)


def test_columns_without_names_do_not_matter_unless_all_columns_are_kept(tmp_path):
    _, rows = loaded(tmp_path, "customer,time,amount,,\nann,2026-01-05,1.50,,\n")
    assert [row["amount"] for row in rows] == [150]
    with pytest.raises(LedgerFaults, match="the column '' stands 2 times"):
        loaded(tmp_path, "customer,town,,\nann,Ulm,,\n", ATTRIBUTES)


def test_a_cell_of_a_million_letters_is_set_apart_and_the_rows_around_it_stay(tmp_path):
    rows = [f"c{n},2026-01-05,{n}.50,{'x' * 1_000_000 if n == 3 else 'north'}" for n in range(6)]
    found, kept = loaded(tmp_path, "\n".join(["customer,time,amount,store", *rows, ""]))
    assert found.reasons == {"store_too_long": 1}
    assert [row["amount"] for row in kept] == [50, 150, 250, 450, 550]
