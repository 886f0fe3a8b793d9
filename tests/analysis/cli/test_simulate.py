"""python -m analysis simulate."""

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from analysis.choices.coding import coding_of
from analysis.choices.simulator.calibration import Calibration
from analysis.choices.simulator.exponent import Exponent, Judged, Tuned, read_exponent
from analysis.cli import main
from analysis.estimate import Estimate
from analysis.study import parse_study
from tests.analysis.choices.simulator.calibrations import calibration
from tests.analysis.choices.simulator.markets import STUDY, drawn

CODING = coding_of(parse_study(STUDY), parse_study(STUDY).choice_exercise())
PRODUCTS = """
products:
  - name: Ours
    own: true
    unit_cost: 0.5
    levels: {colour: red, size: small, price: 2}
  - name: Rival
    levels: {colour: blue, size: large, price: 1.5}
    availability: 0.9
market_size: 1000
level_costs: {colour: {gold: 0.2}}
scenarios:
  - {name: Cheaper, change: {Ours: {price: 1}}}
  - {name: Alone, remove: [Rival]}
  - {name: Third, add: [{name: New, levels: {colour: gold, size: small, price: 4}}]}
search: {product: Ours, vary: {colour: [red, gold], price: [1, 1.5, 2]}}
"""
HOLDOUT = {
    "respondents": 40, "tasks": 80, "hit_rate": 0.6, "hit_rate_low": 0.5, "hit_rate_high": 0.7,
    "share_mae": 0.02, "share_mae_of_sampling": 0.03, "share_mae_of_sampling_high": 0.05,
    "others": [
        {"prediction": "aggregate logit", "hit_rate": 0.5, "hit_rate_low": 0.4,
         "hit_rate_high": 0.6, "share_mae": 0.04},
        {"prediction": "commonest choice of the others", "hit_rate": 0.45, "hit_rate_low": 0.4,
         "hit_rate_high": 0.5, "share_mae": None},
    ],
    "agreement": {"value": 0.8, "unavailable": ""},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """A study, products, and a folder of part-worths with draws."""
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "products.yaml").write_text(PRODUCTS)
    worths = tmp_path / "worths"
    worths.mkdir()
    leave_draws(worths)
    return tmp_path


def leave_draws(worths, **more):
    beta = drawn()
    np.save(worths / "draws.npy", beta)
    names = {"columns": CODING.names, "respondents": [f"r{n}" for n in range(40)], "final": True}
    (worths / "draws.json").write_text(json.dumps(names | more))
    summary = {"estimator": "hb", "holdout": HOLDOUT}
    (worths / "summary.json").write_text(json.dumps(summary))


def run(folder, *more, products="products.yaml"):
    out = folder / "out"
    words = ["simulate", folder / "study.yaml", folder / "worths", folder / products, "--out", out]
    return CliRunner().invoke(main, [str(word) for word in (*words, *more)]), out


def test_a_market_is_simulated_into_tables(folder):
    result, out = run(folder)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == [
        "elasticities.csv",
        "own_products.csv",
        "price_curve.csv",
        "search.csv",
        "sensitivity.csv",
        "shares.csv",
        "source_of_volume.csv",
        "summary.json",
    ]
    shares = pd.read_csv(out / "shares.csv")
    sums = shares.groupby("scenario")["share"].sum()
    assert sums.to_numpy() == pytest.approx(1.0)
    assert set(sums.index) == {"as it is", "Cheaper", "Alone", "Third"}
    assert (shares["n"] == 40).all()
    assert shares["method"].str.contains("95 % of draws").all()
    base = shares[shares["scenario"] == "as it is"].set_index("alternative")
    assert base.loc["Ours", "profit"] == pytest.approx(base.loc["Ours", "units"] * 1.5)
    cheaper = shares[shares["scenario"] == "Cheaper"].set_index("alternative")
    change = cheaper.loc["Ours", "share"] - base.loc["Ours", "share"]
    assert cheaper.loc["Ours", "change"] == pytest.approx(change)
    searched = pd.read_csv(out / "search.csv")
    assert len(searched) == 6
    assert searched["chance_best"].sum() == pytest.approx(1.0)
    assert (searched["price"].isin([1, 1.5, 2])).all()
    curve = pd.read_csv(out / "price_curve.csv")
    assert (curve["price"].min(), curve["price"].max()) == (1, 4)
    assert len(pd.read_csv(out / "elasticities.csv")) == 6


