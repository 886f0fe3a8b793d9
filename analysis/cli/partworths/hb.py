"""``--estimator hb``: hierarchical Bayes, its files, and words about convergence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from analysis.cli.bad_input import bad_input
from analysis.cli.partworths.request import Request
from analysis.cli.partworths.tables import (
    MONEY_COLUMNS,
    importance_rows,
    money_row,
    say,
    summary_head,
    write_csv,
    write_json,
)
from analysis.cli.partworths.validation import write_validation

if TYPE_CHECKING:
    from analysis.choices.partworths import PartWorths
    from analysis.study import Study
    from analysis.tables import Choices

OPTIONS = ("holdout_tasks", "chains", "draws", "burn_in", "prior", "save_draws")


def run(request: Request) -> None:
    """Fit, write all files, and say when the draws are not final."""
    from analysis.choices.hb.files import write_diagnostics, write_draws, write_individual
    from analysis.choices.hb.market import importances_of_respondents

    study, table = request.read()
    fitted = run_hb(study, table, request)
    out = request.folder()
    write_csv(out / "partworths.csv", _level_rows(fitted))
    shares = importances_of_respondents(fitted, seed=request.seed)
    write_csv(out / "importances.csv", importance_rows(shares))
    write_csv(out / "wtp.csv", _money_rows(fitted, request.seed), MONEY_COLUMNS)
    write_individual(out / "individual.parquet", fitted)
    write_diagnostics(out / "diagnostics.json", fitted)
    if request.options["save_draws"]:
        write_draws(out / "draws.nc", fitted)
    validation = write_validation(out, study, table, fitted, seed=request.seed)
    write_json(out / "summary.json", _summary(fitted, table, request, validation))
    say(request, *table.notes, *fitted.warnings)


def run_hb(study: Study, table: Choices, request: Request) -> PartWorths:
    """Fit with the options of the request, progress on standard error."""
    from analysis.choices.hb import Settings, fit_hb
    from analysis.choices.identification import NotIdentified

    options = request.options
    with bad_input(NotIdentified, ValueError):
        settings = Settings(options["chains"], options["burn_in"], options["draws"])
        click.echo(f"Fitting hierarchical Bayes, {settings.chains} chains ...", err=True)
        return fit_hb(
            study,
            table,
            seed=request.seed,
            prior=options["prior"],
            settings=settings,
            progress=quarters(),
        )


def quarters() -> Callable[[int, int], None]:
    """A progress callback that says each quarter on standard error."""
    shown = {0}

    def progress(done: int, total: int) -> None:
        quarter = 4 * done // total
        if quarter not in shown:
            shown.add(quarter)
            click.echo(f"  {25 * quarter} % of {total:,} draws", err=True)

    return progress


def _summary(
    fitted: PartWorths, table: Choices, request: Request, validation: Mapping[str, Any]
) -> dict[str, Any]:
    from analysis.choices.hb.market import wrong_price_sign

    return summary_head("hb", table.exercise.id, request) | {
        "n_respondents": fitted.n_respondents,
        "n_tasks": fitted.n_tasks,
        "n_parameters": fitted.coding.width,
        "prior": request.options["prior"],
        "log_likelihood": fitted.log_likelihood,
        "null_log_likelihood": fitted.null_log_likelihood,
        "final": fitted.converged,
        "converged": fitted.converged,
        "price_does_not_deter": wrong_price_sign(fitted),
        **validation,
        "intervals": "95 % of draws",
        "notes": list(table.notes),
        "warnings": list(fitted.warnings),
    }


def _level_rows(fitted: PartWorths) -> Iterable[dict[str, object]]:
    """Mean and its posterior sd for every level, and how much respondents differ."""
    import numpy as np

    from analysis.choices.partworths import level_worths

    assert fitted.hierarchy is not None
    _, rows = fitted.coding.level_rows()
    sigma = fitted.hierarchy.posterior.sigma.mean((0, 1))
    spread = np.sqrt(np.einsum("lk,km,lm->l", rows, sigma, rows))
    for worth, deviation in zip(level_worths(fitted, "posterior"), spread, strict=True):
        yield {
            "attribute": worth.attribute,
            "level": worth.level,
            "kind": worth.kind,
            "part_worth": worth.part_worth,
            "sd": worth.se,
            "sd_between_respondents": float(deviation),
        }


def _money_rows(fitted: PartWorths, seed: int) -> Iterable[dict[str, object]]:
    """Each level against the first one; a linear attribute per unit, its levels empty."""
    import numpy as np

    from analysis.choices.hb.market import money_value

    for attribute in fitted.coding.exercise.attributes:
        if attribute.tag == "price":
            continue
        if attribute.coding == "linear":
            contrast = np.zeros(fitted.coding.width)
            contrast[fitted.coding.places(attribute.id)] = 1.0
            yield money_row(attribute.id, "", "", money_value(fitted, contrast, seed=seed))
            continue
        first = attribute.levels[0].id
        for level in attribute.levels[1:]:
            contrast = fitted.coding.contrast(attribute.id, first, level.id)
            money = money_value(fitted, contrast, seed=seed)
            yield money_row(attribute.id, first, level.id, money)
