"""A dual-response none in hierarchical Bayes: the same likelihood, as tasks of single choices."""

import numpy as np
import pytest

from analysis.choices.beliefs import beliefs_of
from analysis.choices.coding import coding_of
from analysis.choices.hb import Settings, fit_hb
from analysis.choices.hb.fit import packed_sets
from analysis.choices.holdout import validate
from analysis.choices.mnl import evaluate
from analysis.choices.sets import choice_sets
from analysis.tables import check_choices
from tests.analysis.choices.hb.test_kernel import at

TRUTH = np.array([-0.6, 0.4, -0.5, -1.2, 0.7])


@pytest.fixture(scope="module")
def dual(make):
    make_study, simulate = make
    plain = make_study(none=None)
    forced = simulate(plain, TRUTH[:4], respondents=150)
    utility = coding_of(plain, forced.exercise).matrix(forced.frame) @ TRUTH[:4]
    total = np.exp(utility).reshape(-1, 3).sum(axis=1)
    bought = np.random.default_rng(2).random(len(total)) < total / (total + np.exp(TRUTH[4]))
    study = make_study(none={"label": "None", "response": "dual"})
    frame = forced.frame.assign(bought=bought.repeat(3))
    frame["role"] = np.where(frame["task"] == 8, "holdout", "estimation")
    return study, check_choices(frame, study.choice_exercise())


def test_the_likelihood_is_that_of_the_logit(dual):
    study, choices = dual
    sets = choice_sets(coding_of(study, choices.exercise), choices.frame)
    packed = packed_sets(sets)
    for beta in (TRUTH, np.array([0.3, -1, 0.2, 2, -1.5])):
        ll, grad, _ = at(packed, np.tile(beta, (150, 1)))
        here = evaluate(sets, beta)
        assert ll.sum() == pytest.approx(here.log_likelihood, rel=1e-5)
        np.testing.assert_allclose(grad.sum(0), here.gradient, atol=0.05)


def test_planted_part_worths_come_back_and_holdouts_are_predicted(dual):
    study, choices = dual
    found = fit_hb(study, choices, seed=1, settings=Settings(burn_in=200, draws=300))
    error = np.sqrt(np.diag(found.covariance("posterior")))
    # the default prior lets people differ, which makes everybody a little more decided
    assert np.corrcoef(found.coefficients, TRUTH)[0, 1] > 0.97
    assert np.all(np.abs(found.coefficients - TRUTH) < 5 * error + 0.3)
    held = validate(beliefs_of(found, choices, seed=1), None, choices, seed=1)
    assert held.tasks == 150
    assert held.scores[0].log_loss.high < held.chance_log_loss
