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
    tasks = ",".join(str(task) for task in range(1, 400, 6))  # two of each of 33 respondents
    result = run("--out", out, "--holdout-tasks", tasks, "--save-draws", *SHORT)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    return out, result.stderr


def test_all_files_are_written(written):
    out, _ = written
    assert sorted(path.name for path in out.iterdir()) == [
        "diagnostics.html",
        "diagnostics.json",
        "draws.nc",
        "holdout.csv",
        "importances.csv",
        "individual.csv",
        "individual.parquet",
        "individual_values.parquet",
        "partworths.csv",
        "respondent_fit.csv",
        "summary.json",
        "tag_values.csv",
        "wtp.csv",
        "zero_centred.csv",
    ]
    assert len(pd.read_parquet(out / "individual.parquet")) == 361
    assert len(pd.read_csv(out / "wtp.csv")) == 5


def test_holdout_tasks_are_predicted_and_short_runs_are_not_final(written):
    out, words = written
    summary = json.loads((out / "summary.json").read_text())
    assert summary["final"] is False
    assert "not final" in words
    assert summary["n_holdout_tasks"] == summary["holdout"]["tasks"] > 0
    held = summary["holdout"]
    assert held["log_loss"] < held["log_loss_high"] < held["chance_log_loss"]
    assert [other["prediction"] for other in held["others"]] == [
        "at the mean part-worths",
        "aggregate logit",
        "commonest choice of the others",
        "equal chances",
    ]
    answers = pd.read_csv(out / "holdout.csv")
    assert len(answers) == held["tasks"]
    assert answers["log_loss"].mean() == pytest.approx(held["log_loss"])


def test_respondents_have_rows_that_other_programs_read(written):
    out, _ = written
    wide = pd.read_csv(out / "zero_centred.csv")
    assert len(wide) == 361
    spans = [wide.filter(like=f"{n}:") for n in ("pf", "cl", "loc", "wk", "tod", "seas")]
    total = sum(s.max(axis=1) - s.min(axis=1) for s in spans)
    assert total.to_numpy() == pytest.approx(600)
    raw = pd.read_csv(out / "individual.csv", dtype={"respondent": str})
    pd.testing.assert_frame_equal(raw, pd.read_parquet(out / "individual.parquet"), rtol=1e-9)
    fit = pd.read_csv(out / "respondent_fit.csv")
    assert {"rlh", "rlh_at_mean", "hit_rate", "chance_rlh", "holdout_rlh"} <= set(fit.columns)
    assert fit["rlh"].mean() > 0.25
    values = pd.read_parquet(out / "individual_values.parquet")
    assert values["price_does_not_deter"].between(0, 1).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--holdout-tasks", "none-such"), "no task is called none-such"),
        (("--burn-in", "105"), "multiple of 10"),
        (("--classes", "3"), "--classes is for --estimator latent-class; leave it out"),
        (("--wtp-method", "delta"), "--wtp-method is for --estimator mnl or latent-class"),
    ],
)
def test_wrong_options_are_refused(tmp_path, options, words):
    result = run("--out", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


MARKET = """
product: {pf: 7, cl: 1, loc: 0, wk: 0, tod: 0, seas: 0}
changes:
  local: {loc: 1}
competitors:
  big: {pf: 9, cl: 5, loc: 0, wk: 1, tod: 0, seas: 0}
"""


def test_weights_segments_and_a_market(tmp_path):
    people = pd.read_csv(CHOICES)["respondent"].unique()
    given = pd.DataFrame({"respondent": people, "weight": 1.0 + (people % 3 == 0)})
    given.to_csv(tmp_path / "weights.csv", index=False)
    given["segment"] = ["tiny" if p < 8 else "odd" if p % 2 else "" for p in people]
    given.to_csv(tmp_path / "segments.csv", index=False)
    (tmp_path / "market.yaml").write_text(MARKET)
    result = run(
        *("--out", tmp_path / "out", "--weights", tmp_path / "weights.csv", *SHORT),
        *("--segments", tmp_path / "segments.csv", "--market", tmp_path / "market.yaml"),
    )
    assert result.exit_code == 0, result.output
    assert "177 respondents have no segment" in result.stderr
    table = pd.read_csv(tmp_path / "out/tag_values.csv", keep_default_na=False)
    assert set(table["segment"]) == {"", "odd", "tiny"}
    tiny = table[table["segment"] == "tiny"]
    assert set(tiny["unavailable"]) == {"suppressed: fewer than 10 respondents"}
    money = table[(table["segment"] == "odd") & (table["figure"] == "money")].set_index("tag")
    assert money.loc["emotional", "what"] == "loc: 0 to 1; wk: 0 to 1"
    assert float(money.loc["emotional", "value"]) > 0
    market = pd.read_csv(tmp_path / "out/market_wtp.csv").iloc[0]
    assert market["low"] < market["price_change"] < market["high"]
    assert market["share_before"] < market["share_after"]
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["weights"].startswith("effective n 3")


def test_files_that_do_not_suit_the_choices_are_refused_before_the_fit(tmp_path):
    base = ("--out", tmp_path / "out")
    bad = tmp_path / "bad"
    bad.write_text("respondent,segment\nnobody,a\n")
    result = run(*base, "--segments", bad)
    assert result.exit_code == 2
    assert "no respondent of the choices has a segment" in result.stderr
    bad.write_text("respondent,weight\n1,1\n")
    result = run(*base, "--weights", bad)
    assert "360 respondents have no weight" in result.stderr
    bad.write_text(MARKET.replace("pf: 9", "pf: 8, colour: red").replace("loc: 1}", "lock: 1}"))
    result = run(*base, "--market", bad)
    assert result.exit_code == 2
    assert "change 'local': there is no attribute 'lock'" in result.stderr
    assert "competitor 1: there is no attribute 'colour'" in result.stderr
    bad.write_text("prodct: 1\nchanges: {a: 3}\n")
    result = run(*base, "--market", bad)
    assert "there is no key 'prodct'" in result.stderr
    assert "Fitting" not in result.stderr
    assert not (tmp_path / "out").exists()
