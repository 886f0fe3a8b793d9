"""Planted structures: what holds is found to hold, what does not is called by its name."""

import numpy as np
import pandas as pd
import pytest

from analysis.ratings.confirmatory import Improper, fit_structure, invariance, validity

PLAN = {"a": ["a1", "a2", "a3"], "b": ["b1", "b2", "b3"]}


def answers(n, *, seed, r=0.5, loading=0.8, shift=0.0, likert=False):
    generator = np.random.default_rng(seed)
    factors = generator.multivariate_normal([0, 0], [[1, r], [r, 1]], n)
    loadings = np.full(6, loading)
    noise = generator.normal(size=(n, 6)) * np.sqrt(1 - loading**2)
    x = factors[:, [0, 0, 0, 1, 1, 1]] * loadings + noise
    x[:, 0] += shift
    if likert:
        x = np.clip(np.round(1.5 * x + 4.5), 1, 7)
    return pd.DataFrame(x, columns=[*PLAN["a"], *PLAN["b"]])


def test_a_planted_structure_is_recovered_with_its_interval():
    fit = fit_structure(PLAN, answers(1500, seed=1))
    assert fit.cfi > 0.99
    found = validity(fit, seed=1)
    assert found.pairs[0].correlation.low < 0.5 < found.pairs[0].correlation.high
    # omega of three items of loading .8: (2.4)^2 / ((2.4)^2 + 3 * .36)
    for construct in found.constructs:
        assert construct.omega.low < 0.842 < construct.omega.high
        assert construct.ave.low < 0.64 < construct.ave.high
    assert all(low.low < 0.8 < low.high for _, _, low in found.loadings)


def test_two_names_for_one_thing_are_not_told_apart():
    data = answers(400, seed=2, r=0.97)
    try:
        found = validity(fit_structure(PLAN, data), seed=1)
    except Improper as why:
        assert "cannot be told apart" in str(why)
    else:
        assert found.pairs[0].distinct is False


def test_an_item_on_the_wrong_construct_shows_in_the_fit():
    wrong = {"a": ["a1", "a2", "b3"], "b": ["b1", "b2", "a3"]}
    assert fit_structure(wrong, answers(600, seed=3, r=0.2)).cfi < 0.9


def test_skewed_answers_do_not_reject_a_true_structure_more_often_than_they_should():
    rejected = []
    for seed in range(60):
        data = answers(250, seed=seed, likert=True)
        skewed = np.where(data > 5, data + 3 * (data - 5), data)
        fit = fit_structure(PLAN, pd.DataFrame(skewed, columns=data.columns))
        rejected.append(fit.p < 0.05)
    assert np.mean(rejected) <= 0.15  # nominal .05; 60 studies


def test_groups_that_answer_one_item_differently_must_not_be_compared_in_height():
    both = pd.concat([answers(400, seed=4), answers(400, seed=5)], ignore_index=True)
    groups = pd.Series(np.repeat(["en", "de"], 400))
    assert invariance(PLAN, both, groups).comparable == "means"
    moved = pd.concat([answers(400, seed=4), answers(400, seed=5, shift=0.8)], ignore_index=True)
    assert invariance(PLAN, moved, groups).comparable == "relations"


def test_a_group_that_is_felt_higher_is_still_comparable():
    higher = answers(400, seed=6)
    higher[PLAN["a"]] += 0.6
    both = pd.concat([answers(400, seed=7), higher], ignore_index=True)
    assert invariance(PLAN, both, pd.Series(np.repeat(["x", "y"], 400))).comparable == "means"


def test_what_cannot_be_fitted_says_everything_at_once():
    data = answers(50, seed=8)
    data["b1"] = 3.0
    with pytest.raises(Improper) as why:
        fit_structure({**PLAN, "c": ["a1"]}, data)
    assert "'c' has fewer than two items" in str(why.value)
    assert "all answers to 'b1' are the same" in str(why.value)
    with pytest.raises(Improper, match="leaves nothing to test"):
        fit_structure({"a": PLAN["a"]}, data)
    with pytest.raises(Improper, match="two groups have 100"):
        invariance(PLAN, answers(150, seed=9), pd.Series(["x"] * 120 + ["y"] * 30))
