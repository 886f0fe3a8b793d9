"""``--estimator best-worst``: MaxDiff."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from analysis.cli.bad_input import bad_input
from analysis.cli.partworths.request import Request, read_weights
from analysis.cli.partworths.tables import (
    known,
    say,
    summary_head,
    write_csv,
    write_json,
)

if TYPE_CHECKING:
    from analysis.choices.best_worst import BestWorst

OPTIONS: tuple[str, ...] = ()


def run(request: Request) -> None:
    """Write scores.csv and summary.json."""
    from analysis.choices.best_worst import fit_best_worst, read_best_worst
    from analysis.choices.identification import NotIdentified
    from analysis.choices.mnl import NotConverged
    from analysis.study.exercises import BestWorstExercise
    from analysis.tables import TableFaults

    study, exercise = request.exercise_of(BestWorstExercise, "best_worst")
    with bad_input(TableFaults):
        table = read_best_worst(request.choices, exercise, mapping=request.mapping)
    weights = read_weights(request.weights)
    with bad_input(NotIdentified, NotConverged, ValueError):
        found = fit_best_worst(study, table, seed=request.seed, weights=weights)
    out, fit = request.folder(), found.part_worths
    write_csv(out / "scores.csv", score_rows(found, "se_cluster"))
    summary = summary_head("best-worst", exercise.id, request) | {
        "n_respondents": fit.n_respondents,
        "n_tasks": fit.n_tasks,
        "n_parameters": fit.coding.width,
        "set_size": found.set_size,
        "log_likelihood": fit.log_likelihood,
        "null_log_likelihood": fit.null_log_likelihood,
        "intervals": "95 %, cluster covariance (respondents)",
        "notes": list(table.notes),
        "warnings": list(fit.warnings),
    }
    write_json(out / "summary.json", summary)
    say(request, *table.notes, *fit.warnings)


def score_rows(found: BestWorst, error: str) -> Iterator[dict[str, object]]:
    """The rows of scores.csv; ``error`` is the name of the error's column."""
    for score in found.scores:
        row: dict[str, object] = {
            "item": score.item,
            "utility": score.utility,
            error: known(score.se),
        }
        scales = {"score_0_100": score.score, "chance": score.chance, "share": score.share}
        for name, estimate in scales.items():
            row |= {
                name: estimate.value,
                f"{name}_low": estimate.low,
                f"{name}_high": estimate.high,
            }
        yield row
