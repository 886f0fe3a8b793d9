"""When customers are scored again: periods of the calendar, in UTC. Light: no statistics."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from surveyapp.settings import SettingFault

EVERY = ("daily", "weekly", "monthly")


def period_of(every: str, now: str) -> str | None:
    """The period that a time lies in, named by its first day: 'weekly:2026-11-23'.

    None when nothing is scheduled.

    Raises
    ------
    SettingFault
        When the schedule is none of ``EVERY``.
    """
    if not every:
        return None
    today = datetime.fromisoformat(now).date()
    begins = {
        "daily": today,
        "weekly": today - timedelta(days=today.weekday()),
        "monthly": today.replace(day=1),
    }
    if every not in begins:
        raise SettingFault(f"SCORES_EVERY is '{every}'; use one of {', '.join(EVERY)}, or nothing")
    return f"{every}:{begins[every].isoformat()}"


def as_of(period: str) -> date:
    """The day as of which a period is scored: the last one before it."""
    return date.fromisoformat(period.partition(":")[2]) - timedelta(days=1)
