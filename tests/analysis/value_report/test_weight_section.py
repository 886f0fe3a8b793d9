"""The report of a weighted study: figures move as they should and the cost is said."""

from datetime import date
from pathlib import Path

import pytest

from analysis.archive import normalised
from analysis.study import read_study
from analysis.study.types import Weighting
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.pastry import pastry_company
from analysis.value_report.rating_parts import rating_parts
from analysis.value_report.used import used_rows
from analysis.value_report.weight_section import weight_section, weighted

DEMO = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")


def used(weighting):
    plan = DEMO.analysis.model_copy(update={"weighting": weighting})
    study = DEMO.model_copy(update={"analysis": plan})
    company = pastry_company(study, seed=3, today=date(2026, 11, 22), buyers=600, respondents=300)
    return weighted(used_rows(normalised(archive_of(company, study))))


def test_purchases_weight_the_report_and_its_cost_is_said():
    found = used(Weighting(purchases=True))
    section = weight_section(found, rating_parts(found))
    assert found.weights.mean() == pytest.approx(1)
    assert "effective n" in section.text[0]
    assert "take away only what purchases explain" in section.caution.replace("takes", "take")
    points = next(t for t in section.tables if t.caption == "Shares by points")
    assert [row[2] for row in points.rows] == ["20%"] * 5
    changes = section.tables[-1]
    assert changes.rows[0][0] == "Net Promoter Score"
    assert "effective n" in changes.rows[0][1].method
    assert "effective n" not in changes.rows[0][2].method


def test_margins_are_named_as_respondents_read_them():
    found = used(Weighting(margins={"visits": {"weekly": 0.3, "monthly": 0.5, "rarely": 0.2}}))
    (table,) = [t for t in weight_section(found, rating_parts(found)).tables if t.id == "margin_1"]
    assert table.caption == "Shares by How often do you buy from us?"
    assert {row[0] for row in table.rows} == {
        "Every week or more", "One to three times a month", "Less than once a month",
    }  # fmt: skip


def test_weights_that_cannot_be_had_are_a_warning_and_nobody_is_weighted():
    shares = {"weekly": 0.2, "monthly": 0.5, "rarely": 0.2}
    found = used(Weighting(margins={"visits": shares}))
    assert found.weights is None
    assert "Nobody is weighted" in found.warnings[-1]
    assert weight_section(found, rating_parts(found)) is None
