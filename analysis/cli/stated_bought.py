"""``python -m analysis stated-bought``: part-worths against what was bought when on offer."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from analysis.cli.bad_input import bad_input

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("stated-bought")
@click.argument("study", type=_FILE)
@click.argument("partworths", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("products", type=_FILE)
@click.option("--links", required=True, type=_FILE, help="CSV: respondent, customer.")
@click.option(
    "--purchases", required=True, type=_FILE, help="CSV: customer, time, product (store, channel)."
)
@click.option(
    "--availability",
    required=True,
    type=_FILE,
    help="CSV: product, time (from), until, price (store, channel).",
)
@click.option("--split", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Fit before it.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write (JSON).")
def stated_bought(
    study: Path, partworths: Path, products: Path, split: datetime, out: Path, **given: Any
) -> None:
    """Calibrate part-worths on purchases before --split, and judge them on later ones.

    PRODUCTS.yaml names the products as the purchases do, with their levels. The file written has
    the scale and the factor of every product, for 'simulate --calibration'.
    """
    import pandas as pd

    from analysis.choices.coding import coding_of
    from analysis.choices.simulator.calibration import Source
    from analysis.choices.simulator.files import read_worths
    from analysis.choices.simulator.reading import read_products
    from analysis.customers.calibration import calibration_of
    from analysis.customers.occasions import occasions
    from analysis.customers.on_offer import on_offer
    from analysis.customers.stated_bought import compare
    from analysis.study import StudyFaults, read_study
    from analysis.study.load import parse_yaml

    with bad_input(StudyFaults, KeyError, TypeError, ValueError):
        read = read_study(study)
        coding = coding_of(read, read.choice_exercise())
        market = read_products(coding, *parse_yaml(products.read_bytes())).market
        links = _table(given["links"], "respondent", "customer")
        if links["customer"].duplicated().any() or links["respondent"].duplicated().any():
            raise ValueError(
                f"{given['links']}: a customer or a respondent stands twice; keep one row of each"
            )
        bought = _table(given["purchases"], "customer", "time", "product")
        levels = {product.name: product.levels for product in market.products}
        offered = on_offer(
            bought,
            _table(given["availability"], "product", "time", "until", "price"),
            customers=set(links["customer"]),
            products=levels,
        )
        found = compare(
            occasions(
                coding,
                read_worths(partworths, coding, seed=given["seed"]),
                links=dict(zip(links["respondent"], links["customer"], strict=True)),
                offered=offered,
                products=levels,
            ),
            split=pd.Timestamp(split),
            seed=given["seed"],
        )
    days = bought["day"].dt.strftime("%Y-%m-%d")
    source = Source(study=read.study, version=None, first=days.min(), last=days.max())
    made = calibration_of(found, levels, source=source)
    content = dataclasses.asdict(found)
    del content["drawn"]
    content["factors"] = {n: _exp(e.value) for n, e in found.constants.items()}
    content["calibration"] = made.model_dump(mode="json")
    with bad_input():
        written = json.dumps(content, indent=2, default=lambda e: e.model_dump(mode="json"))
        out.write_text(written + "\n", encoding="utf-8")
    click.echo(f"Scale {_said(found.scale)}; fitted on {found.fitted_on:,} purchases.")
    for one in found.judged:
        click.echo(
            f"  {one.prediction:<34} log-loss {_said(one.log_loss)}, hits {_said(one.hit_rate)}"
        )
    click.echo(
        "The calibrated part-worths predict later purchases better than every baseline and than "
        f"as stated: use them by 'simulate --calibration {out}'."
        if found.useful
        else f"No use as a calibration: {made.why_not}."
    )
    click.echo("What was not bought is not seen: None is not calibrated.")


def _table(path: Path, *columns: str) -> Any:
    """A CSV file with its columns, and day beside time; ValueError naming what is wrong where."""
    import pandas as pd

    from analysis.customers.on_offer import LEAST
    from analysis.ledgers.days import days_of

    found = pd.read_csv(path, dtype=str)
    missing = [name for name in columns if name not in found]
    if missing:
        raise ValueError(f"{path}: the columns {', '.join(missing)} are missing")
    try:
        if "time" in columns:
            found["day"] = days_of(found)
        for name in {"time", "until"} & set(columns):
            times = pd.to_datetime(found[name], format="ISO8601", utc=True).dt.tz_localize(None)
            whole = (name == "until") & (found[name].str.len() <= 10)
            found[name] = times.where(~whole, times + pd.Timedelta(days=1) - LEAST)
        if "price" in columns:
            found["price"] = found["price"].astype(float)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return found


def _exp(value: float | None) -> float:
    import math

    return math.exp(value or 0.0)


def _said(estimate: Any) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"
