"""Sections to dig into are drawn from plain data, whatever they are about."""

import xml.etree.ElementTree as ET

import pytest
from pydantic import ValidationError

from analysis.estimate import Estimate, unavailable
from analysis.rendering.charts import draw
from analysis.rendering.html import report_fragment
from analysis.value_report.types import Point, PointMap, Section, Table

SVG = "{http://www.w3.org/2000/svg}"


def estimate(value, unit="share", width=0.05):
    return Estimate(value=value, low=value - width, high=value + width, n=80, method="m", unit=unit)


MAP = PointMap(
    id="where",
    caption="Importance against performance",
    across="Performance",
    up="Importance",
    across_cut=50,
    up_cut=0.2,
    corners=("Improve first", "Keep up", "Leave", "Perhaps too much"),
    points=(
        Point(label="Speed", across=unavailable("not asked", n=0, method="m"), up=estimate(0.3)),
        Point(label="Taste", across=estimate(70, "points", 4), up=estimate(0.4)),
    ),
)
TABLE = Table(
    id="by_wave",
    caption="Promoters by wave",
    columns=("Wave", "Respondents", "Promoters"),
    rows=(
        ("<b>First</b>", 1200, estimate(0.41)),
        ("Second", 3, unavailable("fewer than 10", n=3, method="m")),
    ),
    chart=2,
)
SECTION = Section(
    id="waves",
    title="More promoters than a year ago",
    method="nps",
    text=("Up by six.",),
    tables=(TABLE,),
    maps=(MAP,),
)


@pytest.fixture(scope="module")
def shown(report):
    return report.model_copy(update={"sections": (SECTION,)})


def test_a_section_shows_its_figures_with_range_and_n_and_escapes_words(shown):
    page = report_fragment(shown, {})
    assert "More promoters than a year ago" in page
    assert '41%<span class="below">36% to 46%, n 80</span>' in page
    assert "fewer than 10" in page
    assert "1,200" in page
    assert "<b>First</b>" not in page
    assert "How this number was made" in page


def test_tables_and_maps_are_drawn_with_their_numbers_in_words(shown):
    charts = draw(shown)
    rows = ET.fromstring(charts["waves.by_wave.wide"]).find(f"{SVG}desc").text
    assert rows == "<b>First</b>: 41% (36% to 46%)"
    found = ET.fromstring(charts["waves.where.narrow"])
    assert found.find(f"{SVG}desc").text == "2, Taste: performance 70.0, importance 40%"
    numbers = [t.text for t in found.iter(f"{SVG}text")]
    assert "2" in numbers
    assert "1" not in numbers  # the number of the point that has no place
    assert charts["waves.where.wide"] in report_fragment(shown, charts)


def test_a_section_that_does_not_hold_together_is_refused():
    with pytest.raises(ValidationError, match="has not 3 cells"):
        Table(**{**TABLE.model_dump(), "rows": (("a", 1),)})
    with pytest.raises(ValidationError, match="no column 7"):
        Table(**{**TABLE.model_dump(), "chart": 7})
    with pytest.raises(ValidationError, match="same id"):
        Section(**{**SECTION.model_dump(), "tables": (TABLE, TABLE)})


def test_words_stand_at_the_left_and_figures_at_the_right(shown):
    evidence = "more customers buy clearly less often than chance lists"
    rows = (("bronze", 989, "$56,000", evidence), ("gold", 97, "-", "nearest"))
    table = Table(id="t", caption="T", columns=("Segment", "n", "Spend", "Evidence"), rows=rows)
    section = SECTION.model_copy(update={"tables": (table,), "maps": ()})
    page = report_fragment(shown.model_copy(update={"sections": (section,)}), {})
    assert f'<td class="words" data-label="Evidence"><span>{evidence}' in page
    assert '<td class="number" data-label="Spend"><span>$56,000' in page
    assert '<td class="number" data-label="n"><span>989' in page