def test_every_output_says_how_far_the_part_worths_can_be_trusted(folder):
    result, out = run(folder)
    assert "60 % were hit (50 % to 70 %)" in result.stdout
    assert "aggregate logit 50 %, commonest choice of the others 45 %" in result.stdout
    assert "same answer again in 80 %" in result.stdout
    assert "wrong by 2.0 points on average; sampling alone makes 3.0 (up to 5.0)" in result.stdout
    summary = json.loads((out / "summary.json").read_text())
    assert summary["holdouts"]["ceiling"] == 0.8
    assert summary["scale"] == 1.0
    assert "Scale (exponent) 1, not tuned" in result.stdout
    (folder / "worths" / "summary.json").write_text('{"estimator": "hb", "holdout": null}')
    assert "No holdout tasks" in run(folder)[0].stdout


def leave_exponent(worths, gain):
    """An exponent of 2, tuned on task 1, and by how much it predicts task 2 better (nats)."""
    value = Estimate(value=2.0, low=1.6, high=2.4, n=40, method="m")
    hit = Estimate(value=0.6, low=0.5, high=0.7, n=40, method="m")
    one, own = (
        Judged(exponent=e, log_loss=hit, hit_rate=hit, mae=None, noise=None, why_no_mae="few")
        for e in (1.0, 2.0)
    )
    tuned = Tuned(
        exponent=value, at_bound=False, tuned_on=("1",), judged_on=("2",), answers=40, one=one,
        own=own, gain=Estimate(value=gain, low=gain - 0.02, high=gain + 0.02, n=40, method="m"),
    )  # fmt: skip
    (worths / "exponent.json").write_text(Exponent(tuned=tuned).model_dump_json())


def test_a_tuned_exponent_is_used_only_when_asked_for_and_earned(folder):
    products = (folder / "products.yaml").read_text()
    (folder / "scaled.yaml").write_text(f"scale: 2\n{products}")
    leave_exponent(folder / "worths", 0.05)

    def shares(*more, products="products.yaml"):
        result, out = run(folder, *more, products=products)
        assert result.exit_code == 0, result.output
        return result.stdout, pd.read_csv(out / "shares.csv")["share"].to_numpy()

    said, plain = shares()
    assert "Scale (exponent) 1, not tuned" in said
    assert "better than 1, beyond its error" in said
    said, tuned = shares("--exponent", "tuned")
    assert "Scale (exponent) 2, tuned." in said
    assert tuned == pytest.approx(shares(products="scaled.yaml")[1])
    assert np.abs(tuned - plain).max() > 0.01
    leave_exponent(folder / "worths", 0.01)
    said, kept = shares("--exponent", "tuned")
    assert kept == pytest.approx(plain)
    assert "tuning did not earn more" in said
    (folder / "worths" / "exponent.json").unlink()
    said, kept = shares("--exponent", "tuned")
    assert kept == pytest.approx(plain)
    assert "No tuned exponent" in said


def test_a_tuned_exponent_does_not_go_with_every_option(folder):
    result, _ = run(folder, "--exponent", "tuned", "--method", "first-choice")
    assert result.exit_code == 2
    assert "share of preference" in result.stderr
    (folder / "products.yaml").write_text("scale: 2\n" + (folder / "products.yaml").read_text())
    result, _ = run(folder, "--exponent", "tuned")
    assert result.exit_code == 2
    assert "gives 'scale'" in result.stderr


def leave_calibration(place, **more):
    """A calibration of our product: scale .5 and a factor of 2, as an analysis leaves it."""
    ours = {"colour": "red", "size": "small", "price": 2.0}
    made = calibration({"Ours": ours}, scale=0.5, constant=float(np.log(2)), **more)
    (place / "calibration.json").write_text(Calibration(found=made).model_dump_json())


def test_a_calibration_on_purchases_is_scale_and_factors_with_their_source(folder):
    leave_calibration(folder / "worths")
    by_hand = (
        (folder / "products.yaml").read_text().replace("own: true", "own: true\n    factor: 2")
    )
    (folder / "by_hand.yaml").write_text(f"scale: 0.5\n{by_hand}")
    _, out = run(folder, products="by_hand.yaml")
    wanted = pd.read_csv(out / "shares.csv")["share"].to_numpy()
    for place in (folder / "worths", folder / "worths" / "calibration.json"):
        result, out = run(folder, "--calibration", place)
        assert result.exit_code == 0, result.output
        shares = pd.read_csv(out / "shares.csv")
        assert shares["share"].to_numpy() == pytest.approx(wanted, abs=1e-4)
        assert shares["method"].str.contains("calibrated on purchases").all()
    assert "study 'mugs', version 3" in result.stdout
    assert "Ours 2.00" in result.stdout
    assert "no product of the shop has their name: Rival, New" in result.stdout
    summary = json.loads((out / "summary.json").read_text())
    assert summary["calibration"]["scale"]["value"] == 0.5
    assert "drawn" not in summary["calibration"]


