"""What respondents had done before they answered, recomputed by hand from small ledgers."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis.customers.behaviour import behaviour

ANSWERED = pd.DataFrame(
    {
        "respondent": ["r1", "r2", "r3"],
        "customer": ["a", "b", "c"],
        "answered_on": ["2026-06-30", "2026-06-30", "2026-06-30"],
    }
)
PURCHASES = pd.DataFrame(
    {
        "customer": ["a", "a", "a", "a", "b", "c"],
        "time": pd.to_datetime(
            # last period; same; third period; the day of the answer; refund only; after it
            ["2026-06-29", "2026-05-01", "2025-12-01", "2026-06-30", "2026-06-01", "2026-07-02"]
        ),
        "amount": [1000, 500, 300, 9900, -200, 700],
    }
)
NONE = pd.DataFrame(columns=["customer", "time", "event", "action"])


def of(**changes):
    given = {
        "purchases": PURCHASES,
        "points": pd.Series([0.0, 10.0, 33.0, 100.0]),
        "events": NONE,
        "loyalty": NONE,
        "as_of": date(2026, 9, 30),
    }
    return behaviour(ANSWERED, **(given | changes)).set_index("respondent")


def test_purchases_end_the_day_before_the_answer():
    found = of()
    assert found.loc["r1", "until"] == "2026-06-29"
    assert found.loc["r1", "points"] == 2 * 15 + 3  # the latest 91 days count double
    assert found.loc["r1", "points_place"] == 62.5  # two of four below, one the same
    assert found.loc["r1", "retention"] == pytest.approx(2 / 3)  # of three periods since the first
    assert found.loc[["r2", "r3"], ["points", "retention"]].isna().all(axis=None)


def test_scores_do_not_reach_beyond_the_as_of_day():
    found = of(as_of=date(2026, 6, 10))
    assert found.loc["r1", "until"] == "2026-06-10"
    assert found.loc["r1", "points"] == 2 * 5 + 3


def test_events_and_loyalty_count_periods_and_are_missing_without_a_ledger():
    days = ["2026-06-29", "2026-06-01", "2026-01-15", "2025-06-01", "2026-06-30"]
    events = pd.DataFrame({"customer": "a", "time": pd.to_datetime(days), "event": "like"})
    loyalty = pd.DataFrame(
        {
            "customer": ["a", "a", "b"],
            "time": pd.to_datetime(["2026-06-01", "2026-02-01", "2026-06-01"]),
            "action": ["joined", "earned", "redeemed"],
        }
    )
    found = of(events=events, loyalty=loyalty)
    assert list(found["event_periods"]) == [2, 0, 0]
    assert list(found["loyalty_periods"]) == [1, 1, 0]
    without = of()
    assert np.isnan(without[["event_periods", "loyalty_periods"]]).all(axis=None)


def test_without_purchases_the_rest_is_there():
    events = pd.DataFrame(
        {"customer": ["c"], "time": pd.to_datetime(["2026-06-01"]), "event": ["share"]}
    )
    found = of(purchases=PURCHASES.iloc[:0], points=pd.Series(dtype=float), events=events)
    assert list(found["event_periods"]) == [0, 0, 1]
    assert found["points"].isna().all()
