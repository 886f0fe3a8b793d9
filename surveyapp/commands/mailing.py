"""Invitations by e-mail, from the command line."""

from __future__ import annotations

import getpass
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from surveyapp import clock
from surveyapp.commands.group import Fault, Group, open_instance, say, version_or_fault
from surveyapp.exports.spreadsheet import csv_lines
from surveyapp.settings import Settings
from surveyapp.store import Store
from surveyapp.store import contacts as stored_contacts
from surveyapp.store import mailings as stored
from surveyapp.store.mailings import MailingRecord

DAY = click.DateTime(["%Y-%m-%d"])


@click.group(cls=Group)
def invitations() -> None:
    """Invitations by e-mail, and reminders of those who have not finished."""


@invitations.command()
@click.argument("study")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def contacts(study: str, file: Path) -> None:
    """Store the contacts of a CSV file: customer, email, language, and columns for the mails."""
    from surveyapp.studies import fielding
    from surveyapp.studies.contacts import read_contacts, store_contacts

    settings, store = open_instance()
    definition = fielding.read_definition(version_or_fault(store, study).definition)
    new = read_contacts(file.read_bytes(), definition, key=settings.customer_key)
    with store.write() as c:
        n = store_contacts(c, new)
        known = sum(stored_contacts.counts(c, study).values())
    click.echo(f"Stored {n:,} contacts; '{study}' has {known:,}.")


@invitations.command()
@click.argument("study")
@click.option("--wave", help="Wave to invite to.")
@click.option("--from-wave", help="Invite only respondents of this earlier wave.")
@click.option("--who", default="all", help="Of the earlier wave: all or complete.")
@click.option("--share", default="1/1", help="A share of the customers, 2/4: the second of four.")
@click.option("--from", "first", type=DAY, help="First day; default: the wave's.")
@click.option("--until", "last", type=DAY, help="Last day; default: the wave's.")
@click.option("--zone", help="Time zone of the days; default: the setting TIME_ZONE.")
@click.option("--remind-after", type=int, default=7, help="Days from the last mail to a reminder.")
@click.option("--remind-at-most", type=int, default=0, help="How often somebody is reminded.")
@click.option("--test", is_flag=True, help="For tests: reports leave their answers out.")
@click.option("--despite", default="", help="Why customers invited lately are invited as well.")
@click.option("--dry-run", is_flag=True, help="Only count whom it reaches.")
def send(study: str, dry_run: bool, **asked: Any) -> None:
    """Invite contacts by e-mail, in the texts of the study file; a worker sends them."""
    from surveyapp.jobs import queue
    from surveyapp.mail.server import mail_server
    from surveyapp.studies import fielding, mailings

    settings, store = open_instance()
    version = version_or_fault(store, study)
    definition = fielding.read_definition(version.definition)
    wish = _wish(settings, definition, asked)
    with store.read() as c:
        obstacle = fielding.why_not_fieldable(c, version)
        if obstacle:
            raise Fault(obstacle)
        planned = mailings.plan(c, definition, wish, settings)
    say(f"{len(planned.contacts):,} would be invited.")
    for reason, n in planned.left_out.items():
        say(f"{n:,} {mailings.REASONS[reason]}: left out.")
    if planned.overridden:
        say(f"{planned.overridden:,} were invited lately and are invited all the same.")
    if dry_run:
        return
    mail_server(settings)
    with store.write() as c:
        made = mailings.create(c, definition, wish, settings, by=getpass.getuser())
    queue.mail(store, study, made.mailing)
    click.echo(made.mailing)
    say("A worker sends them: 'surveyapp serve' or 'surveyapp worker' must be running.")


