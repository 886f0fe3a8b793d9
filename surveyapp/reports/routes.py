"""The manager's pages: the list of reports, and one report."""

from __future__ import annotations

import json

from flask import Blueprint, Response, abort, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from analysis.rendering.html import report_fragment, report_html
from analysis.value_report.types import ValueReport
from surveyapp import current
from surveyapp.access import access
from surveyapp.store import reports, respondents, studies
from surveyapp.store.records import ReportRecord

door = Blueprint("reports", __name__, url_prefix="/reports")


@door.get("/")
@access("researcher", "manager", "administrator")
def every() -> ResponseReturnValue:
    """All reports, the newest first; the newest of a study says whether answers came since."""
    with current.store().read() as c:
        titles = {study.study: study.title for study in studies.every(c)}
        listed = reports.listed(c)
        newest: dict[str, str] = {}
        since: dict[str, int] = {}
        for report, study, _, created in listed:
            if newest.setdefault(study, report) == report:
                since[report] = respondents.completed_since(c, study, created)
    return render_template("reports/every.html", reports=listed, titles=titles, since=since)


@door.get("/<report>")
@access("researcher", "manager", "administrator")
def one(report: str) -> ResponseReturnValue:
    """One report; nothing is computed here."""
    record = _record(report)
    with current.store().read() as c:
        newest = reports.newest(c, record.study)
        since = respondents.completed_since(c, record.study, record.created)
    document, charts = _read(record)
    return render_template(
        "reports/one.html",
        record=record,
        header=document.header,
        fragment=Markup(report_fragment(document, charts)),  # noqa: S704 - made by rendering
        newer=newest if newest and newest.report != report else None,
        since=since,
    )


@door.get("/<report>/file")
@access("researcher", "manager", "administrator")
def file(report: str) -> ResponseReturnValue:
    """The report as one HTML file that needs nothing else."""
    record = _record(report)
    document, charts = _read(record)
    name = f"{record.study}-report-{record.created[:10]}.html"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(report_html(document, charts), mimetype="text/html", headers=headers)


def _record(report: str) -> ReportRecord:
    with current.store().read() as c:
        return reports.get(c, report) or abort(404)


def _read(record: ReportRecord) -> tuple[ValueReport, dict[str, str]]:
    return ValueReport.model_validate_json(record.document), json.loads(record.charts)
