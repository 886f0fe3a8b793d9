"""How far a job is, and why it cannot be done."""

from __future__ import annotations

import time
from collections.abc import Callable

from surveyapp.store import Store, jobs

PROGRESS_SECONDS = 0.5

Progress = Callable[[str, int, int], None]
"""Called with a step in words, how much of it is done, and of how much."""


class JobFault(ValueError):
    """A job that cannot be done; the message says why and what to do."""


def progress_to(store: Store, job: str) -> Progress:
    """A progress callback that writes to the job, not more than twice a second within a step."""
    last: list[tuple[str, float]] = [("", 0.0)]

    def progress(step: str, done: int = 0, total: int = 0) -> None:
        now = time.monotonic()
        if step == last[0][0] and now - last[0][1] < PROGRESS_SECONDS and done != total:
            return
        last[0] = (step, now)
        with store.write() as c:
            jobs.report_progress(c, job, step, done, total)

    return progress
