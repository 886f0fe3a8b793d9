"""Where the ledgers of an installation lie, and on what terms files are loaded into them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from surveyapp import clock
from surveyapp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from analysis.ledgers.load import Loading
    from analysis.ledgers.raw import RawFolder


def ledgers_folder(settings: Settings) -> Path:
    """The folder that has one folder for each kind of ledger."""
    return settings.files / "ledger"


def ledger_folder(settings: Settings) -> Path:
    """The folder of the purchase ledger."""
    return ledgers_folder(settings) / "purchases"


def raw_folder(settings: Settings) -> RawFolder:
    """The folder of what names customers as they are."""
    from analysis.ledgers.raw import RawFolder

    return RawFolder(settings.raw_files)


def loading(
    settings: Settings, kind: str, progress: Callable[[str, int, int], None] | None = None
) -> Loading:
    """The terms on which files of a kind are loaded into this installation.

    Raises
    ------
    LedgerFaults
        When there is no such kind of ledger, or the ledger was made by an earlier version.
    """
    from analysis.ledgers.faults import LedgerFaults
    from analysis.ledgers.kinds import KINDS
    from analysis.ledgers.load import Loading

    if kind not in KINDS:
        fault = f"there is no ledger '{kind}'. Choose one of: {', '.join(KINDS)}."
        raise LedgerFaults("the command", [fault])
    return Loading(
        kind=KINDS[kind],
        folder=ledgers_folder(settings) / kind,
        raw=raw_folder(settings),
        key=settings.customer_key,
        today=datetime.now(UTC).date(),
        at=clock.now(),
        keep_identifiers=settings.flag("KEEP_IDENTIFIERS"),
        memory=settings.text("LEDGER_MEMORY"),
        progress=progress or (lambda step, done, total: None),
    )
