"""``python -m analysis engagement``: customer scores from a file of purchases."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from analysis.cli.bad_input import BadInput, bad_input
from analysis.cli.purchase_options import MAP, PURCHASES, column_names


@click.command("engagement")
@PURCHASES
@click.option(
    "--as-of",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day as of which customers are scored, itself included.",
)
@MAP
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write, .csv or .parquet.",
)
def engagement(purchases: Path, as_of: datetime, mapping: str, out: Path) -> None:
    """Recency, frequency, spend, points and weekly limits of every customer."""
    from analysis.purchases.reading import read_purchases
    from analysis.purchases.score import score_customers

    if out.suffix not in {".csv", ".parquet"}:
        raise BadInput(f"--out {out.name}: write to a file ending in .csv or .parquet.")
    with bad_input(ValueError):
        table = read_purchases(purchases, column_names(mapping))
        scores = score_customers(table, as_of=as_of.date())
    with bad_input():
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.suffix == ".csv":
            scores.to_csv(out, index=False)
        else:
            scores.to_parquet(out, index=False)
    click.echo(f"{len(scores)} customers scored as of {as_of.date()}", err=True)
