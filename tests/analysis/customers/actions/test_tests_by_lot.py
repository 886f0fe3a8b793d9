"""Planning, measuring and the register, by the commands."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from analysis.cli import main
from analysis.customers.actions.measured import difference
from analysis.customers.actions.planned import forget_customer
from analysis.customers.actions.randomised import drawn_groups

BEGAN = date(2026, 6, 1)
N = 400


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """Customers who buy about once a week; the contacted ones (seed 7) spend 3.00 more a time."""
    folder = tmp_path_factory.mktemp("company")
    rng = np.random.default_rng(2)
    names = pd.Series([f"card-{n}" for n in range(N)])
    contacted = (drawn_groups(names, control_share=0.5, seed=7) == "contact").to_numpy()
    usual = rng.gamma(4, 200, N)
    rows = []
    for week in range(-13, 13):
        for n in np.flatnonzero(rng.random(N) < 0.7):
            day = BEGAN + timedelta(days=7 * week + 1 + int(rng.integers(0, 6)))
            more = 300 if week >= 0 and contacted[n] else 0
            rows.append((names[n], f"{day}T10:00:00", f"{(usual[n] + more) / 100:.2f}"))
    rows.append((names[0], f"{BEGAN + timedelta(weeks=13)}T09:00:00", "1.00"))
    pd.DataFrame(rows, columns=["customer", "time", "amount"]).to_csv(
        folder / "purchases.csv", index=False
    )
    pd.DataFrame({"customer": names}).to_csv(folder / "list.csv", index=False)
    return folder


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def plan(folder, register, *more, name="spring"):
    return run(
        "plan-test", folder / "list.csv", folder / "purchases.csv", "--register", register,
        "--name", name, "--what", "A free bun", "--strategy", "personalisation",
        "--decided-by", "A. Baker", "--decided-on", "2026-05-20", "--begins", BEGAN,
        "--smallest-effect", "20", "--seed", "7", "--currency", "USD", *more,
    )  # fmt: skip


def test_a_test_is_planned_and_measured(company, tmp_path):
    planned = plan(company, tmp_path / "tests")
    assert planned.exit_code == 0, planned.output
    assert "customers needed" in planned.output
    stored = json.loads((tmp_path / "tests/spring/plan.json").read_text())
    assert (stored["contact"], stored["control"]) == (200, 200)
    assert stored["decided_by"] == "A. Baker"
    found = run("measure-test", "spring", company / "purchases.csv", "--register",
                tmp_path / "tests", "--json")  # fmt: skip
    effect = json.loads(found.output)["effect"]
    assert effect["low"] < 0.7 * 13 * 3.00 < effect["high"]
    assert effect["low"] > 0
    assert effect["unit"] == "USD"
    plan(company, tmp_path / "tests", "--no-adjust", name="plain")
    plain = run("measure-test", "plain", company / "purchases.csv", "--register",
                tmp_path / "tests", "--json")  # fmt: skip
    unadjusted = json.loads(plain.output)["effect"]
    assert effect["high"] - effect["low"] < 0.7 * (unadjusted["high"] - unadjusted["low"])


def test_plans_are_never_altered(company, tmp_path):
    plan(company, tmp_path / "tests")
    again = plan(company, tmp_path / "tests")
    assert again.exit_code == 2
    assert "never altered" in again.output
    listed = tmp_path / "tests/spring/list.csv"
    listed.write_text(listed.read_text().replace("control", "contact", 1))
    found = run("measure-test", "spring", company / "purchases.csv", "--register",
                tmp_path / "tests")  # fmt: skip
    assert found.exit_code == 2
    assert "not the one that the lot was drawn on" in found.output


def test_an_erased_customer_leaves_the_list_and_the_test_can_still_be_measured(company, tmp_path):
    register = tmp_path / "tests"
    plan(company, register)
    assert forget_customer(register, "card-1") == 1
    assert forget_customer(register, "card-1") == 0
    names = pd.read_csv(register / "spring/list.csv")["customer"]
    assert len(names) == N - 1
    assert {"card-10", "card-11"} <= set(names)
    found = run("measure-test", "spring", company / "purchases.csv", "--register", register,
                "--json")  # fmt: skip
    stored = json.loads(found.output)
    assert stored["plan"]["erased"] == 1
    assert stored["effect"]["n"] == N - 1


def test_a_test_cannot_be_measured_before_its_end(company, tmp_path):
    plan(company, tmp_path / "tests", "--weeks", "26")
    found = run("measure-test", "spring", company / "purchases.csv", "--register",
                tmp_path / "tests")  # fmt: skip
    assert found.exit_code == 2
    assert "measure it when they are there" in found.output
    found = run("measure-test", "autumn", company / "purchases.csv", "--register",
                tmp_path / "tests")  # fmt: skip
    assert "known: spring" in found.output


def test_bad_lists_are_refused_in_words(company, tmp_path):
    (tmp_path / "list.csv").write_text("customer\na\na\n\n")
    (tmp_path / "purchases.csv").write_text((company / "purchases.csv").read_text())
    found = plan(tmp_path, tmp_path / "tests")
    assert found.exit_code == 2
    assert "stand twice" in found.output
    assert "40 are needed" in found.output


def test_intervals_of_the_adjusted_difference_are_nominal():
    """Skewed spend, unequal groups, nobody changed: 95 % of intervals hold zero."""
    rng = np.random.default_rng(8)
    held = {True: 0, False: 0}
    rounds = 600
    for _ in range(rounds):
        usual = rng.lognormal(0, 0.8, 250)
        before, after = usual * rng.gamma(3, 1 / 3, 250), usual * rng.gamma(3, 1 / 3, 250)
        treated = rng.permutation(250) < 80
        for adjusted in held:
            found = difference(after, treated, before if adjusted else None, unit="USD")
            held[adjusted] += not found.clear_of_zero
    for count in held.values():
        assert 0.92 <= count / rounds <= 0.975
