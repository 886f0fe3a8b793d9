"""What the beginning of a file tells before it is loaded."""

import gzip

import pytest

from analysis.ledgers.faults import LedgerFaults
from analysis.ledgers.first_look import (
    first_look,
    fitting_kinds,
    propose_columns,
    propose_time_formats,
)
from analysis.ledgers.kinds import KINDS, PURCHASES
from analysis.ledgers.layout import Layout


@pytest.fixture
def look(tmp_path):
    def at(content, **layout):
        path = tmp_path / "file.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return first_look(path, Layout(**layout))

    return at


@pytest.mark.parametrize(
    ("header", "found"),
    [
        # UCI Online Retail, a loyalty card of a supermarket, German tills
        (
            "InvoiceNo StockCode Description Quantity InvoiceDate UnitPrice CustomerID Country",
            "customer=CustomerID time=InvoiceDate product=StockCode order=InvoiceNo "
            "quantity=Quantity",
        ),
        (
            "household_id card_no purchase-date SalesValue STORE_ID",
            "customer=card_no time=purchase-date amount=SalesValue store=STORE_ID",
        ),
        (
            "Kunde Datum Betrag Filiale Bon",
            "customer=Kunde time=Datum amount=Betrag store=Filiale order=Bon",
        ),
        ("customer card time amount", "customer=customer time=time amount=amount"),
    ],
)
def test_columns_of_files_as_shops_write_them(header, found):
    wanted = dict(part.split("=") for part in found.split())
    assert propose_columns(PURCHASES, header.split()) == wanted


def test_how_the_last_file_was_read_goes_before_names():
    header = ["customer", "household", "time", "amount", "channel"]
    earlier = {"customer": "household", "store": "gone", "channel": ""}
    found = propose_columns(PURCHASES, header, earlier)
    assert found == {"customer": "household", "time": "time", "amount": "amount"}


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_file_with_the_columns_of_a_ledger_fits_it_first(kind):
    names = [column.name for column in kind.columns if column.kind != "rest"]
    if kind.name != "attributes":  # which takes any file that names customers
        assert fitting_kinds(names)[0] is kind
    assert propose_columns(kind, names) == dict(zip(names, names, strict=True))


@pytest.mark.parametrize(
    ("cells", "formats"),
    [
        (["2026-08-31", "2026-08-31T17:45:00Z", "soon"], []),
        (["31.08.2026", "01.09.2026"], ["%d.%m.%Y"]),
        (["8/31/2026 17:45", "9/1/2026 9:05"], ["%m/%d/%Y %H:%M"]),
        (["03/04/2026", "05/06/2026"], ["%d/%m/%Y", "%m/%d/%Y"]),
        (["03/04/2026", "25/06/2026", "-"], ["%d/%m/%Y"]),
        (["20260831"], ["%Y%m%d"]),
        (["yesterday", "31.08.2026", "today"], []),
        ([], []),
    ],
)
def test_formats_of_times_as_most_cells_show_them(cells, formats):
    assert propose_time_formats(cells) == formats


def test_rows_are_shown_as_wide_as_the_header_and_blank_ones_are_not(look):
    found = look("a;b;c\n1; 2 \n\n1;2;3;4\n" + "x" * 1000 + ";;\n")
    assert found.header == ("a", "b", "c")
    assert found.rows[:2] == (("1", "2", ""), ("1", "2", "3"))
    assert len(found.rows[2][0]) == 200
    assert found.cells("b") == ["2", "2"] and found.cells("nowhere") == []


def test_it_says_how_the_file_is_written(look):
    assert look("a,b\n1,2\n").written == "CSV, cells divided by commas, utf-8"
    packed = gzip.compress("a;b\n1;2\n".encode("utf-16"))
    assert look(packed).written == "CSV, gzipped, cells divided by semicolons, utf-16-le"
    assert look("a,b|c\n1,2|3\n", delimiter="|").header == ("a,b", "c")


def test_a_row_that_the_sample_cuts_off_is_left_out(look):
    wide = "x" * 5_000
    found = look("name,time\n" + f"{wide},2026-08-01\n" * 300)
    assert set(found.cells("time")) == {"2026-08-01"} and len(found.rows) < 200


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file is empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel workbook"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"SQLite format 3\0", "a SQLite database"),
        (b"a,b\n1,\0\n", "no table of text"),
        (b'"a,b\n1,2\n', "the header cannot be read"),
        (",".join(map(str, range(501))).encode(), "501 columns"),
    ],
)
def test_what_is_no_table_says_what_to_do(look, content, told):
    with pytest.raises(LedgerFaults, match=told):
        look(content)
