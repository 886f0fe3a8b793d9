"""Importances and willingness to pay: formulas, intervals, and what cannot be said."""

import math
from dataclasses import replace

import numpy as np
import pytest

from analysis.choices.coding import coding_of
from analysis.choices.importances import importances
from analysis.choices.mnl import fit_mnl
from analysis.choices.partworths import PartWorths
from analysis.choices.willingness_to_pay import (
    beyond_tested_prices,
    money_value_of_tag,
    willingness_to_pay,
    willingness_to_pay_per_unit,
    wrong_sign_probability,
)

TRUTH = np.array([-0.6, 0.4, -0.5, -1.2, -0.8])


def part_worths(study, b=TRUTH, se=0.05):
    spread = np.diag(np.full(len(b), se**2))
    return PartWorths(
        coding=coding_of(study, study.choice_exercise()),
        estimator="mnl",
        coefficients=np.asarray(b, dtype=float),
        covariances={"classical": spread, "robust": spread, "cluster": spread},
        n_respondents=100,
        n_tasks=800,
        log_likelihood=-1.0,
        null_log_likelihood=-2.0,
        converged=True,
        iterations=5,
    )


def stepped(make):
    """The same study with a price in steps (effects coding)."""
    make_study, _ = make
    attributes = [a.model_dump() for a in make_study().choice_exercise().attributes]
    attributes[2]["coding"] = "effects"
    return make_study(attributes=attributes)


def test_an_importance_is_the_share_of_the_range(study):
    found = {i.attribute: i for i in importances(part_worths(study), seed=1)}
    ranges = {"taste": 0.4 + 0.6, "look": 1.0, "price": 1.2 * 1.5}
    for name, size in ranges.items():
        assert found[name].estimate.value == pytest.approx(size / 3.8)
        assert found[name].estimate.low < size / 3.8 < found[name].estimate.high
    assert "none" not in found
    assert found["price"].levels_tested == "0.5 to 2"
    assert found["taste"].levels_tested == "Plain, Sweet, Salty"


def test_same_seed_same_importances_another_seed_others(study):
    fitted = part_worths(study)
    assert importances(fitted, seed=1) == importances(fitted, seed=1)
    assert importances(fitted, seed=1) != importances(fitted, seed=2)


def test_an_attribute_without_effect_scores_about_its_null_reference(study):
    """Over repeated studies, an attribute of no effect scores what the reference says."""
    generator = np.random.default_rng(3)
    b = np.array([0.0, 0.0, -0.5, -1.2, -0.8])
    scores, references = [], []
    for _ in range(60):
        fitted = part_worths(study, b + 0.05 * generator.standard_normal(5))
        taste = importances(fitted, seed=1)[0]
        scores.append(taste.estimate.value)
        references.append(taste.null_reference)
    assert np.mean(scores) == pytest.approx(np.mean(references), rel=0.15)
    assert np.mean(references) > 0.01


def test_willingness_to_pay_between_two_levels(study):
    fitted = part_worths(study)
    money = willingness_to_pay(fitted, "taste", "plain", "salty")
    assert money.value == pytest.approx((0.2 + 0.6) / 1.2)
    assert money.unit == "EUR"
    assert money.low < money.low_50 < money.value < money.high_50 < money.high
    back = willingness_to_pay(fitted, "taste", "salty", "plain")
    assert (back.value, back.low) == pytest.approx((-money.value, -money.high))


def test_the_delta_error_is_that_of_the_gradient(study):
    money = willingness_to_pay(part_worths(study), "look", "poor", "good")
    gradient = np.array([-2 / 1.2, -1.0 / 1.2**2])  # of -2 b_look / -b_price
    half = 1.959964 * 0.05 * np.sqrt((gradient**2).sum())
    assert money.high - money.value == pytest.approx(half, rel=1e-5)


def test_fieller_is_unbounded_when_the_price_is_not_clear_of_zero(study):
    weak = part_worths(study, [-0.6, 0.4, -0.5, -0.08, -0.8])
    money = willingness_to_pay(weak, "look", "poor", "good", method="fieller")
    assert (money.low, money.high) == (-math.inf, math.inf)
    assert "unbounded" in money.method
    assert "sign is wrong with probability 0.055" in money.method
    assert wrong_sign_probability(weak) == pytest.approx(0.0548, abs=1e-4)
    assert math.isfinite(money.low_50)


def test_values_beyond_the_tested_prices_are_flagged(study):
    strong = part_worths(study, [-0.6, 0.4, -2.0, -1.2, -0.8])
    money = willingness_to_pay(strong, "look", "poor", "good")
    assert money.value == pytest.approx(4 / 1.2)
    assert beyond_tested_prices(strong, money)
    assert "beyond the tested prices (0.5 to 2)" in money.method
    usual = willingness_to_pay(part_worths(study), "look", "poor", "good")
    assert not beyond_tested_prices(part_worths(study), usual)


