"""``python -m analysis winback-uplift``: what a win-back campaign changed."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from analysis.cli.bad_input import bad_input
from analysis.cli.purchase_options import MAP, purchases_given


@click.command("winback-uplift")
@click.argument("listed", metavar="LIST", type=click.Path(exists=True, path_type=Path))
@click.argument("purchases", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--began",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day of the contact; purchases from the next day on are counted.",
)
@click.option(
    "--weeks",
    type=click.IntRange(1, 104),
    default=13,
    show_default=True,
    help="Weeks that are counted.",
)
@MAP
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def winback_uplift(
    listed: Path, purchases: Path, began: datetime, weeks: int, mapping: str, as_json: bool
) -> None:
    """What a campaign changed: customers contacted against the control group of the LIST.

    PURCHASES is a file, or the folder of a ledger for a list that the app exported.
    """
    from analysis.purchases.winback.campaign import read_list
    from analysis.purchases.winback.uplift import measure_uplift

    with bad_input(ValueError):
        table = purchases_given(purchases, mapping)
        found = measure_uplift(read_list(listed), table, began=began.date(), weeks=weeks)
    if as_json:
        about = {
            **asdict(found),
            "purchases": found.purchases.model_dump(mode="json", exclude_none=True),
            "spend": found.spend.model_dump(mode="json", exclude_none=True),
        }
        click.echo(json.dumps(about, indent=2))
        return
    click.echo(
        f"{found.contacted:,} contacted, {found.control:,} left alone by lot; {found.weeks} weeks "
        f"after {began.date()}"
    )
    for name, estimate in (("purchase days", found.purchases), ("spend", found.spend)):
        if not estimate.available:
            click.echo(f"{name} a customer: not stated, {estimate.reason}")
            continue
        low, high = f"{estimate.low:+.2f}", f"{estimate.high:+.2f}"
        click.echo(f"{name} a customer: {estimate.value:+.2f} ({low} to {high}), n = {estimate.n}")
