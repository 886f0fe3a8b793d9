from __future__ import annotations

import numpy as np
import pytest

from analysis.purchases.lifetime_value.grouped import Histories
from analysis.purchases.lifetime_value.residual_value import Horizon
from analysis.purchases.lifetime_value.season import Season, season_of

AGO = np.arange(130)
QUIET_THEN_BUSY = Season(np.repeat([0.5, 1.5], 26), 0.0)
"""The latest half year counts half, the one before it one and a half."""


def bought(shape, seed, level=120):
    """Purchases of the weeks ago, from few customers at first to ``level`` a week."""
    expected = level * (1 - AGO / 160)
    return np.random.default_rng(seed).poisson(expected * shape).astype(float), expected


@pytest.mark.parametrize("depth", [0.3, 0.6])
def test_a_season_is_found_as_it_is(depth):
    wave = 1 + depth * np.sin(2 * np.pi * AGO / 52)
    found = season_of(*bought(wave, 1))
    assert found.factors.mean() == pytest.approx(1)
    assert np.abs(found.factors - wave[:52]).max() < 0.2
    assert np.corrcoef(found.factors, wave[:52])[0, 1] > 0.95


def test_a_few_strong_weeks_every_year_are_a_season():
    peak = 1 + 1.5 * np.isin(AGO % 52, range(20, 24))
    factors = season_of(*bought(peak, 2)).factors
    assert factors[21:23].min() > 1.5
    assert factors[30:].max() < 1.2


def test_what_does_not_come_back_is_no_season():
    shapes = {
        "chance": np.ones(130),
        "a price rise lately": np.where(AGO < 8, 0.6, 1.0),
        "a shut shop": np.where((AGO > 2) & (AGO < 6), 0.05, 1.0),
        "growth and decline": 1 + 0.4 * np.sin(2 * np.pi * AGO / 200),
    }
    found = [
        season_of(*bought(shape, seed)) is not None
        for shape in shapes.values()
        for seed in range(50)
    ]
    assert np.mean(found) <= 0.02


def test_a_decline_that_has_just_begun_is_not_taken_for_season():
    wave = 1 + 0.6 * np.sin(2 * np.pi * AGO / 52)
    found = season_of(*bought(wave * np.where(AGO < 8, 0.5, 1.0), 3))
    assert np.abs(found.factors - wave[:52])[:8].max() < 0.25


def test_less_than_two_years_tell_no_season():
    wave = 1 + 0.6 * np.sin(2 * np.pi * AGO / 52)
    assert season_of(*(values[:103] for values in bought(wave, 1))) is None
    assert season_of(*(values[:104] for values in bought(wave, 1))) is not None


def test_weeks_count_what_is_bought_in_them():
    plain = Histories(
        x=np.array([0.0, 1.0, 2.0]),
        t_x=np.array([0.0, 30.0, 22.0]),
        T=np.array([40.0, 30.0, 52.0]),
        n=np.array([3.0, 1.0, 1.0]),
    )
    found = QUIET_THEN_BUSY.histories(plain)
    # 40 weeks ago: 26 that count half, and 14 that count one and a half.
    np.testing.assert_allclose(found.T, [13 + 21, 13 + 6, 52])
    np.testing.assert_allclose(found.t_x, [0, 19, 33])
    np.testing.assert_array_equal(found.x, plain.x)
    np.testing.assert_array_equal(found.n, plain.n)
    # The weeks ahead are those after the same days of a year ago: busy ones first.
    np.testing.assert_allclose(QUIET_THEN_BUSY.ahead(np.array([10, 26, 30, 52, 104])),
                               [15, 39, 41, 52, 104])  # fmt: skip
    earlier = QUIET_THEN_BUSY.before(26)
    np.testing.assert_allclose(earlier.ahead(np.array([10, 26])), [5, 13])


def test_a_horizon_keeps_its_discount_at_its_end():
    found = QUIET_THEN_BUSY.horizon(Horizon(26, 0.10, 0.4))
    assert (found.weeks, found.margin) == (pytest.approx(39), 0.4)
    assert (1 + found.discount) ** (39 / 52) == pytest.approx(1.10 ** (26 / 52))
    assert QUIET_THEN_BUSY.horizon(Horizon(2600)).weeks == pytest.approx(2600)
