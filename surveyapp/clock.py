"""The clock of the app: UTC in ISO 8601, to the millisecond.

Bots answer at the time of the people they stand for: ``set_to`` sets the clock for one thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

_set_to: ContextVar[datetime | None] = ContextVar("set_to", default=None)


def now(*, plus_seconds: float = 0) -> str:
    """The time now, or so many seconds from now."""
    moment = (_set_to.get() or datetime.now(UTC)) + timedelta(seconds=plus_seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_between(start: str, end: str) -> float:
    """Seconds from one time to another, both as ``now`` writes them."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


@contextmanager
def set_to(moment: datetime) -> Iterator[None]:
    """Let the clock of this thread stand at a time."""
    token = _set_to.set(moment)
    try:
        yield
    finally:
        _set_to.reset(token)
