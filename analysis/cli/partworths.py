"""``python -m analysis partworths``: from choices to part-worths, importances and money."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.cli.bad_input import BadInput, bad_input

if TYPE_CHECKING:
    from analysis.choices.importances import Importance
    from analysis.choices.partworths import PartWorths
    from analysis.choices.willingness_to_pay import Method
    from analysis.estimate import Estimate
    from analysis.tables import Choices


def _mapping(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> dict[str, str]:
    pairs = [pair.split("=") for pair in (value or "").split(",") if pair.strip()]
    wrong = ["=".join(p) for p in pairs if len(p) != 2 or not all(part.strip() for part in p)]
    if wrong:
        shown = ", ".join(f"'{pair}'" for pair in wrong)
        raise click.BadParameter(f"{shown}: write NAME=COLUMN, as in respondent=id,task=chid")
    names = [name.strip() for name, _ in pairs]
    if len(set(names)) < len(names):
        raise click.BadParameter("a name stands twice; map each name once")
    return {name.strip(): column.strip() for name, column in pairs}


def _numbers(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[int, ...]:
    ends = value.split("-")
    if len(ends) > 2 or not all(end.strip().isdigit() for end in ends):
        raise click.BadParameter(f"'{value}': write a number or FROM-TO, as in 2-5")
    first, last = int(ends[0]), int(ends[-1])
    if not 1 <= first <= last <= 20:
        raise click.BadParameter(f"'{value}': from 1 to 20 classes, the smaller number first")
    return tuple(range(first, last + 1))


@click.command("partworths")
@click.argument("study", type=click.Path(path_type=Path))
@click.argument("choices", type=click.Path(path_type=Path))
@click.option(
    "--estimator",
    type=click.Choice(
        ["counts", "mnl", "hb", "latent-class", "mixed-logit", "ratings", "best-worst"]
    ),
    default="mnl",
    show_default=True,
    help="counts: how often levels were chosen; mnl: aggregate multinomial logit; "
    "hb: hierarchical Bayes; "
    "latent-class: classes of respondents; mixed-logit: normal part-worths, simulated "
    "likelihood; ratings: least squares on ratings; best-worst: MaxDiff.",
)
@click.option("--exercise", help="Id of the exercise; default: the one the plan reports.")
@click.option(
    "--map",
    "mapping",
    callback=_mapping,
    metavar="NAME=COLUMN,...",
    help="Names of the file's columns, as in respondent=id,task=chid.",
)
@click.option(
    "--wtp-method",
    type=click.Choice(["delta", "fieller", "krinsky_robb"]),
    default="delta",
    show_default=True,
    help="How intervals of willingness to pay are made.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV file with the columns respondent and weight; default: everybody counts alike.",
)
@click.option(
    "--covariates",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV file with respondent and the numbers that --covary names (mnl only).",
)
@click.option(
    "--covary",
    "covary",
    multiple=True,
    metavar="COLUMN:ATTRIBUTE,...",
    help="Let part-worths of attributes (or none) depend on a column of --covariates; repeatable.",
)
@click.option(
    "--classes",
    callback=_numbers,
    default="2-5",
    show_default=True,
    metavar="FROM-TO",
    help="Numbers of latent classes to fit, as in 3 or 2-5.",
)
@click.option(
    "--scale-classes",
    type=click.IntRange(1, 5),
    default=1,
    show_default=True,
    help="Latent classes that differ in consistency only; 1 leaves scale out.",
)
@click.option(
    "--starts",
    type=click.IntRange(1, 1000),
    default=12,
    show_default=True,
    help="Random starts of each number of latent classes.",
)
@click.option(
    "--halton-draws",
    type=click.IntRange(2, 100_000),
    default=500,
    show_default=True,
    help="Draws a respondent of the mixed logit.",
)
@click.option(
    "--vary",
    metavar="ATTRIBUTE,...",
    help="Attributes (and none) that vary between respondents in the mixed logit; default: all.",
)
@click.option(
    "--correlated",
    is_flag=True,
    help="Let the part-worths of the mixed logit be correlated between respondents.",
)
@click.option(
    "--chains",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="hb: chains, side by side; two or more show whether they agree.",
)
@click.option(
    "--draws",
    type=click.IntRange(min=10),
    default=2000,
    show_default=True,
    help="hb: draws of each chain after the burn-in.",
)
@click.option(
    "--burn-in",
    type=click.IntRange(min=100),
    default=400,
    show_default=True,
    help="hb: draws thrown away while the sampler adapts; a multiple of 10.",
)
@click.option(
    "--prior",
    type=click.Choice(["sawtooth", "bayesm"]),
    default="sawtooth",
    show_default=True,
    help="hb: prior of means and variances.",
)
@click.option(
    "--holdout-tasks",
    default="",
    metavar="TASK,...",
    help="hb: tasks to keep out of the fit and to predict, by name.",
)
@click.option(
    "--save-draws",
    is_flag=True,
    help="hb: also write draws.nc (ArviZ InferenceData: mu, Sigma, beta).",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Seed of the simulated intervals: same data, same seed, same numbers.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write into.",
)
def partworths(
    study: Path,
    choices: Path,
    estimator: str,
    exercise: str | None,
    mapping: Mapping[str, str],
    wtp_method: Method,
    weights: Path | None,
    seed: int,
    out: Path,
    **options: Any,
) -> None:
    """Estimate part-worths of STUDY from CHOICES.

    CHOICES is a CSV file (or .csv.gz) with one row per alternative: respondent, task,
    alternative, chosen (0/1) and one column per attribute. Rows with role 'holdout' are left
    out. For ratings: respondent, profile, rating and the attributes; for best-worst: respondent,
    task, item, best, worst. Writes summary.json and the tables of the estimator into --out.
    """
    from analysis.cli.estimators import ESTIMATORS, Request, read_covariates, read_weights

    if estimator != "mnl" and options["covary"]:
        raise BadInput(f"--covary is for the logit; leave it out with --estimator {estimator}")
    if estimator in ESTIMATORS:
        ESTIMATORS[estimator](
            Request(
                study,
                choices,
                out,
                exercise,
                mapping,
                weights,
                seed,
                {**options, "wtp_method": wtp_method},
            )
        )
        return
    from analysis.choices.identification import NotIdentified
    from analysis.choices.mnl import NotConverged, fit_mnl
    from analysis.study import StudyFaults, read_study
    from analysis.tables import TableFaults, read_choices

    with bad_input(StudyFaults, KeyError, TypeError):
        found = read_study(study)
        wanted = found.choice_exercise(exercise)
    click.echo(f"Reading {choices.name} ...", err=True)
    with bad_input(TableFaults):
        table = read_choices(choices, wanted, mapping=mapping)
    tasks = len(table.frame[["respondent", "task"]].drop_duplicates())
    click.echo(f"Fitting the logit to {tasks:,} tasks ...", err=True)
    with bad_input(NotIdentified, NotConverged, ValueError):
        fitted = fit_mnl(
            found,
            table,
            weights=read_weights(weights),
            covariates=read_covariates(options["covariates"], options["covary"]),
        )
    summary = _summary(fitted, table, tasks, seed=seed)
    with bad_input():
        _write(out, fitted, summary, wtp_method=wtp_method, seed=seed)
    for note in (*table.notes, *fitted.warnings):
        click.echo(f"note: {note}", err=True)
    click.echo(f"Written to {out}", err=True)


def _summary(fitted: PartWorths, table: Choices, tasks: int, *, seed: int) -> dict[str, Any]:
    from importlib.metadata import version

    from analysis.choices.willingness_to_pay import wrong_sign_probability

    return {
        "estimator": fitted.estimator,
        "exercise": table.exercise.id,
        "n_respondents": fitted.n_respondents,
        "n_tasks": fitted.n_tasks,
        "n_holdout_tasks": tasks - fitted.n_tasks,
        "n_parameters": fitted.coding.width,
        "log_likelihood": fitted.log_likelihood,
        "null_log_likelihood": fitted.null_log_likelihood,
        "mcfadden_r2": 1 - fitted.log_likelihood / fitted.null_log_likelihood,
        "converged": fitted.converged,
        "iterations": fitted.iterations,
        "price_sign_wrong_probability": wrong_sign_probability(fitted),
        "intervals": "95 %, cluster covariance (respondents)",
        "seed": seed,
        "program": f"surveyapp {version('surveyapp')}",
        "notes": list(table.notes),
        "warnings": list(fitted.warnings),
    }


def _write(
    out: Path, fitted: PartWorths, summary: dict[str, Any], *, wtp_method: Method, seed: int
) -> None:
    from analysis.choices.importances import importances

    if out.exists() and not out.is_dir():
        raise BadInput(f"'{out}' is a file; --out names a folder")
    out.mkdir(parents=True, exist_ok=True)
    _csv(out / "partworths.csv", partworth_rows(fitted))
    shares = importances(fitted, seed=seed)
    _csv(out / "importances.csv", importance_rows(shares))
    _csv(out / "wtp.csv", money_rows(fitted, method=wtp_method, seed=seed), list(MONEY_COLUMNS))
    text = json.dumps(summary, indent=2, ensure_ascii=False)
    (out / "summary.json").write_text(text + "\n", encoding="utf-8")


def importance_rows(shares: Iterable[Importance]) -> Iterable[dict[str, object]]:
    """The rows of importances.csv."""
    for share in shares:
        yield {
            "attribute": share.attribute,
            "importance": share.estimate.value,
            "low": share.estimate.low,
            "high": share.estimate.high,
            "null_reference": share.null_reference,
            "levels_tested": share.levels_tested,
        }


def _csv(
    path: Path, rows: Iterable[Mapping[str, object]], columns: list[str] | None = None
) -> None:
    import pandas as pd

    pd.DataFrame(list(rows), columns=columns).to_csv(path, index=False)


def partworth_rows(fitted: PartWorths) -> Iterable[dict[str, object]]:
    """The rows of partworths.csv: every level with its three standard errors."""
    from analysis.choices.partworths import level_worths

    kinds = [level_worths(fitted, kind) for kind in ("classical", "robust", "cluster")]
    for classical, robust, cluster in zip(*kinds, strict=True):
        yield {
            "attribute": classical.attribute,
            "level": classical.level,
            "kind": classical.kind,
            "part_worth": classical.part_worth,
            "se": classical.se,
            "se_robust": robust.se,
            "se_cluster": None if math.isinf(cluster.se) else cluster.se,
        }


MONEY_COLUMNS = (
    "attribute",
    "from_level",
    "to_level",
    "wtp",
    "low",
    "high",
    "low_50",
    "high_50",
    "unit",
    "n",
    "method",
    "unavailable",
)


def money_rows(fitted: PartWorths, *, method: Method, seed: int) -> Iterable[dict[str, object]]:
    """The rows of wtp.csv: each level against the first one.

    A linear attribute has one row per unit, its levels empty.
    """
    from analysis.choices.willingness_to_pay import (
        willingness_to_pay,
        willingness_to_pay_per_unit,
    )

    for attribute in fitted.coding.exercise.attributes:
        if attribute.tag == "price":
            continue
        if attribute.coding == "linear":
            money = willingness_to_pay_per_unit(fitted, attribute.id, method=method, seed=seed)
            yield money_row(attribute.id, "", "", money)
            continue
        steps: list[str] | list[float] = [level.id for level in attribute.levels]
        if attribute.range:
            steps = [attribute.range.least, *attribute.knots, attribute.range.greatest]
        for level in steps[1:]:
            money = willingness_to_pay(
                fitted, attribute.id, steps[0], level, method=method, seed=seed
            )
            yield money_row(attribute.id, str(steps[0]), str(level), money)


def money_row(attribute: str, start: str, end: str, money: Estimate) -> dict[str, object]:
    """One row of wtp.csv."""
    values = (
        attribute,
        start,
        end,
        money.value,
        money.low,
        money.high,
        money.low_50,
        money.high_50,
        money.unit,
        money.n,
        money.method,
        money.reason or "",
    )
    return dict(zip(MONEY_COLUMNS, values, strict=True))
