"""``--estimator latent-class``: classes of respondents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from analysis.cli.bad_input import bad_input
from analysis.cli.partworths.request import Request, read_weights
from analysis.cli.partworths.tables import (
    MONEY_COLUMNS,
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

    from analysis.choices.latent_class import LatentClasses

OPTIONS = ("holdout_tasks", "wtp_method", "classes", "scale_classes", "starts")


def run(request: Request) -> None:
    """Write classes.csv, membership.parquet and .csv, wtp.csv and summary.json."""
    import pandas as pd

    from analysis.choices.exponent import write_exponent
    from analysis.choices.identification import NotIdentified
    from analysis.choices.latent_class import compare_classes
    from analysis.choices.mnl import NotConverged

    study, table = request.read()
    numbers = request.options["classes"]
    click.echo(f"Fitting {', '.join(map(str, numbers))} classes ...", err=True)
    with bad_input(NotIdentified, NotConverged, ValueError):
        solutions = compare_classes(
            study,
            table,
            classes=numbers,
            seed=request.seed,
            scale_classes=request.options["scale_classes"],
            starts=request.options["starts"],
            weights=read_weights(request.weights),
        )
    best = min(solutions, key=lambda s: s.bic)
    out = request.folder()
    write_csv(out / "classes.csv", (row for s in solutions for row in _class_rows(s)))
    write_csv(out / "wtp.csv", _class_money(best, request), ["classes", "class", *MONEY_COLUMNS])
    write_csv(out / "tag_values.csv", _class_values(best, request))
    members = pd.concat([_members(s) for s in solutions], ignore_index=True)
    members.to_parquet(out / "membership.parquet", index=False)
    members.to_csv(out / "membership.csv", index=False)
    notes = [f"{s.n_classes} classes: {w}" for s in solutions for w in s.warnings]
    if len(solutions) > 1 and best is solutions[-1]:
        notes.append(
            f"the BIC still falls at {best.n_classes} classes; ask for more to see it rise"
        )
    validation = write_validation(out, study, table, best, seed=request.seed)
    write_exponent(out, best, table, seed=request.seed)
    summary = summary_head("latent-class", table.exercise.id, request) | {
        "n_respondents": best.n_respondents,
        "n_tasks": best.n_tasks,
        "null_log_likelihood": best.null_log_likelihood,
        "lowest_bic": best.n_classes,
        "solutions": [_solution(s) for s in solutions],
        **validation,
        "notes": list(table.notes),
        "warnings": notes,
    }
    write_json(out / "summary.json", summary)
    say(request, *table.notes, *notes)


def _solution(found: LatentClasses) -> dict[str, Any]:
    scales = zip(
        found.mixture.scale_shares.tolist(),
        found.mixture.scales.tolist(),
        [0.0, *found.scale_errors().tolist()],
        strict=True,
    )
    return {
        "classes": found.n_classes,
        "n_parameters": found.n_parameters,
        "log_likelihood": found.log_likelihood,
        "aic": found.aic,
        "bic": found.bic,
        "caic": found.caic,
        "entropy_r2": found.entropy_r2,
        "shares": found.mixture.shares.tolist(),
        "starts": len(found.log_likelihoods),
        "starts_at_best": found.starts_at_best,
        "log_likelihoods": list(found.log_likelihoods),
        "scale_classes": [
            {"share": share, "scale": scale, "se_log_scale": known(error)}
            for share, scale, error in scales
        ],
    }


def _class_rows(found: LatentClasses) -> Iterator[dict[str, object]]:
    from analysis.choices.importances import ranges
    from analysis.choices.partworths import level_worths

    errors = found.share_errors()
    ids = [a.id for a in found.coding.exercise.attributes]
    for n in range(found.n_classes):
        worths = found.class_part_worths(n + 1)
        spread = ranges(found.coding, worths.coefficients[None, :])[0]
        importance = dict(zip(ids, (spread / spread.sum()).tolist(), strict=True))
        kinds = [level_worths(worths, kind) for kind in ("classical", "cluster")]
        for classical, cluster in zip(*kinds, strict=True):
            yield {
                "classes": found.n_classes,
                "class": n + 1,
                "share": found.mixture.shares[n],
                "share_se": known(float(errors[n])),
                "attribute": classical.attribute,
                "level": classical.level,
                "kind": classical.kind,
                "part_worth": classical.part_worth,
                "se": classical.se,
                "se_cluster": known(cluster.se),
                "importance": importance.get(classical.attribute),
            }


def _class_money(found: LatentClasses, request: Request) -> Iterator[dict[str, object]]:

    method = request.options["wtp_method"]
    for n in range(1, found.n_classes + 1):
        worths = found.class_part_worths(n)
        for row in logit_money_rows(worths, method=method, seed=request.seed):
            yield {"classes": found.n_classes, "class": n, **row}


def _class_values(found: LatentClasses, request: Request) -> Iterator[dict[str, object]]:
    from analysis.choices.tag_values import tag_values

    for n in range(1, found.n_classes + 1):
        method, worths = request.options["wtp_method"], found.class_part_worths(n)
        for row in tag_rows(tag_values(worths, method=method, seed=request.seed)):
            yield {"classes": found.n_classes, "class": n, **row}


def _members(found: LatentClasses) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    classes = found.n_classes
    return pd.DataFrame(
        {
            "respondent": np.repeat(found.respondents, classes),
            "classes": classes,
            "class": np.tile(np.arange(1, classes + 1), found.n_respondents),
            "probability": found.membership.ravel(),
        }
    )
