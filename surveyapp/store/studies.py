"""Studies, their published versions and the choice tasks of each version."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select, update

from surveyapp.store import designs
from surveyapp.store.records import DesignRecord, StudyRecord, TaskRecord, VersionRecord
from surveyapp.store.rehearsals import digest_of
from surveyapp.store.schema import studies, study_versions, tasks


def save_draft(c: Connection, study: str, title: str, draft: str, *, at: str) -> None:
    """Store the text of a study file; makes the study when there is none of that id."""
    if get(c, study) is None:
        row = {"study": study, "title": title, "draft": draft, "created": at, "updated": at}
        c.execute(insert(studies).values(row))
        return
    changed = update(studies).where(studies.c.study == study)
    c.execute(changed.values(title=title, draft=draft, updated=at))


def _with_version() -> Select[Any]:
    newest = (
        select(func.max(study_versions.c.version))
        .where(study_versions.c.study == studies.c.study)
        .scalar_subquery()
    )
    return select(studies, newest.label("version"))


_GET = _with_version().where(studies.c.study == bindparam("wanted"))


def get(c: Connection, study: str) -> StudyRecord | None:
    """A study by id, or None."""
    row = c.execute(_GET, {"wanted": study}).first()
    return StudyRecord(**row._mapping) if row else None


def lock(c: Connection, study: str) -> None:
    """Hold a study's row until the transaction ends, so that others who lock it wait."""
    c.execute(select(studies.c.study).where(studies.c.study == study).with_for_update())


def every(c: Connection) -> list[StudyRecord]:
    """All studies, the newest first."""
    rows = c.execute(_with_version().order_by(studies.c.created.desc(), studies.c.study))
    return [StudyRecord(**row._mapping) for row in rows]


def set_closed(c: Connection, study: str, closed: str | None) -> None:
    """Close a study at a time, or open it again with None."""
    c.execute(update(studies).where(studies.c.study == study).values(closed=closed))


def publish(
    c: Connection,
    study: str,
    definition: str,
    made_tasks: Iterable[TaskRecord],
    *,
    by: str,
    at: str,
    despite: str | None = None,
    made_by: Iterable[DesignRecord] = (),
) -> int:
    """Freeze a definition and its tasks as the next version; returns its number.

    ``despite`` is the reason for publishing what its rehearsal refuses, ``made_by`` says where the
    tasks come from.

    Publishing what is already the newest version makes no new one, unless that one was without
    tasks and now has some, or had those of another file.
    """
    digest = digest_of(definition)
    lock(c, study)
    record = get(c, study)
    newest = version(c, study, record.version) if record and record.version else None
    rows, found = list(made_tasks), list(made_by)
    files = {d.exercise: d.digest for d in found if d.file}
    if (
        newest
        and newest.digest == digest
        and has_designed_tasks(c, newest) == bool(rows)
        and designs.uploaded(c, study, newest.version) == files
    ):
        return newest.version
    number = (newest.version if newest else 0) + 1
    c.execute(
        insert(study_versions).values(
            study=study,
            version=number,
            definition=definition,
            digest=digest,
            published=at,
            published_by=by,
            despite=despite,
        )
    )
    if rows:
        c.execute(insert(tasks), [_task_row(study, number, task) for task in rows])
    designs.freeze(c, found, number)
    return number


def _task_row(study: str, number: int, task: TaskRecord) -> dict[str, object]:
    return {
        "study": study,
        "version": number,
        "exercise": task.exercise,
        "block": task.block,
        "task": task.task,
        "role": task.role,
        "alternatives": json.dumps(task.alternatives),
    }


def has_designed_tasks(c: Connection, published: VersionRecord) -> bool:
    """Whether a version has tasks that respondents may be asked."""
    wanted = select(func.count()).where(
        tasks.c.study == published.study, tasks.c.version == published.version, tasks.c.block > 0
    )
    return bool(c.execute(wanted).scalar())


def version(c: Connection, study: str, number: int) -> VersionRecord | None:
    """A published version, or None."""
    wanted = (study_versions.c.study == study) & (study_versions.c.version == number)
    row = c.execute(select(study_versions).where(wanted)).first()
    return VersionRecord(**row._mapping) if row else None


def versions(c: Connection, study: str) -> list[VersionRecord]:
    """All versions of a study, the oldest first."""
    wanted = select(study_versions).where(study_versions.c.study == study)
    rows = c.execute(wanted.order_by(study_versions.c.version))
    return [VersionRecord(**row._mapping) for row in rows]


def task(
    c: Connection, study: str, number: int, exercise: str, block: int, task_number: int
) -> TaskRecord | None:
    """One choice task of a version, or None."""
    row = c.execute(
        select(tasks).where(
            tasks.c.study == study,
            tasks.c.version == number,
            tasks.c.exercise == exercise,
            tasks.c.block == block,
            tasks.c.task == task_number,
        )
    ).first()
    return _task(row) if row else None


def blocks(c: Connection, study: str, number: int, exercise: str) -> int:
    """How many blocks of designed tasks an exercise has; imported tasks stand in blocks below 0."""
    counted = select(func.max(tasks.c.block)).where(
        tasks.c.study == study, tasks.c.version == number, tasks.c.exercise == exercise
    )
    return max(c.execute(counted).scalar() or 0, 0)


def all_tasks(c: Connection, study: str, number: int) -> list[TaskRecord]:
    """All choice tasks of a version."""
    wanted = select(tasks).where(tasks.c.study == study, tasks.c.version == number)
    rows = c.execute(wanted.order_by(tasks.c.exercise, tasks.c.block, tasks.c.task))
    return [_task(row) for row in rows]


def lowest_block(c: Connection, study: str, number: int, exercise: str) -> int:
    """The lowest block number of an exercise: 0, or below 0 when choices were imported."""
    found = select(func.min(tasks.c.block)).where(
        tasks.c.study == study, tasks.c.version == number, tasks.c.exercise == exercise
    )
    return min(c.execute(found).scalar() or 0, 0)


def add_tasks(c: Connection, study: str, number: int, made: Iterable[TaskRecord]) -> None:
    """Add imported tasks to a version; their blocks are below 0, so that nobody is asked them."""
    rows = [_task_row(study, number, task) for task in made]
    if any(row["block"] >= 0 for row in rows):  # type: ignore[operator]
        raise ValueError("imported tasks stand in blocks below 0")
    if rows:
        c.execute(insert(tasks), rows)


def _task(row: Row[Any]) -> TaskRecord:
    alternatives = tuple(json.loads(row.alternatives))
    return TaskRecord(row.exercise, row.block, row.task, row.role, alternatives)
