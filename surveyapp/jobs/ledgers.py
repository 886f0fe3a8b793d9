"""Where the ledgers of an installation lie, and on what terms files are loaded into them."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surveyapp import clock
from surveyapp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from analysis.ledgers.layout import Layout
    from analysis.ledgers.load import Loading
    from analysis.ledgers.raw import RawFolder


class EarlierLedger(ValueError):
    """A ledger that this build does not read; the message says what to do."""


def ledgers_folder(settings: Settings) -> Path:
    """The folder that has one folder for each kind of ledger."""
    return settings.files / "ledger"


def ledger_folder(settings: Settings) -> Path:
    """The folder of the purchase ledger.

    Raises
    ------
    EarlierLedger
        When there is only a ledger of an earlier build, which would be silently left out.
    """
    root = ledgers_folder(settings)
    if any(root.glob("load-*.json")) and not (root / "purchases" / "current").is_symlink():
        raise EarlierLedger(
            f"{root} has purchases loaded by an earlier build. Load their files again with: "
            f"surveyapp purchases load FILES, then remove the files directly in {root}."
        )
    return root / "purchases"


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
        When there is no such kind of ledger.
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


def chosen_layout(
    options: Mapping[str, Any],
    folder: Path,
    *,
    columns: Mapping[str, str],
    zones: Mapping[str, str],
) -> Layout:
    """How files are written: as saved under a name in a folder, changed by what else is given.

    Raises
    ------
    LedgerFaults
        When nothing is saved by that name, or an option cannot be.
    """
    from analysis.ledgers.faults import LedgerFaults
    from analysis.ledgers.layout import Layout, read_layout

    layout = Layout()
    if options["saved"]:
        path = folder / f"{options['saved']}.json"
        if not path.exists():
            known = ", ".join(sorted(p.stem for p in folder.glob("*.json"))) or "none yet"
            fault = f"nothing is saved as '{options['saved']}'. Saved: {known}."
            raise LedgerFaults("the options", [fault])
        layout = read_layout(path)
    names = {f.name for f in fields(Layout)} - {"columns", "zones"}
    given = {name: options[name] for name in names if options.get(name) is not None}
    if given.get("delimiter") == "\\t":
        given["delimiter"] = "\t"
    return replace(
        layout,
        columns={**layout.columns, **columns},
        zones={**layout.zones, **zones},
        **given,
    )
