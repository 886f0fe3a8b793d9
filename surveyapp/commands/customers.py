"""Customers, from the command line: erase one, and see whom a pseudonym stands for."""

from __future__ import annotations

import click

from surveyapp.commands.group import Fault, Group, open_instance


@click.group(cls=Group)
def customers() -> None:
    """Customers: erase one everywhere, or see whom a pseudonym stands for."""


@customers.command()
@click.argument("identifier")
@click.option(
    "--answers",
    type=click.Choice(["keep", "erase"]),
    default="keep",
    show_default=True,
    help="Answers stay without the link to the customer, or go too.",
)
@click.option(
    "--archives",
    type=click.Choice(["list", "rewrite", "delete"]),
    default="list",
    show_default=True,
    help="What becomes of archives, runs and reports made before that hold the pseudonym.",
)
@click.option("--yes", is_flag=True, help="Erase without asking.")
def erase(identifier: str, answers: str, archives: str, yes: bool) -> None:
    """Erase a customer, named as the company does, from everything that is stored.

    Files loaded later do not bring the customer back.
    """
    from surveyapp.jobs import erasing
    from surveyapp.staff.customers import ask_to_erase

    settings, store = open_instance()
    if not yes:
        click.confirm("Erase this customer for good?", abort=True)
    asked = ask_to_erase(
        settings, store, identifier, by="command line", answers=answers, archives=archives
    )
    done = erasing.erase(settings, store, asked)
    found = {name: n for name, n in done.counts.items() if n}
    if not found:
        click.echo("Nothing of this customer was stored. Files loaded later will not bring it.")
    for name, n in found.items():
        click.echo(f"{name.replace('_', ' ')}: {n:,}")
    if done.left:
        click.echo("Made before, these still hold the pseudonym (no identifier):")
        for name in done.left:
            click.echo(f"  {name}")
        click.echo("Run the command again with --archives rewrite, or --archives delete.")


@customers.command()
@click.argument("pseudonym")
def identify(pseudonym: str) -> None:
    """Say which identifier a pseudonym stands for, where the installation keeps that."""
    from surveyapp.staff import customers as asked

    settings, _ = open_instance()
    found = asked.identify(settings, pseudonym)
    if found is None:
        kept = "" if settings.flag("KEEP_IDENTIFIERS") else " KEEP_IDENTIFIERS is off."
        raise Fault(f"It is not known whom '{pseudonym}' stands for.{kept}")
    click.echo(found)