def _wish(settings: Settings, definition: Any, asked: dict[str, Any]) -> Any:
    from surveyapp.mail.compose import texts_of
    from surveyapp.studies.invitations import Days
    from surveyapp.studies.mailing_wish import Panel, Wish

    share, _, shares = asked["share"].partition("/")
    if not (share.isdigit() and shares.isdigit()):
        raise Fault(f"'{asked['share']}' is no share. Write 2/4: the second of four.")
    first, last = (_day(asked[name]) for name in ("first", "last"))
    return Wish(
        texts=texts_of(definition),
        wave=asked["wave"],
        run_kind="test" if asked["test"] else "live",
        days=Days(first, last, asked["zone"] or settings.text("TIME_ZONE")),
        panel=Panel(asked["from_wave"], asked["who"], int(share), int(shares)),
        remind_after_days=asked["remind_after"],
        remind_at_most=asked["remind_at_most"],
        despite=asked["despite"],
    )


def _day(moment: datetime | None) -> Any:
    return moment.date() if moment else None


@invitations.command()
@click.argument("study")
@click.argument("address")
def test(study: str, address: str) -> None:
    """Send the mails of a study to one address; their links lead nowhere."""
    from surveyapp.jobs import queue
    from surveyapp.mail.server import is_address, mail_server

    settings, store = open_instance()
    version_or_fault(store, study)
    if not is_address(address):
        raise Fault(f"'{address}' is no e-mail address.")
    mail_server(settings)
    queue.test_mail(store, study, address)
    say("A worker sends them: 'surveyapp serve' or 'surveyapp worker' must be running.")


@invitations.command("list")
@click.argument("study")
def list_(study: str) -> None:
    """Print the mailings with what became of their mails."""
    from surveyapp.studies import mailings_counted

    _, store = open_instance()
    version_or_fault(store, study)
    with store.read() as c:
        rows = mailings_counted.of_study(c, study)
    states = ("waiting", "sent", "bounced", "failed", "unknown", "left_out", "cancelled")
    header = ("mailing", "wave", "run_kind", "created", "people", "reminders", *states,
              "opted_out", "started", "complete", "left_out_before", "despite")  # fmt: skip
    table = [
        (
            *(row.mailing.mailing, row.mailing.wave, row.mailing.run_kind, row.mailing.created),
            *(row.count.invited, row.count.reminders, *(row.n(state) for state in states)),
            *(row.count.opted_out, row.count.started, row.count.complete),
            json.dumps(row.mailing.planned["left_out"]),
            row.mailing.despite,
        )
        for row in rows
    ]
    click.echo("".join(csv_lines(header, table)), nl=False)


@invitations.command()
@click.argument("mailing")
def stop(mailing: str) -> None:
    """End a mailing for good: what waits is not sent, and nobody is reminded."""
    _, store = open_instance()
    _found(store, mailing)
    with store.write() as c:
        n = stored.stop(c, mailing, at=clock.now())
    click.echo(f"Stopped; {n:,} mails are not sent.")


@invitations.command()
@click.argument("mailing")
@click.option("--sent", is_flag=True, help="They were sent: nothing is sent again.")
@click.option("--again", is_flag=True, help="Send them again; who had one gets a second.")
def unknown(mailing: str, sent: bool, again: bool) -> None:
    """List mails of which nobody knows whether they were sent, or say what is to become of them."""
    from surveyapp.jobs import queue

    _, store = open_instance()
    record = _found(store, mailing)
    if sent and again:
        raise Fault("Give --sent or --again, not both.")
    if again and record.stopped:
        raise Fault("The mailing is stopped, so nothing is sent again.")
    if not sent and not again:
        with store.read() as c:
            found = stored.unknown(c, mailing)
        rows = [(m.message_id, m.at, m.reply) for m in found]
        click.echo("".join(csv_lines(("message_id", "at", "reply"), rows)), nl=False)
        return
    with store.write() as c:
        n = stored.decide_unknown(c, mailing, again=again, at=clock.now())
    if again:
        queue.mail(store, record.study, mailing)
    click.echo(f"{n:,} mails wait again." if again else f"{n:,} mails count as sent.")


def _found(store: Store, mailing: str) -> MailingRecord:
    with store.read() as c:
        record = stored.get(c, mailing)
    if record is None:
        raise Fault(f"There is no mailing '{mailing}'. See: surveyapp invitations list STUDY")
    return record
