"""What the commands on purchases ask alike: the file, the day, and the names of its columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from analysis.purchases.engine import Purchases

AS_OF = click.option(
    "--as-of",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day up to which purchases are read, itself included.",
)
MAP = click.option(
    "--map", "mapping", default="", help="Columns: customer=card,time=date,amount=paid"
)


def column_names(text: str) -> dict[str, str]:
    """'customer=card,time=date' as a mapping."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    bad = [name for name, equals, column in pairs if not equals or not column.strip()]
    if bad:
        raise ValueError(f"--map: '{', '.join(bad)}' lacks a column. Write customer=COLUMN,...")
    names = [name.strip() for name, _, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError("--map: a name stands twice. Map each name once.")
    return {name.strip(): column.strip() for name, _, column in pairs}


def purchases_given(place: Path, mapping: str) -> Purchases:
    """The purchases of a file or folder; says so when a file is read where it lies.

    Raises
    ------
    ValueError
        See ``reading.purchases_at``.
    """
    from analysis.purchases.reading import purchases_at

    found = purchases_at(place, column_names(mapping))
    if found is place and place.is_file():
        said = "has the ledger's columns and is read in place: amounts are whole cents, times UTC"
        click.echo(f"{place.name} {said}", err=True)
    return found
