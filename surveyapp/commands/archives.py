"""Archives, from the command line."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from surveyapp.commands.group import Fault, Group, open_instance, version_or_fault


@click.group(cls=Group)
def archive() -> None:
    """Archives: a whole study in one SQLite file."""


@archive.command()
@click.argument("study")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File to write.")
@click.option("--seed", default=1, show_default=True, help="Seed that the archive notes.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day of the customers' scores; default: the day of the last purchase.",
)
def export(study: str, out: Path, seed: int, as_of: datetime | None) -> None:
    """Freeze a study as it is now into an archive file."""
    from surveyapp.jobs.analyse import write_frozen

    settings, store = open_instance()
    version = version_or_fault(store, study)
    if out.exists():
        raise Fault(f"{out} exists, and an archive is never altered. Name a new file.")
    day = as_of.date() if as_of else None
    write_frozen(settings, store, study, version.version, path=out, as_of=day, seed=seed)
    click.echo(f"Wrote {out}. Next: python -m analysis report {out} --out DIR")


@archive.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(file: Path) -> None:
    """Store an archive as a study of this installation, with its answers."""
    from analysis.archive import read_archive
    from surveyapp.jobs.restoring import restore

    _, store = open_instance()
    read = read_archive(file)
    people = restore(store, read)
    click.echo(f"Stored '{read.study.study}' with {people:,} respondents.")
