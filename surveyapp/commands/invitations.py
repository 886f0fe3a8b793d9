"""Links, from the command line."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from surveyapp.commands.group import Fault, Group, open_instance, version_or_fault
from surveyapp.exports.spreadsheet import csv_lines
from surveyapp.studies import fielding, invitations
from surveyapp.studies.invitations import Invitation


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
    expires: datetime | None,
) -> None:  # fmt: skip
    """Make an open link, or personal links for customers."""
    if out and out.exists():
        raise Fault(f"{out} exists, and may hold addresses that cannot be shown again.")
    settings, store = open_instance()
    version = version_or_fault(store, study)
    terms = invitations.terms_of(
        fielding.read_definition(version.definition),
        wave=wave,
        run_kind="test" if test else "live",
        last_day=expires.date() if expires else None,
    )
    base_url = settings.text("BASE_URL")
    identifiers = invitations.identifiers_of_file(customers.read_bytes()) if customers else None
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
        # Before the links are stored: a file that cannot be written must not cost the addresses.
        _write(rows, out)


def _write(rows: list[Invitation], out: Path | None) -> None:
    table = [(row.customer, row.address, row.note) for row in rows]
    text = "".join(csv_lines(("customer", "address", "note"), table))
    if out is None:
        click.echo(text, nl=False)
        return
    out.touch(mode=0o600)
    out.write_text(text, newline="")
    click.echo(f"Wrote {len(rows):,} rows to {out}. The addresses cannot be shown again.")
