"""The choice tasks of a draft: made, or read from an uploaded file; checked and inspected.

They are kept with the draft, so that what is inspected, rehearsed and published is the same.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from analysis.study import ChoiceExercise, Study, parse_study
from surveyapp import clock
from surveyapp.jobs.progress import JobFault, Progress
from surveyapp.jobs.queue import DesignFile
from surveyapp.settings import Settings
from surveyapp.store import Store, designs
from surveyapp.store.records import DesignRecord, JobRecord
from surveyapp.store.rehearsals import digest_of

if TYPE_CHECKING:
    import pandas as pd

UNPLANNED = 300
"""Respondents when the study does not say how many it plans."""


def run(_settings: Settings, store: Store, job: JobRecord, progress: Progress) -> None:
    """Run a job of the kind 'design'."""
    given = job.settings
    study = parse_study(given["definition"])
    if given["text"] is None:
        tasks_of_draft(store, study, given["exercise"], by=given["by"], progress=progress)
        return
    keep_file(
        store,
        study,
        given["exercise"],
        DesignFile(given["file"], given["text"], given["layout"]),
        by=given["by"],
        progress=progress,
    )


def keep_file(
    store: Store,
    study: Study,
    exercise_id: str | None,
    upload: DesignFile,
    *,
    by: str,
    progress: Progress = lambda *_: None,
) -> DesignRecord:
    """Check a design file against an exercise of the draft and keep it with the draft.

    Raises
    ------
    DesignFaults
        With every fault of the file; the design that the draft had stays.
    JobFault
        When the draft has no such exercise on a page.
    """
    from analysis.choices.design.layouts import from_layout, layout_of, table_of

    exercise = fielded_exercise(study, exercise_id)
    progress("Checking the design", 0, 0)
    table = table_of(upload.text)
    known = upload.layout or layout_of(table)
    tasks = from_layout(exercise, table, known, to_field=True)  # type: ignore[arg-type]
    record = DesignRecord(
        study=study.study,
        version=designs.DRAFT,
        exercise=exercise.id,
        file=upload.name,
        layout=known,
        digest=hashlib.sha256(upload.text.encode()).hexdigest(),
        made_for=made_for(study, exercise),
        tasks=_text(tasks),
        interrupted=0,
        inspection=_inspected(study, exercise, tasks, progress),
        created=clock.now(),
        created_by=by,
    )
    with store.write() as c:
        designs.keep(c, record)
    return record


def tasks_of_draft(
    store: Store, study: Study, exercise_id: str, *, by: str, progress: Progress
) -> tuple[pd.DataFrame, DesignRecord]:
    """The tasks of an exercise: those kept with the draft while they fit it, else made now.

    An uploaded design whose exercise was changed since is checked anew.

    Raises
    ------
    DesignFaults
        When an uploaded design does not fit the exercise any more.
    DesignImpossible
        When no tasks can be made.
    """
    from analysis.choices.design.layouts import from_layout, table_of

    exercise = fielded_exercise(study, exercise_id)
    with store.read() as c:
        kept = designs.get(c, study.study, exercise.id)
    now = made_for(study, exercise)
    if kept and kept.made_for == now:
        return from_layout(exercise, table_of(kept.tasks), "surveyapp"), kept
    if kept and kept.file:
        tasks = from_layout(exercise, table_of(kept.tasks), "surveyapp", to_field=True)
        found = _inspected(study, exercise, tasks, progress)
        record = replace(kept, made_for=now, inspection=found)
    else:
        tasks, record = _made(study, exercise, by, progress)
    with store.write() as c:
        if designs.get(c, study.study, exercise.id) == kept:
            designs.keep(c, record)
    return tasks, record


def made_for(study: Study, exercise: ChoiceExercise) -> str:
    """The digest of all that tasks and their inspection depend on."""
    plain = exercise.model_dump(mode="json", exclude_defaults=True)
    return digest_of(f"{planned(study)} {json.dumps(plain, sort_keys=True)}")


def planned(study: Study) -> int:
    """Respondents that the targets plan."""
    targets = study.analysis.targets
    return (targets.respondents if targets else None) or UNPLANNED


def _made(
    study: Study, exercise: ChoiceExercise, by: str, progress: Progress
) -> tuple[pd.DataFrame, DesignRecord]:
    from analysis.choices.design import Watch, make_design

    progress("Making the choice tasks", 0, 0)
    made = make_design(exercise, Watch(exercise.design.time_limit, progress=progress))
    text = _text(made.tasks)
    record = DesignRecord(
        study=study.study,
        version=designs.DRAFT,
        exercise=exercise.id,
        file=None,
        layout="surveyapp",
        digest=hashlib.sha256(text.encode()).hexdigest(),
        made_for=made_for(study, exercise),
        tasks=text,
        interrupted=int(made.interrupted),
        inspection=_inspected(study, exercise, made.tasks, progress),
        created=clock.now(),
        created_by=by,
    )
    return made.tasks, record


def _text(tasks: pd.DataFrame) -> str:
    return tasks.to_csv(index=False, lineterminator="\n")


def _inspected(
    study: Study, exercise: ChoiceExercise, tasks: pd.DataFrame, progress: Progress
) -> str:
    """The inspection as JSON; JobFault when the priors do not fit together."""
    from analysis.choices.coding import coding_of
    from analysis.choices.design.describing import sentences
    from analysis.choices.design.inspection import inspect_design

    progress("Inspecting the choice tasks", 0, 0)
    try:
        found = inspect_design(exercise, coding_of(study, exercise), tasks, n=planned(study))
    except ValueError as error:
        raise JobFault(str(error)) from None
    return json.dumps(found.plain() | {"sentences": sentences(found)}, allow_nan=False)


def fielded_exercise(study: Study, exercise_id: str | None) -> ChoiceExercise:
    """A choice exercise that stands on a page, or the only one; JobFault when there is none."""
    on_pages = [page.exercise for page in study.pages if page.exercise]
    choice = [e for e in study.exercises if e.kind == "choice" and e.id in on_pages]
    known = ", ".join(e.id for e in choice) or "none"
    if exercise_id is None and len(choice) == 1:
        return choice[0]
    for exercise in choice:
        if exercise.id == exercise_id:
            return exercise
    wanted = "Name an exercise" if exercise_id is None else f"There is no exercise '{exercise_id}'"
    raise JobFault(f"{wanted}: choice exercises on a page of this study: {known}.")
