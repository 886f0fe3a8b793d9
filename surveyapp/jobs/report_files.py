"""A report as PDF, PowerPoint and Excel, in the folder of its run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from surveyapp.jobs.progress import JobFault, Progress
from surveyapp.reports.run_files import PRINTED, SHARED_PDF, folder_of
from surveyapp.settings import Settings
from surveyapp.store import Store, reports
from surveyapp.store.records import JobRecord

if TYPE_CHECKING:
    from analysis.value_report.types import ValueReport


def run(settings: Settings, store: Store, job: JobRecord, progress: Progress) -> None:
    """Run a job of the kind 'files': write them again, with what has become outdated since."""
    from analysis.value_report.types import ValueReport

    with store.read() as c:
        record = reports.get(c, job.settings["report"])
    if record is None:
        raise JobFault("The report is no longer there.")
    progress("Writing PDF, PowerPoint and Excel", 0, 0)
    folder = folder_of(settings, record.job or record.report)
    folder.mkdir(parents=True, exist_ok=True)
    document = ValueReport.model_validate_json(record.document)
    write_files(folder, document, json.loads(record.charts), job.settings["stale"])


def write_files(
    folder: Path,
    report: ValueReport,
    charts: Mapping[str, str],
    stale: Sequence[str] = (),
) -> None:
    """Write report.pdf, .pptx and .xlsx, a PDF without customers, and what they say is outdated."""
    from analysis.rendering.files import MADE_BY_JOBS, Beside, report_as

    said = tuple(stale)
    for kind in MADE_BY_JOBS:
        made = report_as(kind, report, charts, Beside(stale=said))
        (folder / f"report.{kind}").write_bytes(made)
    shared = report_as("pdf", report, charts, Beside(stale=said, customers=False))
    (folder / SHARED_PDF).write_bytes(shared)
    (folder / PRINTED).write_text(json.dumps(list(said)), "utf-8")


def forget_files(folder: Path) -> None:
    """Delete what ``write_files`` wrote; the report's page offers to make it again."""
    for name in ("report.pdf", "report.pptx", "report.xlsx", SHARED_PDF, PRINTED):
        (folder / name).unlink(missing_ok=True)
