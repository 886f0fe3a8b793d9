"""``python -m analysis engagement``: customer scores from purchases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.cli.bad_input import BadInput, bad_input
from analysis.cli.purchase_options import MAP, purchases_given

if TYPE_CHECKING:
    from analysis.estimate import Estimate
    from analysis.purchases.offers import Offers

_OPTIONS = (
    click.option("--latest-weight", default=2.0, show_default=True, help="Weight of 13 weeks."),
    click.option("--points-per-unit", default=1.0, show_default=True, help="Points for one."),
    click.option(
        "--tiers",
        default="platinum=0.05,gold=0.2,silver=0.5",
        show_default=True,
        help="Tiers from the best down, and their bounds.",
    ),
    click.option(
        "--tiers-by",
        type=click.Choice(["customers", "points", "cuts"]),
        default="customers",
        show_default=True,
        help="What bounds are: shares of customers, of all points, or least points.",
    ),
    click.option("--rest", default="bronze", show_default=True, help="The tier below them."),
    click.option(
        "--period",
        type=click.Choice(["month", "quarter", "year"]),
        default="month",
        show_default=True,
        help="Periods of cohorts and retention.",
    ),
)


def scoring_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that make a ``ScoringPlan``; see ``plan_options.plan_of``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command("engagement")
@click.argument("purchases", type=click.Path(exists=True, path_type=Path))
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
    type=click.Path(path_type=Path),
    help="File to write, .csv or .parquet, or a folder for all tables.",
)
@click.option(
    "--engine",
    "engine_name",
    type=click.Choice(["duckdb", "spark"]),
    default="duckdb",
    show_default=True,
    help="Where it is computed; the numbers are the same.",
)
@click.option(
    "--offers",
    type=click.Path(exists=True, path_type=Path),
    help="Offers sent and redeemed: a CSV or Parquet file (customer, time, offer, action), or "
    "the folder of their ledger; without it the response to offers is unavailable.",
)
@click.option("--memory-gb", type=float, help="Most memory DuckDB may use; the rest on disk.")
@scoring_options
def engagement(
    purchases: Path,
    as_of: datetime,
    mapping: str,
    out: Path,
    engine_name: str,
    offers: Path | None,
    memory_gb: float | None,
    **options: Any,
) -> None:
    """Recency, frequency, spend, points, limits, tier and rank of every customer.

    PURCHASES is a CSV or Parquet file, or a folder: a ledger, or Parquet files with the ledger's
    columns.
    """
    from analysis.purchases.engines import EngineFault, open_engine
    from analysis.purchases.plan_options import plan_of
    from analysis.purchases.runs import write_scoring
    from analysis.purchases.scoring import score

    if out.suffix not in {"", ".csv", ".parquet"}:
        raise BadInput(
            f"--out {out.name}: write to a file ending in .csv or .parquet, or a folder."
        )
    day = as_of.date()
    with bad_input(ValueError, EngineFault):
        plan = plan_of(options)
        table = purchases_given(purchases, mapping)
        sent = None if offers is None else _offers(offers)
        with open_engine(engine_name, memory_gb=memory_gb) as engine:
            found = score(engine, table, as_of=day, plan=plan, offers=sent)
            if out.suffix:
                n = _write_file(engine, found, out)
            else:
                facts = {"engine": engine.name, "configuration": plan.facts()}
                _refuse_filled(out)
                n = write_scoring(engine, found, out, facts=facts)
    click.echo(_response(found.response), err=True)
    click.echo(f"{n} customers scored as of {day}", err=True)


def _offers(place: Path) -> Offers:
    """The folder of the offers' ledger, or the checked rows of a file."""
    from analysis.ledgers.kinds import OFFERS
    from analysis.ledgers.reading import read_rows
    from analysis.purchases.offers import TYPES
    from analysis.purchases.parquet import parquet_files_with

    if place.is_dir():
        if not parquet_files_with(place, TYPES, what="offers"):
            raise BadInput(f"--offers {place}: there are no offers in this folder (*.parquet).")
        return place
    return read_rows(place, OFFERS)


def _response(found: Estimate) -> str:
    """The response to all offers in words."""
    if found.value is None or found.low is None or found.high is None:
        return f"response to offers: unavailable, {found.reason}"
    return (
        f"response to offers: {found.value:.1%} of {found.n} redeemed "
        f"({found.low:.1%} to {found.high:.1%}; {found.method})"
    )


def _refuse_filled(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"--out {folder}: is there already and not empty. Name a new folder.")


def _write_file(engine: Any, found: Any, out: Path) -> int:
    """Write the customers, sorted, some at a time; how many there are."""
    import pyarrow.parquet as pq

    from analysis.purchases.engine import with_integers
    from analysis.purchases.engines import arrow_schema

    customers, n = found.customers.order_by("customer"), 0
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".parquet":
        with pq.ParquetWriter(out, arrow_schema(customers)) as file:
            for batch in engine.batches(customers):
                file.write_batch(batch)
                n += batch.num_rows
        return n
    with out.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(customers.columns) + "\n")
        for batch in engine.batches(customers):
            with_integers(batch.to_pandas(), customers).to_csv(file, header=False, index=False)
            n += batch.num_rows
    return n
