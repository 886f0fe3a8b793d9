"""Panel providers, from the command line."""

from __future__ import annotations

import click

from surveyapp.commands.group import Fault, Group, open_instance, study_or_fault, version_or_fault
from surveyapp.exports.spreadsheet import csv_lines
from surveyapp.respond.returning import RETURNS
from surveyapp.store import panels as stored
from surveyapp.store import studies
from surveyapp.studies import fielding
from surveyapp.studies.panel_settings import PanelFault, panel_of


@click.group(cls=Group)
def panels() -> None:
    """Panel providers: what they send along, and where their people go back to."""


@panels.command()
@click.argument("study")
@click.argument("name")
@click.option(
    "--parameter", "parameters", multiple=True, help="Name of a parameter that comes in, as pid."
)
@click.option("--person", default="", help="The parameter that names the person; default: first.")
@click.option(
    "--return", "returns", multiple=True, metavar="END=ADDRESS",
    help=f"Address to go back to for an end ({', '.join(RETURNS)}).",
)  # fmt: skip
def add(
    study: str, name: str, parameters: tuple[str, ...], person: str, returns: tuple[str, ...]
) -> None:
    """Set up a panel, or change the one of that name; prints the key of its signatures."""
    _, store = open_instance()
    version = version_or_fault(store, study)
    pairs = [text.partition("=") for text in returns]
    unclear = [text for text in returns if "=" not in text]
    if unclear:
        raise Fault(f"'{unclear[0]}' is no END=ADDRESS. Ends: {', '.join(RETURNS)}.")
    addresses = {end: address for end, _, address in pairs}
    definition = fielding.read_definition(version.definition)
    try:
        new = panel_of(definition, name, parameters, person, addresses)
    except PanelFault as fault:
        raise Fault(str(fault)) from None
    with store.write() as c:
        studies.lock(c, study)
        stored.save(c, new)
        kept = stored.named(c, study, new.name)
    click.echo(kept.secret if kept else new.secret)


@panels.command("list")
@click.argument("study")
def list_(study: str) -> None:
    """Print the panels of a study with their parameters and addresses, without their keys."""
    _, store = open_instance()
    study_or_fault(store, study)
    with store.read() as c:
        found = stored.of_study(c, study)
    rows = [
        (p.name, " ".join(p.names), p.person, *(p.addresses.get(end) for end in RETURNS))
        for p in found
    ]
    click.echo("".join(csv_lines(("panel", "parameters", "person", *RETURNS), rows)), nl=False)
