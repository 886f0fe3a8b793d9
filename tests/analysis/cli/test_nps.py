from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from analysis.cli.nps import nps


@pytest.fixture
def run(tmp_path):
    def call(text, *options):
        path = tmp_path / "ratings.csv"
        path.write_text(text, encoding="utf-8")
        return CliRunner().invoke(nps, [str(path), *options])

    return call


def test_json_on_stdout(run):
    found = run("id,q\n1,10\n2,9\n3,7\n4,\n5,2\n", "--column", "q")
    assert found.exit_code == 0
    shown = json.loads(found.stdout)
    assert {name: shown[name] for name in ("n", "promoters", "passives", "detractors", "nps")} == {
        "n": 4,
        "promoters": 2,
        "passives": 1,
        "detractors": 1,
        "nps": 25.0,
    }
    assert shown["low"] < 25 < shown["high"]
    assert "adjusted Wald" in shown["method"]
    assert shown["missing"] == 1


def test_groups_and_weights(run):
    text = "q,store,w\n10,north,1\n0,south,3\n9,north,1\n"
    shown = json.loads(run(text, "--column", "q", "--by", "store", "--weight", "w").stdout)
    assert shown["nps"] == pytest.approx(-20)
    assert shown["groups"]["north"]["nps"] == 100
    assert shown["groups"]["south"]["n"] == 1


def test_all_bad_rows_are_listed(run):
    found = run("q,w\n10,1\n11,1\nx,0\n5.5,1\n", "--column", "q", "--weight", "w")
    assert found.exit_code == 2
    assert found.stdout == ""
    for line in ("4 faults", "row 3: '11'", "row 4: 'x'", "row 4: the weight '0'", "row 5: '5.5'"):
        assert line in found.stderr


def test_a_missing_column_is_named(run):
    found = run("a,b\n1,2\n", "--column", "q", "--by", "c")
    assert found.exit_code == 2
    assert "no column 'q'" in found.stderr
    assert "no column 'c'" in found.stderr


def test_no_answers_give_a_reason(run):
    shown = json.loads(run("q\n", "--column", "q").stdout)
    assert shown["nps"] is None
    assert shown["reason"] == "nobody answered"
