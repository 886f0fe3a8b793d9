"""Answers, from the command line."""

from __future__ import annotations

from pathlib import Path

import click

from surveyapp.commands.group import Fault, Group, open_instance, say, version_or_fault
from surveyapp.commands.mapping import read_mapping
from surveyapp.exports.answers import RUN_KINDS, answers_csv, statuses_csv
from surveyapp.reports import run_files
from surveyapp.store import reports, respondents
from surveyapp.studies import fielding


@click.group(cls=Group)
def responses() -> None:
    """Answers: import choices collected elsewhere, export or erase answers."""


@responses.command("import")
@click.argument("study")
@click.argument("choices", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--map", "mapping", multiple=True, help="Columns: respondent=id,task=chid,...")
@click.option("--exercise", help="Exercise of the study; default: the one that its plan reports.")
def import_(study: str, choices: Path, mapping: tuple[str, ...], exercise: str | None) -> None:
    """Store choices from a CSV file in long format, one row per alternative."""
    from analysis.tables import read_choices
    from surveyapp.jobs.importing import import_choices

    _, store = open_instance()
    version = version_or_fault(store, study)
    definition = fielding.read_definition(version.definition)
    say(f"Reading {choices}")
    read = read_choices(
        choices, definition.choice_exercise(exercise), mapping=read_mapping(mapping)
    )
    for note in read.notes:
        say(f"note: {note}")
    stored = import_choices(store, version, read)
    click.echo(
        f"Stored {stored.tasks:,} tasks of {stored.respondents:,} respondents "
        f"in version {version.version} of '{study}'."
    )


@responses.command()
@click.argument("study")
@click.option("--out", type=click.Path(path_type=Path), help="CSV file; default: stdout.")
@click.option(
    "--run-kind",
    "kinds",
    multiple=True,
    type=click.Choice(RUN_KINDS),
    help="Runs to write, once for each kind; default: live, in a simulated study bots as well.",
)
@click.option("--statuses", is_flag=True, help="One row per answer, with its status.")
def export(study: str, out: Path | None, kinds: tuple[str, ...], statuses: bool) -> None:
    """Write the answers to the newest version as CSV, one row per respondent.

    The column flags has what the newest analysis says of the quality of the answers. With
    --statuses one row per respondent and item: answered, skipped, refused, not_asked; of computed
    variables computed or unknown.

    Texts that a spreadsheet would run as a formula get an apostrophe in front.
    """
    settings, store = open_instance()
    version = version_or_fault(store, study)
    definition = fielding.read_definition(version.definition)
    with store.read() as c:
        report = reports.newest(c, study)
        flags = run_files.flags_of(settings, report) if report else {}
        if statuses:
            lines = statuses_csv(c, definition, version.version, kinds=kinds)
        else:
            lines = answers_csv(c, definition, version.version, kinds=kinds, flags=flags)
        if out is None:
            for line in lines:
                click.echo(line, nl=False)
            return
        with out.open("w", newline="") as file:
            file.writelines(lines)
    click.echo(f"Wrote {out}.")


@responses.command()
@click.argument("receipt")
@click.option("--yes", is_flag=True, help="Erase without asking.")
def erase(receipt: str, yes: bool) -> None:
    """Erase all that is stored of the respondent with this receipt."""
    _, store = open_instance()
    written = (receipt.strip(), receipt.replace("-", "").strip().lower())
    with store.read() as c:
        known = ((name, respondents.study_of(c, name)) for name in written)
        respondent, study = next((pair for pair in known if pair[1]), ("", None))
    if study is None:
        raise Fault(f"There is no respondent with the receipt '{receipt}'.")
    if not yes:
        click.confirm(f"Erase this respondent's answers to '{study}' for good?", abort=True)
    with store.write() as c:
        respondents.erase(c, respondent)
    click.echo(
        f"Erased. Archives and runs of '{study}' made before still hold these answers, or "
        f"part-worths made from them: delete those, and run: surveyapp analyse {study}"
    )
