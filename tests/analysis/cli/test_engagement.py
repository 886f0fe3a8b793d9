from __future__ import annotations

import gzip

import pandas as pd
import pytest
from click.testing import CliRunner

from analysis.cli.engagement import engagement
from analysis.purchases import engines
from analysis.purchases.scoring import SCORE_COLUMNS

TEXT = "card,date,paid\nann,2026-06-30,5.00\nbob,2026-01-01,7.50\nann,2026-07-01,9\n"
OPTIONS = ["--as-of", "2026-06-30", "--map", "customer=card,time=date,amount=paid"]


@pytest.fixture
def run(tmp_path):
    def call(text, out, options=OPTIONS):
        path = tmp_path / "purchases.csv"
        path.write_text(text, encoding="utf-8")
        return CliRunner().invoke(engagement, [str(path), *options, "--out", str(tmp_path / out)])

    return call


@pytest.mark.parametrize(("out", "read"), [("s.csv", pd.read_csv), ("s.parquet", pd.read_parquet)])
def test_scores_in_a_file(run, tmp_path, out, read):
    found = run(TEXT, out)
    assert found.exit_code == 0
    assert found.stdout == ""
    scores = read(tmp_path / out)
    assert tuple(scores.columns) == SCORE_COLUMNS
    assert list(scores["customer"]) == ["ann", "bob"]
    assert list(scores["points"]) == [10, 7.5]
    assert list(scores["recency_days"]) == [0, 180]


@pytest.mark.parametrize("out", ["s.csv", "s.parquet"])
def test_a_file_written_in_many_batches_is_the_same(run, tmp_path, monkeypatch, out):
    text = "card,date,paid\nann,2026-06-30,5.00\n" + "bob,2026-01-01,-7.50\neve,2026-06-01,3\n" * 2
    assert run(text, out).exit_code == 0
    wanted = (tmp_path / out).read_bytes()
    read = pd.read_csv if out.endswith("csv") else pd.read_parquet
    whole = read(tmp_path / out)
    monkeypatch.setattr(engines, "BATCH_ROWS", 1)
    found = run(text, out)
    assert "3 customers scored" in found.stderr
    pd.testing.assert_frame_equal(read(tmp_path / out), whole)
    assert out.endswith("parquet") or (tmp_path / out).read_bytes() == wanted


def test_bad_rows_are_all_listed_and_nothing_is_written(run, tmp_path):
    found = run("card,date,paid\n,2026-06-30,5\nbob,soon,7\n", "s.csv")
    assert found.exit_code == 2
    assert "row 2: the customer is missing" in found.stderr
    assert "row 3: the time 'soon'" in found.stderr
    assert not (tmp_path / "s.csv").exists()


def test_options_that_cannot_be_understood(run):
    assert "ending in .csv or .parquet" in run(TEXT, "s.xlsx").stderr
    found = run(TEXT, "s.csv", ["--as-of", "2026-06-30", "--map", "customer"])
    assert found.exit_code == 2
    assert "lacks a column" in found.stderr


def test_a_broken_gz_is_said_to_be_one(tmp_path):
    whole = gzip.compress(b"customer,time,amount\n" + b"a,2026-06-30,1\n" * 500)
    for n, content in enumerate([whole[:-9], whole[:30] + b"\xff" * 30, b"customer\n"]):
        path = tmp_path / f"p{n}.csv.gz"
        path.write_bytes(content)
        options = ["--as-of", "2026-06-30", "--out", str(tmp_path / "s.csv")]
        found = CliRunner().invoke(engagement, [str(path), *options])
        assert found.exit_code == 2
        assert "cannot be unpacked" in found.stderr
        assert not (tmp_path / "s.csv").exists()


def test_line_breaks_within_quotes_keep_the_count_of_lines(run):
    text = '"card",date,paid,"no\nte"\nann,2026-06-30,1,"x\ny"\nbob,soon,1,"q\nq"\neve,never,1,z\n'
    found = run(text, "s.csv")
    assert "row 5: the time 'soon'" in found.stderr
    assert "row 7: the time 'never'" in found.stderr


@pytest.mark.parametrize("text", ["", '"card,date\n'])
def test_a_file_without_a_readable_header(run, text):
    found = run(text, "s.csv")
    assert found.exit_code == 2
    assert "header" in found.stderr


def test_very_many_faults_are_counted(run):
    found = run("card,date,paid\n" + "ann,soon,1\n" * 60, "s.csv")
    assert "60 faults" in found.stderr
    assert "and 10 more" in found.stderr


def test_a_place_that_cannot_be_written_and_a_name_mapped_twice(run, tmp_path):
    found = run(TEXT, "purchases.csv/s.csv")
    assert found.exit_code == 2
    assert "purchases.csv" in found.stderr
    found = run(TEXT, "s.csv", ["--as-of", "2026-06-30", "--map", "customer=card,customer=date"])
    assert "stands twice" in found.stderr


def test_a_folder_gets_all_tables_and_is_never_written_over(run, tmp_path):
    assert run(TEXT, "all").exit_code == 0
    names = {path.name for path in (tmp_path / "all").iterdir()}
    assert {"customers.parquet", "cohorts.parquet", "lookup.sqlite"} <= names
    again = run(TEXT, "all")
    assert again.exit_code == 2
    assert "Name a new folder" in again.stderr


