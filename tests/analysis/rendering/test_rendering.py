import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

from analysis.estimate import Estimate, unavailable
from analysis.rendering import canvas
from analysis.rendering.charts import draw
from analysis.rendering.figures import money, money_range, plain, spoken, whole
from analysis.rendering.html import STATIC, report_fragment, report_html
from analysis.rendering.rows import ticks
from analysis.rendering.section_charts import section_charts
from analysis.study import read_study

STUDY = read_study(Path(__file__).parents[3] / "examples" / "pastry" / "study.yaml")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def charts(report):
    return draw(report)


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.styled, self.tags, self.labels = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if "style" in given or any(name.startswith("on") for name in given):
            self.styled.append((tag, given))
        self.labels += given.get("aria-labelledby", "").split()


def test_every_chart_is_drawn_wide_and_narrow(report, charts):
    names = {"upgrades", "value_map", "part_worths", "importances", "tag_values", "nps"}
    names |= {name for name, _ in section_charts(report)}
    assert "drivers_1.where_to_improve" in names
    assert set(charts) == {f"{n}.{w}" for n in names for w in ("wide", "narrow")}
    for key, svg in charts.items():
        assert ET.fromstring(svg).get("width") == ("540" if key.endswith("wide") else "328")


def test_charts_have_words_and_no_styles(charts):
    for key, svg in charts.items():
        root = ET.fromstring(svg)
        assert root.get("role") == "img"
        title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
        assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
        assert title.text
        assert re.search(r"\d", desc.text), key
        assert "style" not in svg
        assert "<script" not in svg


def test_the_words_of_a_chart_hold_its_numbers(report, charts):
    desc = ET.fromstring(charts["upgrades.wide"]).find(f"{SVG}desc").text
    for upgrade in report.upgrades:
        assert f"{upgrade.to_level}: {money(upgrade.estimate.value, 'USD')}" in desc


def test_a_larger_value_stands_further_right(report, charts):
    texts = ET.fromstring(charts["upgrades.wide"]).iter(f"{SVG}text")
    order = [t.text for t in texts if t.text in {u.to_level for u in report.upgrades}]
    ranked = sorted(report.upgrades, key=lambda u: -u.estimate.value)
    wanted = [u.to_level for u in ranked if u.to_level in order]
    assert order == wanted


def test_every_colour_of_the_charts_has_a_token(charts):
    css = (STATIC / "report.css").read_text()
    used = {c for svg in charts.values() for c in re.findall(r'(?:fill|stroke)="#\w{6}"', svg)}
    for colour in used:
        assert f".report .chart [{colour}]" in css, colour
    tokens = (STATIC / "tokens.css").read_text()
    for colour, _ in canvas.TAGS.values():
        assert colour in tokens


def test_the_fragment_fits_a_strict_policy(report, charts):
    page = Page(report_fragment(report, charts))
    assert page.styled == []
    assert not {"style", "script", "link"} & set(page.tags)
    assert len(page.ids) == len(set(page.ids))
    assert set(page.labels) <= set(page.ids)
    assert page.tags.count("h1") == 1


def test_every_number_opens_how_it_was_made(report, charts):
    fragment = report_fragment(report, charts)
    first = fragment[: fragment.index('class="cards"')]
    assert first.count("How this number was made") == len(report.key_figures) == 3
    for figure in report.key_figures:
        assert f"{whole(figure.estimate.n)} " in first


def test_the_file_stands_alone(report, charts):
    page = report_html(report, charts)
    assert page.startswith("<!doctype html>")
    assert "--functional" in page
    assert "@page" in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_simulated_people_are_named(report, charts):
    assert "Simulated people." in report_fragment(report, charts)
    header = report.header.model_copy(update={"simulated": False})
    real = report_fragment(report.model_copy(update={"header": header}), charts)
    assert "Simulated people" not in real


def test_what_people_wrote_is_escaped(report, charts):
    header = report.header.model_copy(update={"title": "<script>alert(1)</script>"})
    page = report_fragment(report.model_copy(update={"header": header}), charts)
    assert "<script>" not in page
    upgrade = report.upgrades[0].model_copy(update={"label": "<b>&"})
    svg = draw(report.model_copy(update={"upgrades": (upgrade,)}))["upgrades.wide"]
    assert "<b>" not in svg


def test_a_report_of_almost_nothing_is_a_page(report):
    header = report.header
    bare = type(report)(
        header=header,
        headlines=report.headlines[:1],
        key_figures=(),
        actions=(),
        methods=report.methods,
    )
    assert draw(bare) == {}
    assert "<h1" in report_fragment(bare, {})


def test_the_web_process_renders_without_statistics():
    program = (
        "import sys, analysis.rendering.html\n"
        "print(sorted({'pandas', 'numpy', 'altair', 'scipy', 'vl_convert'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.24, "24¢"),
        (-0.021, "−2¢"),
        (1.5, "150¢"),
        (8123.0, "$8,100"),
        (3.1, "$3.10"),
        (61, "$61"),
    ],
)
def test_money_in_words(value, said):
    assert money(value, "USD") == said


def test_numbers_in_words():
    assert money(0.24, "USD", signed=True) == "+24¢"
    assert money_range(0.19, 0.29, "USD") == "19¢ to 29¢"
    assert money_range(1.5, 2.5, "USD") == "$1.50 to $2.50"
    assert money(40.0, "CHF") == "40 CHF"
    assert plain(2345.0) == "2,300"
    assert money_range(0.27, float("inf"), "USD") == "27¢ to unlimited"
    assert whole(-31, signed=True) == "−31"
    share = Estimate(value=0.417, low=0.3, high=0.5, n=10, method="m", unit="share")
    assert spoken(share) == "42% (30% to 50%)"
    assert spoken(unavailable("too few", n=1, method="m")) == "not available: too few"


@pytest.mark.parametrize("span", [(0.0, 0.31), (-1.2, 0.8), (0.0, 0.004), (-40.0, 1700.0)])
def test_ticks_are_few_round_and_cover(span):
    found = ticks(*span)
    assert found[0] <= span[0]
    assert found[-1] >= span[1]
    assert 3 <= len(found) <= 8
