"""Links, from the command line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from surveyapp import clock
from surveyapp.commands.group import Fault, Group, open_instance, study_or_fault, version_or_fault
from surveyapp.exports.spreadsheet import csv_lines
from surveyapp.settings import Settings
from surveyapp.store import Connection, Store, panels
from surveyapp.store import links as stored
from surveyapp.store.records import VersionRecord
from surveyapp.studies import fielding, invitations
from surveyapp.studies.invitations import Days, Invitation, Terms

DAY = click.DateTime(["%Y-%m-%d"])


@click.group(cls=Group)
def links() -> None:
    """Links under which respondents answer."""


def _terms_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--wave", help="Wave of the links."),
        click.option("--test", is_flag=True, help="For tests: reports leave their answers out."),
        click.option("--bot", is_flag=True, help="For bots: reports leave their answers out."),
        click.option("--from", "first", type=DAY, help="First day of the links."),
        click.option("--until", "--expires", "last", type=DAY, help="Last day of the links."),
        click.option("--zone", help="Time zone of the days; default: the setting TIME_ZONE."),
        click.option("--batch", help="Name under which the links are counted and revoked."),
        click.option("--panel", help="Panel whose people use the open link."),
    ):
        command = option(command)
    return command


@links.command()
@click.argument("study")
@click.option(
    "--customers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Make personal links for the identifiers in the first column of this CSV file.",
)
@click.option("--one-time", type=int, help="Make so many links for one person each.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="File for the addresses; default: stdout."
)
@_terms_options
def create(
    study: str, customers: Path | None, one_time: int | None, out: Path | None, **asked: Any
) -> None:
    """Make an open link, personal links for customers, or one-time links."""
    if out and out.exists():
        raise Fault(f"{out} exists, and may hold addresses that cannot be shown again.")
    if customers and one_time is not None:
        raise Fault("Give --customers or --one-time: a link is for a customer, or for anybody.")
    settings, store = open_instance()
    version = version_or_fault(store, study)
    terms = _terms(settings, store, version, asked)
    if terms.panel and (customers or one_time is not None):
        raise Fault("A panel's people use an open link: leave --customers and --one-time out.")
    identifiers = invitations.identifiers_of_file(customers.read_bytes()) if customers else None
    base_url = settings.text("BASE_URL")
    with store.write() as c:
        obstacle = fielding.why_not_fieldable(c, version)
        if obstacle:
            raise Fault(obstacle)
        if identifiers is None and one_time is None:
            _make_open(c, study, terms, base_url)
            return
        if identifiers is not None:
            rows = invitations.make_personal(
                c, study, identifiers, terms, key=settings.customer_key, base_url=base_url
            )
        else:
            rows = invitations.make_one_time(c, study, one_time or 0, terms, base_url=base_url)
        # Before the links are stored: a file that cannot be written must not cost the addresses.
        _write(rows, out)


def _terms(
    settings: Settings, store: Store, version: VersionRecord, asked: dict[str, Any]
) -> Terms:
    if asked["test"] and asked["bot"]:
        raise Fault("Give --test or --bot, not both.")
    panel = None
    if asked["panel"]:
        with store.read() as c:
            known = {each.name: each.panel for each in panels.of_study(c, version.study)}
        panel = known.get(asked["panel"])
        if panel is None:
            shown = ", ".join(known) or "none yet"
            raise Fault(f"There is no panel '{asked['panel']}'. Panels: {shown}.")
    first, last = (_day(asked[name]) for name in ("first", "last"))
    return invitations.terms_of(
        fielding.read_definition(version.definition),
        wave=asked["wave"],
        run_kind="test" if asked["test"] else "bot" if asked["bot"] else "live",
        days=Days(first, last, asked["zone"] or settings.text("TIME_ZONE")),
        batch=asked["batch"],
        panel=panel,
    )


def _day(moment: datetime | None) -> Any:
    return moment.date() if moment else None


def _make_open(c: Connection, study: str, terms: Terms, base_url: str) -> None:
    address = invitations.open_address(base_url, invitations.make_open(c, study, terms))
    panel = panels.get(c, terms.panel) if terms.panel else None
    click.echo(address + ("?" + "&".join(f"{name}=" for name in panel.names) if panel else ""))


@links.command("list")
@click.argument("study")
def list_(study: str) -> None:
    """Print the links by batch: how many, people started and completed, and where they stand."""
    _, store = open_instance()
    study_or_fault(store, study)
    with store.read() as c:
        found = stored.batches(c, study, at=clock.now())
    states = ("not_yet_valid", "open", "in_progress", "finished", "expired", "revoked")
    header = ("batch", "kind", "run_kind", "wave", "made", "started", "complete", *states)
    rows = [
        (
            *(b.batch, b.kind, b.run_kind, b.wave, b.made, b.started, b.complete),
            *(b.states.get(state, 0) for state in states),
        )
        for b in found
    ]
    click.echo("".join(csv_lines(header, rows)), nl=False)


@links.command()
@click.argument("study")
@click.option("--batch", help="All links of this batch.")
@click.option("--address", help="The one link with this address.")
def revoke(study: str, batch: str | None, address: str | None) -> None:
    """End one link or a batch: who has not finished cannot go on."""
    if (batch is None) == (address is None):
        raise Fault("Say which links end: give --batch NAME or --address LINK.")
    _, store = open_instance()
    study_or_fault(store, study)
    with store.write() as c:
        if batch is not None:
            known = {b.batch for b in stored.batches(c, study, at=clock.now()) if b.batch}
            if batch not in known:
                shown = ", ".join(sorted(known)) or "none"
                raise Fault(f"There is no batch '{batch}'. Batches: {shown}.")
            ended = stored.revoke_batch(c, study, batch, at=clock.now())
        else:
            link = invitations.link_at(c, address or "")
            if link is None or link.study != study:
                raise Fault(f"'{study}' has no link with this address.")
            ended = stored.revoke(c, link.link, at=clock.now())
    click.echo(f"Revoked: {ended:,}. Those who had finished stay finished.")


def _write(rows: list[Invitation], out: Path | None) -> None:
    table = [(row.customer, row.address, row.note) for row in rows]
    text = "".join(csv_lines(("customer", "address", "note"), table))
    if out is None:
        click.echo(text, nl=False)
        return
    out.touch(mode=0o600)
    out.write_text(text, newline="")
    click.echo(f"Wrote {len(rows):,} rows to {out}. The addresses cannot be shown again.")
