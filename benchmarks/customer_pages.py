"""The manager's pages on customers over large scoring runs: CPU milliseconds a page.

    python benchmarks/customer_pages.py [--rows 5000000] [--customers 650000] [--outlook]

Two runs, 13 weeks apart, of a simulated log (see scores.py); every page is asked for six times in
this process, through the whole app but without a server, and the median of the last five is shown.
``--outlook`` adds lifetime values, alarms and purchase days, as the scoring job does.
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

from scores import AS_OF, simulate

from analysis.purchases.engines import open_engine
from analysis.purchases.outlook import write_outlook
from analysis.purchases.runs import score_run
from analysis.purchases.scoring import ScoringPlan
from analysis.purchases.stored_movement import write_movement
from surveyapp import create_app
from surveyapp.load_test import throwaway
from surveyapp.staff import accounts
from surveyapp.store import Store

DAYS = (date(2026, 3, 31), AS_OF)
NAME, PASSWORD, LOG_IN = "manager", "only for this benchmark", "/staff/log-in"
Get = Callable[[str], int]


def runs(folder: Path, ledgers: Path, *, outlook: bool) -> Path:
    """Score the log as of both days; the folder of the newer run."""
    for day in DAYS:
        with open_engine() as engine:
            run, _ = score_run(
                engine, ledgers / "purchases", folder, as_of=day, plan=ScoringPlan(),
                ledger="simulated", made=f"{day}T00:00:00.000Z",
            )  # fmt: skip
        print(f"{run.run}: {run.customers:,} customers", flush=True)
    write_movement(folder / run.run)
    if outlook:
        write_outlook(folder / run.run, ledgers, as_of=DAYS[-1])
    return folder / run.run


def ledger(folder: Path, rows: int, customers: int) -> None:
    """A ledger of one load with a simulated log."""
    version = folder / "versions" / "000001"
    version.mkdir(parents=True)
    simulate(rows, customers, version / "rows")
    (folder / "current").symlink_to(Path("versions") / "000001")


def pages(run: Path) -> Iterator[tuple[str, str]]:
    """What each page is, and its address."""
    with closing(sqlite3.connect(run / "lookup.sqlite")) as file:
        (n,) = file.execute("SELECT count(*) FROM customers").fetchone()
        middle = "SELECT customer FROM customers WHERE number = ?"
        (name,) = file.execute(middle, [n // 2]).fetchone()
        sizes = dict(file.execute("SELECT tier, customers FROM tiers"))
    yield "tiers and movement of 13 weeks", "/customers/"
    yield "list, first page", "/customers/list"
    yield "list, last page", f"/customers/list?after={n - 50}"
    yield "list of a tier, first page", "/customers/list?tier=inactive"
    yield "list of a tier, last page", f"/customers/list?tier=bronze&after={sizes['bronze'] - 50}"
    yield "search by one letter", f"/customers/list?begins={name[:1]}"
    yield "search by ten letters", f"/customers/list?begins={name[:10]}"
    yield "search that finds nobody", "/customers/list?begins=fffffffff"
    yield "a customer", f"/customers/one/{name}"
    yield "movement between two runs", "/customers/movement"
    yield "retention", "/customers/retention"
    yield "win-back list", "/customers/win-back"


def measured(get: Get, address: str) -> tuple[float, float]:
    """Median CPU milliseconds of five requests after a first one, and of the first."""
    found = []
    for _ in range(6):
        began = time.process_time()
        if get(address) not in (200, 303):
            raise RuntimeError(f"{address} failed")
        found.append((time.process_time() - began) * 1000)
    return statistics.median(found[1:]), found[0]


def main() -> None:
    """Make the runs, log a manager in, ask for every page."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--rows", type=int, default=5_000_000)
    options.add_argument("--customers", type=int, default=650_000)
    options.add_argument("--outlook", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, throwaway.throwaway(1) as settings:
        ledgers = Path(folder) / "ledgers"
        ledger(ledgers / "purchases", given.rows, given.customers)
        run = runs(settings.files / "scores", ledgers, outlook=given.outlook)
        with closing(Store(settings.database_url)) as store:
            accounts.add(store, NAME, "manager", PASSWORD)
        client = create_app(settings).test_client()
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(LOG_IN).text)
        fields = {"name": NAME, "password": PASSWORD, "csrf_token": token[1] if token else ""}
        client.post(LOG_IN, data=fields)
        print("| page | CPU ms | the first time |\n|---|---|---|")
        for what, address in pages(run):
            median, first = measured(lambda page: client.get(page).status_code, address)
            print(f"| {what} | {median:.1f} | {first:.1f} |", flush=True)
        print(json.dumps({"rows": given.rows, "outlook": given.outlook}))


if __name__ == "__main__":
    main()
