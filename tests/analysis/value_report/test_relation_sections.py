"""Paths between waves as the report says them, from planted answers."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.archive import normalised
from analysis.study import read_study
from analysis.study.types import Wave
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import pastry_company
from analysis.value_report.customer_parts import CustomerParts, customer_parts
from analysis.value_report.rating_parts import rating_parts
from analysis.value_report.relation_sections import relation_sections
from analysis.value_report.used import used_rows

DEMO = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")
WAVES = (Wave(id="w1", label="Spring"), Wave(id="w2", label="Autumn"))
STUDY = DEMO.model_copy(update={"waves": WAVES})


@pytest.fixture(scope="module")
def used():
    company = pastry_company(STUDY, seed=2, today=date(2026, 11, 22), buyers=600, respondents=300)
    return used_rows(normalised(archive_of(company, STUDY)))


def test_later_purchases_are_shown_as_measured_and_with_errors_removed(used):
    ratings = rating_parts(used)
    (section,) = relation_sections(used, ratings, customer_parts(used, ratings), seed=1)
    plain, corrected = (row[1] for row in section.tables[0].rows)
    assert section.id == "later_purchases"
    assert plain.available
    assert corrected.available
    assert corrected.value > plain.value  # errors of measurement hide a relation


def two_waves(used, slope):
    """The same customers twice; later engagement follows earlier value by ``slope``."""
    ratings, generator = rating_parts(used), np.random.default_rng(1)
    n = 400
    value = generator.normal(0, 10, (n, 2))
    value[:, 1] = 0.6 * value[:, 0] + generator.normal(0, 8, n)
    engagement = generator.normal(0, 10, (n, 2))
    engagement[:, 1] = slope * value[:, 0] + 0.4 * engagement[:, 0] + generator.normal(0, 6, n)
    names = [f"r{k}{n}" for k in (1, 2) for n in range(400)]
    people = pd.DataFrame(
        {
            "respondent": names,
            "customer": [name[2:] for name in names],
            "wave": ["w1"] * n + ["w2"] * n,
            "completed": "2026-05-01",
        }
    )
    columns = {
        f"{construct.id}.perceived": 50 + engagement.T.ravel()
        for construct in used.study.constructs
        if construct.facet.endswith("engagement")
    }
    answered = pd.DataFrame({"perceived_value": 20 + value.T.ravel(), **columns}, index=names)
    moved = replace(ratings, answered=answered, value_error=3.0)
    return relation_sections(replace(used, respondents=people), moved, CustomerParts(), seed=1)


def test_value_that_predicts_later_engagement_is_said_to_and_only_so_far(used):
    (section,) = two_waves(used, 0.5)
    assert section.title.startswith("Value predicts later engagement")
    assert "cannot tell a cause" in section.caution
    corrected = {row[0]: row[1] for row in section.tables[0].rows}
    found = corrected["Engagement, from earlier value"]
    assert found.low < 0.5 < found.high


def test_a_path_that_is_clearly_negative_is_not_called_none(used):
    (section,) = two_waves(used, -0.5)
    assert section.title.startswith("Higher value goes before lower engagement")
    corrected = {row[0]: row[1] for row in section.tables[0].rows}
    assert corrected["Engagement, from earlier value"].high < 0


def test_no_relation_is_called_none(used):
    (section,) = two_waves(used, 0.0)
    assert section.title.startswith("Neither value nor engagement")
