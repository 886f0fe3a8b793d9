"""What a manager asks for on a report: its files, and the same report for some respondents."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from analysis.study.grouping import grouped_by, groupings
from surveyapp import clock, current
from surveyapp.access import access
from surveyapp.jobs import queue
from surveyapp.reports.door import door, found
from surveyapp.reports.staleness import outdated
from surveyapp.store import jobs, reports, studies
from surveyapp.store.records import ReportRecord
from surveyapp.studies.fielding import read_definition

SHOWN = ("analyse", "files", "measure", "plan")
"""The kinds of jobs that this door follows."""


@door.post("/<report>/files")
@access("researcher", "manager", "administrator")
def make_files(report: str) -> ResponseReturnValue:
    """Write the PDF, PowerPoint and Excel files, with what has become outdated."""
    record, store = found(report), current.store()
    stale = outdated(current.settings(), store, record)
    job = queue.report_files(store, record.study, report, stale)
    return redirect(url_for("reports.job", job=job.job), code=303)


@door.get("/<report>/part")
@access("researcher", "manager", "administrator")
def part(report: str) -> ResponseReturnValue:
    """The form that asks for the report of some respondents."""
    return _form(found(report))


@door.post("/<report>/part")
@access("researcher", "manager", "administrator")
def make_part(report: str) -> ResponseReturnValue:
    """Start the analysis of some respondents."""
    record = found(report)
    known = _known(record)
    chosen = {name: request.form.get(name, "") for name in known}
    only = [f"{name}={value}" for name, value in chosen.items() if value]
    wrong = [name for name, value in chosen.items() if value and value not in known[name][1]]
    if wrong:
        return _form(record, f"'{chosen[wrong[0]]}' is no value of {wrong[0]}. Choose one."), 400
    if not only:
        return _form(record, "Choose at least one group."), 400
    job = queue.analyse(current.store(), record.study, record.version, only=only)
    return redirect(url_for("reports.job", job=job.job), code=303)


@door.get("/jobs/<job>")
@access("researcher", "manager", "administrator")
def job(job: str) -> ResponseReturnValue:
    """How far the making of a report or its files is."""
    with current.store().read() as c:
        record = jobs.get(c, job)
        if record is None or record.kind not in SHOWN:
            abort(404)
        made = reports.get(c, record.settings.get("report", job))
    if record.state == "done" and made and record.kind == "files":
        flash("The files are ready.")
        return redirect(url_for("reports.one", report=made.report), code=303)
    if record.state == "done" and made and record.kind in ("measure", "plan"):
        done = "measured" if record.kind == "measure" else "planned"
        flash(f"The test '{record.settings['test']}' is {done}.")
        return redirect(url_for("reports.tests", report=made.report), code=303)
    end = record.finished or clock.now()
    elapsed = clock.seconds_between(record.started, end) if record.started else None
    return render_template("reports/job.html", job=record, made=made, elapsed=elapsed)


def _known(record: ReportRecord) -> dict[str, tuple[str, dict[str, str]]]:
    """By what the report can be narrowed down: name to what it is and its values."""
    with current.store().read() as c:
        version = studies.version(c, record.study, record.version) or abort(404)
    study = read_definition(version.definition)
    return {n: (grouped_by(study, n), values) for n, values in groupings(study).items()}


def _form(record: ReportRecord, problem: str = "") -> str:
    return render_template(
        "reports/part.html", record=record, known=_known(record), problem=problem,
        chosen=request.form,
    )  # fmt: skip
