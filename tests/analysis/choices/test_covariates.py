"""Part-worths that depend on numbers of the respondents."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.choices.coding import Column, Covariate, coding_of
from analysis.choices.identification import NotIdentified
from analysis.choices.importances import importances
from analysis.choices.mnl import fit_mnl
from analysis.choices.partworths import level_worths
from analysis.choices.willingness_to_pay import willingness_to_pay
from analysis.tables import check_choices

TRUTH = np.array([-0.6, 0.4, -0.5, -1.2, -0.8])
SHIFT = {"price": [0.5], "taste": [0.3, -0.4], "none": [0.6]}


@pytest.fixture(scope="module")
def aged(study, make):
    """Price, taste and none matter differently with age (mean about 3, sd 1)."""
    base = make[1](study, TRUTH, respondents=700, tasks=8)
    generator = np.random.default_rng(8)
    ages = {str(n): float(a) for n, a in enumerate(generator.normal(3, 1, 700))}
    frame = base.frame.copy()
    age = frame["respondent"].map(ages).to_numpy() - np.mean(list(ages.values()))
    x = coding_of(study, base.exercise).matrix(frame)
    utility = x @ TRUTH + age * (0.5 * x[:, 3] + 0.3 * x[:, 0] - 0.4 * x[:, 1] + 0.6 * x[:, 4])
    utility += generator.gumbel(size=len(frame))
    best = utility.reshape(-1, 4).argmax(axis=1)
    frame["chosen"] = np.arange(len(frame)) % 4 == best.repeat(4)
    return check_choices(frame, base.exercise), Covariate("age", ("price", "taste", "none"), ages)


@pytest.fixture(scope="module")
def fitted(study, aged):
    return fit_mnl(study, aged[0], covariates=[aged[1]])


def test_columns_are_named_and_products(fitted):
    assert fitted.coding.columns[5:] == (
        Column("price:age", "", "covariate"),
        Column("taste:age", "plain", "covariate"),
        Column("taste:age", "sweet", "covariate"),
        Column("none:age", "", "covariate"),
    )


def test_planted_dependence_comes_back(fitted):
    truth = np.concatenate([TRUTH, *SHIFT.values()])
    errors = np.sqrt(np.diag(fitted.covariance("cluster")))
    assert (np.abs(fitted.coefficients - truth) < 3.5 * errors).all()
    assert errors.max() < 0.1
    worths = {(w.attribute, w.level): w.part_worth for w in level_worths(fitted)}
    assert worths["taste:age", "salty"] == pytest.approx(-fitted.coefficients[6:8].sum())


def test_the_average_respondent_is_what_importances_and_money_speak_of(fitted):
    assert sum(s.estimate.value for s in importances(fitted, seed=1)) == pytest.approx(1)
    money = willingness_to_pay(fitted, "look", "poor", "good")
    assert money.value == pytest.approx(-2 * fitted.coefficients[2] / -fitted.coefficients[3])


def test_the_average_respondent_is_that_of_the_weights_and_of_the_fit(study, aged):
    table, age = aged
    old = {name: 3.0 if value > 3 else 1.0 for name, value in age.values.items()}
    weighted = fit_mnl(study, table, covariates=[age], weights=old)
    centre = np.average(list(age.values.values()), weights=list(old.values()))
    assert weighted.coding.covariates[0].centre == pytest.approx(centre)
    # the same fit about another age: the price of somebody of age 3
    plain = {n: a - 3 for n, a in age.values.items()}
    about = fit_mnl(study, table, covariates=[replace(age, values=plain)], weights=old)
    moved = weighted.coefficients[3] + (3 - centre) * weighted.coefficients[5]
    at_three = about.coefficients[3] - about.coding.covariates[0].centre * about.coefficients[5]
    assert moved == pytest.approx(at_three, abs=1e-7)
    # somebody who answered holdouts only does not move the average
    frame = table.frame.copy()
    frame.loc[frame["respondent"].astype(int) >= 350, "role"] = "holdout"
    half = fit_mnl(study, replace(table, frame=frame), covariates=[age])
    mean = np.mean([value for name, value in age.values.items() if int(name) < 350])
    assert half.coding.covariates[0].centre == pytest.approx(mean)


def test_another_unit_of_the_covariate_changes_only_its_slope(study, aged, fitted):
    table, age = aged
    months = Covariate("age", age.attributes, {n: 7 + 12 * a for n, a in age.values.items()})
    other = fit_mnl(study, table, covariates=[months])
    assert other.log_likelihood == pytest.approx(fitted.log_likelihood, abs=1e-7)
    np.testing.assert_allclose(other.coefficients[:5], fitted.coefficients[:5], atol=1e-7)
    np.testing.assert_allclose(other.coefficients[5:], fitted.coefficients[5:] / 12, atol=1e-7)


def test_covariates_that_cannot_be_used_are_refused_by_name(study, aged):
    table, age = aged

    def fit(*covariates):
        return fit_mnl(study, table, covariates=covariates)

    with pytest.raises(ValueError, match="'colour', which is no attribute; known: look, none"):
        fit(Covariate("age", ("colour",), age.values))
    with pytest.raises(ValueError, match="699 respondents have no 'age': 1, 2, 3"):
        fit(Covariate("age", ("price",), {"0": 1.0}))
    with pytest.raises(ValueError, match="same for everybody"):
        fit(Covariate("age", ("price",), dict.fromkeys(age.values, 3.0)))
    with pytest.raises(ValueError, match=r"stands twice"):
        fit(age, age)
    double = Covariate("months", age.attributes, {n: 12 * a for n, a in age.values.items()})
    with pytest.raises(NotIdentified, match=r"told apart.*price:age"):
        fit(age, double)


def test_a_dual_response_none_cannot_depend_on_a_covariate(make, aged):
    plain = make[0](none=None)
    frame = make[1](plain, TRUTH[:4], respondents=40).frame.assign(bought=True)
    study = make[0](none={"label": "None", "response": "dual"})
    with pytest.raises(ValueError, match="cannot depend on a covariate"):
        fit_mnl(study, check_choices(frame, study.choice_exercise()), covariates=[aged[1]])
