"""Scoring runs: each kept for good, with its day, program, ledger and configuration.

A run is a folder ``RUN/`` that appears whole (it is written beside and renamed): ``run.json`` (the
record), ``customers.parquet``, ``weeks.parquet``, ``tiers.parquet``, ``moves.parquet``,
``cohorts.parquet``, ``retention.parquet``, ``offers.parquet``, and ``lookup.sqlite``, the same for
pages (``stored_scores.py``). A run's name is made of the as-of day and all that its numbers depend
on: the same again is the same run.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.purchases.engine import Purchases
from analysis.purchases.engines import Engine
from analysis.purchases.lookup import write_lookup
from analysis.purchases.offers import Offers
from analysis.purchases.scoring import Scoring, ScoringPlan, score

RECORD = "run.json"
CONTENTS = 2
"""Which files, tables and columns a run has, its outlook included; one more at each change of them.

It is part of a run's name, so that the next scoring makes a run with the new ones; runs made before
stay readable, and pages say what they lack.
"""
REACH_WEEKS = 103
"""Weeks that a page needs to draw the rolling score of a year."""


@dataclass(frozen=True, slots=True)
class Run:
    """The record of a scoring run.

    Attributes
    ----------
    run
        Name, and name of its folder.
    as_of
        ISO day, itself included.
    made
        When, ISO time in UTC.
    program
        Version of the program.
    ledger
        SHA-256 of what the ledgers of purchases and offers held.
    engine
        Which engine computed it; both give the same numbers.
    configuration
        Weights, tiers and period (``ScoringPlan.facts``).
    customers
        How many customers were scored.
    """

    run: str
    as_of: str
    made: str
    program: str
    ledger: str
    engine: str
    configuration: dict[str, Any]
    customers: int


def score_run(
    engine: Engine,
    purchases: Purchases,
    folder: Path,
    *,
    as_of: date,
    plan: ScoringPlan,
    ledger: str,
    made: str,
    offers: Offers | None = None,
) -> tuple[Run, bool]:
    """Score as of a day and keep the run; False with it when it was there already.

    ``folder`` is that of all runs, ``ledger`` the digest of the purchases and of the offers that
    are given, ``made`` the time now.

    Raises
    ------
    ValueError
        When purchases are in several currencies, or columns are missing.
    """
    name = run_name(as_of=as_of, plan=plan, ledger=ledger)
    target = folder / name
    if (target / RECORD).is_file():
        return read_run(target), False
    folder.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder))
    try:
        found = score(engine, purchases, as_of=as_of, plan=plan, offers=offers)
        facts = {
            "run": name,
            "as_of": as_of.isoformat(),
            "made": made,
            "program": version("surveyapp"),
            "ledger": ledger,
            "engine": engine.name,
            "configuration": json.loads(json.dumps(plan.facts())),
        }
        customers = write_scoring(engine, found, draft, facts=facts)
        record = Run(**facts, customers=customers)
        draft.chmod(0o755)
        (draft / RECORD).write_text(
            json.dumps({**facts, "customers": customers}, indent=1), encoding="utf-8"
        )
        try:
            draft.rename(target)
        except OSError:
            if not (target / RECORD).is_file():
                raise
            return read_run(target), False  # another worker was faster
        return record, True
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def write_scoring(engine: Engine, found: Scoring, folder: Path, *, facts: dict[str, Any]) -> int:
    """Write all tables of a scoring into a folder; how many customers there are.

    ``facts`` go into the table 'facts' of lookup.sqlite.
    """
    folder.mkdir(parents=True, exist_ok=True)
    engine.write(found.customers.order_by("customer"), folder / "customers.parquet")
    weeks = found.weeks.filter(found.weeks.week < REACH_WEEKS)
    weeks = weeks.select("customer", "week", "cents", "days")
    engine.write(weeks.order_by("customer", "week"), folder / "weeks.parquet")
    tables = {
        "tiers": found.tiers.assign(least_points=_least(found)),
        "moves": found.moves,
        "cohorts": found.cohorts,
        "retention": found.retention,
        "offers": found.offers,
    }
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    given = {
        **facts,
        "as_of": found.as_of.isoformat(),
        "purchase_frequency": found.frequency.model_dump(),
        "offer_response": found.response.model_dump(),
    }
    return write_lookup(folder, tables, facts=given)


def run_name(*, as_of: date, plan: ScoringPlan, ledger: str) -> str:
    """The name of a run: its day, and a digest of ledger, configuration, program and contents."""
    known = json.dumps([ledger, plan.facts(), version("surveyapp"), CONTENTS], sort_keys=True)
    return f"{as_of.isoformat()}-{hashlib.sha256(known.encode()).hexdigest()[:12]}"


def read_run(folder: Path) -> Run:
    """The record of a run's folder."""
    return Run(**json.loads((folder / RECORD).read_text(encoding="utf-8")))


def read_runs(folder: Path) -> list[Run]:
    """All runs of a folder, by as-of day and then by when they were made."""
    found = [read_run(record.parent) for record in folder.glob(f"*/{RECORD}")]
    return sorted(found, key=lambda run: (run.as_of, run.made))


def _least(found: Scoring) -> pd.Series:
    return found.tiers["tier"].map(dict(found.cuts.tiers))
