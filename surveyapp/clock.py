"""The clock of the app: UTC in ISO 8601, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now(*, plus_seconds: float = 0) -> str:
    """The time now, or so many seconds from now."""
    moment = datetime.now(UTC) + timedelta(seconds=plus_seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_between(start: str, end: str) -> float:
    """Seconds from one time to another, both as ``now`` writes them."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
