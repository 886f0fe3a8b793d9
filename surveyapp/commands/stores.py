"""Moving an installation from one database to another."""

from __future__ import annotations

import click

from surveyapp import clock
from surveyapp.commands.group import Fault, Group, say
from surveyapp.store import Store
from surveyapp.store.connection import StoreFault


@click.group(cls=Group)
def store() -> None:
    """The database of an installation."""


@store.command("copy")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
def copy_store(source: str, target: str) -> None:
    """Copy everything from one database into another, empty one, and prove that both are equal.

    FROM and TO are addresses as DATABASE_URL takes them: sqlite:////folder/surveyapp.sqlite or
    postgresql+psycopg://user:password@host/name. Stop all servers and workers first: meanwhile
    nobody can write, and what is stored in FROM afterwards stays there.
    """
    from surveyapp.store.copying import copy

    old, new = _opened(source, "FROM"), _opened(target, "TO")
    if not old.exists:
        raise Fault(f"FROM: there is no file {old.place}. Name the database of the installation.")
    shown = ""

    def progress(step: str, done: int, total: int) -> None:
        nonlocal shown
        line = f"  {step}" + (f" ({done:,} of {total:,})" if total > 1000 else "")
        if line != shown:
            say(line)
        shown = line

    try:
        copied = copy(old, new, at=clock.now(), progress=progress)
    finally:
        old.close()
        new.close()
    for table in copied:
        click.echo(f"{table.table:24}{table.rows:>12,}  {table.digest[:16]}")
    rows = sum(table.rows for table in copied)
    click.echo(
        f"{rows:,} rows of {len(copied)} tables are the same in both, by count and digest. "
        "Set DATABASE_URL to the new address before you start again; files stay where they are."
    )


def _opened(address: str, name: str) -> Store:
    try:
        return Store(address)
    except StoreFault as error:
        raise Fault(f"{name}: {error}") from None
