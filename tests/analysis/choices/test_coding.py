"""Levels become columns as the formulas say."""

import numpy as np
import pandas as pd
import pytest

from analysis.choices.coding import Column, coding_of
from analysis.study import Study


@pytest.fixture
def coding(study):
    return coding_of(study, study.choice_exercise())


def test_columns_name_attribute_and_level(coding):
    assert coding.columns == (
        Column("taste", "plain", "effects"),
        Column("taste", "sweet", "effects"),
        Column("look", "poor", "effects"),
        Column("price", "", "linear"),
        Column("none", "", "none"),
    )


def test_effects_the_centred_price_and_none(coding):
    row = coding.row({"taste": "salty", "look": "poor", "price": "p4"})
    np.testing.assert_allclose(row, [-1, -1, 1, 2.0 - 1.25, 0])
    np.testing.assert_allclose(coding.row(None), [0, 0, 0, 0, 1])


def test_effects_columns_and_the_price_sum_to_zero_over_the_levels(coding, study):
    for attribute in study.choice_exercise().attributes:
        np.testing.assert_allclose(coding.table(attribute).sum(axis=0), 0, atol=1e-12)


def test_a_table_is_coded_row_by_row_alike(coding):
    frame = pd.DataFrame(
        {
            "taste": ["plain", "salty", None],
            "look": ["good", "poor", None],
            "price": ["p1", "p4", None],
        }
    )
    rows = [
        coding.row({"taste": "plain", "look": "good", "price": "p1"}),
        coding.row({"taste": "salty", "look": "poor", "price": "p4"}),
        coding.row(None),
    ]
    np.testing.assert_allclose(coding.matrix(frame), rows)


def test_contrasts_are_differences_of_rows(coding):
    start = coding.row({"taste": "plain", "look": "good", "price": "p1"})
    end = coding.row({"taste": "salty", "look": "good", "price": "p1"})
    np.testing.assert_allclose(coding.contrast("taste", "plain", "salty"), end - start)
    assert coding.contrast("price", "p1", "p3")[3] == pytest.approx(1.0)
    assert coding.contrast("price", 0.5, 0.75)[3] == pytest.approx(0.25)


def test_level_rows_hold_the_reference_level_and_none(coding):
    columns, rows = coding.level_rows()
    worths = dict(zip(columns, rows @ np.array([0.5, 0.2, -0.1, -2.0, 1.0]), strict=True))
    assert worths[Column("taste", "salty", "effects")] == pytest.approx(-0.7)
    assert worths[Column("look", "good", "effects")] == pytest.approx(0.1)
    assert worths[Column("price", "", "linear")] == -2.0
    assert worths[Column("none", "", "none")] == 1.0


def test_unknown_levels_and_numbers_for_effects_are_refused(coding):
    with pytest.raises(KeyError, match="no level 'bitter'"):
        coding.contrast("taste", "plain", "bitter")
    with pytest.raises(TypeError, match="not linear"):
        coding.contrast("taste", 1.0, 2.0)
    with pytest.raises(KeyError):
        coding.places("colour")


def test_an_attribute_with_a_range_is_centred_at_its_middle():
    speed = {
        "id": "speed",
        "label": "Speed",
        "coding": "linear",
        "range": {"least": 10, "greatest": 30},
    }
    exercise = {"id": "e", "question": "?", "attributes": [speed], "none": {}}
    study = Study.model_validate({"study": "s", "title": "S", "exercises": [exercise]})
    coding = coding_of(study, study.choice_exercise())
    frame = pd.DataFrame({"speed": [10.0, 25.0, np.nan]})
    np.testing.assert_allclose(coding.matrix(frame), [[-10, 0], [5, 0], [0, 1]])
    assert coding.contrast("speed", 10, 15)[0] == pytest.approx(5)
