"""``python -m analysis winback``: whose purchases fell, by a calibrated alarm."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.cli.bad_input import BadInput, bad_input
from analysis.cli.purchase_options import AS_OF, MAP, purchases_given

if TYPE_CHECKING:
    from analysis.purchases.winback.campaign import Campaign, WinBack


@click.command("winback")
@click.argument("purchases", type=click.Path(exists=True, path_type=Path))
@AS_OF
@click.option(
    "--false-alarms",
    type=float,
    default=0.05,
    show_default=True,
    help="Share of unchanged customers alarmed at least once in 26 weeks.",
)
@click.option("--margin", type=float, help="Profit as a share of spend, 0.35 for 35 %.")
@click.option("--capacity", type=int, help="How many customers can be contacted.")
@click.option(
    "--control-share",
    type=float,
    default=0.2,
    show_default=True,
    help="Share left alone by lot, to measure the campaign by.",
)
@MAP
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of the lot."
)
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="List to write, .csv or .parquet; a .json beside it says how far to trust it.",
)
def winback(purchases: Path, as_of: datetime, mapping: str, out: Path, **options: Any) -> None:
    """Customers whose purchases fell, ranked by spend at risk, with a control group."""
    import pandas as pd

    from analysis.purchases.winback.campaign import COLUMNS, Campaign, win_back, write_list
    from analysis.purchases.winback.placebo import NotEnoughHistory

    if out.suffix not in {".csv", ".parquet"}:
        raise BadInput(f"--out {out.name}: write to a file ending in .csv or .parquet.")
    with bad_input(ValueError):
        campaign = Campaign(**options)
        table = purchases_given(purchases, mapping)
        day = as_of.date()
        about: dict[str, Any] = {"as_of": str(day), **asdict(campaign)}
        about["program"] = f"surveyapp {version('surveyapp')}"
        try:
            found = win_back(table, as_of=day, campaign=campaign)
            listed, about = found.customers, about | _about(found, campaign)
            for caveat in found.caveats:
                click.echo(f"note: {caveat}", err=True)
        except NotEnoughHistory as error:
            listed, about = pd.DataFrame(columns=list(COLUMNS)), about | {"unavailable": str(error)}
            click.echo(str(error), err=True)
    with bad_input():
        out.parent.mkdir(parents=True, exist_ok=True)
        write_list(listed, out)
        text = json.dumps(about, indent=2, ensure_ascii=False, allow_nan=False)
        out.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    click.echo(f"{len(listed)} customers listed as of {as_of.date()}", err=True)


def _about(found: WinBack, campaign: Campaign) -> dict[str, Any]:
    from analysis.purchases.winback.campaign import GROUPS

    calibration = found.calibration
    groups = found.customers["group"].value_counts().to_dict()
    bands = [
        {**asdict(band), "high": None if band.high == float("inf") else band.high}
        for band in calibration.bands
    ]
    return {
        "monitored": found.monitored,
        "too_few_purchases_to_tell": found.too_few,
        "listed": len(found.customers),
        "new": int(found.customers["new"].sum()),
        "groups": {name: int(groups.get(name, 0)) for name in GROUPS},
        "value_at_risk": "unknown: no margin given" if campaign.margin is None else "by year",
        "true_alarms": found.true_alarms.model_dump(exclude_none=True),
        "common_change": found.common_change,
        "shared_change": found.shared_change,
        "season": found.season,
        "own_seasons": calibration.own_seasons,
        "bursts": calibration.prior.bursts,
        "threshold": calibration.threshold,
        "false_alarms_in_26_placebo_weeks": calibration.attained,
        "false_alarms_in_26_weeks_a_year_ago": calibration.attained_year_ago,
        "false_alarms_of_those_with_enough_purchases": calibration.attained_of_testable,
        "customers_at_placebo_dates": calibration.n,
        "by_purchases_a_week": bands,
        "caveats": list(found.caveats),
    }
