"""Scores of customers, from the command line."""

from __future__ import annotations

from datetime import datetime

import click

from surveyapp.commands.group import Fault, Group, open_instance


@click.group(cls=Group)
def scores() -> None:
    """Scores of customers: score the ledger, list the runs."""


@scores.command()
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Day of the scores, itself included; default: the day of the last purchase.",
)
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    help="Where it is computed; default: the setting SCORES_ENGINE.",
)
def run(as_of: datetime | None, engine: str | None) -> None:
    """Score all customers as of a day and keep the run."""
    from surveyapp.jobs.scoring import score_ledger, scores_folder

    settings, _ = open_instance()
    found, fresh = score_ledger(settings, as_of=as_of.date() if as_of else None, engine=engine)
    known = "" if fresh else " (scored before: same day, ledger, program and configuration)"
    click.echo(f"{found.run}: {found.customers:,} customers as of {found.as_of}{known}")
    click.echo(f"Files of this run: {scores_folder(settings) / found.run}", err=True)


@scores.command(name="list")
def list_() -> None:
    """List the runs, and the scheduled scorings that failed."""
    from analysis.purchases.runs import read_runs
    from surveyapp.jobs.scoring import scores_folder
    from surveyapp.store import scorings

    settings, store = open_instance()
    for found in read_runs(scores_folder(settings)):
        click.echo(
            f"{found.run}: {found.customers:,} customers as of {found.as_of}, made {found.made}, "
            f"program {found.program}, ledger {found.ledger[:12]}, {found.engine}"
        )
    with store.read() as c:
        failed = [row for row in scorings.newest(c) if row[1] == "failed"]
    for period, _, error in failed:
        click.echo(f"{period} failed: {error}", err=True)


@scores.command()
@click.argument("then")
@click.argument("now")
def moves(then: str, now: str) -> None:
    """Movement between tiers from the run THEN to the run NOW."""
    import pandas as pd

    from analysis.purchases.retention import with_shares
    from analysis.purchases.runs import RECORD, read_run
    from analysis.purchases.tiers import movement_between
    from surveyapp.jobs.scoring import scores_folder

    settings, _ = open_instance()
    folders = [scores_folder(settings) / name for name in (then, now)]
    for folder in folders:
        if not (folder / RECORD).is_file():
            raise Fault(f"There is no run '{folder.name}'. Runs: surveyapp scores list")
    first, second = (read_run(folder).configuration for folder in folders)
    if first != second:
        raise Fault("The runs have different configurations, so their tiers do not compare.")
    tables = [
        pd.read_parquet(folder / "customers.parquet", columns=["customer", "tier"])
        for folder in folders
    ]
    table = movement_between(*tables)
    table["of"] = table.groupby("tier_then")["customers"].transform("sum")
    click.echo("tier_then,tier_now,customers,share,low,high")
    for row in with_shares(table, "customers", "of").itertuples():
        click.echo(
            f"{row.tier_then},{row.tier_now},{row.customers},"
            f"{row.share:.4f},{row.low:.4f},{row.high:.4f}"
        )
