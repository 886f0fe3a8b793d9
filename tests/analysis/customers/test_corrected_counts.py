"""A planted ratio, seen through blurred value and counted habits."""

import numpy as np
import pandas as pd
import pytest

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
