from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.purchases.lifetime_value.calibration import Calibration
from analysis.purchases.lifetime_value.checks import Checks, stretched
from analysis.purchases.lifetime_value.past_forecast import PastForecast, chance_of
from analysis.purchases.lifetime_value.residual_value import Forecast
from analysis.purchases.lifetime_value.rhythm import Rhythm

CUT = date(2026, 1, 1)
QUARTER = PastForecast(CUT, 13, 900, 1000.0, 900.0, 1100.0, 800, 0.001)
YEAR = PastForecast(CUT, 52, 900, 4000.0, 3500.0, 4500.0, 4600, 0.02)


def validation(p=0.5, *, doubtful=0.9, bought=0.4):
    classes = pd.DataFrame(
        {
            "low": [0.0, 0.5, 0.8],
            "high": [0.5, 0.8, 1.0],
            "n": [300, 100, 500],
            "predicted": [0.2, 1.0, 3.6],
            "actual": [bought, 1.0, 3.7],
            "p": [0.01, 0.9, 0.9],
        }
    )
    return Calibration(
        CUT, 26, 900, 2000.0, 1800.0, 2200.0, 2000, p, doubtful, 0.6, 0.97, *[classes] * 3
    )


def test_a_total_beyond_chance_widens_intervals_by_the_error_seen():
    checks = Checks(QUARTER, validation(), YEAR)
    # Four checks: .001 is below .05 / 4, the next, .02, not below .05 / 3.
    assert checks.off == (QUARTER,)
    assert checks.stretch == 1.25
    both = Checks(QUARTER, validation(), replace(YEAR, p=0.012))
    assert both.stretch == 1.25
    upwards = Checks("none", validation(), replace(YEAR, p=0.001))
    assert upwards.stretch == pytest.approx(1.15)


def test_one_check_that_is_off_by_chance_is_no_warning():
    checks = Checks(replace(QUARTER, p=0.03), validation(0.04), replace(YEAR, p=0.02))
    assert not checks.off
    assert checks.stretch == 1
    assert Checks("too short", validation(0.024), "too short").off
    assert not Checks("too short", validation(0.026), "too short").off


def test_p_alive_is_wrong_where_those_who_may_have_left_buy_far_more_and_not_by_chance():
    wrong = Checks("none", validation(doubtful=0.001), "none").misjudged
    assert wrong["n"].to_list() == [300, 100]
    assert Checks("none", validation(doubtful=0.04), "none").misjudged.empty
    # 1.1 times as much, were it ever so certain, is not far.
    assert Checks("none", validation(doubtful=1e-9, bought=0.25), "none").misjudged.empty
    assert Checks.none("no forecast").misjudged.empty
    assert Checks.none("no forecast").stretch == 1


def test_a_rhythm_is_odd_when_far_from_random_and_not_by_chance():
    rhythms = [(3.0, 1e-9), (0.2, 1e-9), (1.3, 1e-9), (3.0, 0.2)]
    checks = [Checks(QUARTER, validation(), YEAR, Rhythm(300, ratio, p)) for ratio, p in rhythms]
    assert [own.odd_rhythm is not None for own in checks] == [True, True, False, False]


def test_the_chance_is_that_of_the_drawn_totals():
    drawn = 1000 * np.exp(0.05 * np.random.default_rng(1).standard_normal(4_000))
    assert chance_of(1000, drawn) > 0.9
    assert chance_of(round(1000 * np.exp(1.96 * 0.05)), drawn) == pytest.approx(0.05, abs=0.01)


def test_all_intervals_are_widened_and_no_estimate_moves():
    draws = np.random.default_rng(2).normal(100, 10, 400)
    customers = pd.DataFrame(
        {
            "expected_purchases": [2.0, 0.3],
            "purchases_low": [1.0, 0.0],
            "purchases_high": [4.0, 1.0],
            "residual_value": [20.0, 3.0],
            "value_low": [5.0, 0.0],
            "value_high": [40.0, np.nan],
        }
    )
    found = Forecast(customers, draws, draws * 5, np.stack([draws, 2 * draws]))
    wide = stretched(found, 1.3)
    for before, after in (
        (found.purchases, wide.purchases),
        (found.value, wide.value),
        (found.group_values[1], wide.group_values[1]),
    ):
        low, high = np.quantile(before, (0.025, 0.975))
        np.testing.assert_allclose(np.quantile(after, (0.025, 0.975)), [low / 1.3, 1.3 * high])
    assert wide.customers["purchases_high"].to_list() == [6, 2]
    assert wide.customers["purchases_low"].to_list() == [0, 0]
    np.testing.assert_allclose(wide.customers["value_high"], [52, np.nan])
    for name in ("expected_purchases", "residual_value"):
        assert wide.customers[name].equals(customers[name])
    assert stretched(found, 1.0) is found
