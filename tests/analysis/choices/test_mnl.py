"""The logit: right, whatever the order of rows, and never silently wrong."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime, minimize

from analysis.choices.coding import coding_of
from analysis.choices.identification import NotIdentified, separating_direction
from analysis.choices.importances import importances
from analysis.choices.mnl import evaluate, fit_mnl
from analysis.choices.partworths import COVARIANCES, level_worths
from analysis.choices.sets import choice_sets
from analysis.choices.willingness_to_pay import money_value_of_tag, willingness_to_pay
from analysis.tables import Choices

TRUTH = np.array([-0.6, 0.4, -0.5, -1.2, -0.8])


@pytest.fixture(scope="module")
def fitted(study, choices):
    return fit_mnl(study, choices)


def errors(part_worths, kind="classical"):
    return np.sqrt(np.diag(part_worths.covariance(kind)))


def refitted(study, choices, frame):
    return fit_mnl(study, replace(choices, frame=frame.reset_index(drop=True)))


def test_gradient_and_information_match_numeric_ones(study, choices):
    sets = choice_sets(coding_of(study, choices.exercise), choices.frame)
    point = np.array([0.3, -0.2, 0.1, -0.7, 0.4])
    here = evaluate(sets, point)
    numeric = approx_fprime(point, lambda b: evaluate(sets, b).log_likelihood, 1e-6)
    np.testing.assert_allclose(here.gradient, numeric, rtol=1e-4, atol=1e-2)
    hessian = approx_fprime(point, lambda b: evaluate(sets, b).gradient, 1e-6)
    np.testing.assert_allclose(-here.information, hessian, rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(here.scores.sum(axis=0), here.gradient)


def test_planted_part_worths_are_recovered(fitted):
    assert fitted.converged
    assert (np.abs(fitted.coefficients - TRUTH) < 3.5 * errors(fitted)).all()
    assert errors(fitted).max() < 0.1
    assert fitted.null_log_likelihood == pytest.approx(2400 * np.log(0.25))
    assert fitted.log_likelihood > fitted.null_log_likelihood


def test_a_general_optimiser_finds_the_same_maximum(study, choices, fitted):
    x = fitted.coding.matrix(choices.frame).reshape(-1, 4, 5)
    chosen = choices.frame["chosen"].to_numpy().reshape(-1, 4)

    def loss(b):
        v = x @ b
        return -(v[chosen] - np.log(np.exp(v).sum(axis=1))).sum()

    found = minimize(loss, np.zeros(5), method="BFGS", options={"gtol": 1e-4})
    assert fitted.log_likelihood == pytest.approx(-found.fun, abs=1e-6)
    assert -found.fun <= fitted.log_likelihood + 1e-9


def test_the_three_covariances_agree_for_people_who_are_alike(fitted):
    for kind in ("robust", "cluster"):
        np.testing.assert_allclose(errors(fitted, kind), errors(fitted), rtol=0.15)


def test_cluster_covariance_sees_repeated_people(study, choices):
    """Everybody twice, under the same name: classical shrinks by sqrt 2, cluster stays."""
    once = fit_mnl(study, choices)
    copy = choices.frame.assign(task=choices.frame["task"] + 100)
    twice = refitted(study, choices, pd.concat([choices.frame, copy]))
    np.testing.assert_allclose(twice.coefficients, once.coefficients, atol=1e-9)
    np.testing.assert_allclose(errors(twice) * np.sqrt(2), errors(once), rtol=1e-6)
    np.testing.assert_allclose(errors(twice, "cluster"), errors(once, "cluster"), rtol=1e-6)


def test_the_order_of_rows_does_not_matter(study, choices, fitted):
    shuffled = refitted(study, choices, choices.frame.sample(frac=1, random_state=5))
    assert shuffled.log_likelihood == pytest.approx(fitted.log_likelihood, abs=1e-8)
    np.testing.assert_allclose(shuffled.coefficients, fitted.coefficients, atol=1e-10)
    for kind in COVARIANCES:
        np.testing.assert_allclose(errors(shuffled, kind), errors(fitted, kind), rtol=1e-8)


def test_alternatives_not_offered_are_left_out(study, choices):
    """Sets of 3 and 4: the log-likelihood is that of the formula, set by set."""
    frame = choices.frame
    gone = (frame["task"] % 2 == 0) & (frame["alternative"] == 2) & ~frame["chosen"]
    fitted = refitted(study, choices, frame[~gone])
    kept = frame[~gone].reset_index(drop=True)
    utility = fitted.coding.matrix(kept) @ fitted.coefficients
    groups = [kept["respondent"], kept["task"]]
    logsum = np.log(pd.Series(np.exp(utility)).groupby(groups).transform("sum"))
    expected = (utility - logsum)[kept["chosen"]].sum()
    assert fitted.log_likelihood == pytest.approx(expected, abs=1e-8)
    sizes = kept.groupby(["respondent", "task"]).size()
    assert fitted.null_log_likelihood == pytest.approx(-np.log(sizes).sum())
    assert set(sizes) == {3, 4}


def test_holdouts_stay_out(study, choices):
    holdout = choices.frame["task"] > 6
    marked = choices.frame.assign(role=np.where(holdout, "holdout", "estimation"))
    fitted = refitted(study, choices, marked)
    without = refitted(study, choices, choices.frame[~holdout])
    np.testing.assert_array_equal(fitted.coefficients, without.coefficients)
    assert fitted.n_tasks == 300 * 6
    with pytest.raises(ValueError, match="all tasks are holdouts"):
        refitted(study, choices, choices.frame.assign(role="holdout"))


def test_a_weight_of_two_counts_like_two_people(study, choices):
    frame = choices.frame
    some = frame["respondent"].isin([str(n) for n in range(50)])
    copies = frame[some].assign(respondent=frame.loc[some, "respondent"] + "copy")
    doubled = refitted(study, choices, pd.concat([frame, copies]))
    names = frame["respondent"].unique()
    weights = {name: 2.0 if int(name) < 50 else 1.0 for name in names}
    weighted = fit_mnl(study, choices, weights=weights)
    np.testing.assert_allclose(weighted.coefficients, doubled.coefficients, atol=1e-9)
    scaled = fit_mnl(study, choices, weights={name: 10 * w for name, w in weights.items()})
    np.testing.assert_allclose(errors(scaled, "cluster"), errors(weighted, "cluster"))
    with pytest.raises(ValueError, match="1 respondents have no weight: 7"):
        fit_mnl(study, choices, weights={n: 1.0 for n in names if n != "7"})


def test_a_weight_of_zero_is_as_if_the_respondent_were_not_there(study, choices):
    kept = {str(n) for n in range(60)}
    weights = {name: float(name in kept) for name in choices.frame["respondent"].unique()}
    alone = fit_mnl(
        study, replace(choices, frame=choices.frame[choices.frame["respondent"].isin(kept)])
    )
    found = fit_mnl(study, choices, weights=weights)
    assert (found.n_respondents, found.n_tasks) == (60, alone.n_tasks)
    np.testing.assert_allclose(found.coefficients, alone.coefficients, atol=1e-10)
    np.testing.assert_allclose(found.covariance("cluster"), alone.covariance("cluster"), rtol=1e-8)
    four = {name: float(name in {"1", "2", "3", "4"}) for name in weights}
    assert fit_mnl(study, choices, weights=four).why_no_intervals("cluster")


@pytest.mark.parametrize("value", [-1.0, np.inf, np.nan])
def test_a_wrong_weight_names_the_respondent(study, choices, value):
    weights = dict.fromkeys(choices.frame["respondent"].unique(), 1.0) | {"7": value}
    with pytest.raises(ValueError, match=f"not negative: respondent '7' has {value:g}"):
        fit_mnl(study, choices, weights=weights)
    with pytest.raises(ValueError, match=r"1 to 1e\+308 \(respondent '7'\), more than a billion"):
        fit_mnl(study, choices, weights=weights | {"7": 1e308})
    with pytest.raises(ValueError, match="all respondents have a weight of zero"):
        fit_mnl(study, choices, weights=dict.fromkeys(weights, 0.0))


def test_many_tasks_take_the_warm_start_and_give_the_same(study, make):
    _, simulate = make
    choices = simulate(study, TRUTH, respondents=2600, tasks=8, seed=9)
    many = fit_mnl(study, choices)
    sets = choice_sets(many.coding, choices.frame)
    at = evaluate(sets, many.coefficients)
    step = np.linalg.solve(at.information, at.gradient)
    assert np.abs(step).max() < 1e-9
    assert at.log_likelihood == pytest.approx(many.log_likelihood, abs=1e-8)


def test_one_respondent_is_fitted_with_a_warning(study, make):
    _, simulate = make
    fitted = fit_mnl(study, simulate(study, TRUTH / 2, respondents=1, tasks=200))
    assert "1 respondent(s) for 5 part-worths" in fitted.warnings[0]
    assert errors(fitted).min() > 0


@pytest.mark.parametrize("people", [1, 2, 5])
def test_no_interval_is_claimed_from_fewer_respondents_than_part_worths(study, make, people):
    # The scores of R respondents add up to zero: the cluster covariance has a rank below R.
    _, simulate = make
    fitted = fit_mnl(study, simulate(study, TRUTH / 2, respondents=people, tasks=200))
    assert "no intervals" in fitted.warnings[0]
    assert all(np.isinf(worth.se) for worth in level_worths(fitted))
    assert all(np.isfinite(worth.se) for worth in level_worths(fitted, "classical"))
    money = willingness_to_pay(fitted, "look", "poor", "good")
    assert "more respondents" in money.reason
    assert willingness_to_pay(fitted, "look", "poor", "good", covariance="classical").available
    assert all("more respondents" in i.estimate.reason for i in importances(fitted, seed=1))
    assert "more respondents" in money_value_of_tag(fitted, "emotional").share.reason


def test_level_worths_add_up_and_carry_the_right_error(fitted):
    worths = {(w.attribute, w.level): w for w in level_worths(fitted, "classical")}
    taste = [worths["taste", name] for name in ("plain", "sweet", "salty")]
    assert sum(w.part_worth for w in taste) == pytest.approx(0, abs=1e-12)
    spread = fitted.covariance("classical")[:2, :2]
    assert taste[2].se == pytest.approx(np.sqrt(spread.sum()))
    assert worths["price", ""].part_worth == fitted.coefficients[3]
    assert worths["none", ""].kind == "none"


def test_an_attribute_that_never_varies_is_named(study, choices):
    frame = choices.frame.copy()
    frame.loc[frame["look"].notna(), "look"] = "good"
    with pytest.raises(NotIdentified) as caught:
        refitted(study, choices, frame)
    assert caught.value.reasons[0].startswith("level 'poor' of attribute 'look' is in no task")


def test_an_attribute_that_is_equal_within_every_task_is_named(make):
    make_study, simulate = make
    study = make_study(none=None)
    choices = simulate(study, TRUTH[:4], respondents=50)
    odd = choices.frame["task"] % 2 == 1
    same = choices.frame.assign(look=np.where(odd, "good", "poor"))
    with pytest.raises(NotIdentified, match="attribute 'look' is the same in all alternatives"):
        refitted(study, choices, same)


def test_attributes_that_vary_together_are_named(make):
    make_study, simulate = make
    study = make_study(none=None)
    choices = simulate(study, TRUTH[:4], respondents=50)
    cheap = choices.frame["price"].isin(["p1"])
    frame = choices.frame.assign(
        look=np.where(cheap, "poor", "good"), price=np.where(cheap, "p1", "p3")
    )
    with pytest.raises(NotIdentified, match=r"vary together.*look 'poor', price"):
        refitted(study, choices, frame)


def test_a_level_never_chosen_is_named(study, choices):
    frame = choices.frame
    keys = [frame["respondent"], frame["task"]]
    bad = (frame["chosen"] & (frame["taste"] == "salty")).groupby(keys).transform("any")
    with pytest.raises(NotIdentified, match="level 'salty' of attribute 'taste' is never chosen"):
        refitted(study, choices, frame[~bad])


def test_levels_that_are_equal_in_a_perfect_prediction_are_shown_so(make):
    make_study, simulate = make
    study = make_study(none=None)
    best = simulate(study, np.array([-30.0, -30.0, -0.5, -0.2]))
    with pytest.raises(NotIdentified, match="order of levels 'salty' > 'plain' = 'sweet'"):
        fit_mnl(study, best)


def test_none_never_chosen_is_named(study, choices):
    frame = choices.frame
    keys = [frame["respondent"], frame["task"]]
    bad = (frame["chosen"] & frame["taste"].isna()).groupby(keys).transform("any")
    with pytest.raises(NotIdentified, match="none alternative is never chosen"):
        refitted(study, choices, frame[~bad])


def test_perfect_prediction_by_price_is_named(make):
    make_study, simulate = make
    study = make_study(none=None)
    choices = simulate(study, np.array([0, 0, 0, -200.0]), respondents=80)
    with pytest.raises(NotIdentified, match="lowest 'price' is always chosen"):
        fit_mnl(study, choices)


def test_perfect_prediction_by_several_attributes_together_is_named(make):
    make_study, simulate = make
    study = make_study(none=None)
    choices = simulate(study, np.array([-300, 200, -300, -400.0]), respondents=80)
    with pytest.raises(NotIdentified, match=r"together these predict choices perfectly: .*price"):
        fit_mnl(study, choices)


def test_strong_but_finite_preferences_are_estimated(make):
    make_study, simulate = make
    study = make_study(none=None)
    truth = np.array([0, 0, 0, -9.0])
    fitted = fit_mnl(study, simulate(study, truth, respondents=400))
    assert fitted.coefficients[3] == pytest.approx(-9, abs=3.5 * errors(fitted)[3])


def test_separating_direction_by_cutting_planes():
    generator = np.random.default_rng(1)
    rows = generator.normal(size=(5000, 4))
    assert separating_direction(rows, at_once=50) is None
    direction = np.array([1.0, -2.0, 0.5, 0.0])
    rows *= np.sign(rows @ direction)[:, None]
    found = separating_direction(rows, at_once=50)
    assert found is not None
    assert (rows @ found >= -1e-6).all()


def test_what_the_logit_does_not_describe_is_refused(make, study, choices):
    make_study, _ = make
    other = make_study(id="other")
    with pytest.raises(ValueError, match="belong to 'bun', not to 'other'"):
        fit_mnl(other, choices, exercise="other")


def test_scales_far_apart_are_no_trouble(make):
    """A price in cents of a million: the slope shrinks by the same factor."""
    make_study, simulate = make
    plain = make_study()
    attributes = [a.model_dump() for a in plain.choice_exercise().attributes]
    for lv in attributes[2]["levels"]:
        lv["number"] *= 1e8
    wide = make_study(attributes=attributes)
    choices = simulate(plain, TRUTH)
    same = Choices(wide.choice_exercise(), choices.frame)
    a, b = fit_mnl(plain, choices), fit_mnl(wide, same)
    assert b.coefficients[3] * 1e8 == pytest.approx(a.coefficients[3])
    assert b.log_likelihood == pytest.approx(a.log_likelihood, abs=1e-8)
