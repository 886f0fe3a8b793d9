from __future__ import annotations

import pandas as pd
import pytest

from analysis.customers.value_map import value_map

LINKED = pd.DataFrame(
    {
        "perceived_value": [50.0, 50, -50, -50, None],
        "days_last_13_weeks": [20, 0, 20, 0, 5],
        "days_before_39_weeks": [12, 60, 12, 60, 5],
        "spend_52_weeks": [100.0, 50, 80, 20, 10],
    },
    index=["a", "b", "c", "d", "e"],
)


def test_quadrants_follow_value_and_change():
    found = value_map(LINKED, value_error=5, currency="USD")
    assert found.points["quadrant"].to_dict() == {
        "a": "keep_close",
        "b": "at_risk",
        "c": "habit",
        "d": "leave_alone",
    }
    assert found.points.loc["b", "engagement"] == -20
    assert not found.points["too_close"].any()
    assert (found.n, found.value_cut, found.engagement_cut) == (4, 0, 0)
    assert found.value_band == pytest.approx(9.8, abs=0.01)
    assert [q.n for q in found.quadrants] == [1, 1, 1, 1]


def test_too_close_by_value_or_by_purchases():
    assert value_map(LINKED, value_error=30, currency="USD").points["too_close"].all()
    quiet = LINKED.assign(days_last_13_weeks=[2, 0, 2, 0, 0], days_before_39_weeks=[3] * 5)
    assert value_map(quiet, value_error=5, currency="USD").points["too_close"].all()


def test_spend_of_a_group_is_an_estimate_in_money():
    twice = pd.concat([LINKED, LINKED.assign(spend_52_weeks=60.0).add_prefix("", axis=1)])
    group = value_map(twice, value_error=5, currency="USD").quadrants[0]
    assert (group.n, group.yearly_spend.value, group.yearly_spend.unit) == (2, 80, "USD")


def test_nobody_to_place():
    assert value_map(LINKED.iloc[4:], value_error=5, currency="USD") is None


def test_no_map_of_one_customer_or_without_a_known_error():
    assert value_map(LINKED.iloc[:1], value_error=5, currency="USD") is None
    assert value_map(LINKED, value_error=float("inf"), currency="USD") is None
