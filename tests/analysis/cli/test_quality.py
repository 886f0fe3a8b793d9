"""Flags and kinds of run on the command line."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import date

import pytest
from click.testing import CliRunner

from analysis.archive import write_archive
from analysis.cli import main
from analysis.study.quality import FLAG_NAMES
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import pastry_company
from tests import builders


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Sixty respondents of the demo, ten of them test runs, two sent away by an attention check."""
    study = builders.pastry()
    plan = study.analysis.model_copy(update={"estimator": "mnl"})
    study = study.model_copy(update={"analysis": plan})
    company = pastry_company(study, seed=3, today=date(2026, 11, 22), buyers=120, respondents=60)
    made = archive_of(company, study)
    people = made.respondents.copy()
    people["ended"], people["completed"] = "complete", people["started"]
    people.loc[people.index[:10], "run_kind"] = "test"
    people.loc[people.index[10:12], ["ended", "completed"]] = ["quality_out", ""]
    path = tmp_path_factory.mktemp("archive") / "study.sqlite"
    write_archive(path, replace(made, respondents=people))
    return path


def call(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_flags_are_written_for_everybody_with_the_rules(archive, tmp_path):
    done = call("quality", archive, "--out", tmp_path / "new")
    assert done.exit_code == 0, done.output
    with (tmp_path / "new" / "quality.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 48
    assert {row["excluded"] for row in rows} == {"0"}
    found = json.loads((tmp_path / "new" / "quality.json").read_text())
    assert found["respondents"] == 48 and found["ended_by_attention_check"] == 2
    assert [flag["flag"] for flag in found["flags"]] == list(FLAG_NAMES)
    for flag in found["flags"]:
        used = flag["not_used_because"] is None
        assert (flag["rate"] is not None) == used and bool(flag["null"]) == used
        assert flag["rate"] is None or flag["rate"] <= flag["rate_wanted"]
    assert "48 respondents carry a flag" in done.output


def test_the_kinds_of_run_that_count_are_named(archive, tmp_path):
    done = call("quality", archive, "--out", tmp_path, "--run-kind", "test")
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "quality.json").read_text())["respondents"] == 10
    done = call("report", archive, "--out", tmp_path, "--run-kind", "test", "--run-kind", "bot")
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["header"]["n_completed"] == 58
    assert report["quality"]["n"] == 58 and report["quality"]["ended"] == 2
    assert (tmp_path / "quality.csv").is_file()


def test_what_cannot_be_judged_is_refused_in_words(archive, tmp_path):
    nobody = call("quality", archive, "--out", tmp_path, "--run-kind", "live")
    assert nobody.exit_code == 2 and "nobody completed" in nobody.output
    no_kind = call("quality", archive, "--out", tmp_path, "--run-kind", "real")
    assert no_kind.exit_code == 2 and "'live', 'test', 'bot'" in no_kind.output
    (tmp_path / "text").write_text("no archive")
    no_file = call("quality", tmp_path / "text", "--out", tmp_path)
    assert no_file.exit_code == 2 and "not an archive" in no_file.output
    assert "Traceback" not in nobody.output + no_kind.output + no_file.output
