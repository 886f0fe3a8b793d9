"""``python -m analysis partworths --estimator hb``: fit, files, and words about convergence."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from analysis.cli.bad_input import BadInput, bad_input

if TYPE_CHECKING:
    from analysis.choices.partworths import PartWorths
    from analysis.study import Study
    from analysis.tables import Choices


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of hierarchical Bayes."""

    chains: int
    draws: int
    burn_in: int
    prior: Literal["sawtooth", "bayesm"]
    save_draws: bool
    seed: int


def hold_out(table: Choices, tasks: str) -> Choices:
    """The same choices with the named tasks as holdouts; BadInput when one is not in the table."""
    wanted = {task.strip() for task in tasks.split(",") if task.strip()}
    names = table.frame["task"].astype(str)
    unknown = sorted(wanted - set(names))
    if unknown:
        raise BadInput(f"--holdout-tasks: no task is called {', '.join(unknown)}")
    frame = table.frame.copy()
    frame.loc[names.isin(wanted), "role"] = "holdout"
    if not (frame["role"] == "estimation").any():
        raise BadInput("--holdout-tasks: no task is left for estimation")
    return replace(table, frame=frame)


def run_hb(study: Study, table: Choices, wanted: Wanted, out: Path) -> PartWorths:
    """Fit, write all files into ``out``, and return the part-worths."""
    from analysis.choices.hb import Settings, fit_hb
    from analysis.choices.identification import NotIdentified

    with bad_input(NotIdentified, ValueError):
        settings = Settings(wanted.chains, wanted.burn_in, wanted.draws)
        shown: set[int] = set()

        def progress(done: int, total: int) -> None:
            quarter = 4 * done // total
            if quarter not in shown and quarter > 0:
                shown.add(quarter)
                click.echo(f"  {25 * quarter} % of {total:,} draws", err=True)

        click.echo(f"Fitting hierarchical Bayes, {wanted.chains} chains ...", err=True)
        fitted = fit_hb(
            study,
            table,
            seed=wanted.seed,
            prior=wanted.prior,
            settings=settings,
            progress=progress,
        )
    with bad_input():
        _write(out, fitted, table, wanted)
    return fitted


def _write(out: Path, fitted: PartWorths, table: Choices, wanted: Wanted) -> None:
    import pandas as pd

    from analysis.choices.hb.files import write_diagnostics, write_draws, write_individual

    pd.DataFrame(list(_level_rows(fitted))).to_csv(out / "partworths.csv", index=False)
    pd.DataFrame(list(_importance_rows(fitted, wanted.seed))).to_csv(
        out / "importances.csv", index=False
    )
    pd.DataFrame(list(_money_rows(fitted, wanted.seed))).to_csv(out / "wtp.csv", index=False)
    write_individual(out / "individual.parquet", fitted)
    write_diagnostics(out / "diagnostics.json", fitted)
    if wanted.save_draws:
        write_draws(out / "draws.nc", fitted)
    text = json.dumps(_summary(fitted, table, wanted), indent=2, ensure_ascii=False)
    (out / "summary.json").write_text(text + "\n", encoding="utf-8")


def _summary(fitted: PartWorths, table: Choices, wanted: Wanted) -> dict[str, Any]:
    from importlib.metadata import version

    from analysis.choices.hb.holdout import holdout_fit
    from analysis.choices.hb.market import wrong_price_sign

    held = holdout_fit(fitted, table)
    tasks = len(table.frame[["respondent", "task"]].drop_duplicates())
    return {
        "estimator": "hb",
        "exercise": table.exercise.id,
        "n_respondents": fitted.n_respondents,
        "n_tasks": fitted.n_tasks,
        "n_holdout_tasks": tasks - fitted.n_tasks,
        "n_parameters": fitted.coding.width,
        "prior": wanted.prior,
        "log_likelihood": fitted.log_likelihood,
        "null_log_likelihood": fitted.null_log_likelihood,
        "final": fitted.converged,
        "converged": fitted.converged,
        "price_does_not_deter": wrong_price_sign(fitted),
        "holdout": asdict(held) if held else None,
        "intervals": "95 % of draws",
        "seed": wanted.seed,
        "program": f"surveyapp {version('surveyapp')}",
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


def _importance_rows(fitted: PartWorths, seed: int) -> Iterable[dict[str, object]]:
    from analysis.choices.hb.market import importances_of_respondents

    for share in importances_of_respondents(fitted, seed=seed):
        yield {
            "attribute": share.attribute,
            "importance": share.estimate.value,
            "low": share.estimate.low,
            "high": share.estimate.high,
            "null_reference": share.null_reference,
            "levels_tested": share.levels_tested,
        }


def _money_rows(fitted: PartWorths, seed: int) -> Iterable[dict[str, object]]:
    """Each level against the first one; a linear attribute per unit, its levels empty."""
    import numpy as np

    from analysis.choices.hb.market import money_value
    from analysis.cli.partworths import money_row

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
