"""``python -m analysis inspect``: what a design can tell, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from analysis.cli.bad_input import BadInput, bad_input
from analysis.cli.design import check_layout, read_exercise, read_table, read_tasks

if TYPE_CHECKING:
    import pandas as pd

    from analysis.study.exercises import BestWorstExercise


@click.command("inspect")
@click.argument("study", type=click.Path(path_type=Path))
@click.argument("design", type=click.Path(path_type=Path))
@click.option("--exercise", help="Id of the exercise; default: the one the plan reports.")
@click.option(
    "--layout", help="surveyapp, sawtooth, qualtrics or cbctools; default: known by the columns."
)
@click.option(
    "--priors", type=click.Path(path_type=Path), help="YAML file of expected part-worths."
)
@click.option("--n", type=click.IntRange(1), default=300, help="Respondents planned; default 300.")
@click.option("--seed", type=click.IntRange(0), default=1, help="Of the fresh draws; default 1.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder."
)
def inspect(
    study: Path,
    design: Path,
    exercise: str | None,
    layout: str | None,
    priors: Path | None,
    n: int,
    seed: int,
    out: Path,
) -> None:
    """Inspect the choice tasks in the file DESIGN: balance, overlap, errors, faults.

    Writes inspection.json (named figures, their conventions, warnings), and inspection.md and
    inspection.html to read.
    """
    from analysis.choices.coding import coding_of
    from analysis.choices.design.describing import described, page
    from analysis.choices.design.inspection import inspect_design

    check_layout(layout)
    read, wanted = read_exercise(study, exercise, priors)
    if wanted.kind == "best_worst":
        _inspect_sets(wanted, read_table(design), out)
        return
    tasks = read_tasks(wanted, design, layout)
    with bad_input(ValueError):
        found = inspect_design(wanted, coding_of(read, wanted), tasks, n=n, seed=seed)
    with bad_input():
        out.mkdir(parents=True, exist_ok=True)
        plain = json.dumps(found.plain(), indent=2, ensure_ascii=False, allow_nan=False)
        (out / "inspection.json").write_text(plain + "\n", encoding="utf-8")
        (out / "inspection.md").write_text(described(found), encoding="utf-8")
        (out / "inspection.html").write_text(page(found), encoding="utf-8")
    for warning in found.warnings:
        click.echo(f"Warning: {warning}.", err=True)


def _inspect_sets(exercise: BestWorstExercise, table: pd.DataFrame, out: Path) -> None:
    from analysis.choices.design.best_worst import inspect_sets

    names = ("block", "task", "position", "item")
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise BadInput(f"the design has no column {', '.join(missing)}")
    known = [item.id for item in exercise.items]
    faults = [
        f"line {n + 2}: there is no item '{item}'. Use one of: {', '.join(known)}"
        for n, item in enumerate(table["item"])
        if item not in known
    ]
    sizes = table.groupby(["block", "task"], sort=False).size()
    faults += [
        f"block and task {place}: {size} items instead of {exercise.set_size}. Even them out"
        for place, size in sizes.items()
        if size != exercise.set_size
    ]
    if faults:
        raise BadInput("\n".join(faults))
    with bad_input():
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(inspect_sets(exercise, table), indent=2)
        (out / "inspection.json").write_text(text + "\n", encoding="utf-8")
