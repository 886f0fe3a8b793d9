"""``python -m analysis rehearse``: files, verdict, exit codes."""

import csv
import json

import pytest
from click.testing import CliRunner

from analysis.cli import main
from analysis.study import dump_study
from tests.analysis.rehearsal.studies import study_of


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "mugs.json"
    path.write_text(dump_study(study_of()))
    return path


def run(*words, code=0):
    result = CliRunner().invoke(main, ["rehearse", *(str(word) for word in words)])
    assert result.exit_code == code, result.output
    return result


def test_a_rehearsal_is_written_and_its_verdict_said(study, tmp_path):
    out = tmp_path / "out"
    result = run(study, "--n", 60, "--repeats", 5, "--hb-repeats", 0, "--out", out)
    assert "60 respondents this study" in result.stdout
    assert "simulated studies" in result.stderr
    found = json.loads((out / "rehearsal.json").read_text())
    assert found["verdict"] in ("reached", "close", "missed")
    assert {world["world"] for world in found["worlds"]} == {
        "non_attendance", "price_limits", "random_responders", "halved",
    }  # fmt: skip
    assert found["headline"] in (out / "report.md").read_text()
    with (out / "wtp.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["world"] == "planted"]
    assert [(r["attribute"], r["to_level"]) for r in rows] == [
        ("colour", "blue"), ("size", "middle"), ("size", "large"),
    ]  # fmt: skip
    assert float(rows[0]["half_width"]) == found["main"]["money"][0]["half_width"]["value"]
    assert (out / "partworths.csv").exists()
    assert (out / "power.csv").exists()
    assert "Orme" in (out / "sample_size.csv").read_text()


def test_the_respondents_planned_are_the_default(study, tmp_path):
    out = tmp_path / "out"
    run(study, "--repeats", 3, "--hb-repeats", 0, "--out", out)
    assert json.loads((out / "rehearsal.json").read_text())["n"] == 150
    bare = tmp_path / "bare.json"
    bare.write_text(dump_study(study_of(targets="{smallest_difference: 0.2}")))
    assert "Give --n" in run(bare, "--out", out, code=2).stderr


def test_a_design_of_its_own_is_rehearsed(study, tmp_path):
    runner = CliRunner()
    design = tmp_path / "design.csv"
    runner.invoke(main, ["design", str(study), "--out", str(design)])
    lines = design.read_text().splitlines()
    half = [line for line in lines[1:] if int(line.split(",")[0]) <= 2]
    design.write_text("\n".join([lines[0], *half]) + "\n")
    words = ("--n", 60, "--repeats", 3, "--hb-repeats", 0, "--out", tmp_path / "out")
    run(study, *words, "--design", design)
    found = json.loads((tmp_path / "out" / "rehearsal.json").read_text())
    assert found["simulated_tasks"].startswith("2 blocks of 8 tasks and 2 holdouts")
    broken = [half[0].replace("estimation", "practice"), half[1].replace(",1,2,", ",1,two,")]
    design.write_text("\n".join([lines[0], *broken, *half[2:]]) + "\n")
    result = run(study, *words, "--design", design, code=2)
    assert "line 2: role 'practice' is neither" in result.stderr
    assert "line 3: alternative 'two' is no whole number" in result.stderr


def test_what_cannot_be_rehearsed_is_a_message(study, tmp_path):
    assert "too few" in run(study, "--n", 4, "--out", tmp_path / "out", code=2).stderr
    assert "No such file" in run(tmp_path / "none.yaml", "--out", tmp_path, code=2).stderr
    (tmp_path / "file").write_text("")
    assert "is a file" in run(study, "--n", 50, "--out", tmp_path / "file", code=2).stderr
