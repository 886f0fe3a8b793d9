"""Staff, from the command line."""

from __future__ import annotations

import click

from surveyapp.commands.group import Fault, Group, open_instance
from surveyapp.staff import accounts


@click.group(cls=Group)
def user() -> None:
    """Staff who may log in."""


@user.command()
@click.argument("name")
@click.option(
    "--role", type=click.Choice(accounts.ROLES), required=True, help="What the person may do."
)
@click.option(
    "--password",
    envvar="SURVEYAPP_NEW_PASSWORD",
    prompt=True,
    hide_input=True,
    confirmation_prompt=True,
    help="Password; asked for when it is not given.",
)
def add(name: str, role: str, password: str) -> None:
    """Add a member of staff."""
    _, store = open_instance()
    fault = accounts.password_fault(password, name)
    if fault:
        raise Fault(fault)
    accounts.add(store, name, role, password)
    click.echo(f"Added {name} as {role}.")


@user.command()
@click.argument("name")
@click.argument("may", type=click.Choice(["on", "off"]))
def identifiers(name: str, may: str) -> None:
    """Let a member of staff see whom pseudonyms stand for, or no longer."""
    _, store = open_instance()
    accounts.set_identifiers(store, name, may == "on")
    click.echo(f"{name} may {'now' if may == 'on' else 'no longer'} see raw identifiers.")
