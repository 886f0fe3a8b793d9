from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from analysis.customers.buying import Crowd
from analysis.customers.value_map import value_map

STEADY = Crowd(change=1.0, dispersion=0.0, n=0)

LINKED = pd.DataFrame(
    {
        "perceived_value": [50.0, 50, -50, -50, None],
        "days_last_13_weeks": [20, 0, 20, 0, 5],
        "days_before_39_weeks": [12, 60, 12, 60, 5],
        "spend_52_weeks": [100.0, 50, 80, 20, 10],
    },
    index=["a", "b", "c", "d", "e"],
).assign(first_purchase="2024-01-01")


def placed(linked, common=STEADY, **given):
    return value_map(linked, as_of=date(2026, 6, 30), common=common, **given)


def test_quadrants_follow_value_and_change():
    found = placed(LINKED, value_error=5, currency="USD")
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
    assert placed(LINKED, value_error=30, currency="USD").points["too_close"].all()
    quiet = LINKED.assign(days_last_13_weeks=[2, 0, 2, 0, 0], days_before_39_weeks=[3] * 5)
    assert placed(quiet, value_error=5, currency="USD").points["too_close"].all()


def test_spend_of_a_group_is_an_estimate_in_money():
    twice = pd.concat([LINKED, LINKED.assign(spend_52_weeks=60.0).add_prefix("", axis=1)])
    group = placed(twice, value_error=5, currency="USD").quadrants[0]
    assert (group.n, group.yearly_spend.value, group.yearly_spend.unit) == (2, 80, "USD")


def test_nobody_to_place():
    assert placed(LINKED.iloc[4:], value_error=5, currency="USD") is None


def test_no_map_of_one_customer_or_without_a_known_error():
    assert placed(LINKED.iloc[:1], value_error=5, currency="USD") is None
    assert placed(LINKED, value_error=float("inf"), currency="USD") is None


def test_new_customers_and_a_low_season_are_allowed_for():
    new = LINKED.assign(first_purchase=["2026-02-28", *["2024-01-01"] * 3, "2026-06-01"])
    found = placed(new, value_error=5, currency="USD").points
    # Known for 122 days: 31 before the last 91, in which 11 more purchase days make 32 expected.
    assert found.loc["a", "engagement"] == pytest.approx(20 - 11 * 91 / 31)
    low = placed(LINKED, Crowd(change=0.5, dispersion=0.0, n=500), value_error=5, currency="USD")
    assert low.points.loc["b", "engagement"] == -10
    unknown = LINKED.assign(first_purchase="2026-06-01")
    assert placed(unknown, value_error=5, currency="USD") is None


def test_bursts_widen_what_is_too_close():
    bursts = Crowd(change=1.0, dispersion=0.2, n=500)
    assert placed(LINKED, bursts, value_error=5, currency="USD").points.loc["a", "too_close"]
