"""Purchases, from the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from surveyapp.commands.group import Group, open_instance
from surveyapp.commands.mapping import read_mapping


@click.group(cls=Group)
def purchases() -> None:
    """Purchases: load them into the ledger."""


@purchases.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--map", "mapping", multiple=True, help="Columns: customer=id,time=date,...")
@click.option("--source", default="", help="Where the files come from, such as 'web shop'.")
@click.option("--currency", help="Currency of amounts without one, such as USD.")
def load(
    files: tuple[Path, ...], mapping: tuple[str, ...], source: str, currency: str | None
) -> None:
    """Load purchase files (CSV or Parquet); rows that cannot be accepted are set apart."""
    from analysis.purchases.ledger import load_purchases
    from surveyapp.jobs.analyse import ledger_folder

    settings, _ = open_instance()
    summary = load_purchases(
        files,
        ledger_folder=ledger_folder(settings),
        key=settings.customer_key,
        today=datetime.now(UTC).date(),
        mapping=read_mapping(mapping) or None,
        source=source,
        currency=currency,
    )
    for file in summary.files:
        before = "loaded before: " if file.already_loaded else ""
        click.echo(
            f"{file.file}: {before}{file.rows:,} rows, {file.accepted:,} accepted, "
            f"{file.duplicates:,} known already, {file.quarantined:,} set apart"
        )
        for reason, n in file.reasons.items():
            click.echo(f"  {reason}: {n:,}")
