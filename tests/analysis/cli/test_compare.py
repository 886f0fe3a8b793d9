"""python -m analysis compare."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from analysis.cli import main

EXAMPLES = Path(__file__).parents[3] / "examples"
STUDY = EXAMPLES / "electricity/study.yaml"


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Three models of 90 respondents, each with two tasks held out by role."""
    folder = tmp_path_factory.mktemp("models")
    frame = pd.read_csv(EXAMPLES / "electricity/choices.csv.gz")
    frame = frame[frame["respondent"] <= 90]
    order = frame.groupby("respondent")["task"].rank("dense")
    frame["role"] = ["holdout" if n <= 2 else "estimation" for n in order]
    frame.to_csv(folder / "choices.csv", index=False)
    for name, *options in (
        ("mnl",),
        ("latent-class", "--classes", "2", "--starts", "2"),
        ("mixed-logit", "--halton-draws", "30"),
    ):
        base = ("partworths", STUDY, folder / "choices.csv", "--estimator", name, *options)
        done = run(*base, "--out", folder / name)
        assert done.exit_code == 0, done.output
    return folder


def test_models_stand_side_by_side_with_paired_differences(folders, tmp_path):
    three = [folders / name for name in ("mnl", "latent-class", "mixed-logit")]
    done = run("compare", *three, "--out", tmp_path / "cmp")
    assert done.exit_code == 0, done.output
    assert "latent-class predicts better" in done.stdout
    models = pd.read_csv(tmp_path / "cmp/models.csv").set_index("model")
    logit = json.loads((folders / "mnl/summary.json").read_text())
    assert models.loc["mnl", "aic"] == pytest.approx(2 * 6 - 2 * logit["log_likelihood"])
    classes = json.loads((folders / "latent-class/summary.json").read_text())
    assert models.loc["latent-class", "bic"] == pytest.approx(classes["solutions"][0]["bic"])
    assert list(models["holdout_tasks"]) == [180, 180, 180]
    differences = pd.read_csv(tmp_path / "cmp/differences.csv").set_index(["first", "second"])
    loss = models["log_loss"]
    found = differences.loc[("mnl", "mixed-logit")]
    assert found["difference"] == pytest.approx(loss["mnl"] - loss["mixed-logit"])
    assert found["low"] < found["difference"] < found["high"]


def refused(*arguments):
    done = run("compare", *arguments)
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.stderr
    return done.stderr


def test_what_cannot_be_compared_is_refused(folders, tmp_path):
    assert "two or more" in refused(folders / "mnl")
    assert "stands twice" in refused(folders / "mnl", folders / "mnl")
    assert "summary.json" in refused(folders / "mnl", tmp_path)
    other = tmp_path / "counts"
    options = ("--estimator", "counts", "--out", other)
    assert run("partworths", STUDY, folders / "choices.csv", *options).exit_code == 0
    assert "not that of an estimator that predicts" in refused(folders / "mnl", other)
    all_tasks = ("partworths", STUDY, EXAMPLES / "electricity/choices.csv.gz")
    assert run(*all_tasks, "--out", tmp_path / "all").exit_code == 0
    said = refused(folders / "mnl", tmp_path / "all")
    assert "differ in respondents: 90 and 361" in said
    assert "differ in estimation tasks: 895 and 4308" in said
