"""``python -m analysis design``: the choice tasks of a study as a table."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.cli.bad_input import bad_input


@click.command("design")
@click.argument("study", type=click.Path(path_type=Path))
@click.option("--exercise", help="Id of the exercise; default: the one the plan reports.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="CSV file to write.")
def design(study: Path, exercise: str | None, out: Path | None) -> None:
    """Make the choice tasks of STUDY: one row per alternative, as CSV.

    The tasks follow 'design' in the study file (method, blocks, seed): the same file gives the
    same tasks. Without --out they go to standard output.
    """
    from analysis.choices.design import DesignImpossible, make_tasks
    from analysis.study import StudyFaults, read_study

    with bad_input(StudyFaults, KeyError, TypeError):
        wanted = read_study(study).choice_exercise(exercise)
    with bad_input(DesignImpossible):
        table = make_tasks(wanted).to_csv(index=False)
    if out is None:
        click.echo(table, nl=False)
        return
    with bad_input():
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(table, encoding="utf-8")
