"""Competitors in the report, and a headline that claims no more than its interval."""

from dataclasses import replace
from datetime import date

import pytest

from analysis.study import parse_study
from analysis.synthetic.archive_of import archive_of
from analysis.synthetic.generic import any_company
from analysis.value_report.build import build_report
from tests.analysis.ratings.test_relative_value import ITEMS, TEXT


@pytest.fixture(scope="module")
def archive():
    study = parse_study(TEXT)
    people = any_company(study, seed=3, today=date(2026, 11, 20), respondents=120)
    return archive_of(people, study)


def shifted(archive, brand, points):
    """The same answers, with all benefits of a brand moved on the scale."""
    answers = archive.answers.copy()
    mine = (answers["question"] == f"image__{brand}") & answers["item"].isin(ITEMS[:3])
    moved = answers.loc[mine, "value"].astype(int) + points
    answers.loc[mine, "value"] = moved.clip(1, 5).astype(str)
    return replace(archive, answers=answers)


def verdict(table, figure):
    return next(row[-1] for row in table.rows if row[0] == figure)


def section(archive):
    report = build_report(archive, seed=1, kinds=("live", "bot"))
    return next(s for s in report.sections if s.id == "relative_value"), report


def test_a_competitor_that_is_ahead_is_the_title(archive):
    found, report = section(shifted(archive, "south", 2))
    assert found.title.startswith("Us is ")
    assert "points behind South in " in found.title
    north, south, average = found.tables
    for row in (*north.rows, *south.rows, *average.rows):
        assert row[3].clear_of_zero == (row[-1] in ("ahead", "behind")), row[0]
    assert "Us less South" in south.caption
    assert average.caption.startswith("Us less all rated competitors, on average")
    assert verdict(south, "Quality") == "behind"
    assert verdict(north, "Quality") == "no clear difference"
    assert "of costs, less is better" in north.caption
    assert verdict(north, "Burden")
    assert "against South −" in found.text[0].replace("; against", ", against")
    assert "relative_value" in {method.id for method in report.methods}


def test_brands_alike_are_not_told_apart_and_no_headline_says_more(archive):
    found, report = section(archive)
    assert found.title == "No clear difference between Us and its 2 competitors"
    assert report.headlines[0].text.startswith("Customers feel they get about as much as it costs")
