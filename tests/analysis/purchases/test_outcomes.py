from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from analysis.purchases.outcomes import outcomes


def frame(days, amounts=None, customer="a"):
    return pd.DataFrame(
        {
            "customer": customer,
            "time": pd.to_datetime(days),
            "amount": amounts or [100] * len(days),
        }
    )


def test_the_answering_day_is_in_neither_window():
    bought = frame(["2026-01-09", "2026-01-10", "2026-01-11"])
    answered = pd.DataFrame({"customer": ["a"], "answered_on": ["2026-01-10"]})
    found = outcomes(bought, answered, weeks_after=13, as_of=date(2026, 12, 31)).iloc[0]
    assert (found["days_before"], found["days_after"]) == (1, 1)
    assert found["weeks_after"] == 13


def test_windows_and_exposure():
    bought = frame(
        ["2025-01-10", "2025-01-11", "2026-01-05", "2026-01-05", "2026-01-20", "2026-04-12"],
        [500, 100, 100, 100, -50, 700],
    )
    answered = pd.DataFrame({"customer": ["a"], "answered_on": ["2026-01-10T23:00:00Z"]})
    found = outcomes(bought, answered, weeks_after=13, as_of=date(2026, 1, 31)).iloc[0]
    # 52 weeks before 2026-01-10 start on 2025-01-11
    assert (found["days_before"], found["spend_before"], found["weeks_before"]) == (2, 3.0, 52)
    assert (found["days_after"], found["spend_after"]) == (0, -0.5)
    assert found["weeks_after"] == 3
    assert found["answered_on"] == "2026-01-10"


def test_a_new_customer_is_exposed_since_the_first_purchase():
    answered = pd.DataFrame({"customer": ["a", "z"], "answered_on": ["2026-01-15", "2026-02-01"]})
    found = outcomes(frame(["2026-01-01"]), answered, weeks_after=4, as_of=date(2026, 1, 20))
    assert list(found["customer"]) == ["a", "z"]
    assert list(found["weeks_before"]) == [2, 0]
    assert list(found["days_before"]) == [1, 0]
    assert list(found["weeks_after"]) == pytest.approx([5 / 7, 0])


def test_purchases_after_the_known_day_are_left_out():
    answered = pd.DataFrame({"customer": ["a"], "answered_on": ["2026-01-01"]})
    found = outcomes(frame(["2026-01-20"]), answered, weeks_after=4, as_of=date(2026, 1, 10))
    assert found["days_after"].iloc[0] == 0


def test_a_customer_stands_once():
    answered = pd.DataFrame({"customer": ["a", "a"], "answered_on": ["2026-01-01"] * 2})
    with pytest.raises(ValueError, match="twice"):
        outcomes(frame(["2026-01-20"]), answered, weeks_after=4, as_of=date(2026, 1, 10))


def test_days_at_full_price_are_those_with_something_not_known_to_be_on_sale():
    days = ["2026-01-01", "2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04", "2026-02-01"]
    bought = frame(days, [100, 100, 100, 100, -100, 100])
    bought["on_sale"] = [True, False, True, None, False, False]
    answered = pd.DataFrame({"customer": ["a"], "answered_on": ["2026-01-20"]})
    found = outcomes(bought, answered, weeks_after=13, as_of=date(2026, 3, 1)).iloc[0]
    # the 1st (one of two lines) and the 3rd (not known); the 4th is a refund, February is after
    assert (found["days_before"], found["full_price_days_before"]) == (3, 2)
