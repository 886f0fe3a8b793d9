"""The electricity choices give the published logit, standard errors and willingness to pay."""

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.choices.mnl import fit_mnl
from analysis.choices.willingness_to_pay import willingness_to_pay, willingness_to_pay_per_unit
from analysis.study import read_study
from analysis.tables import read_choices

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[2] / "examples/electricity"
GOLDEN = json.loads((HERE / "golden.json").read_text())
NAMES = ("cl", "loc", "wk")


@pytest.fixture(scope="module")
def fitted():
    study = read_study(EXAMPLE / "study.yaml")
    return fit_mnl(study, read_choices(EXAMPLE / "choices.csv.gz", study.choice_exercise()))


def test_log_likelihood_and_coefficients(fitted):
    assert fitted.log_likelihood == pytest.approx(GOLDEN["logit"]["ll"], abs=1e-9)
    assert [c.attribute for c in fitted.coding.columns] == GOLDEN["logit"]["names"]
    np.testing.assert_allclose(fitted.coefficients, GOLDEN["logit"]["coef"], atol=1e-10)
    assert (fitted.n_respondents, fitted.n_tasks) == (361, 4308)
    assert fitted.null_log_likelihood == pytest.approx(4308 * np.log(0.25))


@pytest.mark.parametrize(
    ("kind", "name"), [("classical", "se"), ("robust", "se_robust"), ("cluster", "se_cluster")]
)
def test_three_standard_errors(fitted, kind, name):
    errors = np.sqrt(np.diag(fitted.covariance(kind)))
    np.testing.assert_allclose(errors, GOLDEN["logit"][name], rtol=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_delta_willingness_to_pay(fitted, name):
    golden = GOLDEN["willingness_to_pay"][name]
    money = willingness_to_pay_per_unit(fitted, name, method="delta", covariance="classical")
    assert money.value == pytest.approx(golden["wtp"], abs=1e-9)
    assert [money.low, money.high] == pytest.approx(golden["delta_ci"], abs=1e-6)
    assert (money.high - money.low) / 2 / 1.959964 == pytest.approx(golden["delta_se"], abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_fieller_and_krinsky_robb_agree_with_the_table_and_each_other(fitted, name):
    golden = GOLDEN["willingness_to_pay"][name]
    fieller = willingness_to_pay_per_unit(fitted, name, method="fieller", covariance="classical")
    drawn = willingness_to_pay_per_unit(
        fitted, name, method="krinsky_robb", covariance="classical", seed=3
    )
    assert [fieller.low, fieller.high] == pytest.approx(golden["fieller_ci"], abs=1e-6)
    assert [drawn.low, drawn.high] == pytest.approx([fieller.low, fieller.high], abs=3e-3)


def test_a_step_between_levels_is_the_slope_times_the_distance(fitted):
    five_years = willingness_to_pay(fitted, "cl", "0", "5", covariance="classical")
    assert five_years.value == pytest.approx(5 * GOLDEN["willingness_to_pay"]["cl"]["wtp"])
    assert five_years.unit == "cents per kWh"
    assert five_years.n == 361
