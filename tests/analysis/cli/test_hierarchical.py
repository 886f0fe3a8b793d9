"""python -m analysis partworths --estimator hb."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from analysis.cli import main

EXAMPLES = Path(__file__).parents[3] / "examples"
STUDY = EXAMPLES / "electricity/study.yaml"
CHOICES = EXAMPLES / "electricity/choices.csv.gz"
BUN = """
study: s
title: S
currency: EUR
exercises:
  - id: bun
    question: Which?
    alternatives: 2
    attributes:
      - id: taste
        label: Taste
        preference: increasing
        levels: [{id: t0, label: A}, {id: t1, label: B}, {id: t2, label: C}]
      - id: price
        label: Price
        tag: price
        coding: linear
        levels:
          - {id: p0, label: a, number: 1}
          - {id: p1, label: b, number: 2}
          - {id: p2, label: c, number: 3}
"""
ITEMS = """
study: s
title: S
exercises:
  - id: m
    kind: best_worst
    question: Which?
    items: [{id: i0, label: A}, {id: i1, label: B}, {id: i2, label: C}, {id: i3, label: D},
      {id: i4, label: E}]
"""
SHORT = ("--burn-in", 100, "--draws", 60, "--at-most", 0)


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
        "draws.json",
        "draws.nc",
        "draws.npy",
        "exponent.json",
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


@pytest.fixture(scope="module")
def bun(tmp_path_factory):
    """A study with an order of tastes, its choices, and a column of ages."""
    folder = tmp_path_factory.mktemp("bun")
    folder.joinpath("study.yaml").write_text(BUN)
    rng = np.random.default_rng(1)
    rows = []
    for person in range(60):
        for task in range(6):
            shown = rng.permutation(3)[:2], rng.permutation(3)[:2]
            worth = shown[0] - shown[1] + rng.gumbel(size=2)
            for n in range(2):
                chosen = int(worth[n] == worth.max())
                rows.append((person, task, n, chosen, f"t{shown[0][n]}", f"p{shown[1][n]}"))
    names = ["respondent", "task", "alternative", "chosen", "taste", "price"]
    pd.DataFrame(rows, columns=names).to_csv(folder / "choices.csv", index=False)
    ages = pd.DataFrame({"respondent": range(60), "age": rng.integers(20, 70, 60), "one": 1})
    ages.to_csv(folder / "people.csv", index=False)
    return folder


def run_bun(folder, out, *arguments):
    files = folder / "study.yaml", folder / "choices.csv"
    words = ["partworths", *files, "--estimator", "hb", "--out", out, *arguments]
    return CliRunner().invoke(main, [str(word) for word in words])


def test_orders_covariates_and_going_on(bun, tmp_path):
    people = ("--covariates", bun / "people.csv", "--upper-level", "age")
    wanted = (*people, "--monotone", "all", "--save-state", *SHORT)
    first = run_bun(bun, tmp_path / "one", *wanted)
    assert first.exit_code == 0, first.output
    table = pd.read_parquet(tmp_path / "one/individual.parquet")
    assert (table["taste:t0"] <= table["taste:t1"]).all()
    assert (table["taste:t1"] <= table["taste:t2"]).all()
    assert (table["price"] <= 0).all()
    effects = pd.read_csv(tmp_path / "one/covariates.csv")
    assert effects["covariate"].eq("age").all()
    assert len(effects) == 4
    assert (effects["low"] < effects["high"]).all()
    facts = json.loads((tmp_path / "one/diagnostics.json").read_text())
    assert [c["to_level"] for c in facts["constraints"]] == ["t1", "t2", "1.0"]
    summary = json.loads((tmp_path / "one/summary.json").read_text())
    assert summary["monotone"] == ["taste", "price"]
    assert summary["draws_before"] == 0
    state = ("--continue", tmp_path / "one/state.npz")
    second = run_bun(bun, tmp_path / "two", *wanted, *state)
    assert second.exit_code == 0, second.output
    assert "Going on after 60 draws a chain" in second.stderr
    summary = json.loads((tmp_path / "two/summary.json").read_text())
    assert (summary["draws_before"], summary["draws"]) == (60, 60)
    other = run_bun(bun, tmp_path / "three", *people, *SHORT, *state)
    assert other.exit_code == 2
    assert "belongs to other choices" in other.stderr


def test_a_run_goes_on_by_itself_up_to_a_limit(bun, tmp_path):
    result = run_bun(bun, tmp_path / "out", "--burn-in", 100, "--draws", 10, "--at-most", 40)
    assert result.exit_code == 0, result.output
    assert "not final after 220 draws; going on" in result.stderr
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert (summary["draws"], summary["final"]) == (40, False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--monotone", "colour"), "there is no attribute 'colour'; known: taste, price"),
        (("--upper-level", "age"), "give both or none"),
        (("--covariates", "people.csv"), "give both or none"),
        (("--covariates", "people.csv", "--upper-level", "size"), "no column 'size'"),
        (("--covariates", "people.csv", "--upper-level", "one"), "do not vary: one"),
        (("--covariates", "people.csv", "--upper-level", "age,,"), "write COLUMN,COLUMN"),
        (("--continue", "people.csv"), "is not a saved state"),
        (("--continue", "nowhere.npz"), "nowhere.npz"),
        (("--covary", "age:price"), "--covary is for --estimator mnl"),
    ],
)
def test_wrong_orders_covariates_and_states_are_refused(bun, tmp_path, options, words):
    files = [bun / o if o.endswith((".csv", ".npz")) else o for o in options]
    result = run_bun(bun, tmp_path / "out", *files, *SHORT)
    assert result.exit_code == 2, result.output
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_scores_of_every_respondent(tmp_path):
    rng = np.random.default_rng(2)
    rows = []
    for person in range(40):
        for task in range(5):
            shown = rng.permutation(5)[:4]
            order = np.argsort(shown + rng.gumbel(size=4))
            rows += [
                (person, task, f"i{shown[n]}", int(n == order[-1]), int(n == order[0]))
                for n in range(4)
            ]
    names = ["respondent", "task", "item", "best", "worst"]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "answers.csv", index=False)
    (tmp_path / "study.yaml").write_text(ITEMS)
    files = tmp_path / "study.yaml", tmp_path / "answers.csv"
    words = [
        "partworths",
        *files,
        "--estimator",
        "best-worst-hb",
        "--out",
        tmp_path / "out",
        *SHORT,
    ]
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    scores = pd.read_csv(tmp_path / "out/scores.csv")
    assert list(scores.columns[:3]) == ["item", "utility", "sd"]
    assert scores["share"].sum() == pytest.approx(100, abs=1)
    assert scores["utility"].is_monotonic_increasing
    table = pd.read_parquet(tmp_path / "out/individual.parquet")
    assert len(table) == 40
    assert {"i0", "i0 sd", "i0 score_0_100", "i0 chance", "i0 share"} <= set(table.columns)
    assert json.loads((tmp_path / "out/summary.json").read_text())["final"] is False
    assert (tmp_path / "out/diagnostics.json").exists()


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
