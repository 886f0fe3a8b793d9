import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.ratings.between_groups import (
    by_group,
    differences,
    holm,
    independence,
    together,
)
from analysis.ratings.means import mean_of


def test_welch_as_scipy_has_it():
    generator = np.random.default_rng(1)
    values = pd.Series(np.concatenate([generator.normal(0, 1, 40), generator.normal(0.5, 3, 25)]))
    groups = pd.Series(["a"] * 40 + ["b"] * 25)
    (found,) = differences(values, groups)
    peer = stats.ttest_ind(values[40:], values[:40], equal_var=False)
    assert found.p == pytest.approx(peer.pvalue)
    low, high = peer.confidence_interval()
    assert (found.estimate.low, found.estimate.high) == pytest.approx((low, high))


def test_a_panel_is_compared_as_a_panel():
    generator = np.random.default_rng(2)
    habit = generator.normal(0, 2, 200)
    before, after = (
        habit + generator.normal(0, 0.5, 200),
        habit + 0.2 + generator.normal(0, 0.5, 200),
    )
    values = pd.Series(np.concatenate([before, after]))
    groups = pd.Series(["w1"] * 200 + ["w2"] * 200)
    people = pd.Series([f"c{n % 200}" for n in range(400)])
    (panel,) = differences(values, groups, customers=people)
    peer = stats.ttest_rel(after, before)
    assert panel.estimate.high - panel.estimate.low == pytest.approx(
        float(np.diff(peer.confidence_interval())[0]), rel=0.02
    )
    assert panel.clear
    assert not differences(values, groups)[0].clear
    assert "200 customers in both" in panel.estimate.method


def test_half_a_panel_keeps_its_level():
    generator = np.random.default_rng(3)
    wrong = 0
    for _ in range(300):
        habit = generator.normal(0, 1, 90)
        first = habit[:60] + generator.normal(0, 1, 60)
        second = habit[30:] + generator.normal(0, 1, 60)
        values = pd.Series(np.concatenate([first, second]))
        people = pd.Series([f"c{n}" for n in (*range(60), *range(30, 90))])
        groups = pd.Series(["a"] * 60 + ["b"] * 60)
        wrong += differences(values, groups, customers=people)[0].clear
    assert 3 <= wrong <= 28  # 15 expected


def test_holm():
    assert holm([0.01, 0.04, 0.03, None]) == [0.03, 0.06, 0.06, None]
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_many_equal_groups_rarely_show_a_difference():
    generator = np.random.default_rng(4)
    alarms = 0
    for _ in range(200):
        values = pd.Series(generator.normal(size=180))
        groups = pd.Series(np.repeat(list("abcdef"), 30))
        alarms += any(d.clear for d in together(differences(values, groups)))
    assert alarms <= 20  # 10 expected at 5 % for the family


def test_independence_of_a_table():
    table = np.array([[30, 20], [15, 35]])
    assert independence(table) == pytest.approx(
        stats.chi2_contingency(table, correction=False).pvalue
    )
    assert independence(2 * table, deflate=0.5) == pytest.approx(independence(table))
    assert independence(np.array([[3, 1], [1, 2]])) is None  # too few to test
    assert independence(np.array([[30, 0], [20, 0]])) is None


def test_small_groups_are_not_shown():
    values = pd.Series([1.0, 2.0, 3.0] * 5)
    groups = pd.Series(["small"] * 3 + ["large"] * 12)
    found = by_group(values, groups, lambda part: mean_of(part, unit=""))
    assert found["small"].reason == "fewer than 10 respondents"
    assert found["large"].value == 2
    (difference,) = differences(values, groups)
    assert difference.p is None
    assert not difference.estimate.available