def test_wrong_tiers_are_told(run):
    found = run(TEXT, "s.csv", [*OPTIONS, "--tiers", "gold=0.5,silver=0.2"])
    assert found.exit_code == 2
    assert "rise from the best tier down" in found.stderr


def test_the_response_to_offers_comes_with_their_file(run, tmp_path):
    found = run(TEXT, "s.csv")
    assert "response to offers: unavailable, no offers ledger" in found.stderr
    offers = tmp_path / "offers.csv"
    offers.write_text(
        "customer,time,offer,action\nann,2026-03-01,spring,sent\nann,2026-03-02,spring,redeemed\n"
        "bob,2025-12-20,xmas,sent\n"
    )
    found = run(TEXT, "s.csv", [*OPTIONS, "--offers", str(offers)])
    assert found.exit_code == 0, found.output
    assert "response to offers: 50.0% of 2 redeemed" in found.stderr
    scores = pd.read_csv(tmp_path / "s.csv").set_index("customer")
    assert list(scores["offers_redeemed"]) == [1, 0]
    assert list(scores["offers_bought"]) == [0, 1]
    assert run(TEXT, "all", [*OPTIONS, "--offers", str(offers)]).exit_code == 0
    by_offer = pd.read_parquet(tmp_path / "all" / "offers.parquet")
    assert list(by_offer["offer"]) == ["spring", "xmas"]
    offers.write_text("customer,time,offer,action\nann,2026-03-01,spring,posted\n")
    found = run(TEXT, "s.csv", [*OPTIONS, "--offers", str(offers)])
    assert found.exit_code == 2
    assert "posted" in found.stderr
    found = run(TEXT, "s.csv", [*OPTIONS, "--offers", str(tmp_path / "all" / "..")])
    assert "no offers in this folder" in found.stderr


def ledger_form(**changed):
    """Two purchases as a ledger keeps them: amounts in cents, times in UTC."""
    table = pd.DataFrame(
        {
            "customer": ["ann", "bob"],
            "time": pd.to_datetime(["2026-06-30", "2026-01-01"]).astype("datetime64[us]"),
            "amount": [500, 750],
            "currency": "USD",
            "store": None, "product": None, "channel": None,
            "on_sale": pd.array([True, None], "boolean"),
            "order": "1", "line": "1",
        }
    )  # fmt: skip
    return table.assign(**changed)


def score_file(tmp_path, table, *options):
    path = tmp_path / "log.parquet"
    table.to_parquet(path)
    out = tmp_path / "scores.csv"
    given = [str(path), "--as-of", "2026-06-30", *options, "--out", str(out)]
    return CliRunner().invoke(engagement, given), out


def test_a_parquet_file_in_the_ledgers_form_is_read_where_it_lies(tmp_path, monkeypatch):
    monkeypatch.setattr("analysis.purchases.reading.read_rows", None)  # nothing is read whole
    found, out = score_file(tmp_path, ledger_form())
    assert found.exit_code == 0, found.output
    assert "log.parquet has the ledger's columns and is read in place" in found.stderr
    assert list(pd.read_csv(out)["points"]) == [10, 7.5]
    found, _ = score_file(tmp_path, ledger_form(), "--map", "customer=customer")
    assert "log.parquet has the ledger's columns already" in found.stderr


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"customer": ["ann", " "]}, "1 rows without a customer"),
        ({"time": pd.to_datetime(["2026-06-30", None])}, "1 rows without a time"),
        ({"time": pd.to_datetime(["2026-06-30", "0201-01-01"])}, "1 rows with a time before 1900"),
        ({"amount": pd.array([500, None], "Int64")}, "1 rows without an amount"),
        ({"amount": [500, 10**15]}, "1 rows with an amount beyond 1,000,000,000"),
        ({"currency": ["USD", "XXQ"]}, "1 rows with an unknown currency"),
        ({"currency": ["USD", "EUR"]}, "several currencies (EUR, USD)"),
    ],
)
def test_rows_read_in_place_are_checked(tmp_path, changed, words):
    found, out = score_file(tmp_path, ledger_form(**changed))
    assert found.exit_code == 2, found.output
    assert words in found.stderr
    assert not out.exists()


def test_other_parquet_files_are_read_whole_and_their_amounts_are_units(tmp_path):
    found, out = score_file(tmp_path, ledger_form(amount=[5.0, 7.5]))
    assert found.exit_code == 0, found.output
    assert "in place" not in found.stderr
    assert list(pd.read_csv(out)["points"]) == [10, 7.5]


def test_a_folder_of_files_of_other_types_is_refused(tmp_path):
    zoned = pd.to_datetime(["2026-06-30", "2026-01-01"]).tz_localize("Europe/Berlin")
    ledger_form(amount=[5.0, 7.5]).assign(time=zoned).to_parquet(tmp_path / "a.parquet")
    given = [str(tmp_path), "--as-of", "2026-06-30", "--out", str(tmp_path / "s.csv")]
    found = CliRunner().invoke(engagement, given)
    assert found.exit_code == 2
    assert (
        "a.parquet: 'time' is timestamp[us, tz=Europe/Berlin]. Write times in UTC" in found.stderr
    )
    assert "a.parquet: 'amount' is double. Write whole cents" in found.stderr
