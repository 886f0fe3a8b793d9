"""``python -m analysis rehearse``: a study tried on simulated respondents before fielding."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click

from analysis.cli.bad_input import BadInput, bad_input
from analysis.cli.design import read_tasks

SECONDS_BETWEEN = 5.0
"""Between two lines of progress within a step."""


@click.command("rehearse")
@click.argument("study", type=click.Path(path_type=Path))
@click.option(
    "--n",
    type=click.IntRange(min=1),
    help="Respondents of a simulated study; default: those that the targets plan.",
)
@click.option(
    "--repeats",
    type=click.IntRange(2, 100_000),
    default=100,
    show_default=True,
    help="Studies to simulate.",
)
@click.option(
    "--hb-repeats",
    type=click.IntRange(0, 1000),
    default=2,
    show_default=True,
    help="Studies in which hierarchical Bayes is fitted too; 0 leaves it out.",
)
@click.option("--exercise", help="Id of the exercise; default: the one the plan reports.")
@click.option(
    "--design",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV file with the choice tasks (any layout), in place of those of the study.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Seed.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write into.")
def rehearse(
    study: Path,
    n: int | None,
    repeats: int,
    hb_repeats: int,
    exercise: str | None,
    design: Path | None,
    seed: int,
    out: Path,
) -> None:
    """Try STUDY on simulated respondents: can it tell what its targets ask for?

    Writes rehearsal.json, report.md and the tables partworths.csv, wtp.csv, power.csv,
    sample_size.csv (and hb.csv). The verdict goes to standard output, progress to standard error.
    """
    from analysis.choices.design import DesignImpossible
    from analysis.rehearsal import run, words
    from analysis.rehearsal.files import write_rehearsal
    from analysis.rehearsal.laid_out import RehearsalFault
    from analysis.study import StudyFaults, read_study

    with bad_input(StudyFaults, KeyError, TypeError):
        found = read_study(study)
        wanted = found.choice_exercise(exercise)
    plan = found.analysis.model_copy(update={"exercise": wanted.id})
    found = found.model_copy(update={"analysis": plan})
    planned = found.analysis.targets.respondents if found.analysis.targets else None
    if n is None and planned is None:
        raise BadInput("The study does not say how many respondents it plans. Give --n NUMBER.")
    if out.exists() and not out.is_dir():
        raise BadInput(f"'{out}' is a file; --out names a folder")
    tasks = None if design is None else read_tasks(wanted, design)
    with bad_input(RehearsalFault, DesignImpossible):
        result = run.rehearse(
            found,
            n=n or planned or 0,
            repeats=repeats,
            seed=seed,
            design=tasks,
            hb_repeats=hb_repeats,
            progress=_progress(),
        )
    with bad_input():
        out.mkdir(parents=True, exist_ok=True)
        write_rehearsal(out, result)
    click.echo("\n".join([words.headline(result), *words.sentences(result)]))
    click.echo(f"{result.seconds:g} s of CPU. Written to {out}", err=True)


def _progress() -> Callable[[str, int, int], None]:
    """A line for each step, and how far it is every few seconds."""
    last = [("", 0.0)]

    def progress(step: str, done: int, total: int) -> None:
        now = time.monotonic()
        said, at = last[0]
        if step == said and (now - at < SECONDS_BETWEEN or not total):
            return
        click.echo(f"{step} ..." if step != said else f"  {done:,} of {total:,}", err=True)
        last[0] = (step, now)

    return progress
