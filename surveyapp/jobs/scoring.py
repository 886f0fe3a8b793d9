"""Scoring all customers of the ledger into the folder of runs."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from surveyapp import clock
from surveyapp.jobs.ledgers import ledger_folder, ledgers_folder
from surveyapp.jobs.progress import JobFault
from surveyapp.settings import SettingFault, Settings

if TYPE_CHECKING:
    from analysis.purchases.runs import Run
    from analysis.purchases.scoring import ScoringPlan


def scores_folder(settings: Settings) -> Path:
    """The folder of all scoring runs."""
    return settings.files / "scores"


def plan_of_settings(settings: Settings) -> ScoringPlan:
    """The configured scoring plan.

    Raises
    ------
    SettingFault
        When SCORES_PLAN cannot be used.
    """
    from analysis.purchases.plan_options import plan_of

    text = settings.text("SCORES_PLAN")
    try:
        options = json.loads(text) if text.strip() else {}
        if not isinstance(options, dict):
            raise ValueError("write an object: {...}")
        return plan_of(options)
    except ValueError as error:
        raise SettingFault(f"SCORES_PLAN: {error}") from None


def score_ledger(
    settings: Settings, *, as_of: date | None, engine: str | None = None
) -> tuple[Run, bool]:
    """Score the ledger as of a day (None: of its last purchase); False: the run was there already.

    Loads and erasures wait until the run is there.

    Raises
    ------
    JobFault
        When nothing has been loaded.
    """
    from analysis.ledgers.folder import reading

    with reading(ledgers_folder(settings)):
        return _scored(settings, as_of, engine or settings.text("SCORES_ENGINE"))


def _scored(settings: Settings, as_of: date | None, engine: str) -> tuple[Run, bool]:
    from analysis.ledgers.folder import parquet_files
    from analysis.purchases.engine import last_day
    from analysis.purchases.engines import open_engine
    from analysis.purchases.ledger import current_purchases, scored_digest
    from analysis.purchases.outlook import write_outlook
    from analysis.purchases.runs import score_run
    from analysis.purchases.stored_movement import write_movement

    ledger = ledger_folder(settings)
    if not current_purchases(ledger):
        raise JobFault("There are no purchases yet. Run: surveyapp purchases load FILE")
    as_of = as_of or last_day(ledger)
    if as_of is None:
        raise JobFault("The ledger of purchases has no rows: all were set apart or erased.")
    beside = ledger.with_name("offers")
    offers = beside if parquet_files(beside) else None
    with open_engine(engine) as opened:
        found, fresh = score_run(
            opened,
            ledger,
            scores_folder(settings),
            as_of=as_of,
            plan=plan_of_settings(settings),
            ledger=scored_digest(ledger, offers),
            made=clock.now(),
            offers=offers,
        )
    folder = scores_folder(settings) / found.run
    write_outlook(folder, ledgers_folder(settings), as_of=as_of)
    write_movement(folder)
    return found, fresh
