import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import altair
import pytest
import vl_convert

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


def test_every_kind_of_mark_is_valid_vega_lite(report, monkeypatch):
    kinds = {}

    def keep(spec):
        for layer in spec["layer"]:
            kinds[str(layer["mark"])] = layer | {"data": {"values": layer["data"]["values"][:1]}}
        return "<svg></svg>"

    monkeypatch.setattr(vl_convert, "vegalite_to_svg", keep)
    draw(report)
    assert {layer["mark"]["type"] for layer in kinds.values()} >= {"text", "rect", "rule", "point"}
    size = {"width": 540, "height": 100, "padding": 0, "autosize": "none"}
    altair.LayerChart.from_dict({**size, "layer": list(kinds.values())})


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
        "print(sorted({'pandas', 'numpy', 'scipy', 'vl_convert'} & set(sys.modules)))"
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


def test_an_amount_has_as_many_figures_as_its_range_can_bear():
    """Of 111.53, 109.30 to 113.80, two figures would print one number three times."""
    of = Estimate(value=111.53, low=109.3, high=113.8, n=582, method="m", unit="USD")
    assert spoken(of) == "$112 ($109 to $114)"
    assert spoken(of.model_copy(update={"low": 60.0, "high": 160.0})) == "$110 ($60 to $160)"
    close = of.model_copy(update={"value": 37.0, "low": 36.6, "high": 38.4})
    assert spoken(close) == "$37.0 ($36.6 to $38.4)"


def test_agreement_and_counts_are_printed_as_they_are_judged():
    """A threshold of .65 needs two decimals; half a customer is none."""
    index = Estimate(value=0.698, low=0.636, high=0.821, n=460, method="m", unit="agreement")
    assert spoken(index) == "0.70 (0.64 to 0.82)"
    loss = Estimate(value=1.082, low=1.037, high=1.131, n=460, method="m", unit="nats")
    assert spoken(loss) == "1.082 (1.037 to 1.131)"
    people = Estimate(value=58.9, low=45.0, high=72.8, n=1760, method="m", unit="customers")
    assert spoken(people) == "59 (45 to 73)"


def test_the_strip_of_the_nps_adds_up_to_the_weighted_score(report):
    """Counts of 70, 20 and 10 of 100, weighted to 50, 20 and 30: the score is 20, not 60."""
    estimate = Estimate(value=20.0, low=5, high=35, n=100, method="weighted", unit="points")
    nps = report.nps.model_copy(
        update={"estimate": estimate, "promoters": 70, "passives": 20, "detractors": 10,
                "shares": (0.5, 0.2, 0.3)}
    )  # fmt: skip
    svg = draw(report.model_copy(update={"nps": nps}))["nps.wide"]
    assert "50% promoters" in svg
    assert "30% detractors" in svg
    assert "70%" not in svg
    older = nps.model_copy(update={"shares": None})
    assert "70% promoters" in draw(report.model_copy(update={"nps": older}))["nps.wide"]


def test_ranges_of_part_worths_show_whether_they_leave_zero_out(report):
    worth = report.part_worths[0]
    near = Estimate(value=-0.14, low=-0.22, high=-0.04, n=460, method="m", unit="logit")
    changed = report.model_copy(
        update={"part_worths": (worth.model_copy(update={"estimate": near}),)}
    )
    assert "−0.22 to −0.04" in draw(changed)["part_worths.wide"]


def test_a_crowded_map_keeps_its_shape(report):
    """Of 1,000 customers one in three is drawn, and not the 400 of the least value."""
    point, found = report.value_map.points[0], report.value_map
    points = tuple(
        point.model_copy(update={"value": float(n) - 500, "engagement": 1.0, "too_close": n >= 500})
        for n in range(1000)
    )
    crowd = found.model_copy(update={"points": points, "n": 1000, "value_cut": 0.0})
    svg = draw(report.model_copy(update={"value_map": crowd}))["value_map.wide"]
    assert "a dot for one in 3" in svg
    hollow = svg.count('stroke-width="0.9"')
    assert hollow == len(points[::3]) - len(points[:500:3])
    assert svg.count("<path") - hollow >= len(points[:500:3])


def test_long_labels_on_phones_do_not_run_into_their_figures(report):
    """'In the cream and two on top' beside −0.14 and its range: the figure goes below."""
    svg = draw(report)["part_worths.narrow"]
    found = re.findall(r"<text[^>]*translate\(([-0-9.]+),([-0-9.]+)\)[^>]*>([^<]+)<", svg)
    at = {text: (float(x), float(y)) for x, y, text in found}
    label = next(p for text, p in at.items() if text.startswith("In the cream and two"))
    figures = [p for text, p in at.items() if re.fullmatch(r"[+−][0-9.]+", text)]
    assert "In the cream and two on top" in at
    assert all(abs(y - label[1]) > 8 for _, y in figures)


def test_the_map_rests_on_everybody_on_it(report):
    page = report_fragment(report, draw(report))
    card = page[page.index('id="map"') :]
    assert f"<dd>{report.value_map.n} customers</dd>" in card[: card.index("</section>")]


@pytest.mark.parametrize("span", [(0.0, 0.31), (-1.2, 0.8), (0.0, 0.004), (-40.0, 1700.0)])
def test_ticks_are_few_round_and_cover(span):
    found = ticks(*span)
    assert found[0] <= span[0]
    assert found[-1] >= span[1]
    assert 3 <= len(found) <= 8
