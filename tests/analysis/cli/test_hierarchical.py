"""python -m analysis partworths --estimator hb."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from analysis.cli import main

EXAMPLES = Path(__file__).parents[3] / "examples"
STUDY = EXAMPLES / "electricity/study.yaml"
CHOICES = EXAMPLES / "electricity/choices.csv.gz"
SHORT = ("--burn-in", 100, "--draws", 60)


def run(*arguments):
    words = ["partworths", STUDY, CHOICES, "--estimator", "hb", *arguments]
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("hb")
    result = run("--out", out, "--holdout-tasks", "1,2", "--save-draws", *SHORT)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    return out, result.stderr


def test_all_files_are_written(written):
    out, _ = written
    assert sorted(path.name for path in out.iterdir()) == [
        "diagnostics.json",
        "draws.nc",
        "importances.csv",
        "individual.parquet",
        "partworths.csv",
        "summary.json",
        "wtp.csv",
    ]
    assert len(pd.read_parquet(out / "individual.parquet")) == 361
    assert len(pd.read_csv(out / "wtp.csv")) == 5


def test_holdout_tasks_are_predicted_and_short_runs_are_not_final(written):
    out, words = written
    summary = json.loads((out / "summary.json").read_text())
    assert summary["final"] is False
    assert "not final" in words
    assert summary["n_holdout_tasks"] == summary["holdout"]["tasks"] > 0
    assert summary["holdout"]["log_loss"] < summary["holdout"]["chance_log_loss"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--holdout-tasks", "none-such"), "no task is called none-such"),
        (("--burn-in", "105"), "multiple of 10"),
    ],
)
def test_wrong_options_are_refused(tmp_path, options, words):
    result = run("--out", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr
