"""The manager's pages: the list of reports, and one report."""

from __future__ import annotations

import json

from flask import Blueprint, Response, abort, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from markupsafe import Markup

from analysis.rendering.html import diagnostics_fragment, report_fragment, report_html
from analysis.value_report.types import ValueReport
from surveyapp import current
from surveyapp.access import access
from surveyapp.reports import run_files
from surveyapp.store import reports, respondents, studies
from surveyapp.store.records import ReportRecord
from surveyapp.studies import fielding

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
                kinds = fielding.counted_kinds(c, study)
                since[report] = respondents.completed_since(c, study, created, kinds)
    return render_template("reports/every.html", reports=listed, titles=titles, since=since)


@door.get("/<report>")
@access("researcher", "manager", "administrator")
def one(report: str) -> ResponseReturnValue:
    """One report; nothing is computed here."""
    record = _record(report)
    with current.store().read() as c:
        newest = reports.newest(c, record.study)
        kinds = fielding.counted_kinds(c, record.study)
        since = respondents.completed_since(c, record.study, record.created, kinds)
        gone = respondents.withdrawn_since(c, record.study, record.version, record.created)
    document, charts = _read(record)
    page = url_for("reports.diagnostics", report=report)
    link = page if run_files.has_diagnostics(current.settings(), record) else ""
    listed = run_files.win_back_of(current.settings(), record) is not None
    win_back = url_for("reports.win_back", report=report) if listed else ""
    fragment = report_fragment(document, charts, diagnostics=link, win_back=win_back)
    return render_template(
        "reports/one.html",
        record=record,
        header=document.header,
        offers=run_files.offers_of(current.settings(), record) is not None,
        simulator=run_files.has_draws(current.settings(), record),
        fragment=Markup(fragment),  # noqa: S704 - made by rendering
        newer=newest if newest and newest.report != report else None,
        since=since,
        withdrawn=gone,
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


@door.get("/<report>/diagnostics")
@access("researcher", "manager", "administrator")
def diagnostics(report: str) -> ResponseReturnValue:
    """What a statistician checks before believing the part-worths."""
    record = _record(report)
    found, charts = run_files.diagnostics_of(current.settings(), record) or abort(404)
    files = {}
    if current_user.may("researcher"):
        files = run_files.downloads(current.settings(), record)
    return render_template(
        "reports/diagnostics.html",
        record=record,
        title=found.title,
        fragment=Markup(diagnostics_fragment(found, charts)),  # noqa: S704 - made by rendering
        files=files,
    )


@door.get("/<report>/win-back.csv")
@access("researcher", "manager", "administrator")
def win_back(report: str) -> ResponseReturnValue:
    """The whole list of declining customers: who is written to, who is left alone, and why."""
    record = _record(report)
    path = run_files.win_back_of(current.settings(), record) or abort(404)
    shown = f"{record.study}-{record.created[:10]}-{run_files.WIN_BACK}"
    return send_file(path.absolute(), as_attachment=True, download_name=shown)


@door.get("/<report>/offers.csv")
@access("researcher", "manager", "administrator")
def offers(report: str) -> ResponseReturnValue:
    """Linked customers with the offer that their own part-worths support, and who gets none."""
    record = _record(report)
    path = run_files.offers_of(current.settings(), record) or abort(404)
    shown = f"{record.study}-{record.created[:10]}-{run_files.OFFERS}"
    return send_file(path.absolute(), as_attachment=True, download_name=shown)


@door.get("/<report>/files/<name>")
@access("researcher", "administrator")
def run_file(report: str, name: str) -> ResponseReturnValue:
    """A file of the run that made the report: some hold figures of single respondents."""
    record = _record(report)
    if record.job is None or name not in run_files.downloads(current.settings(), record):
        abort(404)
    path = run_files.folder_of(current.settings(), record.job) / name
    shown = f"{record.study}-{record.created[:10]}-{name}"
    return send_file(path.absolute(), as_attachment=True, download_name=shown)


def _record(report: str) -> ReportRecord:
    with current.store().read() as c:
        return reports.get(c, report) or abort(404)


def _read(record: ReportRecord) -> tuple[ValueReport, dict[str, str]]:
    return ValueReport.model_validate_json(record.document), json.loads(record.charts)


from surveyapp.reports import simulator_routes  # noqa: E402, F401 - it adds routes
