"""Erasing customers everywhere: ``python -m surveyapp.jobs.erasing`` does what was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.archived_customers import holds_customer, take_out_customer
from surveyapp import clock
from surveyapp.jobs.ledgers import ledgers_folder, raw_folder
from surveyapp.jobs.report_files import forget_files
from surveyapp.jobs.scoring import scores_folder
from surveyapp.reports.run_files import TESTS
from surveyapp.settings import Settings, read_settings
from surveyapp.store import Store, contacts, erasures
from surveyapp.store.records import ErasureRecord

SEARCHED = 200_000_000
"""Files of runs beyond this size hold draws, which name nobody."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure removed, and which files made earlier still hold the pseudonym."""

    counts: dict[str, int]
    left: tuple[str, ...]


def erase(settings: Settings, store: Store, asked: ErasureRecord) -> Erased:
    """Erase a customer from ledgers, raw files, links, answers, archives and runs.

    Every step may be repeated: an erasure that was interrupted is finished by doing it again.
    """
    from analysis.customers.actions.planned import forget_customer
    from analysis.ledgers.erasing import erase_customer
    from analysis.purchases.run_erasing import erase_from_runs

    customer = str(asked.customer)
    rows = erase_customer(
        ledgers_folder(settings),
        raw_folder(settings),
        customer,
        key=settings.customer_key,
        identifier=asked.identifier or "",
    )
    counts = {f"{kind}_rows": n for kind, n in rows.ledger_rows.items()}
    counts |= {
        "quarantined_rows": rows.quarantined,
        "staged_rows": rows.staged_rows,
        "identifiers": rows.identifiers,
        "score_rows": erase_from_runs(scores_folder(settings), customer),
        "test_lists": forget_customer(settings.files / TESTS, customer),
    }
    with store.write() as c:
        counts |= erasures.forget_customer(
            c, customer, answers=asked.answers == "erase", at=clock.now()
        )
        counts["addresses"] = contacts.erase(c, customer)
        named = erasures.reports_naming(c, customer)
        if asked.archives == "rewrite":
            counts["reports_rewritten"] = erasures.rewrite_reports(c, customer)
        elif asked.archives == "delete":
            counts["reports_deleted"] = erasures.delete_reports(c, customer)
    if asked.archives != "list":
        for report in named:  # compressed, so that no pseudonym is found in them; made on demand
            forget_files(settings.files / "runs" / report)
    left = [f"the stored report {report}, and its files" for report in named]
    files = files_naming(settings, customer)
    for path in files:
        if asked.archives == "delete":
            path.unlink()
        elif asked.archives == "rewrite":
            _rewrite(path, customer, answers=asked.answers == "erase")
    if files and asked.archives != "list":
        counts["files_rewritten" if asked.archives == "rewrite" else "files_deleted"] = len(files)
    left += [str(path) for path in files]
    with store.write() as c:
        erasures.finish(c, asked.erasure, at=clock.now(), counts=counts)
    return Erased(counts, tuple(left) if asked.archives == "list" else ())


def files_naming(settings: Settings, customer: str) -> list[Path]:
    """Archives and files of runs in which a pseudonym stands."""
    archives = sorted((settings.files / "archives").glob("*.sqlite"))
    found = [path for path in archives if holds_customer(path, customer)]
    for path in sorted((settings.files / "runs").rglob("*")):
        if not path.is_file() or (path.stat().st_size > SEARCHED and path.suffix != ".csv"):
            continue
        if path.suffix in (".csv", ".json", ".html", ".txt") and (
            customer.encode() in path.read_bytes()
        ):
            found.append(path)
    return found


def _rewrite(path: Path, customer: str, *, answers: bool) -> None:
    if path.suffix == ".sqlite":
        take_out_customer(path, customer, answers=answers)
    elif path.suffix == ".csv":
        kept = [line for line in path.read_text().splitlines(True) if customer not in line]
        path.write_text("".join(kept))
    else:
        path.write_text(path.read_text().replace(customer, "erased"))


def main() -> None:
    """Do every erasure that was asked for."""
    settings = read_settings()
    store = Store(settings.database_url)
    with store.read() as c:
        waiting = erasures.waiting(c)
    for asked in waiting:
        erase(settings, store, asked)


if __name__ == "__main__":
    main()
