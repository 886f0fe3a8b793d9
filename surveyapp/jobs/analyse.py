"""Analysing a study: freeze it into an archive, build the report, draw its charts, store it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from surveyapp import clock
from surveyapp.jobs.ledgers import ledger_folder, ledgers_folder
from surveyapp.jobs.progress import JobFault, Progress
from surveyapp.jobs.report_files import write_files
from surveyapp.jobs.simulated_people import write_people
from surveyapp.reports.run_files import (
    JOINED,
    OFFERS,
    PAGE,
    RECOMMENDATIONS,
    RECOMMENDED,
    TESTS,
    WIN_BACK,
    folder_of,
)
from surveyapp.settings import Settings
from surveyapp.store import Store, reports, respondents
from surveyapp.store.records import JobRecord, ReportRecord

if TYPE_CHECKING:
    import pandas as pd

    from analysis.value_report.build import Analysis
    from analysis.value_report.changes import Earlier


def run(settings: Settings, store: Store, job: JobRecord, progress: Progress) -> None:
    """Run a job of the kind 'analyse'; run again after a crash, it goes on with its archive."""
    from analysis.archive import read_archive
    from analysis.customers.actions.register import Register
    from analysis.customers.quality.files import write_quality
    from analysis.purchases.winback.campaign import write_list
    from analysis.rendering.charts import draw
    from analysis.value_report.build import analyse
    from analysis.value_report.subset import parse_groups

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
    groups = given.get("only", [])
    found = analyse(
        archive,
        seed=seed,
        progress=progress,
        only=parse_groups(groups),
        earlier=earlier_report(settings, store, job, groups),
        tests=Register(settings.files / TESTS).every(),
    )
    progress("Drawing the charts", 0, 0)
    charts = draw(found.report)
    document = found.report.model_dump_json()
    folder = folder_of(settings, job.job)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(document)
    write_quality(folder, found.quality, found.plan, ended=found.quality_out)
    write_fit(folder, found)
    write_people(folder, archive, found)
    if found.campaign is not None:
        write_list(found.campaign, folder / WIN_BACK)
    if found.offers is not None:
        write_list(found.offers, folder / OFFERS)
    if found.joined is not None:
        write_list(found.joined.reset_index(), folder / JOINED)
    write_recommended(folder, found.recommended)
    progress("Writing PDF, PowerPoint and Excel", 0, 0)
    write_files(folder, found.report, charts)
    frozen = archive.facts["created"]
    with store.write() as c:
        kinds = archive.study.counted_kinds
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
            frozen=frozen,
            held=respondents.completed_until(c, job.study, frozen, kinds),
            groups=json.dumps(groups),
        )
        reports.add(c, new)


def write_recommended(folder: Path, found: pd.DataFrame | None) -> None:
    """Write the customers of every supported strategy, and which these are."""
    from analysis.purchases.winback.campaign import write_list

    if found is None:
        return
    write_list(found, folder / RECOMMENDED)
    counts = found.groupby(["cut", "segment", "strategy"], sort=False).size()
    rows = counts.rename("customers").reset_index().to_dict("records")
    (folder / RECOMMENDATIONS).write_text(json.dumps(rows), encoding="utf-8")


def earlier_report(
    settings: Settings, store: Store, job: JobRecord, groups: list[str]
) -> Earlier | None:
    """The report before, on the same groups; None without one, or when its archive is gone."""
    from analysis.archive import read_archive
    from analysis.value_report.changes import Earlier
    from analysis.value_report.types import ValueReport

    with store.read() as c:
        before = reports.newest(c, job.study, json.dumps(groups))
    if before is None or before.report == job.job:
        return None
    path = settings.files / before.archive
    if not path.is_file():
        return None
    people = frozenset(read_archive(path).respondents["respondent"])
    document = ValueReport.model_validate_json(before.document)
    return Earlier(document, before.created[:10], people)


def write_fit(folder: Path, found: Analysis) -> None:
    """Write what the fit of the choices made: tables, draws and diagnostics, where there is one."""
    from analysis.choices.exponent import write_exponent
    from analysis.choices.hb.files import write_diagnostics, write_draws_array, write_individual
    from analysis.cli.partworths.tables import write_tables
    from analysis.customers.calibration import write_calibration
    from analysis.rendering.html import diagnostics_html
    from analysis.rendering.traces import draw_diagnostics

    fit, diagnostics = found.fit, found.diagnostics
    if fit is None or diagnostics is None:
        return
    write_tables(folder, fit.fitted, seed=fit.seed, weights=fit.weights)
    if fit.fitted.hierarchy is not None:
        write_individual(folder / "individual.parquet", fit.fitted)
        write_diagnostics(folder / "diagnostics.json", fit.fitted)
        write_draws_array(folder, fit.fitted)
        write_exponent(folder, fit.fitted, fit.choices, seed=fit.seed)
        if found.calibration is not None:
            write_calibration(folder, found.calibration)
    charts = draw_diagnostics(diagnostics)
    (folder / "diagnostics.html").write_text(diagnostics_html(diagnostics, charts), "utf-8")
    page = {"diagnostics": diagnostics.model_dump(mode="json"), "charts": charts}
    (folder / PAGE).write_text(json.dumps(page), "utf-8")


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
        When nobody has answered yet, or the setting TIME_ZONE is none.
    """
    from analysis.archive import write_archive
    from analysis.ledgers.folder import reading
    from surveyapp.jobs.freeze import FreezeAs, collect, freeze

    with reading(ledgers_folder(settings)):
        collected = collect(store, study, version)
        if not collected.respondents:
            raise JobFault("Nobody has answered yet, so there is nothing to analyse.")
        how = FreezeAs(ledger_folder(settings), as_of, seed, clock.now(), _zone(settings))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_archive(path, freeze(collected, how))


def _zone(settings: Settings) -> str:
    from analysis.ledgers.layout import time_zones

    zone = settings.text("TIME_ZONE")
    if zone not in time_zones():
        raise JobFault(f"TIME_ZONE is '{zone}', no time zone. Set one such as Europe/Berlin.")
    return zone
