import numpy as np
import pandas as pd
import pytest

from analysis.ratings.driver_importance import NoDrivers, driver_importance


def people(n, slopes, *, seed, r=0.0):
    generator = np.random.default_rng(seed)
    k = len(slopes)
    x = generator.multivariate_normal(np.zeros(k), (1 - r) * np.eye(k) + r, n)
    y = x @ np.array(slopes) + generator.normal(size=n)
    return pd.DataFrame(x, columns=[f"d{i}" for i in range(k)]), pd.Series(y)


def test_shares_add_up_to_r_squared_and_are_those_of_any_order_when_drivers_are_uncorrelated():
    x, y = people(400, [1.0, 0.5, 0.0], seed=1)
    q, _ = np.linalg.qr(x - x.mean())
    exact = pd.DataFrame(q, columns=x.columns)
    found = driver_importance(exact, y, seed=1)
    squared = {name: np.corrcoef(exact[name], y)[0, 1] ** 2 for name in exact}
    assert {d.name: d.importance.value for d in found.drivers} == pytest.approx(squared)
    assert sum(d.share.value for d in found.drivers) == pytest.approx(1)
    assert found.r_squared.value == pytest.approx(sum(squared.values()))


def test_a_clear_order_is_certain_and_a_tie_is_not():
    clear = driver_importance(*people(600, [1.0, 0.5, 0.1], seed=2, r=0.3), seed=1)
    assert [(d.rank_low, d.rank_high) for d in clear.drivers] == [(1, 1), (2, 2), (3, 3)]
    tied = driver_importance(*people(300, [0.5, 0.5], seed=3, r=0.3), seed=1)
    assert (tied.drivers[0].rank_low, tied.drivers[0].rank_high) == (1, 2)


def test_a_driver_that_lowers_the_outcome_says_so():
    found = driver_importance(*people(300, [1.0, -0.7], seed=4), seed=1)
    assert [d.slope for d in found.drivers] == ["more", "less"]


def test_intervals_of_shares_hold_the_truth_as_often_as_they_say():
    # Independent drivers of variance 1: shares 1 : .36 : .04 of the explained variance.
    truth, held = {"d0": 1 / 1.4, "d1": 0.36 / 1.4}, []
    for seed in range(40):
        found = driver_importance(*people(300, [1.0, 0.6, 0.2], seed=100 + seed), seed=seed)
        by_name = {d.name: d.share for d in found.drivers}
        held += [by_name[n].low <= value <= by_name[n].high for n, value in truth.items()]
    assert np.mean(held) >= 0.88  # 80 intervals of 95 %


def test_weights_count_as_copies():
    x, y = people(200, [1.0, 0.3], seed=5)
    weights = pd.Series(np.where(x.index < 50, 2.0, 1.0), index=x.index)
    twice = pd.concat([x, x[:50]], ignore_index=True), pd.concat([y, y[:50]], ignore_index=True)
    found, copied = (
        driver_importance(x, y, seed=1, weights=weights),
        driver_importance(*twice, seed=1),
    )
    assert found.r_squared.value == pytest.approx(copied.r_squared.value)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda x, y: (x[["d0"]], y), "1 drivers"),
        (lambda x, y: (x[:15], y[:15]), "too few"),
        (lambda x, y: (x.assign(d1=2.0), y), "no differences in d1"),
        (lambda x, y: (x.assign(d1=3 * x["d0"] + 1), y), "repeat each other"),
    ],
)
def test_no_importance_where_there_can_be_none(change, why):
    with pytest.raises(NoDrivers, match=why):
        driver_importance(*change(*people(100, [1.0, 0.3], seed=6)), seed=1)
