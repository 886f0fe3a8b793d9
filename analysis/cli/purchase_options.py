"""What the commands on purchases ask alike: the file, the day, and the names of its columns."""

from __future__ import annotations

from pathlib import Path

import click

PURCHASES = click.argument(
    "purchases", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
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
