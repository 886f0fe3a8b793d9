"""Analysing a study: freeze it into an archive, build the report, draw its charts, store it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from surveyapp import clock
from surveyapp.jobs.progress import JobFault, Progress
from surveyapp.settings import Settings
from surveyapp.store import Store, reports
from surveyapp.store.records import JobRecord, ReportRecord


def run(settings: Settings, store: Store, job: JobRecord, progress: Progress) -> None:
    """Run a job of the kind 'analyse'; run again after a crash, it goes on with its archive."""
    from analysis.archive import read_archive
    from analysis.rendering.charts import draw
    from analysis.value_report.build import build_report

    given = job.settings
    seed = int(given["seed"])
    path = settings.files / archive_name(job)
    if not path.exists():
        progress("Freezing the answers into an archive", 0, 0)
        as_of = date.fromisoformat(given["as_of"]) if given["as_of"] else None
        write_frozen(
            settings, store, job.study, given["version"], path=path, as_of=as_of, seed=seed
        )
    archive = read_archive(path)
    if not (archive.respondents["ended"] == "complete").any():
        raise JobFault("Nobody has completed the study yet, so there is nothing to analyse.")
    report = build_report(archive, seed=seed, progress=progress)
    progress("Drawing the charts", 0, 0)
    charts = draw(report)
    document = report.model_dump_json()
    folder = settings.files / "runs" / job.job
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(document)
    with store.write() as c:
        if reports.get(c, job.job):
            return
        new = ReportRecord(
            report=job.job,
            study=job.study,
            version=int(given["version"]),
            job=job.job,
            created=clock.now(),
            archive=archive_name(job),
            document=document,
            charts=json.dumps(charts),
        )
        reports.add(c, new)


def archive_name(job: JobRecord) -> str:
    """Where a job's archive is, within the folder of files."""
    return f"archives/{job.study}-{job.job}.sqlite"


def write_frozen(
    settings: Settings,
    store: Store,
    study: str,
    version: int,
    *,
    path: Path,
    as_of: date | None,
    seed: int,
) -> None:
    """Freeze a study as of a version into an archive file.

    Raises
    ------
    JobFault
        When nobody has answered yet.
    """
    from analysis.archive import write_archive
    from surveyapp.jobs.freeze import FreezeAs, collect, freeze

    collected = collect(store, study, version)
    if not collected.respondents:
        raise JobFault("Nobody has answered yet, so there is nothing to analyse.")
    how = FreezeAs(ledger_folder(settings), as_of, seed, clock.now())
    path.parent.mkdir(parents=True, exist_ok=True)
    write_archive(path, freeze(collected, how))


def ledger_folder(settings: Settings) -> Path:
    """The folder of the purchase ledger."""
    return settings.files / "ledger"
