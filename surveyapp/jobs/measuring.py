"""Measuring a randomised test on the purchases of the ledger."""

from __future__ import annotations

from surveyapp.jobs.ledgers import ledger_folder
from surveyapp.jobs.progress import JobFault, Progress
from surveyapp.reports.run_files import TESTS
from surveyapp.settings import Settings
from surveyapp.store import Store
from surveyapp.store.records import JobRecord


def run(settings: Settings, store: Store, job: JobRecord, progress: Progress) -> None:
    """Run a job of the kind 'measure'; the result stands in the register, and in later reports."""
    from analysis.customers.actions.register import Register
    from analysis.purchases.ledger import read_ledger

    progress("Comparing the two groups", 0, 0)
    purchases = read_ledger(ledger_folder(settings))
    try:
        Register(settings.files / TESTS).measure(job.settings["test"], purchases)
    except ValueError as error:
        raise JobFault(f"The test cannot be measured: {error}.") from error
