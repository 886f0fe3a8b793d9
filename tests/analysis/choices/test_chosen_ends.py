"""What choosing the best and the worst level from the answers adds by luck."""

import numpy as np
import pytest

from analysis.choices.chosen_ends import luck, tag_difference
from analysis.choices.mnl import fit_mnl
from analysis.choices.willingness_to_pay import money_of

IDLE = np.array([0.0, 0.0, 0.0, -1.2, -0.8])
CLEAR = np.array([-1.5, 0.0, -1.0, -1.2, -0.8])


def study_of(make, **look):
    """Taste is emotional with three levels, look functional with two."""
    make_study, _ = make
    attributes = [a.model_dump() for a in make_study().choice_exercise().attributes]
    attributes[1] |= {"tag": "functional", **look}
    return make_study(attributes=attributes)


def fitted_of(study, make, truth):
    return fit_mnl(study, make[1](study, truth, respondents=100))


def test_levels_of_no_effect_have_luck_as_large_as_their_own_noise(make):
    study = study_of(make)
    fitted = fitted_of(study, make, IDLE)
    draws = np.random.default_rng(1).multivariate_normal(IDLE, fitted.covariance("cluster"), 9_000)
    at_zero = luck(fitted.coding, IDLE, draws, ["look"])
    error = 2 * draws[:, 2].std()
    assert at_zero == pytest.approx(error * np.sqrt(2 / np.pi), rel=0.05)


def test_clear_levels_have_no_luck(make):
    fitted = fitted_of(study_of(make), make, CLEAR)
    draws = fitted.draws("cluster", n=4_000, seed=1)
    for attribute in ("look", "taste"):
        assert luck(fitted.coding, fitted.coefficients, draws, [attribute]) == 0
    found = tag_difference(fitted, lambda c: money_of(fitted, c), seed=1)
    assert "luck" not in found.method


def test_the_interval_widens_to_the_side_that_luck_favours(make):
    study = study_of(make, preference="increasing")
    fitted = fitted_of(study, make, IDLE)
    plain = []
    found = tag_difference(fitted, lambda c: plain.append(money_of(fitted, c)) or plain[0], seed=1)
    assert found.value == plain[0].value
    assert found.low == plain[0].low
    assert found.high > plain[0].high
    assert "luck" in found.method


def test_without_one_of_the_kinds_there_is_no_difference(make):
    fitted = fitted_of(study_of(make, tag="emotional"), make, CLEAR)
    assert tag_difference(fitted, lambda c: money_of(fitted, c), seed=1) is None
