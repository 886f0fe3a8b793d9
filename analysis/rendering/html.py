"""The report as HTML: a fragment for a page under a strict policy, or one file of its own.

Imports no statistics: the web server renders stored reports with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from analysis.diagnostics.types import Diagnostics
from analysis.estimate import Estimate
from analysis.rendering import figures, notes
from analysis.value_report.types import Cell, CustomerRow, Header, Headline, Section, ValueReport

STATIC = Path(__file__).parent / "static"
"""tokens.css and report.css: the app serves this folder, a standalone report holds both."""
FACETS = {
    "functional_value": "functional value",
    "emotional_value": "emotional value",
    "monetary_cost": "monetary cost",
    "non_monetary_cost": "non-monetary cost",
    "satisfaction": "satisfaction",
    "cognitive_engagement": "attention",
    "emotional_engagement": "attachment",
    "behavioural_engagement": "taking part",
}


def report_fragment(
    report: ValueReport,
    charts: Mapping[str, str],
    *,
    diagnostics: str = "",
    win_back: str = "",
    stale: Sequence[str] = (),
) -> str:
    """The report without a page around it; needs tokens.css and report.css.

    Classes only, no style attributes. ``charts`` is what ``draw`` made: only SVG drawn by this
    program may be passed. ``diagnostics`` and ``win_back`` are the addresses of the page of
    diagnostics and of the whole list of declining customers, if any; ``stale`` says what has
    become outdated since the report was made.
    """
    more = {"report": report, "diagnostics": diagnostics, "win_back": win_back, "stale": stale}
    return _render("report.html", charts, **more)


def report_html(
    report: ValueReport,
    charts: Mapping[str, str],
    *,
    diagnostics: str = "",
    win_back: str = "",
    stale: Sequence[str] = (),
) -> str:
    """The report as one HTML file that needs nothing else, ready for print on A4."""
    title = f"{report.header.title}: value report"
    more = {"report": report, "diagnostics": diagnostics, "win_back": win_back, "stale": stale}
    return _page("report.html", title, charts, **more)


def diagnostics_fragment(diagnostics: Diagnostics, charts: Mapping[str, str]) -> str:
    """The diagnostics without a page around them; ``charts`` is what ``draw_diagnostics`` made."""
    return _render("diagnostics.html", charts, found=diagnostics)


def diagnostics_html(diagnostics: Diagnostics, charts: Mapping[str, str]) -> str:
    """The diagnostics as one HTML file that needs nothing else."""
    title = f"{diagnostics.title}: diagnostics"
    return _page("diagnostics.html", title, charts, found=diagnostics)


def _page(body: str, title: str, charts: Mapping[str, str], **more: Any) -> str:
    css = "\n".join((STATIC / name).read_text() for name in ("tokens.css", "report.css"))
    safe = Markup(css)  # noqa: S704 - our own file
    return _render("page.html", charts, body=body, title=title, css=safe, **more)


def _render(name: str, charts: Mapping[str, str], **more: Any) -> str:
    drawn = {key: Markup(svg) for key, svg in charts.items()}  # noqa: S704 - drawn by us
    return _environment().get_template(name).render(charts=drawn, **more)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("analysis.rendering", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "spoken": figures.spoken,
        "whole": figures.whole,
        "effective": figures.effective,
        "decimal": figures.decimal,
        "percent": figures.percent,
        "money": figures.money,
        "range": _range,
        "value": _value,
        "short": _short,
        "cell": _cell,
    }
    environment.globals |= {
        "heading": _heading,
        "about": _about,
        "any_estimate": _any_estimate,
        "of_numbers": notes.of_numbers,
        "error_of_shares": figures.error_of_shares,
        "noise_of_shares": figures.noise_of_shares,
        "contents": _contents,
        "methods": lambda report: {method.id: method for method in report.methods},
        "facets": FACETS,
        "state": lambda row: _STATES[row.state],
        "on_sale": _on_sale,
    }
    return environment


_STATES = {
    "above_3_weeks": "above average, 3 weeks",
    "within": "within own limits",
    "near_lower": "near the lower limit",
    "below": "below own limits",
    "too_few": "too few to tell",
}


def _heading(report: ValueReport, section: str, default: str) -> str:
    """The sentence that heads a section, else a plain title."""
    found: list[Headline] = [h for h in report.headlines if h.section == section]
    return found[0].text if found else default


def _contents(report: ValueReport) -> list[tuple[str, str]]:
    """The parts below the first screen: anchor and title."""
    found = [("headline", "In short")]
    if report.tag_values or report.perceived_value or report.relation:
        found.append(("value", "Value: functional, emotional, and what it costs"))
    if report.constructs:
        felt = "What was expected, and what is felt"
        found.append(("constructs", _heading(report, "constructs", felt)))
    if report.part_worths:
        found.append(("worths", "What decides between offers"))
    if report.prediction:
        found.append(("prediction", _heading(report, "prediction", "How well it predicts")))
    for scores in report.best_worst:
        name = f"best_worst_{scores.exercise}"
        title = _heading(report, name, "What matters most, and what least")
        found.append((f"best-worst-{scores.exercise}", title))
    for rated in report.rated_profiles:
        title = _heading(report, f"rated_{rated.exercise}", "What makes an offer attractive")
        found.append((f"rated-{rated.exercise}", title))
    found += [(f"section-{section.id}", section.title) for section in report.sections]
    if report.best_customers or report.declining_customers:
        found.append(("customers", "Customers to look after"))
    return [*found, ("made", "How each number was made")]


def _any_estimate(section: Section) -> Estimate | None:
    """The figure with the most people behind it: what a section rests on."""
    cells = [c for t in section.tables for row in t.rows for c in row if isinstance(c, Estimate)]
    cells += [e for m in section.maps for p in m.points for e in (p.across, p.up)]
    known = [cell for cell in cells if cell.available]
    return max(known, key=lambda cell: cell.n) if known else None


def _about(header: Header) -> str:
    """Who answered, in one line."""
    parts = [f"{figures.whole(header.n_completed)} answers"]
    if header.n_linked:
        parts = [f"{parts[0]}, {figures.whole(header.n_linked)} joined to purchases of "
                 f"{figures.whole(header.n_customers)} buyers"]  # fmt: skip
    if header.simulated:
        parts.append("simulated people")
    return " · ".join([*parts, f"study version {header.version}"])


def _value(estimate: Estimate, places: int = 0, *, signed: bool = False) -> str:
    if estimate.value is None:
        return "–"
    return figures.decimal(estimate.value, places, signed=signed)


def _range(estimate: Estimate, places: int = 0) -> str:
    if estimate.low is None or estimate.high is None:
        return estimate.reason or ""
    return f"{figures.decimal(estimate.low, places)} to {figures.decimal(estimate.high, places)}"


def _cell(cell: Cell) -> Markup | str:
    """A cell of a section's table: a figure stands over its range and its n."""
    if isinstance(cell, int):
        return figures.whole(cell)
    if isinstance(cell, str):
        return cell
    if not cell.available:
        return Markup('<span class="below why">{}</span>').format(cell.reason)
    value, span = figures.value_and_range(cell)
    return Markup('{}<span class="below">{}, n {}</span>').format(value, span, cell.n)


def _short(customer: str) -> str:
    """A customer key as it is shown: its first ten characters."""
    return customer if len(customer) <= 14 else f"{customer[:10]}…"


def _on_sale(row: CustomerRow) -> str:
    return "not known" if row.sale_share is None else figures.percent(row.sale_share)
