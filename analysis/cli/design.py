"""``python -m analysis design``: the choice tasks of a study as a table."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from analysis.cli.bad_input import BadInput, bad_input
from analysis.study.designs import Method

if TYPE_CHECKING:
    import pandas as pd

    from analysis.study import ChoiceExercise, Study
    from analysis.study.exercises import BestWorstExercise


@click.command("design")
@click.argument("study", type=click.Path(path_type=Path))
@click.option("--exercise", help="Id of the exercise; default: the one the plan reports.")
@click.option(
    "--method", type=click.Choice(get_args(Method)), help="How; default: as the study file says."
)
@click.option("--blocks", type=click.IntRange(1, 2000), help="Sets of tasks; default: as above.")
@click.option("--seed", type=click.IntRange(0), help="Same seed, same tasks; default: as above.")
@click.option(
    "--priors", type=click.Path(path_type=Path), help="YAML file of expected part-worths."
)
@click.option("--time-limit", type=click.FloatRange(min=0, min_open=True), help="Seconds at most.")
@click.option("--from", "source", type=click.Path(path_type=Path), help="Read a design instead.")
@click.option(
    "--layout", help="surveyapp, sawtooth, qualtrics or cbctools; default: ours, or as --from is."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="CSV file to write.")
def design(study: Path, exercise: str | None, out: Path | None, **options: Any) -> None:
    """Make the choice tasks of STUDY: one row per alternative, as CSV.

    The tasks follow 'design' in the study file, options go before it. The same file and seed give
    the same tasks. Ctrl-C and the time limit end the search with the best tasks so far. With
    --from, a design in another layout is checked and rewritten instead. Without --out the tasks
    go to standard output.
    """
    from analysis.choices.design import layouts

    check_layout(options["layout"])
    wanted: Any = read_exercise(study, exercise, options["priors"])[1]
    if wanted.kind == "best_worst":
        table = _sets(wanted, options)
    elif options["source"] is not None:
        tasks = read_tasks(wanted, options["source"], options["layout"])
        table = layouts.to_layout(wanted, tasks, "surveyapp")
    else:
        tasks = _made(wanted, options)
        table = layouts.to_layout(wanted, tasks, options["layout"] or "surveyapp")
    text = table.to_csv(index=False, lineterminator="\n")
    if out is None:
        click.echo(text, nl=False)
        return
    with bad_input():
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")


def read_exercise(study: Path, exercise: str | None, priors: Path | None) -> tuple[Study, Any]:
    """The study of a file and its choice or best-worst exercise, with the priors of a file."""
    from analysis.study import StudyFaults, read_priors, read_study

    with bad_input(StudyFaults, KeyError, TypeError):
        read = read_study(study)
        wanted: Any = read.exercise(exercise)
        if wanted.kind != "best_worst":
            wanted = read.choice_exercise(exercise)
    if priors is not None:
        with bad_input(StudyFaults):
            wanted = read_priors(priors, read, wanted)
    return read, wanted


def read_table(path: Path) -> pd.DataFrame:
    """A CSV file with all cells as text; ``BadInput`` when it is none."""
    from analysis.choices.design.layouts import table_of
    from analysis.choices.design.reading import DesignFaults

    with bad_input(DesignFaults):
        return table_of(path.read_bytes().decode("utf-8-sig", errors="replace"))


def read_tasks(exercise: ChoiceExercise, source: Path, layout: Any = None) -> pd.DataFrame:
    """The choice tasks of a file, its layout known by its columns when none is named."""
    from analysis.choices.design.layouts import from_layout, layout_of
    from analysis.choices.design.reading import DesignFaults

    table = read_table(source)
    with bad_input(DesignFaults):
        return from_layout(exercise, table, layout or layout_of(table))


def check_layout(layout: str | None) -> None:
    """``BadInput`` when there is no such layout."""
    from analysis.study.design_layouts import LAYOUTS

    if layout is not None and layout not in LAYOUTS:
        raise BadInput(f"--layout '{layout}' is unknown. Use one of: {', '.join(LAYOUTS)}")


def _sets(exercise: BestWorstExercise, options: dict[str, Any]) -> pd.DataFrame:
    from analysis.choices.design import DesignImpossible
    from analysis.choices.design.best_worst import make_sets

    wrong = [name for name in ("method", "priors", "source") if options[name] is not None]
    if wrong:
        names = ", ".join(f"--{'from' if name == 'source' else name}" for name in wrong)
        raise BadInput(f"{names} is for choice exercises; '{exercise.id}' is of kind best_worst")
    given = {name: options[name] for name in ("blocks", "seed") if options[name] is not None}
    plan = exercise.design.model_copy(update=given)
    with bad_input(DesignImpossible):
        return make_sets(exercise.model_copy(update={"design": plan}))


def _made(exercise: ChoiceExercise, options: dict[str, Any]) -> pd.DataFrame:
    from analysis.choices.coding import coding_in
    from analysis.choices.design import DesignImpossible, Watch, make_design
    from analysis.choices.design.inspection import inestimable
    from analysis.choices.design.reading import level_places

    given = {name: options[name] for name in ("method", "blocks", "seed", "time_limit")}
    changes = {name: value for name, value in given.items() if value is not None}
    plan = exercise.design.model_copy(update=changes)
    exercise = exercise.model_copy(update={"design": plan})
    last = [-1]

    def progress(step: str, done: int, total: int) -> None:
        if done // 10 > last[0]:
            last[0] = done // 10
            click.echo(f"{step}: {done} of {total} %", err=True)

    with bad_input(DesignImpossible, ValueError), asked_by_ctrl_c() as asked:
        made = make_design(exercise, Watch(plan.time_limit, progress=progress, stop=asked))
    if made.interrupted:
        click.echo("Stopped early: these are the best tasks so far.", err=True)
    shown = made.tasks[made.tasks["role"] == "estimation"]
    for reason in inestimable(coding_in("", exercise), level_places(exercise, shown), shown):
        click.echo(f"Warning: {reason}.", err=True)
    return made.tasks


@contextmanager
def asked_by_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C asked to end with the best tasks so far; a second one ends at once."""
    asked: list[int] = []

    def ask(number: int, _: object) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)
