"""The queue: jobs wait, are claimed under a lease, report progress and end."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, or_, select, update

from surveyapp.store import studies
from surveyapp.store.records import JobRecord
from surveyapp.store.schema import jobs

MAX_ATTEMPTS = 3


def submit(
    c: Connection, job: str, kind: str, study: str, key: str, arguments: dict[str, Any], *, at: str
) -> JobRecord:
    """Put a job in the queue; while one with the same key waits or runs, return that one.

    An empty ``study``: the job belongs to none, and the caller has locked what it is about.
    """
    if study:
        studies.lock(c, study)
    active = (jobs.c.key == key) & jobs.c.state.in_(("queued", "running"))
    waiting = c.execute(select(jobs).where(active)).first()
    if waiting:
        return _record(waiting)
    row = {
        "job": job,
        "kind": kind,
        "key": key,
        "study": study or None,
        "arguments": json.dumps(arguments, sort_keys=True),
        "state": "queued",
        "created": at,
    }
    c.execute(insert(jobs).values(row))
    found = get(c, job)
    assert found is not None
    return found


def get(c: Connection, job: str) -> JobRecord | None:
    """A job by id, or None."""
    row = c.execute(select(jobs).where(jobs.c.job == job)).first()
    return _record(row) if row else None


def newest(c: Connection, key: str) -> JobRecord | None:
    """The newest job with a key, or None."""
    wanted = select(jobs).where(jobs.c.key == key).order_by(jobs.c.created.desc()).limit(1)
    row = c.execute(wanted).first()
    return _record(row) if row else None


def of_study(c: Connection, study: str, limit: int = 20) -> list[JobRecord]:
    """Jobs of a study, the newest first."""
    wanted = select(jobs).where(jobs.c.study == study)
    rows = c.execute(wanted.order_by(jobs.c.created.desc(), jobs.c.job).limit(limit))
    return [_record(row) for row in rows]


def claim(c: Connection, worker: str, *, at: str, lease_until: str) -> JobRecord | None:
    """Take the oldest job that waits, or whose worker has let its lease run out.

    A job that was started ``MAX_ATTEMPTS`` times without an end is marked as failed.
    """
    stale = (jobs.c.state == "running") & (jobs.c.lease_until < at)
    worn_out = stale & (jobs.c.attempts >= MAX_ATTEMPTS)
    message = "The worker stopped without a word, three times. See its log."
    c.execute(update(jobs).where(worn_out).values(state="failed", finished=at, error=message))
    ready = or_(jobs.c.state == "queued", stale)
    oldest = select(jobs).where(ready).order_by(jobs.c.created, jobs.c.job).limit(1)
    row = c.execute(oldest.with_for_update(skip_locked=True)).first()
    if row is None:
        return None
    c.execute(
        update(jobs)
        .where(jobs.c.job == row.job)
        .values(
            state="running",
            worker=worker,
            lease_until=lease_until,
            attempts=row.attempts + 1,
            started=at,
        )
    )
    return get(c, row.job)


def any_waiting(c: Connection) -> bool:
    """Whether a job waits for a worker."""
    return (
        c.execute(select(jobs.c.job).where(jobs.c.state == "queued").limit(1)).first() is not None
    )


def beat(c: Connection, job: str, worker: str, *, lease_until: str) -> bool:
    """Prolong the lease; False when the job is no longer this worker's or is to be cancelled."""
    mine = _mine(job, worker)
    if c.execute(select(jobs.c.cancel).where(mine)).scalar() != 0:
        return False
    c.execute(update(jobs).where(mine).values(lease_until=lease_until))
    return True


def report_progress(c: Connection, job: str, step: str, done: int, total: int) -> None:
    """Note how far a running job is."""
    running = (jobs.c.job == job) & (jobs.c.state == "running")
    c.execute(update(jobs).where(running).values(step=step, done=done, total=total))


def finish(
    c: Connection, job: str, worker: str, state: str, *, at: str, error: str | None = None
) -> None:
    """End a job as 'done', 'failed' or 'cancelled'."""
    mine = _mine(job, worker)
    c.execute(update(jobs).where(mine).values(state=state, finished=at, error=error))


def release(c: Connection, job: str, worker: str) -> None:
    """Give a running job back to the queue: its worker stops before the job ended."""
    values = {
        "state": "queued",
        "worker": None,
        "lease_until": None,
        "attempts": jobs.c.attempts - 1,
    }
    c.execute(update(jobs).where(_mine(job, worker)).values(**values))


def is_cancelled(c: Connection, job: str) -> bool:
    """Whether somebody asked to cancel a job."""
    return bool(c.execute(select(jobs.c.cancel).where(jobs.c.job == job)).scalar())


def cancel(c: Connection, job: str, *, at: str) -> None:
    """Cancel a waiting job at once, and ask the worker to stop a running one."""
    waiting = (jobs.c.job == job) & (jobs.c.state == "queued")
    c.execute(update(jobs).where(waiting).values(state="cancelled", finished=at))
    running = (jobs.c.job == job) & (jobs.c.state == "running")
    c.execute(update(jobs).where(running).values(cancel=1))


def _record(row: Row[Any]) -> JobRecord:
    return JobRecord(**{**row._mapping, "study": row.study or ""})


def _mine(job: str, worker: str) -> ColumnElement[bool]:
    return (jobs.c.job == job) & (jobs.c.worker == worker) & (jobs.c.state == "running")
