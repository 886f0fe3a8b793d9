"""``python -m analysis compare``: runs of part-worths on the same choices, side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.cli.bad_input import BadInput, bad_input

if TYPE_CHECKING:
    import pandas as pd

MAXIMISED = ("mnl", "latent-class", "mixed-logit")
"""Estimators of a maximum likelihood, for which AIC and BIC mean something."""
COLUMNS = (
    "model",
    "estimator",
    "n_respondents",
    "n_tasks",
    "n_parameters",
    "log_likelihood",
    "aic",
    "bic",
    "holdout_tasks",
    "log_loss",
    "log_loss_low",
    "log_loss_high",
    "hit_rate",
    "hit_rate_low",
    "hit_rate_high",
    "share_mae",
    "share_mae_of_sampling",
    "note",
)


@click.command("compare")
@click.argument(
    "folders",
    nargs=-1,
    required=True,
    metavar="DIR DIR ...",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write models.csv and differences.csv into, besides printing them.",
)
def compare(folders: Sequence[Path], out: Path | None) -> None:
    """Compare fits: each DIR is the --out of a run of partworths on the same choices.

    Prints log-likelihoods, AIC and BIC where they mean something, and how well the holdout tasks
    were predicted. A model is called better only when the 95 % interval of the paired difference
    in holdout log-loss excludes zero.
    """
    import pandas as pd

    names = _names(folders)
    summaries = {name: _summary(folder) for name, folder in zip(names, folders, strict=True)}
    _check_alike(summaries)
    models = pd.DataFrame([_row(n, s) for n, s in summaries.items()], columns=list(COLUMNS))
    differences = _differences(dict(zip(names, folders, strict=True)), summaries)
    click.echo(_text(models.set_index("model").T, index=True))
    if len(differences):
        click.echo("\nHoldout log-loss, first less second (paired, bootstrap over respondents):\n")
        click.echo(_text(differences.drop(columns="method"), index=False))
    if out is not None:
        with bad_input():
            out.mkdir(parents=True, exist_ok=True)
            models.to_csv(out / "models.csv", index=False)
            differences.to_csv(out / "differences.csv", index=False)


def _names(folders: Sequence[Path]) -> list[str]:
    names = [folder.resolve().name for folder in folders]
    if len(folders) < 2:
        raise BadInput("one folder: name two or more to compare")
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise BadInput("a folder stands twice; name each once")
    return names if len(set(names)) == len(names) else [str(folder) for folder in folders]


def _summary(folder: Path) -> dict[str, Any]:
    with bad_input(ValueError):
        found = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    if not isinstance(found, dict) or "holdout" not in found or "estimator" not in found:
        raise BadInput(
            f"'{folder}': summary.json is not that of an estimator that predicts choices (mnl, hb, "
            "latent-class, mixed-logit)"
        )
    return found


def _check_alike(summaries: dict[str, dict[str, Any]]) -> None:
    first, *others = summaries
    faults = [
        f"'{first}' and '{other}' differ in {what}: {summaries[first][key]} and "
        f"{summaries[other][key]}; compare fits to the same choices"
        for other in others
        for key, what in (
            ("exercise", "exercise"),
            ("n_respondents", "respondents"),
            ("n_tasks", "estimation tasks"),
        )
        if summaries[first][key] != summaries[other][key]
    ]
    if faults:
        raise BadInput("\n".join(faults))


def _row(name: str, summary: dict[str, Any]) -> dict[str, object]:
    from analysis.choices.comparison import information_criteria

    estimator, fit = summary["estimator"], summary
    row: dict[str, object] = {"model": name, "estimator": estimator, "note": ""}
    if estimator == "latent-class":
        fit = next(s for s in summary["solutions"] if s["classes"] == summary["lowest_bic"])
        row["note"] = f"{summary['lowest_bic']} classes"
    row |= {key: summary[key] for key in ("n_respondents", "n_tasks")}
    row |= {key: fit[key] for key in ("n_parameters", "log_likelihood")}
    if estimator in MAXIMISED:
        row["aic"], row["bic"] = information_criteria(
            fit["log_likelihood"], fit["n_parameters"], summary["n_respondents"]
        )
    else:
        row["n_parameters"] = row["log_likelihood"] = None
        row["note"] = "" if summary["final"] else "not final"
    held = summary["holdout"]
    if held is not None:
        row |= {key: held[key] for key in COLUMNS if key in held}
        row["holdout_tasks"] = held["tasks"]
    return row


def _differences(folders: dict[str, Path], summaries: dict[str, dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    from analysis.choices.comparison import paired_differences

    held = [name for name, summary in summaries.items() if summary["holdout"] is not None]
    if len(held) < 2:
        return pd.DataFrame()
    text = {"respondent": str, "task": str}
    with bad_input(ValueError):
        answers = {n: pd.read_csv(folders[n] / "holdout.csv", dtype=text) for n in held}
        found = paired_differences(answers)
    return pd.DataFrame(
        {
            "first": d.first,
            "second": d.second,
            "difference": d.estimate.value,
            "low": d.estimate.low,
            "high": d.estimate.high,
            "n": d.estimate.n,
            "verdict": d.verdict,
            "method": d.estimate.method,
        }
        for d in found
    )


def _text(table: pd.DataFrame, *, index: bool) -> str:
    """A table for the eye: rows without anything are left out, numbers are rounded."""
    shown = table.astype(object).replace("", None).dropna(how="all")

    def cell(value: object) -> str:
        if value is None or value != value:
            return "-"
        if not isinstance(value, float) or value.is_integer():
            return f"{value:.0f}" if isinstance(value, float) else str(value)
        return f"{value:.2f}" if abs(value) >= 100 else f"{value:.4f}"

    return str(shown.map(cell).to_string(index=index))
