"""``--estimator mixed-logit``: normally distributed part-worths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from analysis.cli.bad_input import bad_input
from analysis.cli.partworths.request import Request, read_weights
from analysis.cli.partworths.tables import (
    MONEY_COLUMNS,
    importance_rows,
    known,
    logit_money_rows,
    say,
    summary_head,
    tag_rows,
    write_csv,
    write_json,
)
from analysis.cli.partworths.validation import write_validation

if TYPE_CHECKING:
    import pandas as pd

    from analysis.choices.mixed_logit import MixedLogit

OPTIONS = ("holdout_tasks", "wtp_method", "halton_draws", "vary", "correlated")


def run(request: Request) -> None:
    """Write partworths.csv, importances.csv, wtp.csv, individual.parquet and summary.json."""
    from analysis.choices.identification import NotIdentified
    from analysis.choices.importances import importances
    from analysis.choices.mixed_logit import fit_mixed_logit
    from analysis.choices.mnl import NotConverged
    from analysis.choices.tag_values import tag_values

    study, table = request.read()
    options = request.options
    click.echo(f"Fitting the mixed logit with {options['halton_draws']} draws ...", err=True)
    vary = options["vary"]
    with bad_input(NotIdentified, NotConverged, ValueError):
        found = fit_mixed_logit(
            study,
            table,
            n_draws=options["halton_draws"],
            random=None if vary is None else [name.strip() for name in vary.split(",")],
            correlated=options["correlated"],
            weights=read_weights(request.weights),
        )
    out, means = request.folder(), found.part_worths()
    write_csv(out / "partworths.csv", _mixed_rows(found))
    write_csv(out / "importances.csv", importance_rows(importances(means, seed=request.seed)))
    money = logit_money_rows(means, method=options["wtp_method"], seed=request.seed)
    write_csv(out / "wtp.csv", money, MONEY_COLUMNS)
    values = tag_values(means, method=request.options["wtp_method"], seed=request.seed)
    write_csv(out / "tag_values.csv", tag_rows(values))
    _individuals(found).to_parquet(out / "individual.parquet", index=False)
    validation = write_validation(out, study, table, found, seed=request.seed)
    summary = summary_head("mixed-logit", table.exercise.id, request) | {
        "n_respondents": means.n_respondents,
        "n_tasks": means.n_tasks,
        "n_parameters": len(found.vector),
        "log_likelihood": found.log_likelihood,
        "null_log_likelihood": found.null_log_likelihood,
        "halton_draws": found.n_draws,
        "iterations": found.iterations,
        "columns": [[c.attribute, c.level] for c in found.coding.columns],
        "population_covariance": found.population_covariance.tolist(),
        "intervals": "95 %, cluster covariance (respondents)",
        **validation,
        "notes": list(table.notes),
        "warnings": list(found.warnings),
    }
    write_json(out / "summary.json", summary)
    say(request, *table.notes, *found.warnings)


def _mixed_rows(found: MixedLogit) -> Iterator[dict[str, object]]:
    from analysis.choices.partworths import level_worths

    kinds = [level_worths(found.part_worths(), kind) for kind in ("classical", "cluster")]
    _, sds, errors = found.level_spreads()
    for classical, cluster, sd, error in zip(*kinds, sds, errors, strict=True):
        yield {
            "attribute": classical.attribute,
            "level": classical.level,
            "kind": classical.kind,
            "part_worth": classical.part_worth,
            "se": classical.se,
            "se_cluster": known(cluster.se),
            "sd": sd,
            "sd_se_cluster": known(float(error)),
        }


def _individuals(found: MixedLogit) -> pd.DataFrame:
    """One row per respondent: NAME and NAME.sd of every part-worth, NAME = attribute.level."""
    import pandas as pd

    columns: dict[str, object] = {"respondent": found.respondents}
    for n, column in enumerate(found.coding.level_rows()[0]):
        name = f"{column.attribute}.{column.level}" if column.level else column.attribute
        columns[name] = found.individual_means[:, n]
        columns[f"{name}.sd"] = found.individual_sds[:, n]
    return pd.DataFrame(columns)