def test_a_calibration_that_did_not_earn_its_use_is_refused_with_the_reason(folder):
    leave_calibration(folder / "worths", gain=-0.02)
    result, _ = run(folder, "--calibration", folder / "worths")
    assert result.exit_code == 2
    assert "not predict better than the part-worths as stated" in " ".join(result.stderr.split())
    result, _ = run(folder, "--calibration", folder)
    assert "no purchases were set beside what was on offer" in " ".join(result.stderr.split())


def test_a_calibration_does_not_go_with_every_option(folder):
    leave_calibration(folder / "worths")
    calibrated = ["--calibration", folder / "worths"]
    for more, said in (
        (["--method", "rfc"], "share of preference"),
        (["--exponent", "tuned"], "leave --exponent tuned out"),
    ):
        result, _ = run(folder, *calibrated, *more)
        assert result.exit_code == 2
        assert said in " ".join(result.stderr.split())
    (folder / "products.yaml").write_text("scale: 2\n" + (folder / "products.yaml").read_text())
    result, _ = run(folder, *calibrated)
    assert "gives 'scale'" in result.stderr


def test_draws_that_are_not_final_are_called_so(folder):
    leave_draws(folder / "worths", final=False)
    result, out = run(folder)
    assert result.stdout.startswith("NOT FINAL")
    assert json.loads((out / "summary.json").read_text())["final"] is False


def test_without_draws_it_says_how_to_get_them(folder):
    (folder / "worths" / "draws.npy").unlink()
    result, _ = run(folder)
    assert result.exit_code == 2
    assert "--estimator hb --save-draws" in result.stderr


def test_randomised_first_choice_needs_only_the_means(folder):
    (folder / "worths" / "draws.npy").unlink()
    means = pd.DataFrame(drawn().mean(0), columns=CODING.names)
    means.insert(0, "respondent", [f"r{n}" for n in range(40)])
    means.to_csv(folder / "worths" / "individual.csv", index=False)
    result, _ = run(folder)
    assert (result.exit_code, "Use --method rfc" in result.stderr) == (2, True)
    result, out = run(folder, "--method", "rfc")
    assert result.exit_code == 0, result.output
    assert "part-worths taken as known" in pd.read_csv(out / "shares.csv")["method"][0]


def test_draws_of_another_exercise_are_refused(folder):
    leave_draws(folder / "worths", columns=["colour:red"])
    result, _ = run(folder)
    assert result.exit_code == 2
    assert "other columns" in result.stderr


def test_segments_and_weights(folder):
    people = pd.DataFrame({"respondent": [f"r{n}" for n in range(40)]})
    people.assign(segment=["few"] * 8 + ["many"] * 32).to_csv(folder / "s.csv", index=False)
    people.assign(weight=[1.0] * 39 + [0.0]).to_csv(folder / "w.csv", index=False)
    result, out = run(folder, "--segments", folder / "s.csv", "--weights", folder / "w.csv")
    assert result.exit_code == 0, result.output
    shares = pd.read_csv(out / "shares.csv").set_index(["scenario", "segment", "alternative"])
    assert shares.loc[("as it is", "everybody", "Ours"), "n"] == 39
    assert shares.loc[("as it is", "many", "Ours"), "n"] == 31
    assert pd.isna(shares.loc[("as it is", "few", "Ours"), "share"])
    assert "Suppressed, fewer than 10 respondents: few" in result.stdout


def test_every_fault_of_a_products_file_is_named_with_its_line(folder):
    (folder / "bad.yaml").write_text(
        """products:
  - name: Ours
    levels: {colour: red, size: small, price: 9}
    unit_cost: -1
  - name: Ours
    levels: {colour: gold, size: large, price: 1, shape: round}
  - name: none
    levels: {colour: green}
    availability: 2
nothing: true
market_size: many
scenarios:
  - {name: x, change: {Nobody: {price: 1}}}
  - {name: same}
search: {goal: fame}
"""
    )
    result, _ = run(folder, products="bad.yaml")
    assert result.exit_code == 2
    wanted = [
        "line 3, products[0].levels.price: 9 is beyond the tested 1 to 4",
        "line 4, products[0].unit_cost: '-1' is no number 0 or more",
        "line 5, products[1].name: 'Ours' stands twice",
        "line 6, products[1].levels.shape: there is no attribute 'shape'",
        "line 7, products[2].name: give the product a name other than 'none'",
        "line 8, products[2].levels.colour: 'green' is no level",
        "products[2].levels: 'size' has no level",
        "line 9, products[2].availability: '2' is no number above 0, and at most 1",
        "line 10, nothing: there is no key 'nothing'",
        "line 11, market_size: 'many' is no number above 0",
        "scenarios[0].change.Nobody: name a product",
        "scenarios[1]: nothing differs",
        "search.goal: 'fame' is not one of: share, revenue, profit",
        "was never shown together",
    ]
    assert [line for line in wanted if line not in result.stderr] == []


