"""``--estimator mnl``: the aggregate multinomial logit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from analysis.cli.bad_input import bad_input
from analysis.cli.partworths.request import Request, read_covariates, read_weights
from analysis.cli.partworths.tables import (
    MONEY_COLUMNS,
    importance_rows,
    money_rows,
    partworth_rows,
    say,
    summary_head,
    write_csv,
    write_json,
)
from analysis.cli.partworths.validation import write_validation

if TYPE_CHECKING:
    from analysis.choices.partworths import PartWorths
    from analysis.tables import Choices

OPTIONS = ("holdout_tasks", "wtp_method", "covariates", "covary")


def run(request: Request) -> None:
    """Write partworths.csv, importances.csv, wtp.csv and summary.json."""
    from analysis.choices.identification import NotIdentified
    from analysis.choices.importances import importances
    from analysis.choices.mnl import NotConverged, fit_mnl

    study, table = request.read()
    options = request.options
    click.echo("Fitting the logit ...", err=True)
    with bad_input(NotIdentified, NotConverged, ValueError):
        fitted = fit_mnl(
            study,
            table,
            weights=read_weights(request.weights),
            covariates=read_covariates(options["covariates"], options["covary"]),
        )
    out = request.folder()
    write_csv(out / "partworths.csv", partworth_rows(fitted))
    write_csv(out / "importances.csv", importance_rows(importances(fitted, seed=request.seed)))
    money = money_rows(fitted, method=options["wtp_method"], seed=request.seed)
    write_csv(out / "wtp.csv", money, MONEY_COLUMNS)
    validation = write_validation(out, study, table, fitted, seed=request.seed)
    write_json(out / "summary.json", _summary(fitted, table, request, validation))
    say(request, *table.notes, *fitted.warnings)


def _summary(
    fitted: PartWorths, table: Choices, request: Request, validation: Mapping[str, Any]
) -> dict[str, Any]:
    from analysis.choices.willingness_to_pay import wrong_sign_probability

    return summary_head("mnl", table.exercise.id, request) | {
        "n_respondents": fitted.n_respondents,
        "n_tasks": fitted.n_tasks,
        "n_parameters": fitted.coding.width,
        "log_likelihood": fitted.log_likelihood,
        "null_log_likelihood": fitted.null_log_likelihood,
        "mcfadden_r2": 1 - fitted.log_likelihood / fitted.null_log_likelihood,
        "converged": fitted.converged,
        "iterations": fitted.iterations,
        "price_sign_wrong_probability": wrong_sign_probability(fitted),
        **validation,
        "intervals": "95 %, cluster covariance (respondents)",
        "notes": list(table.notes),
        "warnings": list(fitted.warnings),
    }
