"""``--estimator ratings``: least squares on ratings of profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.cli.bad_input import bad_input
from analysis.cli.partworths.request import Request, read_weights
from analysis.cli.partworths.tables import (
    MONEY_COLUMNS,
    importance_rows,
    logit_money_rows,
    partworth_rows,
    say,
    summary_head,
    tag_rows,
    write_csv,
    write_json,
)

if TYPE_CHECKING:
    import pandas as pd

    from analysis.choices.ratings_based import RatingsFit

OPTIONS = ("wtp_method",)


def run(request: Request) -> None:
    """Write partworths.csv, importances.csv, wtp.csv, individual.parquet and summary.json."""
    from analysis.choices.identification import NotIdentified
    from analysis.choices.importances import importances
    from analysis.choices.ratings_based import fit_ratings, read_ratings
    from analysis.choices.tag_values import tag_values
    from analysis.study.exercises import RatingsExercise
    from analysis.tables import TableFaults

    study, exercise = request.exercise_of(RatingsExercise, "ratings")
    with bad_input(TableFaults):
        table = read_ratings(request.choices, exercise, mapping=request.mapping)
    with bad_input(NotIdentified, ValueError):
        found = fit_ratings(study, table, weights=read_weights(request.weights))
    out, pooled = request.folder(), found.part_worths
    write_csv(out / "partworths.csv", partworth_rows(pooled))
    write_csv(out / "importances.csv", importance_rows(importances(pooled, seed=request.seed)))
    money = logit_money_rows(pooled, method=request.options["wtp_method"], seed=request.seed)
    write_csv(out / "wtp.csv", money, MONEY_COLUMNS)
    values = tag_values(pooled, method=request.options["wtp_method"], seed=request.seed)
    write_csv(out / "tag_values.csv", tag_rows(values))
    _raters(found).to_parquet(out / "individual.parquet", index=False)
    without = sum(bool(reason) for reason in found.reasons)
    notes = [f"{without} respondents have no full fit of their own"] if without else []
    summary = summary_head("ratings", exercise.id, request) | {
        "n_respondents": pooled.n_respondents,
        "n_ratings": pooled.n_tasks,
        "n_parameters": pooled.coding.width + 1,
        "intercept": found.intercept,
        "r_squared": found.r_squared,
        "intervals": "95 %, cluster covariance (respondents)",
        "notes": list(table.notes),
        "warnings": [*pooled.warnings, *notes],
    }
    write_json(out / "summary.json", summary)
    say(request, *table.notes, *pooled.warnings, *notes)


def _raters(found: RatingsFit) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, object] = {"respondent": found.respondents}
    for n, column in enumerate(found.part_worths.coding.level_rows()[0]):
        name = f"{column.attribute}.{column.level}" if column.level else column.attribute
        columns[name] = found.individual[:, n]
        columns[f"{name}.se"] = found.individual_errors[:, n]
    columns["r_squared"] = found.individual_r_squared
    columns["unavailable"] = found.reasons
    return pd.DataFrame(columns)
