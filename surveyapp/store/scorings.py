"""Scheduled scorings: one row a period, taken by one worker."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from surveyapp.store.schema import scorings

MAX_ATTEMPTS = 3


def claim(c: Connection, period: str, worker: str, *, at: str, lease_until: str) -> bool:
    """Take the scoring of a period: new, given back, or left by a worker that went silent.

    False when another worker has it, it is over, or it was started ``MAX_ATTEMPTS`` times.
    """
    taken = {"state": "running", "worker": worker, "lease_until": lease_until}
    row = c.execute(select(scorings.c.attempts).where(scorings.c.period == period)).first()
    if row is None:
        values = {**taken, "period": period, "attempts": 1, "created": at}
        try:
            with c.begin_nested():
                c.execute(insert(scorings).values(values))
        except IntegrityError:
            return False
        return True
    free = or_(
        scorings.c.state == "queued",
        (scorings.c.state == "running") & (scorings.c.lease_until < at),
    )
    open_ = (scorings.c.period == period) & free & (scorings.c.attempts < MAX_ATTEMPTS)
    done = c.execute(
        update(scorings).where(open_).values(**taken, attempts=scorings.c.attempts + 1)
    )
    return done.rowcount == 1


def beat(c: Connection, period: str, worker: str, *, lease_until: str) -> bool:
    """Prolong the lease; False when the scoring is no longer this worker's."""
    changed = update(scorings).where(_running(period, worker)).values(lease_until=lease_until)
    return c.execute(changed).rowcount == 1


def release(c: Connection, period: str, worker: str) -> None:
    """Give it back: its worker stops before the end."""
    values = {"state": "queued", "worker": None, "lease_until": None}
    given = update(scorings).where(_running(period, worker))
    c.execute(given.values(**values, attempts=scorings.c.attempts - 1))


def finish(
    c: Connection, period: str, worker: str, state: str, *, at: str, error: str | None = None
) -> None:
    """End it as 'done' or 'failed'; nothing where it is no longer this worker's."""
    ended = update(scorings).where(_running(period, worker))
    c.execute(ended.values(state=state, finished=at, error=error))


def _running(period: str, worker: str) -> ColumnElement[bool]:
    mine = (scorings.c.period == period) & (scorings.c.worker == worker)
    return mine & (scorings.c.state == "running")


def newest(c: Connection, limit: int = 20) -> list[tuple[str, str, str | None]]:
    """Period, state and error of the latest scheduled scorings, the newest first."""
    wanted = select(scorings.c.period, scorings.c.state, scorings.c.error)
    rows = c.execute(wanted.order_by(scorings.c.created.desc()).limit(limit))
    return [(row.period, row.state, row.error) for row in rows]
