"""Analyses and reports, from the command line."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from surveyapp.commands.group import Fault, open_instance, study_or_fault, version_or_fault


@click.command()
@click.argument("study")
@click.option("--seed", default=1, show_default=True, help="Seed of everything drawn at random.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day of the customers' scores; default: the day of the last purchase.",
)
def analyse(study: str, seed: int, as_of: datetime | None) -> None:
    """Freeze a study into an archive, analyse it, and store its report."""
    from surveyapp.commands.running import run_to_end
    from surveyapp.jobs import queue

    settings, store = open_instance()
    version = version_or_fault(store, study)
    day = as_of.date().isoformat() if as_of else None
    job = run_to_end(
        settings, store, queue.analyse(store, study, version.version, seed=seed, as_of=day)
    )
    click.echo(f"The report of '{study}' is stored. Next: surveyapp report {study} --out DIR")
    click.echo(f"Files of this run: {settings.files / 'runs' / job.job}", err=True)


@click.command()
@click.argument("study")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder; made when missing."
)
def report(study: str, out: Path) -> None:
    """Write the newest report of a study: report.json, report.html and diagnostics.html."""
    from analysis.rendering.html import diagnostics_html, report_html
    from analysis.value_report.types import ValueReport
    from surveyapp.reports import run_files
    from surveyapp.store import reports

    settings, store = open_instance()
    study_or_fault(store, study)
    with store.read() as c:
        found = reports.newest(c, study)
    if found is None:
        raise Fault(f"'{study}' has no report yet. Run: surveyapp analyse {study}")
    document = ValueReport.model_validate_json(found.document)
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.json").write_text(document.model_dump_json(indent=2) + "\n")
    beside = ""
    diagnostics = run_files.diagnostics_of(settings, found)
    if diagnostics is not None:
        beside = "diagnostics.html"
        (out / beside).write_text(diagnostics_html(*diagnostics))
    page = report_html(document, json.loads(found.charts), diagnostics=beside)
    (out / "report.html").write_text(page)
    written = ", ".join(name for name in ("report.json", "report.html", beside) if name)
    click.echo(f"Wrote {written} into {out}.")
