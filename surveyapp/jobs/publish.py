"""Publishing a study: its choice tasks are made, then definition and tasks are frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.study import ChoiceExercise, Study, faults_before_publication, parse_study
from analysis.study.exercises import Exercise
from analysis.study.faults import Catalogue, StudyFaults
from surveyapp import clock
from surveyapp.jobs.designing import tasks_of_draft
from surveyapp.jobs.progress import JobFault, Progress
from surveyapp.jobs.rehearse import is_rehearsed, pass_gate
from surveyapp.settings import Settings
from surveyapp.store import Connection, Store, images, jobs, studies
from surveyapp.store.records import DesignRecord, JobRecord, TaskRecord

if TYPE_CHECKING:
    import pandas as pd


def run(_settings: Settings, store: Store, job: JobRecord, progress: Progress) -> None:
    """Run a job of the kind 'publish'."""
    given = job.settings
    publish(
        store,
        parse_study(given["definition"]),
        given["definition"],
        by=given["by"],
        import_only=given["import_only"],
        despite=given.get("despite"),
        asked_by=job,
        progress=progress,
    )


def publish(
    store: Store,
    study: Study,
    definition: str,
    *,
    by: str,
    import_only: bool,
    progress: Progress,
    despite: str | None = None,
    asked_by: JobRecord | None = None,
) -> int:
    """Freeze a study with its choice tasks, made or kept with the draft; returns the version.

    A study whose plan reports choices that respondents make is published only when its rehearsal
    reaches its targets, or for a written reason. Other kinds of exercise are exempt, for they
    cannot be rehearsed, and versions for imported answers only: their tasks are asked already.

    Parameters
    ----------
    definition
        The canonical JSON of the study, which is what is frozen.
    import_only
        True: the version takes imported answers only; no tasks are made, nobody is asked.
    despite
        Why it is published although its rehearsal may miss the targets; kept with the version.
    asked_by
        The job that publishes: once it is cancelled, or the designs it was asked for are others,
        nothing is published.

    Raises
    ------
    StudyFaults
        When the study may not be fielded as it is, and shall be.
    JobFault
        When its rehearsal misses its targets, the reason says nothing, or the job is cancelled.
    DesignFaults
        When an uploaded design does not fit the study.
    """
    made: list[TaskRecord] = []
    made_by: list[DesignRecord] = []
    reason = None
    if not import_only:
        faults = faults_before_publication(study)
        with store.read() as c:
            absent = images.missing(c, study.study, study.images())
        faults += [Catalogue.NO_IMAGE.at("file", name=name) for name in absent]
        if faults:
            raise StudyFaults(faults)
        if is_rehearsed(study):
            reason = pass_gate(store, study, definition, despite, progress)
        made, made_by = designed_tasks(store, study, by=by, progress=progress)
    progress("Freezing the version", 0, 0)
    with store.write() as c:
        if asked_by:
            _still_wanted(c, asked_by, made_by)
        return studies.publish(
            c,
            study.study,
            definition,
            made,
            by=by,
            at=clock.now(),
            despite=reason,
            made_by=made_by,
        )


def _still_wanted(c: Connection, job: JobRecord, made_by: list[DesignRecord]) -> None:
    now = jobs.get(c, job.job)
    if now is None or now.cancel:
        raise JobFault("Publishing was cancelled. Nothing was published.")
    asked_for = job.settings["designs"]
    if any((d.digest if d.file else None) != asked_for.get(d.exercise) for d in made_by):
        raise JobFault(
            "A design was uploaded or removed after publishing was asked for. Nothing was "
            "published. Look at the choice tasks, then publish again."
        )


def designed_tasks(
    store: Store, study: Study, *, by: str, progress: Progress
) -> tuple[list[TaskRecord], list[DesignRecord]]:
    """The tasks of all exercises that are on a page, and how choice tasks came about."""
    from analysis.choices.design import Watch, design_of

    found: list[TaskRecord] = []
    records = []
    for exercise in study.shown_exercises():
        if isinstance(exercise, ChoiceExercise):
            tasks, record = tasks_of_draft(store, study, exercise.id, by=by, progress=progress)
            records.append(record)
        else:
            progress("Making the tasks", 0, 0)
            watch = Watch(exercise.design.time_limit, progress=progress)
            tasks = design_of(exercise, watch)
        found += task_records(tasks, exercise)
    return found, records


def task_records(frame: pd.DataFrame, exercise: Exercise) -> list[TaskRecord]:
    """Tasks from a frame with one row per alternative, as ``design_of`` returns it."""
    tasks: dict[tuple[int, int], tuple[str, list[dict[str, str]]]] = {}
    ordered = frame.sort_values(["block", "task", "alternative"])
    for row in ordered.to_dict("records"):
        _, alternatives = tasks.setdefault(
            (int(row["block"]), int(row["task"])), (str(row["role"]), [])
        )
        alternatives.append({name: str(row[name]) for name in exercise.columns})
    return [
        TaskRecord(exercise.id, block, task, role, tuple(alternatives))
        for (block, task), (role, alternatives) in tasks.items()
    ]