def test_a_logit_and_classes_are_simulated_from_their_tables(tmp_path):
    """From choices to shares by the command line alone."""
    rng = np.random.default_rng(3)
    study = STUDY.replace("    none: {label: None of these}\n", "")
    (tmp_path / "study.yaml").write_text(study)
    (tmp_path / "products.yaml").write_text(
        PRODUCTS.split("scenarios:")[0].replace("level_costs", "none: false\nlevel_costs")
    )
    choices = planted(rng)
    choices.to_csv(tmp_path / "choices.csv", index=False)
    for estimator, more in (("mnl", ()), ("latent-class", ("--classes", "2", "--starts", "2"))):
        words = ["partworths", tmp_path / "study.yaml", tmp_path / "choices.csv", "--estimator"]
        given = [*words, estimator, "--out", tmp_path / "worths", *more]
        made = CliRunner().invoke(main, [str(w) for w in given])
        assert made.exit_code == 0, made.output
        result, out = run(tmp_path)
        assert result.exit_code == 0, result.output
        shares = pd.read_csv(out / "shares.csv").set_index("alternative")
        assert shares.loc["Ours", "share"] == pytest.approx(0.777 * 0.9 + 0.1, abs=0.08)
        assert shares.loc["Ours", "low"] < shares.loc["Ours", "share"] < shares.loc["Ours", "high"]
        refused, _ = run(tmp_path, "--method", "first-choice")
        assert (refused.exit_code, "Use --method share" in refused.stderr) == (2, True)


def test_a_logit_and_classes_are_searched_and_have_their_exponent_tuned(tmp_path):
    """With three holdout tasks, by the command line alone; none of it needs hierarchical Bayes."""
    rng = np.random.default_rng(4)
    study = STUDY.replace("    none: {label: None of these}\n", "")
    (tmp_path / "study.yaml").write_text(study)
    products = PRODUCTS.replace("level_costs", "none: false\nlevel_costs")
    products = products.replace("  - {name: Alone, remove: [Rival]}\n", "")
    (tmp_path / "products.yaml").write_text(products)
    choices = planted(rng)
    choices["role"] = np.where(choices["task"] > 4, "holdout", "estimation")
    choices.to_csv(tmp_path / "choices.csv", index=False)
    for estimator, more in (("mnl", ()), ("latent-class", ("--classes", "1", "--starts", "1"))):
        words = ["partworths", tmp_path / "study.yaml", tmp_path / "choices.csv", "--estimator"]
        given = [*words, estimator, "--out", tmp_path / "worths", *more]
        made = CliRunner().invoke(main, [str(w) for w in given])
        assert made.exit_code == 0, made.output
        tuned = read_exponent(tmp_path / "worths").tuned
        assert (len(tuned.tuned_on), len(tuned.judged_on)) == (1, 2)
        assert tuned.exponent.low < 1 < tuned.exponent.high  # the answers are those of a logit
        result, out = run(tmp_path, "--exponent", "tuned")
        assert result.exit_code == 0, result.output
        assert "Exponent tuned on half of the holdout tasks" in result.stdout
        found = pd.read_csv(out / "search.csv")
        assert len(found) > 1
        assert found["chance_best"].sum() == pytest.approx(1)
        if estimator == "mnl":  # draws around its estimates: values have ranges
            assert (found["low"] < found["high"]).all()


def planted(rng):
    """Choices of 80 people x 8 tasks x 2 by a logit: red .5, small .25, price -0.5 a step."""
    people, tasks = 80, 8
    levels = {"colour": ["red", "blue", "gold"], "size": ["small", "large"], "price": ["1", "2"]}
    worth = {"red": 0.5, "blue": -0.5, "gold": 0.0, "small": 0.25, "large": -0.25}
    worth |= {"1": 0.25, "2": -0.25, "4": -1.0}
    levels["price"].append("4")
    rows = []
    for person in range(people):
        for task in range(tasks):
            shown = [{a: rng.choice(ids) for a, ids in levels.items()} for _ in range(2)]
            utility = [sum(worth[v] for v in one.values()) + rng.gumbel() for one in shown]
            for n, one in enumerate(shown):
                chosen = int(np.argmax(utility) == n)
                rows.append({"respondent": f"r{person}", "task": task, "alternative": n + 1,
                             "chosen": chosen, **one})  # fmt: skip
    return pd.DataFrame(rows)