def test_no_money_without_a_price_or_with_a_price_that_attracts(study, make):
    wrong = part_worths(study, [-0.6, 0.4, -0.5, 0.1, -0.8])
    money = willingness_to_pay(wrong, "look", "poor", "good")
    assert not money.available
    assert "not negative" in money.reason
    make_study, _ = make
    attributes = [a.model_dump() for a in study.choice_exercise().attributes[:2]]
    priceless = part_worths(make_study(attributes=attributes), [-0.6, 0.4, -0.5, -0.8])
    assert "no attribute tagged as price" in (
        willingness_to_pay(priceless, "look", "poor", "good").reason
    )
    assert wrong_sign_probability(priceless) is None


def test_wrong_questions_are_refused(study):
    fitted = part_worths(study)
    with pytest.raises(ValueError, match="price itself"):
        willingness_to_pay(fitted, "price", "p1", "p2")
    with pytest.raises(ValueError, match="no units"):
        willingness_to_pay_per_unit(fitted, "look")
    with pytest.raises(ValueError, match="no method 'magic'"):
        willingness_to_pay(fitted, "look", "poor", "good", method="magic")
    with pytest.raises(ValueError, match="no covariance 'none'"):
        willingness_to_pay(fitted, "look", "poor", "good", covariance="none")
    with pytest.raises(KeyError, match="no level 'ugly'"):
        willingness_to_pay(fitted, "look", "ugly", "good")


def test_a_stepped_price_is_interpolated_and_left_never(make):
    steps = stepped(make)  # prices 0.5, 1, 1.5, 2 with losses 0, .4, .6, 1
    fitted = part_worths(steps, [-0.6, 0.4, -0.25, 0.5, 0.1, -0.1, -0.8], se=0.01)
    money = willingness_to_pay(fitted, "look", "poor", "good")  # worth .5: half-way .4 to .6
    assert money.value == pytest.approx(0.75)
    assert money.low < 0.75 < money.high
    strong = part_worths(steps, [-0.6, 0.4, -2, 0.5, 0.1, -0.1, -0.8], se=0.01)
    assert willingness_to_pay(strong, "look", "poor", "good").reason == "beyond the tested prices"
    crossed = part_worths(steps, [-0.6, 0.4, -0.25, 0.1, 0.5, -0.1, -0.8], se=0.01)
    assert "fall" in willingness_to_pay(crossed, "look", "poor", "good").reason


def test_money_of_a_tag_sums_the_best_upgrades(study):
    fitted = part_worths(study)
    emotional = money_value_of_tag(fitted, "emotional")
    assert [(u.attribute, u.from_level, u.to_level) for u in emotional.upgrades] == [
        ("taste", "plain", "sweet")
    ]
    assert emotional.money.value == pytest.approx(1.0 / 1.2)
    functional = money_value_of_tag(fitted, "functional")
    price = money_value_of_tag(fitted, "price")
    assert emotional.share.value == pytest.approx(1.0 / 3.8)
    shares = [part.share.value for part in (emotional, functional, price)]
    assert sum(shares) == pytest.approx(1)
    assert not price.money.available


def test_two_upgrades_share_one_covariance(study, make):
    make_study, _ = make
    attributes = [a.model_dump() for a in study.choice_exercise().attributes]
    attributes[1]["tag"] = "emotional"
    fitted = part_worths(make_study(attributes=attributes))
    both = money_value_of_tag(fitted, "emotional").money
    one = willingness_to_pay(fitted, "taste", "plain", "sweet")
    other = willingness_to_pay(fitted, "look", "poor", "good")
    assert both.value == pytest.approx(one.value + other.value)
    assert both.high - both.low < (one.high - one.low) + (other.high - other.low)


def test_a_stated_preference_decides_the_direction(study, make):
    make_study, _ = make
    attributes = [a.model_dump() for a in study.choice_exercise().attributes]
    attributes[1]["preference"] = "decreasing"
    fitted = part_worths(make_study(attributes=attributes))
    money = money_value_of_tag(fitted, "functional").money
    assert money.value == pytest.approx(-1.0 / 1.2)


@pytest.mark.deep
def test_intervals_of_willingness_to_pay_cover_the_truth(study, make):
    _, simulate = make
    truth = -(2 * 0.5) / -1.2
    hits = dict.fromkeys(("delta", "fieller", "krinsky_robb"), 0)
    for seed in range(300):
        fitted = fit_mnl(study, simulate(study, TRUTH, respondents=100, seed=seed))
        for method in hits:
            money = willingness_to_pay(
                fitted, "look", "poor", "good", method=method, covariance="classical"
            )
            hits[method] += money.low <= truth <= money.high
    assert all(0.92 <= count / 300 <= 0.98 for count in hits.values()), hits


def test_coefficients_are_not_changed_by_reading_them(study):
    fitted = part_worths(study)
    before = fitted.coefficients.copy()
    importances(fitted, seed=1)
    money_value_of_tag(replace(fitted), "emotional")
    np.testing.assert_array_equal(fitted.coefficients, before)


def test_part_worths_of_zero_share_nothing_out(study):
    nothing = part_worths(study, b=np.zeros(5))
    assert all("zero" in found.estimate.reason for found in importances(nothing, seed=1))
    assert "zero" in money_value_of_tag(nothing, "emotional").share.reason
