"""Files as companies write them: dialects, encodings, quotes, times, and everything that is odd."""

from __future__ import annotations

import codecs
from datetime import date

import pytest

from analysis.ledgers.faults import LedgerFaults
from analysis.ledgers.kinds import PURCHASES
from analysis.ledgers.layout import Layout, read_layout
from analysis.ledgers.load import Loading, load_files
from analysis.ledgers.looking import read_quarantine_of, read_rows_of
from analysis.ledgers.raw import RawFolder

HEADER = "customer,time,amount,product\n"


@pytest.fixture
def load(tmp_path):
    """Load bytes or text; the FileLoad, the rows, and the quarantine by row."""
    how = Loading(
        kind=PURCHASES,
        folder=tmp_path / "ledger" / "purchases",
        raw=RawFolder(tmp_path / "raw"),
        key=b"0123456789abcdef",
        today=date(2026, 11, 22),
    )

    def call(content, **layout):
        path = tmp_path / "file.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        found = load_files([path], how, Layout(**layout)).files[0]
        assert found.reconciled
        apart = read_quarantine_of(how.folder, how.kind, how.raw).set_index("row")
        return found, read_rows_of(how.folder), apart

    return call


def test_quoted_cells_may_hold_newlines_quotes_and_delimiters(load):
    text = (
        'ann,2026-01-01,1,"two\nlines, ""quoted"""\nbob,2026-01-02,2,"x"\nx,2026-01-03,3,12" tv\n'
    )
    found, rows, _ = load(HEADER + text)
    assert (found.rows, found.lines, found.continued) == (3, 5, 1)
    assert list(rows["product"]) == ['two\nlines, "quoted"', "x", '12" tv']


def test_a_quote_that_is_never_closed_costs_its_own_row_only(load):
    rest = "".join(f"bob,2026-01-02,{n},p\n" for n in range(1, 3000))
    found, rows, apart = load(HEADER + 'ann,2026-01-01,1,"open\n' + rest + 'x,2026-01-01,1,"q"\n')
    assert (found.accepted, found.quarantined) == (3000, 1)
    assert apart.loc[2, "text"] == 'ann,2026-01-01,1,"open'
    assert rows["amount"].sum() == 100 * sum(range(1, 3000)) + 100


def test_odd_rows_are_set_apart_with_their_lines(load):
    long = "y" * 1_000_000
    lines = [
        b"ann,2026-01-01,1,a",
        b"",
        b"bob,2026-01-01,1",
        b"bob,2026-01-01,1,a,b",
        b"bob\0,2026-01-01,1,a",
        b"b\xff,2026-01-01,1,a",
        f"bob,2026-01-01,1,{long}".encode(),
        b"  cy ,2026-01-01, 2 ,a",
    ]
    found, rows, apart = load(HEADER.encode() + b"\r\n".join(lines) + b"\r\n")
    assert (found.rows, found.blank, found.accepted) == (7, 1, 2)
    assert apart["reason"].to_dict() == {
        4: "row_unreadable",
        5: "row_unreadable",
        6: "row_unreadable",
        7: "row_unreadable",
        8: "product_too_long",
    }
    assert len(apart.loc[8, "text"]) == 10_000
    assert sorted(rows["amount"]) == [100, 200]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252", "utf-16-be"])
def test_encodings_are_told_apart(load, encoding):
    text = HEADER + "".join(f"jörg{n},2026-01-01,1,Käse\n" for n in range(4))
    mark = codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b""
    _, rows, _ = load(mark + text.encode(encoding))
    assert list(rows["product"]) == ["Käse"] * 4


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_and_line_ends_are_told_apart(load, delimiter):
    text = (HEADER + "ann,2026-01-01,1.5,a\nbob,2026-01-02,-2,b\n").replace(",", delimiter)
    for end in ("\n", "\r\n", "\r"):
        _, rows, _ = load(text.replace("\n", end))
        assert list(rows["amount"]) == [150, -200]


def test_a_decimal_comma_is_seen_or_named(load):
    text = "customer;time;amount\nann;2026-01-01;1.234,50\nbob;2026-01-02;-2,5\n"
    found, rows, _ = load(text)
    assert list(rows["amount"]) == [123450, -250]
    assert "amounts read with a decimal comma" in found.notes
    found, _, apart = load(text + "x;2026-01-03;1.5\n", decimal="comma")
    assert (found.duplicates, found.quarantined) == (2, 1)
    assert apart.loc[4, "reason"] == "amount_unparsed"


@pytest.mark.parametrize("amount", ["1,200.00", "12.345", "nan", "inf", "twelve", "1.2.3", "$5"])
def test_what_is_no_amount_is_not_guessed(load, amount):
    _, rows, apart = load(HEADER + f'ann,2026-01-01,"{amount}",a\n', decimal="point")
    assert rows.empty
    assert apart.loc[2, "reason"] == "amount_unparsed"


def test_absurd_amounts_and_times_are_set_apart(load):
    text = "ann,1026-01-01,1000000000000,a\nann,2026-11-23,1,a\nann,2026-02-29,1,a\n"
    _, rows, apart = load(HEADER + text)
    assert rows.empty
    assert [list(reasons) for reasons in apart["reasons"]] == [
        ["time_implausible", "amount_absurd"],
        ["time_in_future"],
        ["time_unparsed"],
    ]


def test_local_times_become_utc_and_the_change_of_clocks_is_minded(load):
    times = [
        "2026-03-29T01:59:59",
        "2026-03-29T02:30:00",  # does not exist
        "2026-10-25T02:30:00",  # twice
        "2026-10-25T02:30:00+01:00",
        "2026-07-01",
        "20260702",
    ]
    text = "".join(f"ann,{time},1,p{n}\n" for n, time in enumerate(times))
    found, rows, apart = load(HEADER + text, zone="Europe/Berlin")
    utc = dict(zip(rows["product"], rows["time"].dt.strftime("%m-%d %H:%M"), strict=True))
    assert utc == {
        "p0": "03-29 00:59",
        "p2": "10-25 00:30",
        "p3": "10-25 01:30",
        "p4": "06-30 22:00",
        "p5": "07-01 22:00",
    }
    assert apart["reason"].to_dict() == {3: "time_in_gap"}
    assert found.ambiguous_times == 1


def test_zones_differ_by_store(load):
    text = "customer,time,amount,store\nann,2026-01-01T12:00,1,NY\nann,2026-01-01T12:00,1,X\n"
    _, rows, _ = load(text, zones={"NY": "America/New_York"})
    assert sorted(rows["time"].dt.hour) == [12, 17]


def test_currencies_are_known_ones_and_one_where_asked(load):
    text = (
        "customer,time,amount,currency\na,2026-01-01,1,USD\nb,2026-01-01,1,EUX\nc,2026-01-01,1,\n"
    )
    _, rows, apart = load(text)
    assert len(rows) == 2
    assert apart.loc[3, "reason"] == "currency_unknown"
    _, rows, apart = load(text.replace("EUX", "EUR"), currency="USD", source="b")
    assert list(rows[rows["source"] == "b"]["currency"]) == ["USD", "USD"]


def test_options_with_faults_are_refused_all_at_once(tmp_path):
    with pytest.raises(LedgerFaults) as caught:
        Layout(zone="Mars", decimal="dot", encoding="x-y", currency="EUX", delimiter="ab")
    assert len(caught.value.faults) == 5
    layout = Layout(columns={"customer": "Karte"}, zone="Europe/Berlin", decimal="comma")
    layout.save(tmp_path / "a.json")
    assert read_layout(tmp_path / "a.json") == layout
