"""The researcher's pages: studies, drafts, publishing, counts, analyses."""

from __future__ import annotations

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from analysis.rehearsal import words
from analysis.study import (
    Fault,
    Study,
    StudyFaults,
    dump_study,
    faults_before_publication,
    language_warnings,
    parse_study,
)
from surveyapp import clock, current
from surveyapp.access import access
from surveyapp.exports.answers import RUN_KINDS, answers_csv
from surveyapp.jobs import publish as publishing
from surveyapp.jobs import queue
from surveyapp.jobs.rehearse import CANNOT
from surveyapp.reports import run_files
from surveyapp.store import (
    Connection,
    designs,
    images,
    jobs,
    links,
    rehearsals,
    reports,
    respondents,
    studies,
)
from surveyapp.store.records import JobRecord, ReportRecord
from surveyapp.studies import design_routes, fielding, merging, rehearsal_routes
from surveyapp.studies.door import door, find, found


@door.get("/")
@access("researcher", "administrator")
def every() -> ResponseReturnValue:
    """All studies with their status."""
    with current.store().read() as c:
        found = studies.every(c)
        counts = {s.study: respondents.counts(c, s.study) for s in found}
        kinds = {s.study: fielding.counted_kinds(c, s.study) for s in found}
    completed = {
        name: sum(n for (kind, ended), n in each.items()
                  if ended == "complete" and kind in kinds[name])
        for name, each in counts.items()
    }  # fmt: skip
    return render_template("studies/every.html", studies=found, completed=completed)


@door.route("/new", methods=["GET", "POST"])
@access("researcher", "administrator")
def new() -> ResponseReturnValue:
    """Upload a study file, or paste its text."""
    if request.method == "GET":
        return render_template("studies/draft.html", record=None, text="", faults=(), problem=None)
    text = _sent_text()
    study, faults = _parsed(text)
    problem = None if text.strip() else "Choose a file, or paste the text of one."
    if study and find(study.study):
        problem = f"There is already a study '{study.study}'. Open it and change its draft there."
    if problem or not study:
        shown = () if problem else faults
        page = render_template(
            "studies/draft.html", record=None, text=text, faults=shown, problem=problem
        )
        return page, 400
    _save(study, text)
    flash(f"The study '{study.title}' is stored as a draft.")
    return redirect(url_for("studies.one", name=study.study), code=303)


@door.route("/<name>/draft", methods=["GET", "POST"])
@access("researcher", "administrator")
def draft(name: str) -> ResponseReturnValue:
    """Change the draft; a text with faults is shown again, with its faults."""
    record = found(name)
    text = record.draft if request.method == "GET" else _sent_text()
    study, faults = _parsed(text)
    problem = None
    if study and study.study != name:
        problem = f"The text is of the study '{study.study}', not of '{name}'."
    if request.method == "POST" and study and not problem:
        _save(study, text)
        flash("The draft is stored. Respondents see the published version until you publish.")
        return redirect(url_for("studies.one", name=name), code=303)
    page = render_template(
        "studies/draft.html", record=record, text=text, faults=faults, problem=problem
    )
    return page, (400 if request.method == "POST" else 200)


@door.get("/<name>/")
@access("researcher", "administrator")
def one(name: str) -> ResponseReturnValue:
    """One study: where it stands and what can be done."""
    record = found(name)
    study, faults = _parsed(record.draft)
    before = faults_before_publication(study) if study else []
    with current.store().read() as c:
        version = fielding.newest(c, record)
        published = fielding.read_definition(version.definition) if version else None
        shown = {
            "versions": list(reversed(studies.versions(c, name))),
            "counts": _count_table(respondents.counts(c, name)),
            "reached": respondents.steps_reached(c, name, version.version, published.counted_kinds)
            if version and published
            else {},
            "counted": fielding.counted_kinds(c, name),
            "merging": merging.against_versions(c, name, study) if study else (),
            "personal": links.counts(c, name),
            "open_links": links.of_study(c, name, "open"),
            "jobs": jobs.of_study(c, name, 5),
            "report": reports.newest(c, name),
            "withdrawn_since": _withdrawn_since(c, reports.newest(c, name)),
            "version_designs": designs.of_study(c, name),
            "unpublished": bool(study and not fielding.is_published(c, version, study)),
            "untranslated": language_warnings(record.draft) if study else [],
            "absent": images.missing(c, name, study.images()) if study else [],
            "closed_to_asking": fielding.why_not_fieldable(c, version) if version else None,
        }
    return render_template(
        "studies/one.html",
        record=record,
        study=study,
        published=published,
        faults=[*faults, *before],
        designs=design_routes.shown_of(study),
        rehearsal=rehearsal_routes.shown_of(record, study),
        unrehearsed=words.unrehearsed(study) if study else "",
        **shown,
    )


@door.post("/<name>/publish")
@access("researcher", "administrator")
def publish(name: str) -> ResponseReturnValue:
    """Publish the draft: at once without choice tasks, else as a job that rehearses and makes them.

    A draft whose rehearsal misses its targets is not published here: its page takes the reason.
    """
    record = found(name)
    study, faults = _parsed(record.draft)
    if study is None or faults or faults_before_publication(study):
        flash("The draft has faults. Mend them first; they are listed below.", "error")
        return redirect(url_for("studies.one", name=name), code=303)
    if rehearsal_routes.refused(record, study):
        flash("The rehearsal misses its targets, so the draft is not published.", "error")
        return redirect(url_for("studies.rehearsal", name=name), code=303)
    definition, by = dump_study(study), current_user.name
    if study.shown_exercises():
        job = queue.publish(current.store(), name, definition, by=by)
        return redirect(url_for("studies.job", name=name, job=job.job), code=303)
    version = publishing.publish(
        current.store(), study, definition, by=by, import_only=False, progress=lambda *_: None
    )
    flash(f"Version {version} is published.")
    return redirect(url_for("studies.one", name=name), code=303)


