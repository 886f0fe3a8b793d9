"""A whole value report, from purchases and answers to the page: seconds, CPU seconds and memory.

    python benchmarks/report.py [--respondents 2000] [--purchases 1000000]

The pastry shop's study with hierarchical Bayes; its simulated customers answer first, which is not
counted. Counted, one after the other in this process: scores and outcomes from the purchases, the
alarm, the analysis with all sections, the charts, the page.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TypeVar

import pandas as pd

from analysis.purchases.outcomes import outcomes
from analysis.purchases.score import score_customers
from analysis.purchases.winback.alarms import frozen_alarms
from analysis.rendering.charts import draw
from analysis.rendering.html import report_html
from analysis.study import read_study
from analysis.synthetic.archive_of import archive_of, ledger_of
from analysis.synthetic.pastry import pastry_company
from analysis.value_report.build import analyse

STUDY = Path(__file__).parent.parent / "examples" / "pastry" / "study.yaml"
A_BUYER = 38
"""Purchases a buyer makes, about."""
Found = TypeVar("Found")


def timed(what: str, run: Callable[[], Found]) -> Found:
    """Run once and print seconds, CPU seconds and the peak of memory so far."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {what} | {wall:.1f} | {cpu:.1f} | {peak:,.0f} |", flush=True)
    return found


def main() -> None:
    """Make the company, then the report."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--respondents", type=int, default=2000)
    options.add_argument("--purchases", type=int, default=1_000_000)
    given = options.parse_args()
    study, today = read_study(STUDY), date(2026, 11, 22)
    company = pastry_company(
        study,
        seed=1,
        today=today,
        buyers=max(given.purchases // A_BUYER, given.respondents),
        respondents=given.respondents,
    )
    few = replace(company, purchases=company.purchases[:0])
    answered = archive_of(few, study)
    ledger = ledger_of(company)
    done = answered.respondents[answered.respondents["completed"] != ""]
    asked = pd.DataFrame(
        {"customer": done["customer"], "answered_on": done["completed"].str[:10]}
    ).query("customer != ''")
    print(f"{len(done):,} complete respondents, {len(ledger):,} purchases of "
          f"{ledger['customer'].nunique():,} customers\n")  # fmt: skip
    print("| step | s | CPU s | peak MiB |\n|---|---|---|---|")
    wall, cpu = time.perf_counter(), time.process_time()
    customers = timed("scores", lambda: score_customers(ledger, as_of=today))
    later = timed("outcomes", lambda: outcomes(ledger, asked, weeks_after=13, as_of=today))
    alarms, facts = timed("alarm", lambda: frozen_alarms(ledger, as_of=today))
    archive = replace(
        answered,
        customers=customers,
        outcomes=later,
        alarms=alarms,
        facts={**answered.facts, "as_of": today.isoformat(), **facts},
    )
    found = timed("analysis", lambda: analyse(archive, seed=1))
    charts = timed("charts", lambda: draw(found.report))
    timed("page", lambda: report_html(found.report, charts))
    print(f"| all | {time.perf_counter() - wall:.1f} | {time.process_time() - cpu:.1f} | |")


if __name__ == "__main__":
    main()
