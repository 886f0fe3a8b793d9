from __future__ import annotations

import pandas as pd
import pytest
from click.testing import CliRunner

from analysis.cli.engagement import FIRST, engagement

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
    assert tuple(scores.columns[: len(FIRST)]) == FIRST
    assert list(scores["customer"]) == ["ann", "bob"]
    assert list(scores["points"]) == [10, 7.5]
    assert list(scores["recency_days"]) == [0, 180]


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
