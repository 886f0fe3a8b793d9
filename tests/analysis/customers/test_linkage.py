from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from analysis.customers.linkage import link, linkable, share_estimate
from analysis.purchases.outcomes import outcomes
from analysis.purchases.score import score_customers
from analysis.study import read_study

STUDY = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")
RESPONDENTS = pd.DataFrame(
    [
        ("r1", "a", "2026-01-10T09:00:00Z"),
        ("r2", "a", "2026-01-12T09:00:00Z"),
        ("r3", "b", "2026-01-11T09:00:00Z"),
        ("r4", "c", None),
        ("r5", None, "2026-01-11T09:00:00Z"),
        ("r6", "d", "2026-01-11T09:00:00Z"),
        ("r7", "z", "2026-01-11T09:00:00Z"),
    ],
    columns=["respondent", "customer", "completed"],
)
ANSWERS = pd.DataFrame(
    [(f"r{n}", "linking", "", "no" if n == 6 else "yes", "answered") for n in range(1, 8)],
    columns=["respondent", "question", "item", "value", "status"],
)
PURCHASES = pd.DataFrame(
    {
        "customer": ["a", "a", "b", "d", "e", "f"],
        "time": pd.to_datetime(["2026-01-05", "2026-01-20", *["2026-01-02"] * 4]),
        "amount": [50_000, 40_000, 30_000, 100, 100, 200],
    }
)
AS_OF = date(2026, 2, 1)


def test_the_latest_completed_answer_with_consent_stands():
    found = linkable(STUDY, RESPONDENTS, ANSWERS)
    assert found.responses.to_dict("list") == {
        "customer": ["a", "b", "z"],
        "respondent": ["r2", "r3", "r7"],
        "answered_on": ["2026-01-12", "2026-01-11", "2026-01-11"],
    }
    assert (found.completed, found.without_consent, found.conflicts) == (6, 2, 1)


def linked():
    found = linkable(STUDY, RESPONDENTS, ANSWERS)
    answered = pd.DataFrame({"perceived_value": [1.0, 2, 3]}, index=["r1", "r2", "r3"])
    bought = outcomes(PURCHASES, found.responses, weeks_after=13, as_of=AS_OF)
    scores = score_customers(PURCHASES, as_of=AS_OF)
    return link(found, answered=answered, customers=scores, outcomes=bought)


def test_one_row_per_linked_customer():
    table = linked().table
    assert list(table.index) == ["a", "b"]
    assert list(table["perceived_value"]) == [2, 3]
    assert list(table["days_after"]) == [1, 0]
    assert table.loc["a", "points"] == 1800


def test_matches_and_misses_are_counted():
    found = linked()
    assert found.match_rate.value == pytest.approx(2 / 3)
    assert (found.unmatched_respondents, found.unmatched_buyers, found.found.conflicts) == (1, 3, 1)


def test_buyers_who_answered_are_compared_with_the_others():
    found = linked()
    spend = next(c for c in found.comparison if c.figure == "spend_52_weeks")
    assert (spend.linked, spend.others) == pytest.approx((600, 4 / 3))
    assert any("spend in 52 weeks is higher" in warning for warning in found.warnings)


def test_shares_at_the_ends_keep_their_width():
    assert share_estimate(10, 10).high == 1
    assert share_estimate(10, 10).low < 0.8
    assert share_estimate(0, 0).reason