@door.post("/<name>/<state>")
@access("researcher", "administrator")
def switch(name: str, state: str) -> ResponseReturnValue:
    """Close a study (``close``), or open it again (``open``)."""
    if state not in ("close", "open"):
        abort(404)
    found(name)
    with current.store().write() as c:
        studies.set_closed(c, name, clock.now() if state == "close" else None)
    flash("The study is closed: nobody can answer." if state == "close" else "The study is open.")
    return redirect(url_for("studies.one", name=name), code=303)


@door.post("/<name>/analyse")
@access("researcher", "administrator")
def analyse(name: str) -> ResponseReturnValue:
    """Start the analysis of the newest version, or follow the one that runs."""
    version = found(name).version
    if version is None:
        flash("Publish the study first.", "error")
        return redirect(url_for("studies.one", name=name), code=303)
    job = queue.analyse(current.store(), name, version)
    return redirect(url_for("studies.job", name=name, job=job.job), code=303)


@door.get("/<name>/jobs/<job>")
@access("researcher", "administrator")
def job(name: str, job: str) -> ResponseReturnValue:
    """How far a job is."""
    record = _job(name, job)
    with current.store().read() as c:
        report = reports.get(c, job)
        rehearsal = rehearsals.newest(c, name)
    end = record.finished or clock.now()
    elapsed = clock.seconds_between(record.started, end) if record.started else None
    return render_template(
        "studies/job.html",
        record=found(name),
        job=record,
        report=report,
        rehearsal=rehearsal,
        elapsed=elapsed,
        unrehearsable=bool(record.error and record.error.startswith(CANNOT)),
    )


@door.post("/<name>/jobs/<job>/cancel")
@access("researcher", "administrator")
def cancel(name: str, job: str) -> ResponseReturnValue:
    """Cancel a job that waits or runs."""
    _job(name, job)
    with current.store().write() as c:
        jobs.cancel(c, job, at=clock.now())
    return redirect(url_for("studies.job", name=name, job=job), code=303)


@door.get("/<name>/answers.csv")
@access("researcher", "administrator")
def answers(name: str) -> ResponseReturnValue:
    """The answers to the newest version as CSV; ``run_kind`` names other runs than those that
    count."""
    with current.store().read() as c:
        version = fielding.newest(c, found(name)) or abort(404)
        study = fielding.read_definition(version.definition)
        kinds = request.args.getlist("run_kind") or list(study.counted_kinds)
        if not set(kinds) <= set(RUN_KINDS):
            abort(404)
        report = reports.newest(c, name)
        flags = run_files.flags_of(current.settings(), report) if report else {}
        text = "".join(answers_csv(c, study, version.version, kinds=kinds, flags=flags))
    suffix = "" if "run_kind" not in request.args else "-" + "-".join(kinds)
    return _download(text, "text/csv; charset=utf-8", f"{name}-answers{suffix}.csv")


@door.get("/<name>/archive")
@access("researcher", "administrator")
def archive(name: str) -> ResponseReturnValue:
    """The archive of the newest analysis."""
    with current.store().read() as c:
        report = reports.newest(c, name) or abort(404)
    path = current.settings().files / report.archive
    if not path.is_file():
        abort(404)
    from flask import send_file

    return send_file(path.absolute(), as_attachment=True, download_name=f"{name}.sqlite")


@door.get("/<name>/versions/<int(max=1000000):number>")
@access("researcher", "administrator")
def definition(name: str, number: int) -> ResponseReturnValue:
    """The frozen definition of a version, as JSON that can be read like a study file."""
    with current.store().read() as c:
        version = studies.version(c, name, number) or abort(404)
    return _download(version.definition, "application/json", f"{name}-{number}.json")


def _job(name: str, job_id: str) -> JobRecord:
    with current.store().read() as c:
        record = jobs.get(c, job_id)
    return record if record and record.study == name else abort(404)


def _sent_text() -> str:
    """The pasted text, or that of the uploaded file; nothing that was sent is lost."""
    file = request.files.get("file")
    raw = file.read() if file and file.filename else b""
    return raw.decode("utf-8-sig", errors="replace") if raw else request.form.get("text", "")


def _parsed(text: str) -> tuple[Study | None, tuple[Fault, ...]]:
    try:
        return parse_study(text), ()
    except StudyFaults as error:
        return None, error.faults


def _save(study: Study, text: str) -> None:
    with current.store().write() as c:
        studies.save_draft(c, study.study, study.title.say(), text, at=clock.now())


def _withdrawn_since(c: Connection, report: ReportRecord | None) -> int:
    """Respondents who may be in a report's archive, and have withdrawn since."""
    if report is None:
        return 0
    return respondents.withdrawn_since(c, report.study, report.version, report.created)


def _count_table(counts: dict[tuple[str, str], int]) -> list[dict[str, object]]:
    """One row per kind of run: all who started, and how they ended."""
    ends = (
        "complete",
        "screened_out",
        "quota_full",
        "quality_out",
        "declined",
        "withdrawn",
        "started",
    )
    return [
        {
            "run_kind": run_kind,
            "all": sum(counts.get((run_kind, end), 0) for end in ends),
            **{end: counts.get((run_kind, end), 0) for end in ends},
        }
        for run_kind in ("live", "test", "bot")
        if any(kind == run_kind for kind, _ in counts)
    ]


def _download(text: str, mimetype: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, mimetype=mimetype, headers=headers)


from surveyapp.studies import (  # noqa: E402, F401 - they add routes
    image_routes,
    link_routes,
    mailing_routes,
    monitor,
    preview,
)
