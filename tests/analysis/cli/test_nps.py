from __future__ import annotations

import gzip
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


def test_other_separators_and_blanks_round_names(run):
    assert json.loads(run("id; q\n1; 10\n2; 3\n", "--column", "q").stdout)["n"] == 2
    assert json.loads(run("id\tq\n1\t10\n", "--column", "q").stdout)["n"] == 1


def test_a_row_is_named_by_the_line_on_which_it_starts(run):
    found = run('c,q\n"a\nb",5\n"x\ny\nz",99\nq,98\n', "--column", "q")
    assert found.exit_code == 2
    assert "row 4: '99'" in found.stderr
    assert "row 7: '98'" in found.stderr


def test_rows_of_another_length_are_faults_and_no_missing_answers(run):
    found = run("id,q\n1\n2,5\n3,6,7\n", "--column", "q")
    assert found.exit_code == 2
    assert "row 2: the row has 1 cells, the header 2" in found.stderr
    assert "row 4: the row has 3 cells, the header 2" in found.stderr


@pytest.mark.parametrize("text", ["", '"q,5\n'])
def test_a_file_without_a_readable_header(run, text):
    found = run(text, "--column", "q")
    assert found.exit_code == 2
    assert "header" in found.stderr


def test_a_column_that_stands_twice_is_refused(run):
    found = run("q,q\n1,10\n", "--column", "q")
    assert found.exit_code == 2
    assert "stands 2 times" in found.stderr


def test_an_underscore_makes_no_number(run):
    assert "'1_0' in 'q'" in run("q\n1_0\n", "--column", "q").stderr


def test_a_broken_gz_is_said_to_be_one(tmp_path):
    whole = gzip.compress(b"q\n" + b"10\n3\n" * 500)
    for n, content in enumerate([whole[:-9], whole[:20] + b"\xff" * 30, b"q\n10\n"]):
        path = tmp_path / f"r{n}.csv.gz"
        path.write_bytes(content)
        found = CliRunner().invoke(nps, [str(path), "--column", "q"])
        assert found.exit_code == 2
        assert "cannot be unpacked" in found.stderr


def test_huge_weights_weigh_as_small_ones_do(run):
    weighed = ("--column", "q", "--weight", "w")
    huge = json.loads(run("q,w\n5,1e308\n9,1e308\n7,1e308\n", *weighed).stdout)
    small = json.loads(run("q,w\n5,1\n9,1\n7,1\n", *weighed).stdout)
    assert huge == small
