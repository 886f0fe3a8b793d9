from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.ratings.gaps import gap_estimate, gap_scores, item_gaps
from analysis.ratings.scales import (
    construct_scores,
    cronbach_alpha,
    mean_estimate,
    reliability,
)
from analysis.study import parse_study

STUDY_TEXT = """
study: small
title: Small
constructs:
  - {id: quality, label: Quality, facet: functional_value}
  - {id: burden, label: Burden, facet: monetary_cost}
scales: {agreement: [a, b, c, d, e]}
pages:
  - id: one
    questions:
      - id: before
        kind: matrix
        text: Before
        scale: agreement
        items:
          - {id: fresh, text: Fresh, measures: quality, asked_as: desired}
      - id: now
        kind: matrix
        text: Now
        scale: agreement
        items:
          - {id: fresh, text: Fresh, measures: quality}
          - {id: stale, text: Stale, measures: quality, reversed: true}
          - {id: same, text: Same, measures: quality}
      - {id: dear, kind: rating, text: Dear, least: 0, greatest: 10, low_label: a,
         high_label: b, measures: burden}
"""
STUDY = parse_study(STUDY_TEXT)


def answers(rows):
    columns = ["respondent", "question", "item", "value", "status"]
    return pd.DataFrame([(*row, "answered") for row in rows], columns=columns)


ROWS = [
    ("r1", "now", "fresh", "5"),
    ("r1", "now", "stale", "1"),
    ("r1", "now", "same", "3"),
    ("r1", "before", "fresh", "2"),
    ("r1", "dear", "", "5"),
    ("r2", "now", "fresh", "4"),
    ("r2", "now", "stale", "4"),
    ("r3", "now", "fresh", "4"),
    ("r3", "before", "fresh", "4"),
]


def test_scores_turn_reversed_items_and_need_half_of_the_items():
    scores = construct_scores(STUDY, answers(ROWS))
    assert list(scores.columns) == ["quality.desired", "quality.perceived", "burden.perceived"]
    assert scores.loc["r1", "quality.perceived"] == pytest.approx((100 + 100 + 50) / 3)
    assert scores.loc["r1", "quality.desired"] == 25
    assert scores.loc["r1", "burden.perceived"] == 50
    assert scores.loc["r2", "quality.perceived"] == pytest.approx((75 + 25) / 2)
    assert np.isnan(scores.loc["r3", "quality.perceived"])


def test_skipped_answers_do_not_count():
    skipped = answers(ROWS)
    skipped.loc[(skipped["respondent"] == "r2"), "status"] = "skipped"
    assert np.isnan(construct_scores(STUDY, skipped).loc["r2", "quality.perceived"])


def test_answers_outside_the_scale_are_all_listed():
    with pytest.raises(ValueError, match=r"r8, now.fresh: '6'\n- respondent r9, now.fresh: 'x'"):
        construct_scores(STUDY, answers([("r8", "now", "fresh", "6"), ("r9", "now", "fresh", "x")]))


def test_gap_is_paired_within_respondents_on_the_items_asked_both_ways():
    gaps, pairing = gap_scores(STUDY, answers(ROWS), "quality")
    assert gaps.dropna().to_dict() == {"r1": 75, "r3": 0}  # not the score of 83 less 25
    assert "1 item asked both ways" in gap_estimate(gaps, pairing).method
    assert gap_estimate(gaps, pairing).value == 37.5
    assert gap_scores(STUDY, answers(ROWS), "burden") is None


def test_where_the_items_differ_the_gap_is_that_of_the_scores_and_says_so():
    text = STUDY_TEXT.replace("{id: fresh, text: Fresh, measures: quality, asked", "{id: new, "
                              "text: New, measures: quality, asked")  # fmt: skip
    rows = [(r, q, "new" if q == "before" else i, v) for r, q, i, v in ROWS]
    gaps, pairing = gap_scores(parse_study(text), answers(rows), "quality")
    assert gaps.dropna().to_dict() == {"r1": pytest.approx(250 / 3 - 25)}
    assert "the items differ" in pairing


def test_the_gap_of_an_item_is_tested_as_a_paired_t_test():
    rng = np.random.default_rng(4)
    rows = []
    for n in range(40):
        wanted = int(rng.integers(2, 6))
        felt = int(np.clip(wanted - rng.integers(0, 3), 1, 5))
        rows += [
            (f"r{n:02}", "before", "fresh", str(wanted)),
            (f"r{n:02}", "now", "fresh", str(felt)),
        ]
    (found,) = item_gaps(STUDY, answers(rows))
    table = pd.DataFrame(rows).pivot(index=0, columns=1, values=3).astype(float)
    expected = stats.ttest_rel(table["now"], table["before"])
    assert found.p == pytest.approx(expected.pvalue)
    assert found.gap.value == pytest.approx(25 * (table["now"] - table["before"]).mean())
    weights = pd.Series(1.0, index=table.index)
    (same,) = item_gaps(STUDY, answers(rows), weights=weights)
    assert same.p == pytest.approx(found.p)


def test_mean_has_the_t_interval_of_the_textbook():
    found = mean_estimate(pd.Series([10.0, 20, 30, np.nan]))
    assert found.n == 3
    assert (found.value, found.low) == pytest.approx((20, 20 - 4.302653 * 10 / np.sqrt(3)))


def test_mean_of_equal_scores_is_unavailable():
    assert "same score" in mean_estimate(pd.Series([50.0, 50, 50])).reason
    assert "needs two" in mean_estimate(pd.Series([50.0])).reason


def test_alpha_equals_the_definition_by_average_covariance():
    items = np.array([[1, 2, 1], [2, 2, 3], [4, 3, 4], [5, 4, 4], [3, 3, 2.0]])
    covariance = np.cov(items.T)
    between = covariance[np.triu_indices(3, 1)].mean()
    average = np.trace(covariance) / 3
    found = cronbach_alpha(items)
    assert found.value == pytest.approx(3 * between / (average + 2 * between))
    assert found.low < found.value < found.high < 1


def test_alpha_needs_two_items_and_variance():
    assert cronbach_alpha(np.ones((5, 1))).reason == "1 item(s): alpha needs two"
    assert "do not vary" in cronbach_alpha(np.ones((5, 3))).reason
    single = reliability(STUDY, answers(ROWS), "burden")
    assert single.reason == "1 item(s): alpha needs two"


def test_two_items_name_spearman_brown():
    items = np.array([[1, 2], [2, 1], [3, 4], [4, 3.0]])
    assert "Spearman-Brown 0.75" in cronbach_alpha(items).method


@pytest.mark.deep
def test_feldt_interval_covers_the_truth():
    rng = np.random.default_rng(3)
    truth = 0.8
    ratio = truth / (4 * (1 - truth))
    hits = 0
    for _ in range(4000):
        items = rng.normal(size=(60, 1)) * np.sqrt(ratio) + rng.normal(size=(60, 4))
        found = cronbach_alpha(items)
        hits += found.low <= truth <= found.high
    assert 0.94 <= hits / 4000 <= 0.96


@pytest.mark.parametrize("score", [(25 + 50 + 50) / 3, 100 * 2 / 7])
def test_the_same_score_of_all_claims_no_interval_whatever_its_last_digit(score):
    same = pd.Series(np.full(400, score))
    assert "same score" in mean_estimate(same).reason
    assert "same score" in mean_estimate(same + np.linspace(0, 1e-13, 400)).reason
