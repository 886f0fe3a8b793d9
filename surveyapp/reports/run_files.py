"""The files that an analysis leaves in its folder ``runs/RUN_ID/``."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

from analysis.customers.actions.families import Family
from analysis.diagnostics.types import Diagnostics
from surveyapp.settings import Settings
from surveyapp.store.records import ReportRecord

PAGE = "diagnostics-page.json"
"""The diagnostics with their drawn charts, which the app shows as a page."""
WIN_BACK = "win-back.csv"
"""The whole list of declining customers, for the manager."""
OFFERS = "offers.csv"
"""Linked customers with the offer that their own part-worths support, and a control group."""
JOINED = "joined.csv"
"""One row per customer whose answers stand beside purchases, for researchers."""
RECOMMENDED = "recommended.csv"
"""Customers of every supported strategy, by segment, from whom tests are drawn."""
RECOMMENDATIONS = "recommended.json"
"""Which these strategies are, and for how many customers."""
TESTS = "tests"
"""The folder of the register of randomised tests, beside the runs."""
PEOPLE = "people.json"
"""Weights and segments of the respondents of draws.npy."""
SHARED_PDF = "shared.pdf"
"""The PDF without lists of customers, for shared addresses."""
PRINTED = "report-files.json"
"""What the PDF, PowerPoint and Excel files say is outdated."""
DOWNLOADS = {
    JOINED: "Joined customers: scores of answers, purchases before and after",
    "quality.csv": "Flags on every respondent",
    "quality.json": "The rules of the flags, their nulls and rates",
    "diagnostics.html": "Diagnostics as one file",
    "diagnostics.json": "R-hat, effective draws and acceptance as JSON",
    "partworths.csv": "Part-worths of the population",
    "importances.csv": "Importances",
    "wtp.csv": "What customers would pay",
    "individual.parquet": "Part-worths of every respondent, with their uncertainty",
    "draws.npy": "Draws of every respondent (NumPy, float32)",
    "calibration.json": "The calibration of the simulator on purchases, and how it was judged",
    "exponent.json": "The exponent of the simulator, tuned on half of the holdout tasks",
    "draws.json": "Names of the draws' respondents and columns",
}
"""What a researcher may download, and what it is."""


def folder_of(settings: Settings, job: str) -> Path:
    """Where the files of a run are."""
    return settings.files / "runs" / job


def downloads(settings: Settings, record: ReportRecord) -> dict[str, str]:
    """The files of a report's run that are there: name and what it is."""
    if record.job is None:
        return {}
    folder = folder_of(settings, record.job)
    return {name: about for name, about in DOWNLOADS.items() if (folder / name).is_file()}


def printed(settings: Settings, record: ReportRecord) -> tuple[str, ...] | None:
    """What the report's files say is outdated; None when there are no files."""
    path = folder_of(settings, record.job or record.report) / PRINTED
    if not path.is_file():
        return None
    return tuple(json.loads(path.read_text(encoding="utf-8")))


def win_back_of(settings: Settings, record: ReportRecord) -> Path | None:
    """The win-back list of a report's run; None when there is none."""
    if record.job is None:
        return None
    path = folder_of(settings, record.job) / WIN_BACK
    return path if path.is_file() else None


def offers_of(settings: Settings, record: ReportRecord) -> Path | None:
    """The list of offers of a report's run; None when there is none."""
    if record.job is None:
        return None
    path = folder_of(settings, record.job) / OFFERS
    return path if path.is_file() else None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A strategy that the evidence supports for a segment, and its customers."""

    cut: str
    segment: str
    strategy: Family
    customers: int


def recommendations_of(settings: Settings, record: ReportRecord) -> tuple[Recommendation, ...]:
    """What a report's run recommends; empty for runs without."""
    if record.job is None:
        return ()
    path = folder_of(settings, record.job) / RECOMMENDATIONS
    if not path.is_file():
        return ()
    return tuple(Recommendation(**row) for row in json.loads(path.read_text(encoding="utf-8")))


def flags_of(settings: Settings, record: ReportRecord) -> dict[str, str]:
    """Flags by respondent of a report's run, 'none' for none; empty for runs without flags."""
    if record.job is None:
        return {}
    path = folder_of(settings, record.job) / "quality.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["respondent"]: row["flags"] or "none" for row in csv.DictReader(file)}


def diagnostics_of(
    settings: Settings, record: ReportRecord
) -> tuple[Diagnostics, dict[str, str]] | None:
    """The diagnostics of a report's run with their charts; None when there are none."""
    if record.job is None or not has_diagnostics(settings, record):
        return None
    stored = json.loads((folder_of(settings, record.job) / PAGE).read_text(encoding="utf-8"))
    return Diagnostics.model_validate(stored["diagnostics"]), stored["charts"]


def has_diagnostics(settings: Settings, record: ReportRecord) -> bool:
    """Whether a report's run has diagnostics."""
    return record.job is not None and (folder_of(settings, record.job) / PAGE).is_file()


def has_draws(settings: Settings, record: ReportRecord) -> bool:
    """Whether a report's run kept draws of everybody's part-worths, to simulate with."""
    return record.job is not None and (folder_of(settings, record.job) / "draws.npy").is_file()
