"""The manager's pages: the list of reports, one report, and its files."""

from __future__ import annotations

import json

from flask import Response, abort, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from markupsafe import Markup

from analysis.rendering.files import MADE_BY_JOBS, TITLES, TYPES, Beside, report_as
from analysis.rendering.html import diagnostics_fragment, report_fragment
from surveyapp import current
from surveyapp.access import access
from surveyapp.reports import run_files
from surveyapp.reports.door import door as door
from surveyapp.reports.door import found, read
from surveyapp.reports.staleness import outdated
from surveyapp.store import reports, studies


@door.get("/")
@access("researcher", "manager", "administrator")
def every() -> ResponseReturnValue:
    """All reports, the newest first; the newest of each kind says what is outdated."""
    with current.store().read() as c:
        titles = {study.study: study.title for study in studies.every(c)}
        listed = reports.listed(c)
    newest: dict[tuple[str, str], str] = {}
    stale: dict[str, tuple[str, ...]] = {}
    for record in listed:
        if newest.setdefault((record.study, record.groups), record.report) == record.report:
            stale[record.report] = outdated(current.settings(), current.store(), record)
    only = {record.report: ", ".join(json.loads(record.groups)) for record in listed}
    return render_template(
        "reports/every.html", reports=listed, titles=titles, stale=stale, only=only
    )


@door.get("/<report>")
@access("researcher", "manager", "administrator")
def one(report: str) -> ResponseReturnValue:
    """One report; nothing is computed here."""
    record = found(report)
    settings, store = current.settings(), current.store()
    with store.read() as c:
        newest = reports.newest(c, record.study, record.groups)
    stale = outdated(settings, store, record)
    document, charts = read(record)
    page = url_for("reports.diagnostics", report=report)
    link = page if run_files.has_diagnostics(settings, record) else ""
    listed = run_files.win_back_of(settings, record) is not None
    win_back = url_for("reports.win_back", report=report) if listed else ""
    fragment = report_fragment(document, charts, diagnostics=link, win_back=win_back, stale=stale)
    return render_template(
        "reports/one.html",
        record=record,
        header=document.header,
        offers=run_files.offers_of(current.settings(), record) is not None,
        simulator=run_files.has_draws(current.settings(), record),
        fragment=Markup(fragment),  # noqa: S704 - made by rendering
        newer=newest if newest and newest.report != report else None,
        formats=TITLES,
        printed=run_files.printed(settings, record) == stale,
        by_jobs=MADE_BY_JOBS,
    )


@door.get("/<report>/file.<kind>")
@access("researcher", "manager", "administrator")
def file(report: str, kind: str) -> ResponseReturnValue:
    """The report as a file; PDF, PowerPoint and Excel were written by a job."""
    if kind not in TYPES:
        abort(404)
    record, settings = found(report), current.settings()
    stale = outdated(settings, current.store(), record)
    name = f"{record.study}-report-{record.created[:10]}.{kind}"
    if kind in MADE_BY_JOBS:
        path = run_files.folder_of(settings, record.job or record.report) / f"report.{kind}"
        if run_files.printed(settings, record) != stale or not path.is_file():
            abort(404, "This file is not there, or no longer up to date. Make it on the report.")
        return send_file(path.absolute(), TYPES[kind], as_attachment=True, download_name=name)
    made = report_as(kind, *read(record), Beside(stale=stale))
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(made, content_type=TYPES[kind], headers=headers)


@door.get("/<report>/diagnostics")
@access("researcher", "manager", "administrator")
def diagnostics(report: str) -> ResponseReturnValue:
    """What a statistician checks before believing the part-worths."""
    record = found(report)
    about, charts = run_files.diagnostics_of(current.settings(), record) or abort(404)
    files = {}
    if current_user.may("researcher"):
        files = run_files.downloads(current.settings(), record)
    return render_template(
        "reports/diagnostics.html",
        record=record,
        title=about.title,
        fragment=Markup(diagnostics_fragment(about, charts)),  # noqa: S704 - made by rendering
        files=files,
    )


@door.get("/<report>/win-back.csv")
@access("researcher", "manager", "administrator")
def win_back(report: str) -> ResponseReturnValue:
    """The whole list of declining customers: who is written to, who is left alone, and why."""
    record = found(report)
    path = run_files.win_back_of(current.settings(), record) or abort(404)
    shown = f"{record.study}-{record.created[:10]}-{run_files.WIN_BACK}"
    return send_file(path.absolute(), as_attachment=True, download_name=shown)


@door.get("/<report>/offers.csv")
@access("researcher", "manager", "administrator")
def offers(report: str) -> ResponseReturnValue:
    """Linked customers with the offer that their own part-worths support, and who gets none."""
    record = found(report)
    path = run_files.offers_of(current.settings(), record) or abort(404)
    shown = f"{record.study}-{record.created[:10]}-{run_files.OFFERS}"
    return send_file(path.absolute(), as_attachment=True, download_name=shown)


@door.get("/<report>/files/<name>")
@access("researcher", "administrator")
def run_file(report: str, name: str) -> ResponseReturnValue:
    """A file of the run that made the report: some hold figures of single respondents."""
    record = found(report)
    if record.job is None or name not in run_files.downloads(current.settings(), record):
        abort(404)
    path = run_files.folder_of(current.settings(), record.job) / name
    shown = f"{record.study}-{record.created[:10]}-{name}"
    return send_file(path.absolute(), as_attachment=True, download_name=shown)


from surveyapp.reports import (  # noqa: E402 - they add routes
    making,  # noqa: F401
    planning,  # noqa: F401
    sharing,  # noqa: F401
    simulator_routes,  # noqa: F401
    testing,  # noqa: F401
)
