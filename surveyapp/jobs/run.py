"""The child process that runs one job: ``python -m surveyapp.jobs.run JOB_ID``."""

from __future__ import annotations

import os
import sys
import threading

from surveyapp.jobs import (
    analyse,
    designing,
    loading,
    mailing,
    measuring,
    publish,
    rehearse,
    report_files,
)
from surveyapp.jobs.progress import progress_to
from surveyapp.settings import Settings, read_settings
from surveyapp.store import Store, jobs
from surveyapp.store.records import JobRecord


def main(job_id: str) -> int:
    """Run a job; 0 when done, 2 with a message on standard error when it cannot be done."""
    threading.Thread(target=end_with_the_worker, daemon=True).start()
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
    kinds = {
        "design": designing.run,
        "rehearse": rehearse.run,
        "publish": publish.run,
        "analyse": analyse.run,
        "mail": mailing.run,
        "test_mail": mailing.run_test,
        "files": report_files.run,
        "measure": measuring.run,
        "plan": measuring.run_plan,
        "load": loading.run,
    }
    try:
        kinds[job.kind](settings, store, job, progress_to(store, job.job))
    except ValueError as error:
        if not meant_for_people(error):
            raise
        print(error, file=sys.stderr)
        return 2
    return 0


def meant_for_people(error: Exception) -> bool:
    """Whether an error is one of the project's own, which say what to mend."""
    return type(error).__module__.partition(".")[0] in ("analysis", "surveyapp")


def end_with_the_worker() -> None:
    """End this process when the pipe to its worker closes."""
    # os.read: a thread inside a buffered read aborts the interpreter's shutdown.
    while os.read(0, 1):
        pass
    os._exit(3)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
