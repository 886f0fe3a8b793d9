"""``--estimator mnl``: the aggregate multinomial logit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from analysis.cli.bad_input import BadInput, bad_input
from analysis.cli.partworths.market import read_market, write_market
from analysis.cli.partworths.request import Request, read_covariates, read_segments, read_weights
from analysis.cli.partworths.tables import (
    say,
    summary_head,
    tag_rows,
    write_csv,
    write_diagnostics_page,
    write_json,
    write_tables,
)
from analysis.cli.partworths.validation import write_validation

if TYPE_CHECKING:
    from analysis.choices.partworths import PartWorths
    from analysis.study import Study
    from analysis.tables import Choices

OPTIONS = ("holdout_tasks", "segments", "market", "wtp_method", "covariates", "covary")


def run(request: Request) -> None:
    """Write the tables of part-worths, importances and money, and summary.json."""
    from analysis.choices.coding import coding_of
    from analysis.choices.exponent import write_exponent
    from analysis.diagnostics.fit import Fit

    study, table = request.read()
    options, seed = request.options, request.seed
    people = table.frame["respondent"].astype(str).unique()
    segments = read_segments(options["segments"], list(people))
    path = options["market"]
    market = None if path is None else read_market(path, coding_of(study, table.exercise))
    tasks = len(table.frame[["respondent", "task"]].drop_duplicates())
    click.echo(f"Fitting the logit to {tasks:,} tasks ...", err=True)
    fitted = _fit(study, table, request)
    out = request.folder()
    write_tables(out, fitted, seed=seed, wtp_method=options["wtp_method"])
    write_json(out / "covariance.json", _covariance(fitted))
    write_csv(out / "tag_values.csv", _segment_rows(study, table, fitted, segments, request))
    if market is not None:
        write_market(out, fitted, market, seed=seed)
    weights = read_weights(request.weights)
    write_diagnostics_page(out, Fit(study, table, fitted, seed, weights=weights))
    validation = write_validation(out, study, table, fitted, seed=seed)
    write_exponent(out, fitted, table, seed=seed)
    write_json(out / "summary.json", _summary(fitted, table, request, validation))
    say(request, *table.notes, *fitted.warnings)


def _fit(study: Study, table: Choices, request: Request) -> PartWorths:
    from analysis.choices.identification import NotIdentified
    from analysis.choices.mnl import NotConverged, fit_mnl

    options = request.options
    with bad_input(NotIdentified, NotConverged, ValueError):
        return fit_mnl(
            study,
            table,
            weights=read_weights(request.weights),
            covariates=read_covariates(options["covariates"], options["covary"]),
        )


def _covariance(fitted: PartWorths) -> dict[str, Any]:
    """What a simulation needs for its intervals."""
    return {
        "columns": fitted.coding.names,
        "cluster": fitted.covariance("cluster").tolist(),
        "why_no_intervals": fitted.why_no_intervals("cluster"),
    }


def _segment_rows(
    study: Study,
    table: Choices,
    fitted: PartWorths,
    segments: Mapping[str, str] | None,
    request: Request,
) -> Iterator[dict[str, object]]:
    """Tag values of everybody, then of a logit of each segment; why there is none for some."""
    from analysis.choices.tag_values import SMALLEST, tag_values, without_values

    method, seed = request.options["wtp_method"], request.seed
    for row in tag_rows(tag_values(fitted, method=method, seed=seed)):
        yield {"segment": "", **row}
    own = table.frame["respondent"].astype(str).map(segments or {})
    for name in sorted(own.dropna().unique()):
        part = replace(table, frame=table.frame[own == name].reset_index(drop=True))
        n = part.frame["respondent"].nunique()
        try:
            if n < SMALLEST:
                raise BadInput(f"suppressed: fewer than {SMALLEST} respondents")
            found = tag_values(_fit(study, part, request), method=method, seed=seed)
        except BadInput as error:
            found = without_values(fitted, error.message, n=n)
        for row in tag_rows(found):
            yield {"segment": name, **row}


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
