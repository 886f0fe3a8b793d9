"""The report as files, by format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.value_report.types import ValueReport

TYPES = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
"""Every format and its media type."""
TITLES = {
    "html": "Web page",
    "pdf": "PDF",
    "pptx": "PowerPoint",
    "xlsx": "Excel",
    "json": "JSON",
}
MADE_BY_JOBS = ("pdf", "pptx", "xlsx")
"""Formats whose libraries no web process loads."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What is said with a report.

    ``stale``: what has become outdated, in sentences. ``customers``: whether the lists of single
    customers are in it. ``diagnostics`` and ``win_back``: files beside the page, if any.
    """

    stale: tuple[str, ...] = ()
    customers: bool = True
    diagnostics: str = ""
    win_back: str = ""


NOTHING = Beside()


def report_as(
    kind: str, report: ValueReport, charts: Mapping[str, str], beside: Beside = NOTHING
) -> bytes:
    """The report in a format of ``TYPES``."""
    shown = report if beside.customers else without_customers(report)
    if kind == "html":
        return _page(shown, charts, beside).encode()
    if kind == "json":
        marked = shown.model_copy(update={"outdated": beside.stale})
        return (marked.model_dump_json(indent=2) + "\n").encode()
    if kind == "pdf":
        from analysis.rendering.pdf import report_pdf

        return report_pdf(shown, charts, customers=beside.customers, stale=beside.stale)
    if kind == "pptx":
        from analysis.rendering.pptx import report_pptx

        return report_pptx(shown, stale=beside.stale)
    from analysis.rendering.xlsx import report_xlsx

    return report_xlsx(shown, customers=beside.customers, stale=beside.stale)


def without_customers(report: ValueReport) -> ValueReport:
    """The report without anything about single customers: no lists, no keys."""
    none: Sequence[object] = ()
    lists = ("best_customers", "declining_customers", "sale_only_customers")
    return report.model_copy(update=dict.fromkeys(lists, none))


def _page(report: ValueReport, charts: Mapping[str, str], beside: Beside) -> str:
    from analysis.rendering.html import report_html

    return report_html(
        report,
        charts,
        diagnostics=beside.diagnostics,
        win_back=beside.win_back,
        stale=beside.stale,
    )
