"""Scores of one respondent: the number of the analysis, and its band."""

import pandas as pd
import pytest

from analysis.ratings.scales import construct_scores
from analysis.study import Catalogue, StudyFaults, parse_study, read_study
from analysis.study.scoring import band_of, construct_score, scored, whole
from tests import builders

STUDY = read_study(builders.SELF_ASSESSMENT)


def answers(**given: str) -> dict[tuple[str, str], str]:
    """Answers to items written as question_item."""
    return {tuple(name.split("_")): value for name, value in given.items()}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # (100 + 75 + 50) / 3, and the reversed item at 'agree': 25.
        (answers(k_reasons="5", k_asked="4", k_lost="3", k_guessing="4"), (225 + 25) / 4),
        (answers(k_reasons="5", k_guessing="1"), 100.0),
        (answers(k_reasons="5"), None),
        ({}, None),
    ],
)
def test_the_number_is_that_of_the_analysis(given, expected):
    found = construct_score(STUDY, given, "knowing")
    assert found == (pytest.approx(expected) if expected is not None else None)
    rows = [
        {"respondent": "r", "question": q, "item": i, "value": v, "status": "answered"}
        for (q, i), v in (given | {("consent", ""): "yes"}).items()
    ]
    table = construct_scores(STUDY, pd.DataFrame(rows))
    value = table.loc["r", "knowing.perceived"]
    assert (None if pd.isna(value) else value) == found


def test_constructs_count_alike_and_one_without_answers_leaves_no_number():
    overall = STUDY.scores[0]
    full = {(q, i.id): "5" for q, i in ((q.id, i) for q, i in STUDY.items())}
    assert scored(STUDY, full, overall).value == pytest.approx((75 + 75 + 100) / 3)
    without = {key: value for key, value in full.items() if key[0] != "a"}
    assert scored(STUDY, without, overall) == type(scored(STUDY, full, overall))(
        overall, None, None
    )


@pytest.mark.parametrize(("value", "label"), [(0, 0), (49, 0), (50, 1), (74, 1), (75, 2), (100, 2)])
def test_a_band_begins_at_its_low_end(value, label):
    score = STUDY.scores[0]
    assert band_of(score, value) is score.bands[label]


def test_the_band_is_that_of_the_number_shown():
    assert whole(49.5) == 50 and whole(49.4) == 49 and whole(62.5) == 63


def test_a_shown_score_that_cannot_be_made_is_a_fault():
    with pytest.raises(StudyFaults) as raised:
        parse_study(
            "study: s\ntitle: T\nconstructs: [{id: c, label: C, facet: satisfaction}]\n"
            "scores:\n  - {id: x, label: X, constructs: [c], show_to_respondent: true,\n"
            "     bands: [{low: 10, high: 90, label: B}]}\n"
        )
    found = {(fault.code, fault.path) for fault in raised.value.faults}
    assert found == {
        (Catalogue.NO_ITEMS.name, "scores[0].constructs"),
        (Catalogue.IMPOSSIBLE.name, "scores[0].bands"),
    }
