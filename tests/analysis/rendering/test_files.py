"""The report as PDF, slides and sheets: structure, numbers, words, and nothing that acts."""

import io

import openpyxl
import pytest
from pptx import Presentation
from pptx.util import Inches
from pypdf import PdfReader

from analysis.estimate import Estimate
from analysis.rendering.charts import draw
from analysis.rendering.files import Beside, report_as
from analysis.rendering.slide_charts import stacked
from analysis.value_report.section import Section, Table
from analysis.value_report.small_cells import without_small_cells
from analysis.value_report.subset import SubsetFault, parse_groups


@pytest.fixture(scope="module")
def charts(report):
    return draw(report)


def tags(node, found):
    """All structure elements below a node of the tag tree."""
    node = node.get_object()
    if isinstance(node, list):
        for one in node:
            tags(one, found)
    elif hasattr(node, "get"):
        if "/S" in node:
            found.append((node["/S"], node.get("/Alt")))
        if "/K" in node and not isinstance(node["/K"], int):
            tags(node["/K"], found)
    return found


def test_the_pdf_is_tagged_has_a_language_header_cells_and_text_alternatives(report, charts):
    made = report_as("pdf", report, charts, Beside(stale=("Twelve answers came since.",)))
    pdf = PdfReader(io.BytesIO(made))
    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert str(root["/Lang"]).startswith("en")
    assert report.header.title in pdf.metadata.title
    assert [round(float(x)) for x in pdf.pages[0].mediabox[2:]] == [595, 842]
    found = tags(root["/StructTreeRoot"], [])
    names = {name for name, _ in found}
    assert {"/H1", "/H2", "/Table", "/TH", "/TD", "/Figure"} <= names
    assert all(alt for name, alt in found if name == "/Figure")
    assert "Twelve answers came since" in pdf.pages[0].extract_text()


def test_slides_have_native_charts_with_intervals_alternatives_and_notes(report, charts):
    deck = Presentation(io.BytesIO(report_as("pptx", report, charts)))
    drawn = [(s, shape) for s in deck.slides for shape in s.shapes if shape.has_chart]
    assert len(drawn) >= 5
    for slide, shape in drawn:
        assert slide.shapes[0] == slide.shapes.title
        assert slide.shapes.title.text
        assert shape._element.nvGraphicFramePr.cNvPr.get("descr")
        assert "Study version 1" in slide.notes_slide.notes_text_frame.text


def bars_of(deck, caption):
    """Ends and mark of every row that the chart of a caption draws, from its stacked bars."""
    charts = [x for s in deck.slides for x in s.shapes if x.has_chart]
    named = {x._element.nvGraphicFramePr.cNvPr.get("title"): x for x in charts}
    plot = named[caption].chart.plots[0]
    above = [s.values for s in plot.series if not s.name.endswith("under zero")]
    below = [s.values for s in plot.series if s.name.endswith("under zero")]
    rows = {}
    for n, name in enumerate(plot.categories):
        cuts = [sum(s[n] for s in side[:k]) for side in (above, below) for k in range(1, 5) if side]
        rows[name] = cuts
    return rows


def test_bars_of_slides_begin_and_end_where_the_intervals_do(report, charts):
    deck = Presentation(io.BytesIO(report_as("pptx", report, charts)))
    drawn = bars_of(deck, "Stated willingness to pay for each change")
    assert len(drawn) == len(report.upgrades)
    for (name, cuts), upgrade in zip(drawn.items(), report.upgrades, strict=True):
        found = upgrade.estimate
        assert upgrade.label in name
        assert cuts[0] == pytest.approx(max(found.low, 0))
        assert cuts[3] == pytest.approx(max(found.high, 0))
        assert cuts[1] <= max(found.value, 0) <= cuts[2]


