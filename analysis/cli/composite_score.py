"""``python -m analysis composite-score``: what goes with later value, beside points."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from analysis.cli.bad_input import bad_input
from analysis.cli.purchase_options import AS_OF, MAP, purchases_given

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("composite-score")
@click.argument("purchases", type=click.Path(exists=True, path_type=Path))
@AS_OF
@MAP
@click.option("--events", type=_FILE, help="CSV of events: customer, time (likes, reviews ...).")
@click.option("--attributes", type=_FILE, help="CSV of attributes: customer, one column each.")
@click.option("--seed", default=1, show_default=True, help="Seed of folds and bootstrap.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
def composite_score(
    purchases: Path,
    as_of: datetime,
    mapping: str,
    events: Path | None,
    attributes: Path | None,
    seed: int,
    out: Path,
) -> None:
    """Expected spend of the next 26 weeks from behaviour, judged beside plain points."""
    import pandas as pd

    from analysis.purchases.composite.behaviours import Beyond
    from analysis.purchases.composite.regression import NotFitted
    from analysis.purchases.composite.score import composite_score as compose

    with bad_input(ValueError, NotFitted):
        table = purchases_given(purchases, mapping)
        given = [
            None if file is None else pd.read_csv(file, dtype={"customer": str})
            for file in (events, attributes)
        ]
        found = compose(table, as_of=as_of.date(), beyond=Beyond(*given), seed=seed)
    with bad_input():
        out.mkdir(parents=True, exist_ok=True)
        found.customers.to_parquet(out / "customers.parquet", index=False)
        found.judged.figures.to_csv(out / "judged.csv", index=False)
        found.judged.calibration.to_csv(out / "calibration.csv", index=False)
        found.fitted.table().to_csv(out / "coefficients.csv", index=False)
        (out / "summary.json").write_text(json.dumps(_summary(found, as_of), indent=2) + "\n")
    click.echo(f"Chosen: {found.chosen}. The composite score is {found.verdict}.")
    for row in found.judged.figures.to_dict("records"):
        gain = ""
        if pd.notna(row["gain"]):
            gain = f", gain {row['gain']:+.3f} ({row['gain_low']:+.3f} to {row['gain_high']:+.3f})"
        click.echo(
            f"  {row['score']:<10} {row['figure']:<20} {row['value']:.3f} "
            f"({row['low']:.3f} to {row['high']:.3f}), n = {row['n']:,}{gain}"
        )
    for note in found.notes:
        click.echo(note, err=True)


def _summary(found: Any, as_of: datetime) -> dict[str, Any]:
    return {
        "as_of": as_of.date().isoformat(),
        "verdict": found.verdict,
        "chosen": found.chosen,
        "deviances": found.deviances,
        "windows": found.windows,
        "customers": len(found.customers),
        "fitted_to": found.fitted.n,
        "method": "Poisson pseudo-likelihood, robust errors; judged on customers held out, out of "
        "time; 95 % bootstrap intervals",
        "notes": list(found.notes),
    }
