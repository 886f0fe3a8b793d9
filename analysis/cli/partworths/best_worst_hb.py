"""``--estimator best-worst-hb``: MaxDiff of every respondent."""

from __future__ import annotations

from functools import partial

from analysis.cli.bad_input import bad_input
from analysis.cli.partworths import chains
from analysis.cli.partworths.best_worst import score_rows
from analysis.cli.partworths.request import Request, read_weights
from analysis.cli.partworths.tables import say, summary_head, write_csv, write_json

OPTIONS = chains.OPTIONS


def run(request: Request) -> None:
    """Write scores.csv, individual.parquet, the files of the chains, and summary.json."""
    from analysis.choices.best_worst import fit_best_worst_hb, individual_scores, read_best_worst
    from analysis.study.exercises import BestWorstExercise
    from analysis.tables import TableFaults

    study, exercise = request.exercise_of(BestWorstExercise, "best_worst")
    with bad_input(TableFaults):
        table = read_best_worst(request.choices, exercise, mapping=request.mapping)
    weights = read_weights(request.weights)
    fit = partial(fit_best_worst_hb, study, table)
    found = chains.fit_chains(fit, request, weights=weights)
    out, fitted = request.folder(), found.part_worths
    write_csv(out / "scores.csv", score_rows(found, "sd"))
    individual_scores(found).to_parquet(out / "individual.parquet", index=False)
    chains.write_chains(out, fitted, request)
    summary = summary_head("best-worst-hb", exercise.id, request) | {
        "n_respondents": fitted.n_respondents,
        "n_tasks": fitted.n_tasks,
        "n_parameters": fitted.coding.width,
        "set_size": found.set_size,
        **chains.chain_lines(fitted, request),
        "intervals": "95 % of draws, Bayesian bootstrap over respondents",
        "notes": list(table.notes),
        "warnings": list(fitted.warnings),
    }
    write_json(out / "summary.json", summary)
    say(request, *table.notes, *fitted.warnings)
