"""Links, from the command line."""

from __future__ import annotations

from pathlib import Path

import click

from surveyapp.commands.group import Fault, Group, open_instance, version_or_fault
from surveyapp.exports.spreadsheet import csv_lines
from surveyapp.studies import fielding, invitations
from surveyapp.studies.invitations import Terms


@click.group(cls=Group)
def links() -> None:
    """Links under which respondents answer."""


@links.command()
@click.argument("study")
@click.option(
    "--customers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Make personal links for the identifiers in the first column of this CSV file.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="File for personal links; default: stdout."
)
@click.option("--wave", help="Wave of the links.")
@click.option("--test", is_flag=True, help="Links for tests: reports leave their answers out.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the links.")
def create(
    study: str, customers: Path | None, out: Path | None, wave: str | None, test: bool,
    expires: click.DateTime | None,
) -> None:  # fmt: skip
    """Make an open link, or personal links for customers."""
    settings, store = open_instance()
    version = version_or_fault(store, study)
    waves = [w.id for w in fielding.read_definition(version.definition).waves]
    if wave and wave not in waves:
        raise Fault(f"There is no wave '{wave}'. Waves: {', '.join(waves) or 'none'}.")
    end = f"{expires:%Y-%m-%d}T23:59:59.999Z" if expires else None
    terms = Terms(wave, "test" if test else "live", end)
    base_url = settings.text("BASE_URL")
    identifiers = (
        invitations.identifiers_in(customers.read_text("utf-8-sig")) if customers else None
    )
    with store.write() as c:
        obstacle = fielding.why_not_fieldable(c, version)
        if obstacle:
            raise Fault(obstacle)
        if identifiers is None:
            link = invitations.make_open(c, study, terms)
            click.echo(invitations.open_address(base_url, link))
            return
        rows = invitations.make_personal(
            c, study, identifiers, terms, key=settings.customer_key, base_url=base_url
        )
    table = [(row.customer, row.address, row.note) for row in rows]
    text = "".join(csv_lines(("customer", "address", "note"), table))
    if out:
        out.write_text(text)
        click.echo(f"Wrote {len(rows):,} rows to {out}. The addresses cannot be shown again.")
    else:
        click.echo(text, nl=False)
