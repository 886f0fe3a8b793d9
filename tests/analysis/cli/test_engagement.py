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
