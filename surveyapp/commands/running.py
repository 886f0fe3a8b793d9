"""Running a job from the command line, with its progress on standard error."""

from __future__ import annotations

import threading
import time

from surveyapp.commands.group import Fault, say
from surveyapp.jobs.worker import Worker
from surveyapp.settings import Settings
from surveyapp.store import Store, jobs
from surveyapp.store.records import JobRecord

LOOK_SECONDS = 0.2


def run_to_end(settings: Settings, store: Store, job: JobRecord) -> JobRecord:
    """Wait for a job, working on the queue meanwhile; a running server's worker may take it too.

    Raises
    ------
    Fault
        When the job failed or was cancelled, with its cause.
    """
    worker = Worker(settings, store)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        ended = _follow(store, job)
    finally:
        worker.stop.set()
        thread.join()
    if ended.state != "done":
        raise Fault(ended.error or f"The job was {ended.state}.")
    return ended


def _follow(store: Store, job: JobRecord) -> JobRecord:
    shown = ""
    while True:
        with store.read() as c:
            now = jobs.get(c, job.job)
        assert now is not None
        count = f" ({now.done:,} of {now.total:,})" if now.total else ""
        if now.step and now.step + count != shown:
            shown = now.step + count
            say(f"  {shown}")
        if not now.active:
            return now
        time.sleep(LOOK_SECONDS)
