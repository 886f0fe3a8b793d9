"""``python -m analysis lifetime-value``: what customers will still buy, and are worth."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.cli.bad_input import bad_input
from analysis.cli.purchase_options import AS_OF, MAP, purchases_given

if TYPE_CHECKING:
    import pandas as pd

    from analysis.purchases.engine import Purchases
    from analysis.purchases.lifetime_value.calibration import Calibration
    from analysis.purchases.lifetime_value.past_forecast import PastForecast
    from analysis.purchases.lifetime_value.valuation import Plan, Valuation


@click.command("lifetime-value")
@click.argument("purchases", type=click.Path(exists=True, path_type=Path))
@AS_OF
@click.option(
    "--model",
    type=click.Choice(["pareto-nbd", "bg-nbd"]),
    default="pareto-nbd",
    show_default=True,
    help="How customers drop out: at any time, or after a purchase.",
)
@click.option(
    "--horizon-weeks",
    type=click.FloatRange(min=0, min_open=True),
    default=52,
    show_default=True,
    help="Weeks ahead.",
)
@click.option(
    "--margin",
    type=click.FloatRange(min=0, min_open=True, max=1),
    help="Profit as a share of spend, 0.35 for 35 %; without it values are unknown.",
)
@click.option(
    "--discount",
    type=click.FloatRange(min=0, max=10),
    default=0.10,
    show_default=True,
    help="Discount a year, 0.10 for 10 %.",
)
@click.option(
    "--acquisition-costs",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV: channel, cohort (YYYY-MM, blank: all months), cost.",
)
@click.option(
    "--ledgers",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the ledgers 'margins' and 'acquisition'; --margin and --acquisition-costs "
    "go before them.",
)
@click.option(
    "--validation-weeks",
    type=click.IntRange(min=0),
    default=26,
    show_default=True,
    help="Last weeks that are predicted from the time before, to check the forecast; 0: none.",
)
@click.option(
    "--covariates",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV: customer and numbers.",
)
@click.option("--rate-covariates", default="", help="Columns that go with the purchase rate: A,B")
@click.option("--dropout-covariates", default="", help="Columns that go with dropping out: A,B")
@MAP
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Of the drawn intervals.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write into.",
)
def lifetime_value(purchases: Path, as_of: datetime, out: Path, **options: Any) -> None:
    """Chance to be a customer still, expected purchases and residual value of every customer."""
    from analysis.purchases.lifetime_value.valuation import value_customers

    with bad_input(ValueError):
        table = purchases_given(purchases, options["mapping"])
        given = _given(options, table, as_of.date())
        plan = _plan(options, given)
        found = value_customers(table, as_of=as_of.date(), plan=plan)
    with bad_input():
        out.mkdir(parents=True, exist_ok=True)
        found.customers.to_parquet(out / "customers.parquet", index=False)
        found.acquisition.to_csv(out / "acquisition.csv", index=False)
        summary = _summary(found, plan) | given.sources | {"as_of": str(as_of.date())}
        text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False)
        (out / "summary.json").write_text(text + "\n", encoding="utf-8")
    for sentence in (*found.method, *(f"{k}: {why}" for k, why in given.sources.items())):
        click.echo(sentence, err=True)
    for reason in found.reasons.values():
        click.echo(reason, err=True)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{len(found.customers)} customers as of {as_of.date()}", err=True)


@dataclass(frozen=True, slots=True)
class _Given:
    """Margin and acquisition costs, and where each is from."""

    margin: float | None
    costs: pd.DataFrame | None
    sources: dict[str, str]


def _given(options: dict[str, Any], purchases: Purchases, as_of: date) -> _Given:
    from analysis.purchases.outlook_ledgers import costs_of, margin_of, rows_of

    ledgers, margin, file = (options[n] for n in ("ledgers", "margin", "acquisition_costs"))
    margin_source = "--margin" if margin else "unknown: no margin given"
    costs = None if file is None else _read(file)
    costs_source = "unknown: no costs given" if file is None else file.name
    if ledgers is not None and margin is None:
        margin, margin_source = margin_of(rows_of(ledgers, "margins"), purchases, as_of=as_of)
    if ledgers is not None and file is None:
        costs, costs_source = costs_of(rows_of(ledgers, "acquisition"), purchases, as_of=as_of)
    return _Given(margin, costs, {"margin_source": margin_source, "costs_source": costs_source})


def _plan(options: dict[str, Any], given: _Given) -> Plan:
    from analysis.purchases.lifetime_value.bg_nbd import BG_NBD
    from analysis.purchases.lifetime_value.pareto_nbd import PARETO_NBD
    from analysis.purchases.lifetime_value.residual_value import Horizon
    from analysis.purchases.lifetime_value.valuation import CovariateChoice, Plan

    rate, dropout = (
        tuple(name.strip() for name in options[f"{part}_covariates"].split(",") if name.strip())
        for part in ("rate", "dropout")
    )
    if bool(options["covariates"]) != bool(rate or dropout):
        raise ValueError(
            "--covariates FILE and --rate-covariates or --dropout-covariates belong together"
        )
    chosen = None
    if options["covariates"]:
        chosen = CovariateChoice(_read(options["covariates"]), rate, dropout)
    return Plan(
        model=BG_NBD if options["model"] == "bg-nbd" else PARETO_NBD,
        horizon=Horizon(options["horizon_weeks"], options["discount"], given.margin),
        validation_weeks=options["validation_weeks"],
        costs=given.costs,
        covariates=chosen,
        seed=options["seed"],
    )


def _read(path: Path) -> pd.DataFrame:
    """A CSV file as text, with commas, semicolons or tabs."""
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig") as file:
            delimiter = max(",;\t", key=file.readline().count)
        return pd.read_csv(path, sep=delimiter, dtype=str, encoding="utf-8-sig")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"{path.name} cannot be read: {str(error).strip()}") from None


def _summary(found: Valuation, plan: Plan) -> dict[str, Any]:
    fit, spend = found.fit, found.spend
    return {
        "model": plan.model.name,
        "n_customers": len(found.customers),
        "n_histories": None if fit is None else fit.n_rows,
        "gate": {"passed": found.gate.passed, **asdict(found.gate)},
        "penalised": None if fit is None else fit.penalty is not None,
        "parameters": None if fit is None else fit.parameters,
        "standard_errors": None if fit is None else fit.standard_errors,
        "log_likelihood": None if fit is None else fit.log_likelihood,
        "iterations": None if fit is None else fit.iterations,
        "covariates": {}
        if fit is None
        else {n: {"coefficient": c, "standard_error": e} for n, (c, e) in fit.covariates.items()},
        "spend": None
        if spend is None
        else {
            "model": "gamma-gamma",
            "penalised": spend.penalty is not None,
            "parameters": spend.parameters,
            "standard_errors": spend.standard_errors,
            "log_likelihood": spend.log_likelihood,
            "n_customers": spend.n_customers,
            "dropped_days": spend.dropped_days,
            "correlation_with_frequency": _ends(
                (spend.correlation, spend.correlation_low, spend.correlation_high)
            ),
        },
        "horizon_weeks": plan.horizon.weeks,
        "discount_a_year": plan.horizon.discount,
        "margin": plan.horizon.margin,
        "totals": {name: _ends(total) for name, total in found.totals.items()},
        "season": None if found.season is None else found.season.factors.tolist(),
        "calibration": _calibration(found.checks.calibration),
        "a_quarter_ago": _past(found.checks.quarter_ago),
        "a_year_ago": _past(found.checks.year_ago),
        "rhythm": None if found.checks.rhythm is None else asdict(found.checks.rhythm),
        "intervals_widened": found.checks.stretch,
        "intervals": (
            "95 %; P(alive): error of the parameters; purchases and values: predictive (error of "
            "the parameters, differences between customers, chance)"
        ),
        "unavailable": found.reasons,
        "method": list(found.method),
        "warnings": list(found.warnings),
        "seed": plan.seed,
        "program": f"surveyapp {version('surveyapp')}",
    }


def _ends(triple: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip(("value", "low", "high"), triple, strict=True))


def _past(found: PastForecast | str) -> dict[str, Any]:
    if isinstance(found, str):
        return {"unavailable": found}
    return {
        "fitted_until": str(found.fitted_until),
        "n": found.n,
        "predicted": _ends((found.predicted, found.low, found.high)),
        "actual": found.actual,
        "chance": found.p,
    }


def _calibration(found: Calibration | str) -> dict[str, Any]:
    if isinstance(found, str):
        return {"unavailable": found}
    return {
        "fitted_until": str(found.fitted_until),
        "validation_weeks": found.weeks,
        "n": found.n,
        "predicted": _ends((found.predicted, found.predicted_low, found.predicted_high)),
        "actual": found.actual,
        "chance": found.p,
        "chance_of_those_below_80_percent_alive": found.p_doubtful,
        "correlation": found.correlation,
        "coverage_of_95_intervals": found.coverage,
        "by_frequency": found.classes.to_dict("records"),
        "by_p_alive": found.by_alive.to_dict("records"),
        "tracking": found.tracking.to_dict("records"),
    }
