"""The child process that runs one job: ``python -m surveyapp.jobs.run JOB_ID``."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable

from surveyapp.settings import Settings, read_settings
from surveyapp.store import Store, jobs
from surveyapp.store.records import JobRecord

PROGRESS_SECONDS = 0.5

Progress = Callable[[str, int, int], None]
"""Called with a step in words, how much of it is done, and of how much."""


class JobFault(ValueError):
    """A job that cannot be done; the message says why and what to do."""


def main(job_id: str) -> int:
    """Run a job; 0 when done, 2 with a message on standard error when it cannot be done."""
    threading.Thread(target=_end_with_the_worker, daemon=True).start()
    settings = read_settings()
    store = Store(settings.database_url)
    with store.read() as c:
        job = jobs.get(c, job_id)
    if job is None:
        print(f"There is no job '{job_id}'.", file=sys.stderr)
        return 2
    return run(settings, store, job)


def run(settings: Settings, store: Store, job: JobRecord) -> int:
    """Run a job in this process; see ``main``."""
    from surveyapp.jobs import analyse, publish

    kinds = {"publish": publish.run, "analyse": analyse.run}
    try:
        kinds[job.kind](settings, store, job, progress_to(store, job.job))
    except ValueError as error:
        if not _meant_for_people(error):
            raise
        print(error, file=sys.stderr)
        return 2
    return 0


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


def _meant_for_people(error: ValueError) -> bool:
    """Whether an error is one of the project's own, which say what to mend."""
    return type(error).__module__.partition(".")[0] in ("analysis", "surveyapp")


def _end_with_the_worker() -> None:
    # os.read: a thread inside a buffered read aborts the interpreter's shutdown.
    while os.read(0, 1):
        pass
    os._exit(3)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
