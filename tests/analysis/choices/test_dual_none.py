"""Dual-response none: one utility behind both answers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from analysis.choices.coding import coding_of
from analysis.choices.counts import fit_counts
from analysis.choices.identification import NotIdentified
from analysis.choices.latent_class import fit_latent_class
from analysis.choices.mixed_logit import fit_mixed_logit
from analysis.choices.mnl import evaluate, fit_mnl
from analysis.choices.sets import choice_sets
from analysis.study.checks import faults_between_parts
from analysis.tables import TableFaults, check_choices

TRUTH = np.array([-0.6, 0.4, -0.5, -1.2, 0.7])


def answers(make_study, simulate, *, respondents=400, tasks=8, seed=1):
    """Forced choices, and to buy with the chance S / (S + e^V0) whatever was chosen."""
    plain = make_study(none=None)
    forced = simulate(plain, TRUTH[:4], respondents=respondents, tasks=tasks, seed=seed)
    utility = coding_of(plain, forced.exercise).matrix(forced.frame) @ TRUTH[:4]
    total = np.exp(utility).reshape(-1, 3).sum(axis=1)
    chance = total / (total + np.exp(TRUTH[4]))
    bought = np.random.default_rng(seed + 1).random(len(chance)) < chance
    study = make_study(none={"label": "None", "response": "dual"})
    frame = forced.frame.assign(bought=bought.repeat(3))
    return study, check_choices(frame, study.choice_exercise())


@pytest.fixture(scope="module")
def dual(make):
    return answers(*make)


def log_likelihood(coding, frame, b):
    """The formula of the methods page, task by task."""
    v = (coding.matrix(frame) @ b).reshape(-1, 3)
    chosen = v[frame["chosen"].to_numpy().reshape(-1, 3)]
    buy = frame["bought"].to_numpy().reshape(-1, 3)[:, 0]
    total = np.exp(v).sum(axis=1)
    second = buy * np.log(total) + (1 - buy) * b[4] - np.log(total + np.exp(b[4]))
    return float((chosen - np.log(total) + second).sum())


def test_the_likelihood_is_the_formula(dual):
    study, choices = dual
    coding = coding_of(study, choices.exercise)
    sets = choice_sets(coding, choices.frame)
    for b in (np.zeros(5), TRUTH, np.array([0.3, -1, 0.2, 2, -1.5])):
        expected = log_likelihood(coding, choices.frame, b)
        assert evaluate(sets, b).log_likelihood == pytest.approx(expected, abs=1e-8)
    assert sets.null_log_likelihood() == pytest.approx(evaluate(sets, np.zeros(5)).log_likelihood)


def test_gradient_and_information_match_numeric_ones(dual):
    study, choices = dual
    coding = coding_of(study, choices.exercise)
    weights = {str(n): 1 + n % 2 for n in range(400)}
    sets = choice_sets(coding, choices.frame, weights)
    point = np.array([0.3, -0.2, 0.1, -0.7, 0.4])
    here = evaluate(sets, point)
    numeric = approx_fprime(point, lambda b: evaluate(sets, b).log_likelihood, 1e-6)
    np.testing.assert_allclose(here.gradient, numeric, rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(here.scores.sum(axis=0), here.gradient)
    steps = 1e-5 * np.eye(5)
    bend = [
        (evaluate(sets, point + h).gradient - evaluate(sets, point - h).gradient) / 2e-5
        for h in steps
    ]
    np.testing.assert_allclose(-here.information, bend, rtol=1e-6, atol=1e-3)


def test_planted_part_worths_come_back(dual):
    fitted = fit_mnl(*dual)
    for kind in ("classical", "robust", "cluster"):
        errors = np.sqrt(np.diag(fitted.covariance(kind)))
        assert (np.abs(fitted.coefficients - TRUTH) < 3.5 * errors).all()
    assert errors.max() < 0.1


def test_bought_choices_are_those_of_a_single_response(dual):
    """When all is bought, the likelihood of a task is that of a choice among all and none."""
    study, choices = dual
    coding = coding_of(study, choices.exercise)
    sets = choice_sets(coding, choices.frame.assign(bought=True))
    v = (coding.matrix(choices.frame) @ TRUTH).reshape(-1, 3)
    chosen = v[choices.frame["chosen"].to_numpy().reshape(-1, 3)]
    expected = (chosen - np.log(np.exp(v).sum(axis=1) + np.exp(TRUTH[4]))).sum()
    assert evaluate(sets, TRUTH).log_likelihood == pytest.approx(expected)


def test_the_second_answer_sharpens_the_part_worths(dual, make):
    study, choices = dual
    plain = make[0](none=None)
    first = check_choices(choices.frame.drop(columns="bought"), plain.choice_exercise())
    alone, both = fit_mnl(plain, first), fit_mnl(study, choices)
    assert np.diag(both.covariance("classical"))[3] < np.diag(alone.covariance("classical"))[3]


@pytest.mark.parametrize(("bought", "what"), [(True, "never"), (False, "always")])
def test_none_always_or_never_chosen_is_named(dual, bought, what):
    study, choices = dual
    table = replace(choices, frame=choices.frame.assign(bought=bought))
    with pytest.raises(NotIdentified, match=f"none alternative is {what} chosen"):
        fit_mnl(study, table)


def test_faults_of_the_second_answer_are_listed(dual):
    study, choices = dual
    frame = choices.frame.head(9).astype({"bought": object})
    with pytest.raises(TableFaults, match="column 'bought': the column is missing"):
        check_choices(frame.drop(columns="bought"), study.choice_exercise())
    wrong = frame.copy()
    wrong["bought"] = [1, 0, 0, 1, 1, 1, 0, 0, "maybe"]
    with pytest.raises(TableFaults) as caught:
        check_choices(wrong, study.choice_exercise())
    assert "row 9, column 'bought': 'maybe' is not 0 or 1" in str(caught.value)
    assert "row 1, column 'bought': the answer differs between the rows" in str(caught.value)
    none = {"respondent": "0", "task": 1, "alternative": 4, "chosen": 0, "bought": 1}
    with pytest.raises(TableFaults, match="asked in a second question"):
        check_choices(pd.concat([frame, pd.DataFrame([none])]), study.choice_exercise())


def test_other_estimators_say_that_they_do_not_take_it(dual):
    study, choices = dual
    with pytest.raises(ValueError, match="only the aggregate logit describes"):
        fit_latent_class(study, choices, classes=2, seed=1)
    with pytest.raises(ValueError, match="only the aggregate logit describes"):
        fit_mixed_logit(study, choices)
    assert fit_counts(study, choices).none is None


def test_no_attribute_may_be_called_like_the_second_answer(make):
    attributes = [a.model_dump() for a in make[0]().choice_exercise().attributes]
    attributes[1]["id"] = "bought"
    dual = {"label": "None", "response": "dual"}
    assert not faults_between_parts(make[0](attributes=attributes))
    faults = faults_between_parts(make[0](attributes=attributes, none=dual))
    assert [fault.code for fault in faults] == ["RESERVED_ID"]
