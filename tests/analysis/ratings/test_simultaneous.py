"""Intervals of several differences hold at once, and are the verdict."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.estimate import unavailable
from analysis.ratings.means import mean_of
from analysis.ratings.simultaneous import simultaneous


def differences(rng, effects, n=40):
    """Paired differences of people who differ in mood, which all lines share."""
    mood = rng.normal(0, 0.8, n)
    return [mean_of(pd.Series(e + mood + rng.normal(0, 1, n)), unit="points") for e in effects]


def test_by_hand():
    x = pd.Series([1.0, 2.0, 4.0, 5.0, 8.0])
    alone = mean_of(x, unit="points")
    silent = unavailable("nobody", n=0, method="mean")
    one, other, untested, none = simultaneous([alone, alone, alone, silent], [4.0, 4.0, None, 4.0])
    error = x.std(ddof=1) / 5**0.5
    half = stats.t.ppf(1 - 0.05 / 4, 4) * error
    assert one == other
    assert (one.estimate.low, one.estimate.high) == pytest.approx((4 - half, 4 + half))
    assert one.p == pytest.approx(2 * stats.ttest_1samp(x, 0).pvalue)
    assert one.estimate.method.endswith("simultaneous over 2 comparisons (Bonferroni)")
    assert (untested.estimate, untested.p, untested.clear) == (alone, None, False)
    assert (none.estimate, none.p) == (silent, None)


def test_a_single_comparison_keeps_its_interval_and_method():
    alone = mean_of(pd.Series([1.0, 2.0, 4.0, 5.0]), unit="points")
    (one,) = simultaneous([alone], [3.0])
    assert one.estimate.method == alone.method
    assert (one.estimate.low, one.estimate.high) == pytest.approx((alone.low, alone.high))


def test_the_interval_is_the_verdict():
    """Also where the p-value of one line alone, or Holm's, would say otherwise."""
    rng = np.random.default_rng(5)
    said = set()
    for _ in range(60):
        lines = differences(rng, (0.6, 0.5, 0.45, 0.4, 0.0))
        for wide, alone in zip(simultaneous(lines, [39.0] * 5), lines, strict=True):
            assert wide.clear == (wide.p < 0.05) == wide.estimate.clear_of_zero
            said.add((alone.clear_of_zero, wide.clear))
    assert said == {(False, False), (True, False), (True, True)}


def test_all_intervals_of_a_survey_hold_at_once():
    rng, effects, repeats = np.random.default_rng(6), (1.0, 0.7, 0.3, 0.0, -0.4, 0.0), 400
    held = 0
    for _ in range(repeats):
        wide = simultaneous(differences(rng, effects), [39.0] * 6)
        held += all(
            one.estimate.low <= e <= one.estimate.high for one, e in zip(wide, effects, strict=True)
        )
    assert held >= stats.binom.ppf(0.001, repeats, 0.95)
