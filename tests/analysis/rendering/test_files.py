"""The report as PDF, slides and sheets: structure, numbers, words, and nothing that acts."""

import io

import openpyxl
import pytest
from pptx import Presentation
from pptx.util import Inches
from pypdf import PdfReader

from analysis.estimate import Estimate, unavailable
from analysis.rendering.charts import draw
from analysis.rendering.files import Beside, report_as
from analysis.rendering.outline import outline
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


def seen_row(report, row, groups):
    columns = tuple(str(n) for n in range(len(row)))
    table = Table(id="t", caption="T", columns=columns, rows=(row,), groups=groups)
    section = Section(id="s", title="S", method="sample", tables=(table,))
    shown = without_small_cells(report.model_copy(update={"sections": (section,)}))
    return [cell.available for cell in shown.sections[0].tables[0].rows[0][1:]]


def test_small_groups_of_fewer_than_ten_together_hide_a_further_one(report):
    """Everybody less those shown would be the seven of both small groups."""
    assert seen_row(report, ("F", of(40), of(3), of(4), of(20)), (1, 2, 3, 4)) == [
        True, False, False, False,
    ]  # fmt: skip
    assert seen_row(report, ("F", of(40), of(6), of(7), of(20)), (1, 2, 3, 4)) == [
        True, False, False, True,
    ]  # fmt: skip


def test_a_difference_does_not_give_the_hidden_group_away(report):
    """The third wave less the difference would be the second, which is hidden for the first."""
    assert seen_row(report, ("F", of(5), of(20), of(100), of(120)), (1, 2, 3)) == [
        False, False, True, False,
    ]  # fmt: skip


def test_a_difference_in_words_does_not_give_the_hidden_group_away(report):
    words = "b above a by 5.1 (2.0 to 8.2)"
    for sizes, said in (((5, 20, 100), "not shown"), ((20, 30, 100), words)):
        row = ("F", *(of(n) for n in sizes), words)
        columns = tuple(str(n) for n in range(len(row)))
        table = Table(id="t", caption="T", columns=columns, rows=(row,), groups=(1, 2, 3))
        section = Section(id="s", title="S", method="sample", tables=(table,))
        shown = without_small_cells(report.model_copy(update={"sections": (section,)}))
        assert shown.sections[0].tables[0].rows[0][-1] == said


def test_groups_are_named_with_all_faults_at_once():
    with pytest.raises(SubsetFault) as fault:
        parse_groups(["wave", "visits=a", "visits=b"])
    assert len(str(fault.value).splitlines()) == 2


def test_slides_show_the_counts_and_verdicts_that_a_chart_leaves_out(report, charts):
    """The map: who is in which group and how many are too close, beside what they spend."""
    deck = Presentation(io.BytesIO(report_as("pptx", report, charts)))
    tables = [s.table for slide in deck.slides for s in slide.shapes if s.has_table]
    heads = [[cell.text for cell in table.rows[0].cells] for table in tables]
    (at,) = [n for n, head in enumerate(heads) if "Too close to call" in head]
    rows = {row.cells[0].text: [c.text for c in row.cells] for row in list(tables[at].rows)[1:]}
    for quadrant in report.value_map.quadrants:
        assert rows[quadrant.name][1:3] == [str(quadrant.n), str(quadrant.too_close)]


def test_a_slide_says_which_rows_have_no_figure(report, charts):
    first, *rest = report.upgrades
    gone = unavailable("beyond the tested prices", n=9, method="m", unit="USD")
    changed = report.model_copy(
        update={"upgrades": (first.model_copy(update={"estimate": gone}), *rest)}
    )
    deck = Presentation(io.BytesIO(report_as("pptx", changed, charts)))
    texts = [s.text_frame.text for slide in deck.slides for s in slide.shapes if s.has_text_frame]
    assert any(f"Not drawn: {first.label}: beyond the tested prices." in text for text in texts)


def test_the_slope_of_a_price_is_not_drawn_on_the_scale_of_levels(report):
    section = next(s for s in outline(report) if s.id == "part_worths")
    levels, slopes = section.tables
    assert "per USD" not in [row[0] for row in levels.rows]
    assert [row[0] for row in slopes.rows] == ["per USD"]
    assert slopes.chart is None


def test_the_error_of_predicted_shares_stands_beside_what_sampling_makes(report, charts):
    found = report.prediction.fit.shares
    page = report_as("html", report, charts).decode()
    assert f"{100 * found.mae:.1f} points" in page
    assert f"Sampling alone makes {100 * found.noise:.1f} points of it" in page


def test_what_is_outdated_is_marked_in_every_format(report, charts):
    said = "Purchases of 12 days have come in since."
    beside = Beside(stale=(said,))
    assert said in report_as("html", report, charts, beside).decode()
    assert said in report_as("json", report, charts, beside).decode()
    assert said not in report_as("json", report, charts).decode()
    book = openpyxl.load_workbook(io.BytesIO(report_as("xlsx", report, charts, beside)))
    assert any(said in str(c.value) for row in book["Report"].iter_rows() for c in row)
    deck = Presentation(io.BytesIO(report_as("pptx", report, charts, beside)))
    texts = [s.text_frame.text for s in deck.slides[0].shapes if s.has_text_frame]
    assert any(said in text for text in texts)
