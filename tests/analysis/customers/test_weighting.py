"""Weights by purchases: what they can repair, and what they cannot."""

import numpy as np
import pandas as pd
import pytest

from analysis.customers.weighting import purchase_classes, weighting
from analysis.study import StudyFaults, parse_study

STUDY = """
study: weights
title: Weights
pages:
  - id: one
    questions:
      - id: visits
        kind: single_choice
        text: How often?
        options: [{{id: weekly, label: Every week}}, {{id: rarely, label: Rarely}}]
analysis:
  weighting: {weighting}
"""


def study(plan):
    return parse_study(STUDY.format(weighting=plan))


def world(*, by_purchases, seed=1, size=6000):
    """Customers of whom some answer: by how much they buy, or by how much they value us."""
    generator = np.random.default_rng(seed)
    habit = generator.normal(size=size)
    value = 50 + 8 * habit + generator.normal(0, 8, size)
    customers = pd.DataFrame(
        {
            "customer": [f"c{n}" for n in range(size)],
            "points": np.round(np.exp(3 + habit)),
            "recency_days": generator.integers(0, 500, size),
        }
    )
    reason = habit if by_purchases else (value - 50 - 8 * habit) / 8
    answers = generator.random(size) < 1 / (1 + np.exp(1 - 1.2 * reason))
    people = customers[answers].reset_index(drop=True)
    respondents = pd.DataFrame(
        {"respondent": "r" + people["customer"], "customer": people["customer"], "weight": 1.0}
    )
    return customers, respondents, value[answers], value.mean()


def estimates(by_purchases):
    customers, respondents, value, truth = world(by_purchases=by_purchases)
    none = pd.DataFrame(columns=["respondent", "question", "item", "value", "status"])
    found = weighting(study("{purchases: true}"), respondents, none, customers)
    weights = found.raked.weights.to_numpy()
    error = value.std() / found.raked.effective_n**0.5
    return value.mean() - truth, float(np.average(value, weights=weights)) - truth, error


def test_non_response_that_purchases_explain_is_repaired():
    before, after, error = estimates(by_purchases=True)
    assert before > 2.5
    assert abs(after) < 3 * error
    assert abs(after) < 0.25 * before


def test_non_response_that_purchases_do_not_explain_stays():
    before, after, _ = estimates(by_purchases=False)
    assert before > 2.5
    assert after > 0.75 * before


def test_customers_with_equal_points_are_in_one_class():
    points = [0.0] * 60 + list(range(1, 41))
    table = pd.DataFrame(
        {"customer": range(100), "points": points, "recency_days": [10] * 50 + [400] * 50}
    )
    classes = purchase_classes(table)
    assert classes["points"][:60].nunique() == 1
    assert set(classes["last purchase"]) == {"bought within 13 weeks", "longer ago"}


def test_too_few_linked_respondents_give_a_reason_instead_of_weights():
    customers, respondents, _, _ = world(by_purchases=True, size=120)
    none = pd.DataFrame(columns=["respondent", "question", "item", "value", "status"])
    found = weighting(study("{purchases: true}"), respondents, none, customers)
    assert found.raked is None
    assert "needs 100" in found.reason


def test_margins_of_a_study_are_checked_all_at_once():
    with pytest.raises(StudyFaults) as why:
        study("{margins: {visits: {weekly: 0.5, monthly: 0.4}, income: {low: 1.0}}}")
    said = str(why.value)
    for words in ("'monthly' is no answer", "'rarely' is without", "add up to 0.9", "income"):
        assert words in said
