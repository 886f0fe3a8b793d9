"""What the estimators by hierarchical Bayes share: options, the state of their chains, files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from analysis.cli.bad_input import BadInput, bad_input
from analysis.cli.partworths.request import Request, numbers_by_respondent

if TYPE_CHECKING:
    import pandas as pd

    from analysis.choices.hb import State
    from analysis.choices.partworths import PartWorths

Found = TypeVar("Found")
OPTIONS = (
    "chains",
    "draws",
    "at_most",
    "burn_in",
    "prior",
    "covariates",
    "upper_level",
    "save_draws",
    "save_state",
    "go_on",
)
LONGER = 8
"""Without --at-most: how many times --draws are made before a run is called not final."""


def fit_chains(fit: Callable[..., Found], request: Request, **more: Any) -> Found:
    """Call ``fit_hb`` or its like with the options of the request, progress on standard error."""
    from analysis.choices.hb import Settings
    from analysis.choices.identification import NotIdentified

    options = request.options
    covariates = read_upper_level(options["covariates"], options["upper_level"])
    state = _state(options["go_on"])
    draws = options["draws"]
    with bad_input(NotIdentified, ValueError):
        settings = Settings(
            options["chains"],
            options["burn_in"],
            draws,
            at_most=LONGER * draws if options["at_most"] is None else options["at_most"],
        )
        click.echo(f"Fitting hierarchical Bayes, {settings.chains} chains ...", err=True)
        return fit(
            seed=request.seed,
            prior=options["prior"],
            settings=settings,
            covariates=covariates,
            state=state,
            progress=quarters(),
            **more,
        )


def _state(path: Path | None) -> State | None:
    from analysis.choices.hb import State

    if path is None:
        return None
    with bad_input(ValueError):
        state = State.load(path)
    click.echo(
        f"Going on after {state.done:,} draws a chain, without burn-in; "
        "what is written rests on the new draws alone",
        err=True,
    )
    return state


def read_upper_level(path: Path | None, columns: str | None) -> pd.DataFrame | None:
    """Columns of numbers by respondent on which part-worths depend in the upper level."""
    import pandas as pd

    if (path is None) != (columns is None):
        raise BadInput(
            "--covariates names the file and --upper-level its columns; give both or none"
        )
    if path is None or columns is None:
        return None
    names = [name.strip() for name in columns.split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise BadInput(f"--upper-level '{columns}': write COLUMN,COLUMN,..., each once")
    return pd.DataFrame(numbers_by_respondent(path, names))


def quarters() -> Callable[[int, int], None]:
    """A progress callback that says each quarter, and when a run goes on, on standard error."""
    shown = {0}
    totals: list[int] = []

    def progress(done: int, total: int) -> None:
        if totals and totals[-1] != total:
            shown.clear()
            click.echo(f"  not final after {totals[-1]:,} draws; going on", err=True)
        if not totals or totals[-1] != total:
            totals.append(total)
        quarter = 4 * done // total
        if quarter not in shown:
            shown.add(quarter)
            click.echo(f"  {25 * quarter} % of {total:,} draws", err=True)

    return progress


def write_chains(out: Path, fitted: PartWorths, request: Request) -> None:
    """Write diagnostics.json and, where asked for, draws.nc, state.npz and covariates.csv."""
    from analysis.choices.hb.files import (
        covariate_effects,
        write_diagnostics,
        write_draws,
        write_draws_array,
    )

    assert fitted.hierarchy is not None
    write_diagnostics(out / "diagnostics.json", fitted)
    if fitted.hierarchy.covariates:
        covariate_effects(fitted).to_csv(out / "covariates.csv", index=False)
    if request.options["save_draws"]:
        write_draws(out / "draws.nc", fitted)
        write_draws_array(out, fitted)
    if request.options["save_state"]:
        fitted.hierarchy.posterior.state.save(out / "state.npz")


def chain_lines(fitted: PartWorths, request: Request) -> dict[str, Any]:
    """The lines of summary.json about the chains."""
    assert fitted.hierarchy is not None
    posterior = fitted.hierarchy.posterior
    chains, draws = posterior.log_likelihood.shape
    return {
        "prior": request.options["prior"],
        "chains": chains,
        "draws": draws,
        "draws_before": posterior.state.done - draws if request.options["go_on"] else 0,
        "log_likelihood": fitted.log_likelihood,
        "null_log_likelihood": fitted.null_log_likelihood,
        "final": fitted.converged,
        "converged": fitted.converged,
    }