def test_an_interval_on_both_sides_of_zero_is_drawn_on_both():
    spans = [(-0.5, -2.0, 1.0), (3.0, 2.0, 4.0), (-2.0, -3.0, -1.0)]
    made = stacked(spans, 0.1)
    above = [[made[name][row] for name in list(made)[:4]] for row in range(3)]
    below = [[made[name][row] for name in list(made)[4:]] for row in range(3)]
    assert [sum(row) for row in above] == pytest.approx([1.0, 4.0, 0.0])
    assert [sum(row) for row in below] == pytest.approx([-2.0, 0.0, -3.0])
    assert [row[0] for row in above] == [0.0, 2.0, 0.0]
    assert [row[0] for row in below] == [0.0, 0.0, -1.0]


def test_tables_of_slides_end_above_the_line_of_their_source(report, charts):
    words = "quality you can rely on is felt below what was expected " * 4
    rows = tuple((f"segment {n}", words) for n in range(20))
    table = Table(id="long", caption="Long", columns=("Segment", "Evidence"), rows=rows)
    section = Section(id="long", title="Long", method="sample", tables=(table,))
    long = report.model_copy(update={"sections": (section,)})
    deck = Presentation(io.BytesIO(report_as("pptx", long, charts)))
    shapes = [x for s in deck.slides for x in s.shapes if x.has_table]
    assert all(x.top + sum(r.height for r in x.table.rows) < Inches(6.8) for x in shapes)
    names = [r.cells[0].text for x in shapes for r in x.table.rows]
    assert [name for name in names if name.startswith("segment ")] == [row[0] for row in rows]


def test_sheets_hold_numbers_and_text_never_becomes_a_formula(report, charts):
    trap = "=cmd|' /C calc'!A0"
    cell = Estimate(value=0.5, low=0.4, high=0.6, n=100, method="by hand", unit="share")
    table = Table(id="trap", caption="Trap", columns=("Answer", "Share"), rows=((trap, cell),))
    section = Section(id="trap", title="Trap", method="sample", tables=(table,))
    trapped = report.model_copy(update={"sections": (section,)})
    book = openpyxl.load_workbook(io.BytesIO(report_as("xlsx", trapped, charts)))
    sheet = book["Trap"]
    assert [c.value for c in sheet[1]] == [
        "Answer", "Share", "Share: low", "Share: high", "Share: n", "Share: method",
    ]  # fmt: skip
    assert [c.value for c in sheet[2]] == [trap, 0.5, 0.4, 0.6, 100, "by hand [share]"]
    assert sheet["A2"].data_type == "s"
    assert sheet.freeze_panes == "B2"
    assert book["Upgrades"]._charts
    assert not [c for s in book for row in s.iter_rows() for c in row if c.data_type == "f"]


def test_without_customers_no_key_is_in_any_format(report, charts):
    key = report.best_customers[0].customer
    for kind in ("html", "json", "xlsx"):
        assert report_as(kind, report, charts)
    assert key in report_as("json", report, charts).decode()
    for kind in ("html", "json"):
        assert key not in report_as(kind, report, charts, Beside(customers=False)).decode()


def of(n):
    return Estimate(value=float(n), low=0, high=100, n=n, method="mean", unit="points")


def test_a_small_group_and_the_next_smallest_are_hidden(report):
    row = ("Score", of(40), of(9), of(20))
    table = Table(id="t", caption="T", columns=("F", "a", "b", "c"), rows=(row,), groups=(1, 2, 3))
    section = Section(id="s", title="S", method="sample", tables=(table,))
    seen = without_small_cells(report.model_copy(update={"sections": (section,)}))
    cells = seen.sections[0].tables[0].rows[0]
    assert [cell.available for cell in cells[1:]] == [True, False, False]
    assert cells[2].n == 0
    assert "fewer than 10" in cells[2].reason


def test_groups_are_named_with_all_faults_at_once():
    with pytest.raises(SubsetFault) as fault:
        parse_groups(["wave", "visits=a", "visits=b"])
    assert len(str(fault.value).splitlines()) == 2
