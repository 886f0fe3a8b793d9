"""Planning and measuring a randomised test on the purchases of the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surveyapp.jobs.ledgers import ledger_folder, ledgers_folder
from surveyapp.jobs.progress import JobFault, Progress
from surveyapp.reports.run_files import RECOMMENDED, TESTS, folder_of
from surveyapp.settings import Settings
from surveyapp.store import Store, reports
from surveyapp.store.records import JobRecord

if TYPE_CHECKING:
    import pandas as pd


def run(settings: Settings, store: Store, job: JobRecord, progress: Progress) -> None:
    """Run a job of the kind 'measure'; the result stands in the register, and in later reports."""
    from analysis.customers.actions.register import Register
    from analysis.ledgers.folder import reading

    progress("Comparing the two groups", 0, 0)
    try:
        with reading(ledgers_folder(settings)):
            purchases = ledger_folder(settings)
            Register(settings.files / TESTS).measure(job.settings["test"], purchases)
    except ValueError as error:
        raise JobFault(f"The test cannot be measured: {error}.") from error


def run_plan(settings: Settings, store: Store, job: JobRecord, progress: Progress) -> None:
    """Run a job of the kind 'plan': the groups are drawn, and plan and list are frozen."""
    from analysis.customers.actions.planning import Decision, plan_test
    from analysis.customers.actions.randomised import Wanted
    from analysis.customers.actions.register import Register
    from analysis.ledgers.folder import reading

    given = job.settings
    with store.read() as c:
        record = reports.get(c, given["report"])
    path = folder_of(settings, record.job or record.report) / RECOMMENDED if record else None
    if path is None or not path.is_file():
        raise JobFault("The list of customers is no longer there. Start the analysis again.")
    progress("Reckoning the size from earlier purchases", 0, 0)
    try:
        decision = Decision(
            name=given["test"],
            what=given["what"],
            strategy=given["strategy"],
            segment=given["segment"],
            decided_by=given["decided_by"],
            decided_on=date.fromisoformat(given["decided_on"]),
            began=date.fromisoformat(given["began"]),
            weeks=given["weeks"],
            seed=given["seed"],
            adjusted=True,
            currency=given["currency"],
        )
        wanted = Wanted(
            outcome=given["outcome"],
            smallest=given["smallest"],
            control_share=given["control_share"],
            power=given["power"],
            error=given["error"],
        )
        with reading(ledgers_folder(settings)):
            plan_test(
                not_erased(settings, recommended_customers(path, given)),
                ledger_folder(settings),
                decision,
                wanted,
                register=Register(settings.files / TESTS),
                only_enough=given["only_enough"],
            )
    except ValueError as error:
        raise JobFault(f"The test cannot be planned: {error}.") from error


def not_erased(settings: Settings, listed: pd.DataFrame) -> pd.DataFrame:
    """Without those who were erased since the analysis: its list may still name them."""
    from analysis.customer_key import erased_mark
    from analysis.ledgers.raw import read_erased

    erased = read_erased(ledgers_folder(settings))
    marks = listed["customer"].map(lambda name: erased_mark(name, settings.customer_key))
    return listed[~marks.isin(erased)].reset_index(drop=True)


def recommended_customers(path: Path, given: Mapping[str, Any]) -> pd.DataFrame:
    """The customers of one recommendation, column customer."""
    import pandas as pd

    from analysis.purchases.winback.campaign import as_written

    found = pd.read_csv(path, dtype=str, keep_default_na=False)
    same = [found[name] == given[name] for name in ("cut", "segment", "strategy")]
    own = found[same[0] & same[1] & same[2]]
    return pd.DataFrame({"customer": as_written(own["customer"]).to_numpy()})
