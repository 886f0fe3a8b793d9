"""Publishing a study: its choice tasks are made, then definition and tasks are frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.study import Study, faults_before_publication, parse_study
from analysis.study.exercises import Exercise
from analysis.study.faults import Catalogue, StudyFaults
from surveyapp import clock
from surveyapp.jobs.progress import Progress
from surveyapp.jobs.rehearse import is_rehearsed, pass_gate
from surveyapp.settings import Settings
from surveyapp.store import Store, images, studies
from surveyapp.store.records import JobRecord, TaskRecord

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
) -> int:
    """Make the choice tasks of a study and freeze it; returns the number of the version.

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

    Raises
    ------
    StudyFaults
        When the study may not be fielded as it is, and shall be.
    JobFault
        When its rehearsal misses its targets, or the reason says nothing.
    """
    made: list[TaskRecord] = []
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
        made = designed_tasks(study, progress)
    progress("Freezing the version", 0, 0)
    with store.write() as c:
        return studies.publish(
            c,
            study.study,
            definition,
            made,
            by=by,
            at=clock.now(),
            despite=reason,
        )


def designed_tasks(study: Study, progress: Progress) -> list[TaskRecord]:
    """The tasks of all exercises that are on a page."""
    from analysis.choices.design import Watch, design_of

    found: list[TaskRecord] = []
    fielded = study.shown_exercises()
    for n, exercise in enumerate(fielded):
        progress("Making the tasks", n, len(fielded))
        watch = Watch(exercise.design.time_limit, progress=progress)
        found += task_records(design_of(exercise, watch), exercise)
    return found


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
