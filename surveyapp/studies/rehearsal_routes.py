"""The researcher's rehearsal: started on the study's page, read on a page of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from analysis.rehearsal import words
from analysis.rehearsal.types import Rehearsal
from analysis.study import Study, StudyFaults, dump_study, faults_before_publication, parse_study
from surveyapp import current
from surveyapp.access import access
from surveyapp.jobs import queue
from surveyapp.jobs.progress import JobFault
from surveyapp.jobs.rehearse import written_reason
from surveyapp.store import rehearsals
from surveyapp.store.records import DesignRecord, RehearsalRecord, StudyRecord
from surveyapp.studies import design_routes, fielding
from surveyapp.studies.door import door, found


@dataclass(frozen=True, slots=True)
class Shown:
    """A rehearsal as the pages show it; ``current``: it is of the draft as it stands."""

    record: RehearsalRecord
    rehearsal: Rehearsal
    current: bool


@door.post("/<name>/rehearse")
@access("researcher", "administrator")
def rehearse(name: str) -> ResponseReturnValue:
    """Start a rehearsal of the draft, or follow the one that runs."""
    study = _draft(found(name))
    if study is None or study.rehearsed_exercise() is None:
        flash("Nothing to rehearse: the draft has faults, or its plan reports no choices.", "error")
        return redirect(url_for("studies.one", name=name), code=303)
    job = queue.rehearse(current.store(), name, dump_study(study))
    return redirect(url_for("studies.job", name=name, job=job.job), code=303)


@door.get("/<name>/rehearsal")
@access("researcher", "administrator")
def rehearsal(name: str) -> ResponseReturnValue:
    """The newest rehearsal: of the draft as it stands, else of an earlier one."""
    return _page(found(name))


@door.get("/<name>/publish-despite")
@access("researcher", "administrator")
def despite(name: str) -> ResponseReturnValue:
    """The form for a reason to publish what cannot be rehearsed."""
    return _despite_page(found(name))


@door.post("/<name>/publish-despite")
@access("researcher", "administrator")
def publish_despite(name: str) -> ResponseReturnValue:
    """Publish the draft for a written reason, whatever its rehearsal says."""
    record = found(name)
    study = _draft(record)
    if study is None or faults_before_publication(study):
        flash("The draft has faults. Mend them first; they are listed below.", "error")
        return redirect(url_for("studies.one", name=name), code=303)
    sent = request.form.get("reason", "")
    try:
        reason = written_reason(sent)
    except JobFault as fault:
        draw = _page if refused(record, study) else _despite_page
        return draw(record, sent=sent, problem=str(fault)), 400
    definition, by = dump_study(study), current_user.name
    job = queue.publish(current.store(), name, definition, by=by, despite=reason)
    return redirect(url_for("studies.job", name=name, job=job.job), code=303)


def shown_of(record: StudyRecord, study: Study | None) -> Shown | None:
    """The newest rehearsal of a study, that of the draft first; None without one."""
    with current.store().read() as c:
        of_draft = rehearsals.newest(c, record.study, dump_study(study)) if study else None
        newest = of_draft or rehearsals.newest(c, record.study)
    if newest is None:
        return None
    return Shown(newest, Rehearsal.model_validate_json(newest.document), of_draft is not None)


def refused(record: StudyRecord, study: Study) -> bool:
    """Whether the rehearsal of the draft as it stands misses its targets."""
    shown = shown_of(record, study)
    return shown is not None and shown.current and shown.record.verdict == "missed"


def _despite_page(record: StudyRecord, *, sent: str = "", problem: str | None = None) -> str:
    return render_template("studies/despite.html", record=record, sent=sent, problem=problem)


def _page(record: StudyRecord, *, sent: str = "", problem: str | None = None) -> str:
    study = _draft(record)
    shown = shown_of(record, study) or abort(404)
    with current.store().read() as c:
        version = fielding.newest(c, record)
        published = bool(study and fielding.is_published(c, version, study))
    return render_template(
        "studies/rehearsal.html",
        record=record,
        shown=shown,
        found=shown.rehearsal,
        design=_design(study, shown),
        label=_labels(study if shown.current else None, shown.rehearsal),
        words=words,
        publishable=bool(study and not published and not faults_before_publication(study)),
        sent=sent,
        problem=problem,
    )


def _design(study: Study | None, shown: Shown) -> DesignRecord | None:
    """The design that was rehearsed, while the draft has it."""
    if study is None or not shown.current:
        return None
    of_draft = {one.exercise.id: one for one in design_routes.shown_of(study)}
    one = of_draft.get(shown.rehearsal.exercise)
    return one.record if one and one.current else None


def _labels(study: Study | None, found: Rehearsal) -> Callable[..., str]:
    """How attributes and levels are called: as in the study, or by id without one."""

    def label(attribute: str, level: str = "") -> str:
        ids = level or attribute
        if study is None:
            return ids
        known = {a.id: a for a in study.choice_exercise(found.exercise).attributes}
        if attribute not in known:
            return ids
        levels = {v.id: v.label for v in known[attribute].levels}
        return levels[level].say() if level in levels else level or known[attribute].label.say()

    return label


def _draft(record: StudyRecord) -> Study | None:
    try:
        return parse_study(record.draft)
    except StudyFaults:
        return None
