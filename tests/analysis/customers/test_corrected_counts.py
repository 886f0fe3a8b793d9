"""A planted ratio, seen through blurred value and counted habits."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.customers.corrected_counts import corrected_relation
from analysis.customers.drivers import value_relation

ERROR = 12.0


def customers(seed, ratio, n=1_500):
    """Regular buyers value more anyway; ``ratio`` is what 10 points add to later purchases."""
    rng = np.random.default_rng(seed)
    value, habit = rng.multivariate_normal([20, -0.4], [[225, 4.5], [4.5, 0.36]], size=n).T
    burst = rng.gamma(2, 0.5, n)
    later = np.exp(habit) * ratio ** ((value - 20) / 10) * 13 * burst
    return pd.DataFrame(
        {
            "perceived_value": value + rng.normal(0, ERROR, n),
            "days_before": rng.poisson(np.exp(habit) * 26),
            "weeks_before": 26.0,
            "days_after": rng.poisson(later),
            "weeks_after": 13.0,
        }
    )


def test_the_planted_ratio_is_found_where_the_plain_one_is_too_small():
    linked = customers(1, 1.3, n=4_000)
    found = corrected_relation(linked, value_error=ERROR, seed=1)
    assert found.low < 1.3 < found.high
    assert found.value == pytest.approx(1.3, abs=0.05)
    assert value_relation(linked).estimate.high < 1.25


def company(seed, n, ratio=1.127):
    """Rates are gamma; one in ten buys on sale only: less often, and nothing after the survey.

    One in ten stops, by chance, and one in ten is new: known for 20 weeks, not for 52.
    """
    rng = np.random.default_rng(seed)
    rate = rng.gamma(1.6, 0.3, n)
    liking = 0.5 * stats.norm.ppf(stats.gamma.cdf(rate, 1.6, scale=0.3))
    liking += rng.normal(0, np.sqrt(0.75), n)
    value = 20 + 15 * liking + rng.normal(0, 8, n)
    kind = rng.integers(0, 10, n)
    on_sale, stops = kind == 0, kind == 1
    weeks = np.where(kind == 2, 20.0, 52.0)
    before = rng.poisson(rate * weeks * np.where(on_sale, 0.6, 1))
    later = rate * ratio ** ((value - 20) / 10) * 13 * np.where(on_sale | stops, 0, 1)
    return pd.DataFrame(
        {
            "perceived_value": value + rng.normal(0, ERROR, n),
            "days_before": before,
            "weeks_before": weeks,
            "days_after": rng.poisson(later),
            "weeks_after": 13.0,
            "full_price_days_before": np.where(on_sale, 0, before),
        }
    )


def test_who_bought_on_sale_only_is_left_out_and_the_ratio_is_that_of_the_others():
    linked = company(1, 6_000)
    found = corrected_relation(linked, value_error=ERROR, seed=1)
    only = (linked["full_price_days_before"] == 0) & (linked["days_before"] >= 2)
    assert found.n == len(linked) - only.sum()
    assert found.low < 1.127 < found.high
    unknown = linked.drop(columns="full_price_days_before")
    with_all = corrected_relation(unknown, value_error=ERROR, seed=1)
    assert with_all.n == len(linked)
    assert with_all.value < found.value - 0.004


def test_no_ratio_without_a_known_error_or_enough_customers():
    linked = customers(2, 1.2, n=300)
    assert "not known" in corrected_relation(linked, value_error=np.inf, seed=1).reason
    assert "50 linked" in corrected_relation(linked[:50], value_error=ERROR, seed=1).reason
    assert "blurred" in corrected_relation(linked, value_error=60.0, seed=1).reason


@pytest.mark.deep
@pytest.mark.parametrize("ratio", [1.0, 1.3])
def test_the_corrected_ratio_covers_the_truth(ratio):
    worlds = 200
    found = [
        corrected_relation(customers(seed, ratio), value_error=ERROR, seed=seed)
        for seed in range(worlds)
    ]
    inside = float(np.mean([f.low <= ratio <= f.high for f in found]))
    mean = float(np.mean([f.value for f in found]))
    print(ratio, inside, mean)
    assert 0.9 < inside < 0.99
    assert mean == pytest.approx(ratio, abs=0.02)


@pytest.mark.deep
def test_the_corrected_ratio_covers_the_truth_where_some_stop_are_new_or_buy_on_sale_only():
    worlds = 200
    found = [
        corrected_relation(company(seed, 500), value_error=ERROR, seed=seed)
        for seed in range(worlds)
    ]
    inside = float(np.mean([f.low <= 1.127 <= f.high for f in found]))
    mean = float(np.mean([f.value for f in found]))
    print(inside, mean)
    assert 0.9 < inside < 0.99
    assert mean == pytest.approx(1.127, abs=0.008)
