"""What pages show of customers beyond their scores: lifetime value, alarms, purchase days.

It is computed in the scoring job, as of the day of a run, into ``outlook.sqlite`` in the run's
folder: from the purchases, and from the ledgers of margins, acquisition costs, offers and service
contacts as they are then. It is made anew when one of those has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from contextlib import closing
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.ledgers.engine import connection
from analysis.purchases.engine import offer_purchases
from analysis.purchases.lifetime_value.pareto_nbd import PARETO_NBD
from analysis.purchases.lifetime_value.residual_value import Horizon
from analysis.purchases.lifetime_value.valuation import Plan, value_customers
from analysis.purchases.lookup import write_table
from analysis.purchases.outlook_ledgers import (
    costs_of,
    events_of,
    margin_of,
    rows_of,
)
from analysis.purchases.stored_outlook import FILE
from analysis.purchases.winback.alarms import alarms, true_alarms
from analysis.purchases.winback.campaign import Campaign, campaign_list
from analysis.purchases.winback.placebo import NotEnoughHistory
from analysis.tables import ALARM_COLUMNS

HORIZON_WEEKS, DISCOUNT = 52, 0.10
BESIDE = ("margins", "acquisition", "offers", "contacts")
BATCH = 50_000
INDICES = (
    "CREATE UNIQUE INDEX values_by_name ON lifetime_values (customer)",
    "CREATE INDEX values_by_worth ON lifetime_values (residual_value)",
    "CREATE UNIQUE INDEX alarms_by_name ON alarms (customer)",
    "CREATE UNIQUE INDEX win_back_by_rank ON win_back (rank)",
    "CREATE INDEX win_back_by_name ON win_back (customer)",
    "CREATE INDEX events_by_name ON events (customer, day)",
)
DAYS_SQL = """
    SELECT customer, strftime(day, '%Y-%m-%d') AS day, sum(amount)::BIGINT AS cents,
           count(*) AS lines, string_agg(DISTINCT channel, ', ') AS channels,
           string_agg(DISTINCT store, ', ') AS stores,
           sum(CASE WHEN on_sale THEN 1 ELSE 0 END)::BIGINT AS sale_lines
    FROM purchases WHERE purchases.day <= ?::DATE GROUP BY ALL ORDER BY customer, day
"""


def write_outlook(run: Path, ledgers: Path, *, as_of: date) -> bool:
    """Write the outlook of a run; False when it is there already, of the same ledgers.

    Parameters
    ----------
    run
        The folder of the run.
    ledgers
        The folder that holds the folders of the ledgers.
    """
    digest = _digest(ledgers)
    target = run / FILE
    if target.is_file() and _stored_digest(target) == digest:
        return False
    draft = target.with_suffix(f".{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(draft)) as file:
            file.execute("PRAGMA journal_mode = OFF")
            _write(file, ledgers, as_of, digest)
            file.commit()
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return True


def _write(file: sqlite3.Connection, ledgers: Path, as_of: date, digest: str) -> None:
    purchases = ledgers / "purchases"
    margin, why = margin_of(rows_of(ledgers, "margins"), purchases, as_of=as_of)
    costs, costs_source = costs_of(rows_of(ledgers, "acquisition"), purchases, as_of=as_of)
    plan = Plan(PARETO_NBD, Horizon(HORIZON_WEEKS, DISCOUNT, margin), costs=costs)
    value = value_customers(purchases, as_of=as_of, plan=plan)
    write_table(file, "lifetime_values", value.customers)
    write_table(file, "acquisition", value.acquisition)
    facts: dict[str, Any] = {
        "as_of": as_of.isoformat(),
        "ledgers": digest,
        "margin": margin,
        "margin_source": why,
        "horizon_weeks": HORIZON_WEEKS,
        "discount": DISCOUNT,
        "value_reasons": value.reasons,
        "value_method": list(value.method),
        "value_warnings": list(value.warnings),
        "value_totals": value.totals,
        "gate": asdict(value.gate),
        "costs_source": costs_source,
    }
    facts |= _write_alarms(file, purchases, as_of, margin)
    offers, contacts = (rows_of(ledgers, kind) for kind in ("offers", "contacts"))
    write_table(file, "events", events_of(offers, contacts, as_of=as_of))
    _write_days(file, purchases, as_of)
    for statement in INDICES:
        file.execute(statement)
    file.execute("CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT)")
    pairs = [(name, json.dumps(value, default=str)) for name, value in facts.items()]
    file.executemany("INSERT INTO facts VALUES (?, ?)", pairs)


def _write_alarms(
    file: sqlite3.Connection, purchases: Path, as_of: date, margin: float | None
) -> dict[str, Any]:
    """Write everybody's answer and the win-back list; what is known of the alarm."""
    campaign = Campaign(margin=margin)
    facts: dict[str, Any] = {"control_share": campaign.control_share, "alarm": "calibrated"}
    answers = pd.DataFrame(columns=list(ALARM_COLUMNS))
    try:
        found = alarms(purchases, as_of=as_of)
    except NotEnoughHistory as reason:
        facts["alarm"] = str(reason)
    else:
        answers, calibration = found.customers, found.calibration
        facts |= {
            "alarm_answers": answers["alarm"].value_counts().to_dict(),
            "alarm_wanted": calibration.wanted,
            "alarm_attained": calibration.attained,
            "alarm_calibrated_on": calibration.n,
            "true_alarms": true_alarms(answers).model_dump(),
            "season": found.season,
            "common_change": found.common_change,
            "caveats": found.caveats,
        }
    write_table(file, "alarms", answers)
    listed = campaign_list(answers, campaign, as_of=as_of)
    contact = (listed["group"] == "contact").astype("int64")
    listed = listed.assign(contacts_before=contact.cumsum() - contact)
    write_table(file, "win_back", listed)
    return facts


def _write_days(file: sqlite3.Connection, purchases: Path, as_of: date) -> None:
    """Purchase days, a row each customer and day, so that pages may turn them over."""
    file.execute(
        "CREATE TABLE days (customer TEXT, day TEXT, cents INTEGER, lines INTEGER, channels TEXT, "
        "stores TEXT, sale_lines INTEGER, PRIMARY KEY (customer, day)) WITHOUT ROWID"
    )
    with connection() as engine:
        offer_purchases(engine, purchases)
        found = engine.execute(DAYS_SQL, [as_of.isoformat()])
        while rows := found.fetchmany(BATCH):
            file.executemany("INSERT INTO days VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def _digest(ledgers: Path) -> str:
    """Of the rows of all ledgers that an outlook reads."""
    found = hashlib.sha256()
    for kind in ("purchases", *BESIDE):
        for path in sorted((ledgers / kind / "current" / "rows").glob("*.parquet")):
            found.update(f"{kind}/{path.name}".encode())
            with path.open("rb") as file:
                found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


def _stored_digest(path: Path) -> str:
    with closing(sqlite3.connect(path)) as file:
        row = file.execute("SELECT value FROM facts WHERE name = 'ledgers'").fetchone()
    return str(json.loads(row[0])) if row else ""
