"""The researcher's choice tasks: an uploaded design, its inspection, and designs to download."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from analysis.study import ChoiceExercise, Study, StudyFaults, dump_study, parse_study
from analysis.study.design_layouts import LAYOUTS, Layout, Row, written
from surveyapp import current
from surveyapp.access import access
from surveyapp.jobs import queue
from surveyapp.jobs.designing import made_for
from surveyapp.store import designs, studies
from surveyapp.store.records import DesignRecord, StudyRecord, TaskRecord
from surveyapp.studies import fielding
from surveyapp.studies.door import door, found

LAYOUT_NAMES: dict[Layout, str] = {
    "surveyapp": "surveyapp",
    "sawtooth": "Sawtooth",
    "qualtrics": "Qualtrics",
    "cbctools": "cbcTools and logitr",
}
LONGEST_NAME = 120


@dataclass(frozen=True, slots=True)
class Shown:
    """The design of an exercise; ``current``: made for, or checked against, the draft as it is."""

    exercise: ChoiceExercise
    record: DesignRecord | None
    current: bool


@door.get("/<name>/design/<exercise>")
@access("researcher", "administrator")
def design(name: str, exercise: str) -> ResponseReturnValue:
    """The choice tasks of an exercise of the draft."""
    return _page(found(name), exercise)


@door.post("/<name>/design/<exercise>")
@access("researcher", "administrator")
def upload_design(name: str, exercise: str) -> ResponseReturnValue:
    """Send a design file; a job checks and inspects it and keeps it with the draft."""
    record = found(name)
    study = _draft(record)
    _exercise(study, exercise)
    file, layout = request.files.get("file"), request.form.get("layout") or None
    raw = file.read() if file and file.filename else b""
    if not file or not raw:
        problem = "Choose a file with choice tasks."
        return _page(record, exercise, problem=problem), 400
    if layout is not None and layout not in LAYOUTS:
        abort(400)
    text = raw.decode("utf-8-sig", errors="replace")
    upload = queue.DesignFile((file.filename or "")[-LONGEST_NAME:], text, layout)
    by = current_user.name
    job = queue.design(current.store(), name, dump_study(study), exercise, by=by, upload=upload)
    return redirect(url_for("studies.job", name=name, job=job.job), code=303)


@door.post("/<name>/design/<exercise>/make")
@access("researcher", "administrator")
def make_design(name: str, exercise: str) -> ResponseReturnValue:
    """Make the tasks of an exercise of the draft, or check the uploaded ones anew."""
    study = _draft(found(name))
    _exercise(study, exercise)
    by = current_user.name
    job = queue.design(current.store(), name, dump_study(study), exercise, by=by)
    return redirect(url_for("studies.job", name=name, job=job.job), code=303)


@door.post("/<name>/design/<exercise>/remove")
@access("researcher", "administrator")
def remove_design(name: str, exercise: str) -> ResponseReturnValue:
    """Forget the uploaded design of the draft: its tasks are made again."""
    found(name)
    with current.store().write() as c:
        designs.remove(c, name, exercise)
    flash("The uploaded design is removed from the draft. Its choice tasks will be made.")
    return redirect(url_for("studies.design", name=name, exercise=exercise), code=303)


@door.get("/<name>/design/<exercise>/<layout>.csv")
@access("researcher", "administrator")
def design_file(name: str, exercise: str, layout: str) -> ResponseReturnValue:
    """The choice tasks of the draft, in a layout."""
    study = _draft(found(name))
    shown = _shown(study, _exercise(study, exercise))
    if shown.record is None or not shown.current:
        abort(404)
    rows = _rows_of_text(shown.record.tasks)
    return _csv(shown.exercise, rows, layout, f"{name}-draft-{exercise}")


@door.get("/<name>/versions/<int(max=1000000):number>/design/<exercise>")
@access("researcher", "administrator")
def version_design(name: str, number: int, exercise: str) -> ResponseReturnValue:
    """The choice tasks of a published version."""
    record, wanted, _ = _published(name, number, exercise)
    with current.store().read() as c:
        kept = designs.get(c, name, exercise, number)
    return render_template(
        "studies/design.html",
        record=record,
        shown=Shown(wanted, kept, current=True),
        number=number,
        layouts=LAYOUT_NAMES,
        problem=None,
    )


@door.get("/<name>/versions/<int(max=1000000):number>/design/<exercise>/<layout>.csv")
@access("researcher", "administrator")
def version_design_file(name: str, number: int, exercise: str, layout: str) -> ResponseReturnValue:
    """The choice tasks that respondents of a version are asked, in a layout."""
    _, wanted, tasks = _published(name, number, exercise)
    return _csv(wanted, _rows_of_tasks(tasks), layout, f"{name}-{number}-{exercise}")


def shown_of(study: Study | None) -> list[Shown]:
    """The designs of all choice exercises on the pages of a draft."""
    if study is None:
        return []
    on_pages = [page.exercise for page in study.pages if page.exercise]
    choice = [e for e in study.exercises if isinstance(e, ChoiceExercise) and e.id in on_pages]
    return [_shown(study, exercise) for exercise in choice]


def _shown(study: Study, exercise: ChoiceExercise) -> Shown:
    with current.store().read() as c:
        record = designs.get(c, study.study, exercise.id)
    fits = record is not None and record.made_for == made_for(study, exercise)
    return Shown(exercise, record, fits)


def _page(record: StudyRecord, exercise: str, *, problem: str | None = None) -> str:
    study = _draft(record)
    return render_template(
        "studies/design.html",
        record=record,
        shown=_shown(study, _exercise(study, exercise)),
        number=None,
        layouts=LAYOUT_NAMES,
        problem=problem,
    )


def _published(
    name: str, number: int, exercise: str
) -> tuple[StudyRecord, ChoiceExercise, list[TaskRecord]]:
    record = found(name)
    with current.store().read() as c:
        version = studies.version(c, name, number) or abort(404)
        every = studies.all_tasks(c, name, number)
    tasks = [task for task in every if task.exercise == exercise and task.block > 0]
    if not tasks:
        abort(404)
    return record, _exercise(fielding.read_definition(version.definition), exercise), tasks


def _draft(record: StudyRecord) -> Study:
    """The study of a draft without faults, or 404."""
    try:
        return parse_study(record.draft)
    except StudyFaults:
        abort(404)


def _exercise(study: Study, exercise: str) -> ChoiceExercise:
    """A choice exercise on a page, or 404."""
    on_pages = [page.exercise for page in study.pages]
    known = {e.id: e for e in study.exercises if isinstance(e, ChoiceExercise)}
    return known[exercise] if exercise in on_pages and exercise in known else abort(404)


def _rows_of_text(text: str) -> Iterator[Row]:
    for row in csv.DictReader(io.StringIO(text)):
        yield {**row, **{name: int(row[name]) for name in ("block", "task", "alternative")}}


def _rows_of_tasks(tasks: Iterable[TaskRecord]) -> Iterator[Row]:
    for task in tasks:
        for number, levels in enumerate(task.alternatives, start=1):
            place = {"block": task.block, "task": task.task, "alternative": number}
            yield {**place, "role": task.role, **levels}


def _csv(exercise: ChoiceExercise, rows: Iterable[Row], layout: str, stem: str) -> Response:
    known = next((one for one in LAYOUTS if one == layout), None) or abort(404)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(written(exercise, rows, known))
    headers = {"Content-Disposition": f'attachment; filename="{stem}-{layout}.csv"'}
    return Response(text.getvalue(), mimetype="text/csv; charset=utf-8", headers=headers)
