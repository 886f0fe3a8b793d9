from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from analysis.cli.lifetime_value import lifetime_value


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A file of purchases of 700 customers over a year."""
    generator = np.random.default_rng(5)
    rate = generator.gamma(0.8, 1 / 4, 700)
    rows = []
    for customer in range(700):
        stay = min(generator.exponential(60), 52.0)
        times = np.append(0, generator.uniform(0, stay, generator.poisson(rate[customer] * stay)))
        days = np.unique(np.floor(7 * times))
        spend = generator.gamma(4, 1 / 4) * 30 / generator.gamma(4, 1 / 3)
        rows += [(f"c{customer}", day, f"{spend * generator.gamma(5, 0.2):.2f}") for day in days]
    table = pd.DataFrame(rows, columns=["card", "day", "amount"])
    start = pd.Timestamp("2025-07-01")
    table["time"] = (start + pd.to_timedelta(table["day"], unit="D")).dt.strftime("%Y-%m-%d")
    path = tmp_path_factory.mktemp("shop") / "purchases.csv"
    table.assign(channel="web").to_csv(path, index=False)
    return path


def run(shop, out, *options):
    arguments = [str(shop), "--as-of", "2026-06-30", "--map", "customer=card", "--out", str(out)]
    return CliRunner().invoke(lifetime_value, [*arguments, *options])


@pytest.mark.parametrize("model", ["pareto-nbd", "bg-nbd"])
def test_a_summary_and_a_row_for_every_customer(shop, tmp_path, model):
    costs = tmp_path / "costs.csv"
    costs.write_text("channel;cost\nweb;7000\n")
    found = run(
        shop, tmp_path, "--model", model, "--margin", "0.4", "--validation-weeks", "20",
        "--acquisition-costs", str(costs),
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    summary = json.loads((tmp_path / "summary.json").read_text())
    names = ["r", "alpha", *(["s", "beta"] if model == "pareto-nbd" else ["a", "b"])]
    assert list(summary["parameters"]) == list(summary["standard_errors"]) == names
    assert summary["log_likelihood"] < 0
    assert summary["gate"]["passed"]
    assert len(summary["method"]) == 3
    assert summary["penalised"] == ("penalised" in summary["method"][0])
    assert summary["calibration"]["n"] == 700
    assert (summary["horizon_weeks"], summary["discount_a_year"], summary["margin"]) == (
        52,
        0.1,
        0.4,
    )
    each = pd.read_parquet(tmp_path / "customers.parquet")
    assert len(each) == summary["n_customers"] == 700
    for value, low, high in (
        ("p_alive", "p_alive_low", "p_alive_high"),
        ("residual_value", "value_low", "value_high"),
    ):
        assert (each[low] <= each[high]).all()
        assert each[value].notna().all()
    total = summary["totals"]["residual_value"]
    assert total["value"] == pytest.approx(each["residual_value"].sum())
    cohorts = pd.read_csv(tmp_path / "acquisition.csv")
    whole = cohorts[cohorts["cohort"] == "all"].iloc[0]
    assert whole["acquisition_cost"] == pytest.approx(10)
    assert whole["clv_to_cac_low"] < whole["clv_to_cac"] < whole["clv_to_cac_high"]


def test_too_short_a_history_is_said_and_nothing_estimated(shop, tmp_path):
    found = CliRunner().invoke(
        lifetime_value,
        [str(shop), "--as-of", "2025-09-01", "--map", "customer=card", "--out", str(tmp_path)],
    )
    assert found.exit_code == 0
    assert "not enough history: 62 days" in found.output
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["parameters"] is None
    assert summary["gate"]["reasons"] == ["62 days of history up to 2025-09-01, 180 are needed"]
    each = pd.read_parquet(tmp_path / "customers.parquet")
    assert len(each) == 700
    assert each["p_alive"].isna().all()


def test_covariates_are_fitted_with_their_errors(shop, tmp_path):
    names = pd.read_csv(shop)["card"].drop_duplicates()
    table = pd.DataFrame({"customer": names, "age": np.arange(len(names)) % 50})
    table.to_csv(tmp_path / "ages.csv", index=False)
    options = ["--covariates", str(tmp_path / "ages.csv"), "--validation-weeks", "0"]
    found = run(shop, tmp_path, *options, "--rate-covariates", "age", "--dropout-covariates", "age")
    assert found.exit_code == 0, found.output
    covariates = json.loads((tmp_path / "summary.json").read_text())["covariates"]
    assert list(covariates) == ["rate:age", "dropout:age"]
    assert abs(covariates["rate:age"]["coefficient"]) < 4 * covariates["rate:age"]["standard_error"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--rate-covariates", "age"), "belong together"),
        (("--horizon-weeks", "0"), "horizon-weeks"),
        (("--margin", "40"), "margin"),
        (("--model", "pareto"), "pareto-nbd"),
    ],
)
def test_wrong_options_are_refused(shop, tmp_path, options, words):
    found = run(shop, tmp_path, *options)
    assert found.exit_code == 2
    assert words in found.output


def ledger(folder, kind, rows):
    """The rows that hold of a ledger, as a load leaves them."""
    where = folder / kind / "current" / "rows"
    where.mkdir(parents=True)
    pd.DataFrame(rows).to_parquet(where / "rows.parquet")


def test_margin_and_costs_come_from_the_ledgers(shop, tmp_path):
    nothing = pd.Series([None], dtype="string")
    day = pd.to_datetime(["2025-01-01"])
    ledger(
        tmp_path, "margins",
        {"time": day, "margin": [0.4], "product": nothing, "store": nothing, "channel": ["web"]},
    )  # fmt: skip
    months = pd.to_datetime([f"{month}-01" for month in first_months(shop)])
    ledger(
        tmp_path, "acquisition",
        {"time": months, "channel": "web", "cost": 2_100_000, "currency": None},
    )  # fmt: skip
    options = ["--validation-weeks", "0", "--ledgers", str(tmp_path)]
    found = run(shop, tmp_path / "out", *options)
    assert found.exit_code == 0, found.output
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["margin"] == pytest.approx(0.4)
    assert summary["margin_source"] == "margins of channels by their spend in 52 weeks"
    assert summary["costs_source"] == "the ledger of acquisition costs"
    whole = pd.read_csv(tmp_path / "out" / "acquisition.csv").set_index("cohort").loc["all"]
    assert whole["acquisition_cost"] == pytest.approx(21_000 * len(months) / 700)
    assert whole["clv_to_cac"] == pytest.approx(whole["lifetime_value"] / whole["acquisition_cost"])
    assert whole["payback_weeks"] > 0
    assert run(shop, tmp_path / "own", *options, "--margin", "0.2").exit_code == 0
    own = json.loads((tmp_path / "own" / "summary.json").read_text())
    assert (own["margin"], own["margin_source"]) == (0.2, "--margin")


def test_empty_ledgers_leave_values_unknown_and_say_why(shop, tmp_path):
    found = run(shop, tmp_path / "out", "--validation-weeks", "0", "--ledgers", str(tmp_path))
    assert found.exit_code == 0, found.output
    assert "no margins are loaded" in found.output
    assert "no acquisition costs are loaded" in found.output
    each = pd.read_parquet(tmp_path / "out" / "customers.parquet")
    assert each["residual_value"].isna().all()
    assert each["p_alive"].notna().all()


def first_months(shop):
    return sorted(pd.read_csv(shop).groupby("card")["time"].min().str[:7].unique())


def test_faulty_costs_are_refused(shop, tmp_path):
    costs = tmp_path / "costs.csv"
    costs.write_text("channel,cost\nweb,much\n,3\n")
    found = run(shop, tmp_path, "--acquisition-costs", str(costs))
    assert found.exit_code == 2
    assert "row 1: the cost" in found.output
    assert "row 2: the channel" in found.output
    costs.write_bytes(b"\xff\xfe\x00")
    found = run(shop, tmp_path, "--acquisition-costs", str(costs))
    assert found.exit_code == 2
    assert "costs.csv cannot be read" in found.output
