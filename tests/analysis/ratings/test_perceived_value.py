from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.estimate import Estimate, unavailable
from analysis.ratings.perceived_value import (
    fieller,
    measurement_error,
    money_ratio,
    perceived_value,
)
from analysis.study import read_study

STUDY = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")
SCORES = pd.DataFrame(
    {
        "quality.perceived": [80.0, 60, 90, np.nan],
        "pleasure.perceived": [60.0, 40, 70, 50],
        "price_burden.perceived": [20.0, 60, 30, 50],
        "effort.perceived": [40.0, 20, 30, 50],
    },
    index=["a", "b", "c", "d"],
)


def test_difference_is_benefits_minus_costs_of_complete_respondents():
    found = perceived_value(STUDY, SCORES, reliabilities={})
    assert found.respondents["difference"].to_dict() == {"a": 40, "b": 10, "c": 50}
    assert found.difference.value == pytest.approx(100 / 3)
    assert found.weights == "equal within benefits and costs"


def test_ratio_of_rated_items_is_an_index_and_shows_its_zero():
    found = perceived_value(STUDY, SCORES, reliabilities={})
    assert found.ratio_is_index
    assert found.ratio.value == pytest.approx((200 / 3) / (100 / 3))
    assert "zero = lowest answer to every item" in found.ratio.method


def test_weights_of_the_plan_are_used():
    plan = STUDY.analysis.perceived_value.model_copy(
        update={"weights": {"quality": 3.0, "pleasure": 1.0, "price_burden": 1.0}}
    )
    analysis = STUDY.analysis.model_copy(update={"perceived_value": plan})
    found = perceived_value(
        STUDY.model_copy(update={"analysis": analysis}), SCORES, reliabilities={}
    )
    assert found.respondents.loc["a", "difference"] == pytest.approx(75 - 20)
    assert found.weights == "from the plan: quality 75%, pleasure 25%, price_burden 100%, effort 0%"


def test_measurement_error_follows_from_reliability():
    scores = pd.DataFrame({"x.perceived": [0.0, 10, 20], "y.perceived": [0.0, 20, 40]})
    alpha = Estimate(value=0.75, low=0.5, high=0.9, n=3, method="alpha")
    found = measurement_error(scores, {"x": 1.0, "y": 0.5}, {"x": alpha})
    assert found == pytest.approx(np.sqrt(100 * 0.25 + 0.25 * 400 * 0.4))


def test_money_ratio_wants_money():
    worth = Estimate(value=3.0, low=2.0, high=4.0, n=100, method="wtp", unit="USD")
    effort = Estimate(value=0.5, low=0.3, high=0.7, n=80, method="costed", unit="USD")
    found = money_ratio(worth, 1.0, effort=effort, currency="USD")
    assert found.value == pytest.approx(2.0)
    assert found.low < 2 < found.high
    assert found.n == 80
    points = worth.model_copy(update={"unit": "points of 100"})
    assert "no ratio scale" in money_ratio(points, 1.0, currency="USD").reason
    assert "effort not costed" in money_ratio(worth, 1.0, currency="USD").method
    absent = unavailable("not asked", n=0, method="wtp", unit="USD")
    assert "not asked" in money_ratio(absent, 1.0, currency="USD").reason
    assert "not above zero" in money_ratio(worth, 0.0, currency="USD").reason


def test_ratio_is_unavailable_when_costs_cannot_be_told_from_zero():
    found = fieller(5.0, 1.0, covariance=np.diag([1.0, 1.0]), n=9, method="m")
    assert found.reason == "the costs cannot be told from zero"


@pytest.mark.deep
def test_fieller_interval_covers_the_truth():
    rng = np.random.default_rng(5)
    covariance = np.array([[4.0, 1.0], [1.0, 2.0]])
    draws = rng.multivariate_normal([30, 15], covariance, size=4000)
    found = [fieller(t, b, covariance=covariance, n=9, method="m") for t, b in draws]
    assert 0.94 <= np.mean([f.low <= 2 <= f.high for f in found]) <= 0.96


def test_the_ratio_is_weighted_as_the_difference_is():
    weights = pd.Series([1.0, 3, 1, 1], index=SCORES.index)
    found = perceived_value(STUDY, SCORES, reliabilities={}, weights=weights)
    gains, pains = np.array([70.0, 50, 80]), np.array([30.0, 40, 30])
    weighed = [np.average(side, weights=[1, 3, 1]) for side in (gains, pains)]
    assert found.ratio.value == pytest.approx(weighed[0] / weighed[1])
    assert "weighted" in found.ratio.method
    plain = perceived_value(STUDY, SCORES, reliabilities={}).ratio
    equal = perceived_value(STUDY, SCORES, reliabilities={}, weights=weights * 0 + 2).ratio
    assert (equal.low, equal.high) == pytest.approx((plain.low, plain.high))


def test_the_error_of_one_respondent_cannot_be_judged():
    assert perceived_value(STUDY, SCORES.iloc[:1], reliabilities={}).error == float("inf")
