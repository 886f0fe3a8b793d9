"""Choices, answers and purchases held against one another, on planted truths."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from analysis.customers.agreement import Look, later_purchases, verdict
from analysis.estimate import Estimate, unavailable
from analysis.ratings.driver_importance import driver_importance, share_difference


def buyers(rng, n, functional, emotional):
    """Customers whose later rate moves by exp(effect) a standard deviation; counts burst."""
    f, e = rng.multivariate_normal([60, 60], [[225, 90], [90, 225]], n).T
    habit = rng.gamma(2.0, 0.25, n)
    lift = np.exp(functional * (f - 60) / 15 + emotional * (e - 60) / 15)
    before, after = rng.poisson(habit * 40), rng.poisson(habit * lift * 20 * rng.gamma(5, 0.2, n))
    index = [f"c{k}" for k in range(n)]
    table = pd.DataFrame(
        {"days_before": before, "weeks_before": 40, "days_after": after, "weeks_after": 20},
        index=index,
    )
    return table, pd.Series(f, index), pd.Series(e, index)


def look(value, width=1.0):
    return Look("x", Estimate(value=value, low=value - width, high=value + width, n=50, method="m"))


def test_a_planted_effect_is_told_and_its_interval_holds_it():
    table, f, e = buyers(np.random.default_rng(2), 600, 0.3, 0.0)
    found = later_purchases(table, f, e)
    assert Look("p", found, equal=1.0).says == "functional"
    assert found.low < np.exp(0.3) < found.high


def test_it_is_the_contrast_of_a_regression_done_elsewhere():
    table, f, e = buyers(np.random.default_rng(3), 300, 0.2, 0.1)
    found = later_purchases(table, f, e)
    x = pd.DataFrame({"f": (f - f.mean()) / f.std(), "e": (e - e.mean()) / e.std()})
    x["habit"] = np.log((table["days_before"] + 0.5) / (table["weeks_before"] + 1))
    model = sm.Poisson(table["days_after"], sm.add_constant(x), exposure=table["weeks_after"])
    fitted = model.fit(disp=False, cov_type="HC1")
    test = fitted.t_test("f - e = 0")
    assert np.log(found.value) == pytest.approx(test.effect[0], rel=1e-5)
    assert np.log([found.low, found.high]) == pytest.approx(test.conf_int()[0], rel=1e-3)


def test_where_both_carry_the_same_few_are_called_apart():
    rng, called, repeats = np.random.default_rng(5), 0, 200
    for _ in range(repeats):
        found = later_purchases(*buyers(rng, 150, 0.15, 0.15))
        called += Look("p", found, equal=1.0).says != "too uncertain to tell"
    assert called / repeats <= 0.05 + 2.5 * (0.05 * 0.95 / repeats) ** 0.5


def test_reasons_in_place_of_a_number():
    table, f, e = buyers(np.random.default_rng(7), 60, 0.1, 0.1)
    assert "too closely" in later_purchases(table, f, f + 0.001 * e).reason
    assert "customers with a window" in later_purchases(table.head(20), f, e).reason
    assert "same score" in later_purchases(table, f * 0 + 5, e).reason
    none = later_purchases(table.assign(days_after=0), f, e)
    assert Look("p", none, equal=1.0).says == "not known"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((2, 3, 0), "agree"),
        ((2, -3, 0), "disagree"),
        ((2, 2, -2), "disagree"),
        ((-2, 0, 0.5), "one alone"),
        ((0, 0.5, -0.5), "cannot tell"),
    ],
)
def test_only_looks_that_can_tell_agree_or_disagree(values, said):
    assert verdict(tuple(look(value) for value in values)) == said


def test_a_look_without_a_number_has_no_say():
    none = Look("x", unavailable("no purchases", n=0, method="m"))
    assert verdict((look(2), look(3), none)) == "agree"


def test_the_difference_of_shares_is_that_of_the_drivers():
    rng = np.random.default_rng(8)
    drivers = pd.DataFrame(rng.normal(size=(200, 3)), columns=["a", "b", "c"])
    outcome = drivers["a"] + 0.5 * drivers["b"] + pd.Series(rng.normal(size=200))
    shares = {d.name: d.share.value for d in driver_importance(drivers, outcome, seed=1).drivers}
    found = share_difference(drivers, outcome, ["a", "c"], ["b"], seed=1)
    assert found.value == pytest.approx(shares["a"] + shares["c"] - shares["b"])
    assert found.low < found.value < found.high
    assert found.clear_of_zero
