"""Publishing a study: its choice tasks are made, then definition and tasks are frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.study import ChoiceExercise, Study, faults_before_publication, parse_study
from analysis.study.faults import StudyFaults
from surveyapp import clock
from surveyapp.jobs.progress import Progress
from surveyapp.jobs.rehearse import is_rehearsed, pass_gate
from surveyapp.settings import Settings
from surveyapp.store import Store, studies
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

    A study that shows an exercise is published only when its rehearsal reaches its targets, or
    for a written reason. A version for imported answers only is exempt: its tasks are asked
    already.

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
    """The choice tasks of all exercises that are on a page."""
    from analysis.choices.design import Watch, make_design

    found: list[TaskRecord] = []
    fielded = [page.exercise for page in study.pages if page.exercise]
    for n, exercise_id in enumerate(fielded):
        progress("Making the choice tasks", n, len(fielded))
        exercise = study.choice_exercise(exercise_id)
        watch = Watch(exercise.design.time_limit, progress=progress)
        found += task_records(make_design(exercise, watch).tasks, exercise)
    return found


def task_records(frame: pd.DataFrame, exercise: ChoiceExercise) -> list[TaskRecord]:
    """Tasks from a frame with one row per alternative (block, task, alternative, role, levels)."""
    names = [attribute.id for attribute in exercise.attributes]
    tasks: dict[tuple[int, int], tuple[str, list[dict[str, str]]]] = {}
    ordered = frame.sort_values(["block", "task", "alternative"])
    for row in ordered.to_dict("records"):
        _, alternatives = tasks.setdefault(
            (int(row["block"]), int(row["task"])), (str(row["role"]), [])
        )
        alternatives.append({name: str(row[name]) for name in names})
    return [
        TaskRecord(exercise.id, block, task, role, tuple(alternatives))
        for (block, task), (role, alternatives) in tasks.items()
    ]
