"""What the caller of ``python -m analysis partworths`` asks for, and the files beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from analysis.cli.bad_input import BadInput, bad_input

if TYPE_CHECKING:
    import pandas as pd

    from analysis.choices.coding import Covariate
    from analysis.study import Study
    from analysis.tables import Choices

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Request:
    """What the caller asks for."""

    study: Path
    choices: Path
    out: Path
    exercise: str | None
    mapping: Mapping[str, str]
    weights: Path | None
    seed: int
    options: Mapping[str, Any]

    def read(self) -> tuple[Study, Choices]:
        """The study and the checked choices of the exercise asked for, holdouts marked."""
        from analysis.study import StudyFaults, read_study
        from analysis.tables import TableFaults, read_choices

        with bad_input(StudyFaults, KeyError, TypeError):
            study = read_study(self.study)
            wanted = study.choice_exercise(self.exercise)
        click.echo(f"Reading {self.choices.name} ...", err=True)
        with bad_input(TableFaults):
            table = read_choices(self.choices, wanted, mapping=self.mapping)
        return study, hold_out(table, self.options["holdout_tasks"])

    def exercise_of(self, kind: type[Kind], name: str) -> tuple[Study, Kind]:
        """The study and the exercise asked for (default: its first one of that kind)."""
        from analysis.study import StudyFaults, read_study

        with bad_input(StudyFaults, KeyError):
            study = read_study(self.study)
            own = [e for e in study.exercises if isinstance(e, kind)]
            wanted = study.exercise(self.exercise) if self.exercise or not own else own[0]
        if not isinstance(wanted, kind):
            raise BadInput(f"exercise '{wanted.id}' is of kind '{wanted.kind}', not '{name}'")
        click.echo(f"Reading {self.choices.name} ...", err=True)
        return study, wanted

    def folder(self) -> Path:
        """The folder to write into, made when it is missing."""
        if self.out.exists() and not self.out.is_dir():
            raise BadInput(f"'{self.out}' is a file; --out names a folder")
        with bad_input():
            self.out.mkdir(parents=True, exist_ok=True)
        return self.out


def hold_out(table: Choices, tasks: str) -> Choices:
    """The same choices with the named tasks as holdouts; BadInput when one is not in the table."""
    wanted = {task.strip() for task in tasks.split(",") if task.strip()}
    if not wanted:
        return table
    names = table.frame["task"].astype(str)
    unknown = sorted(wanted - set(names))
    if unknown:
        raise BadInput(f"--holdout-tasks: no task is called {', '.join(unknown)}")
    frame = table.frame.copy()
    frame.loc[names.isin(wanted), "role"] = "holdout"
    if not (frame["role"] == "estimation").any():
        raise BadInput("--holdout-tasks: no task is left for estimation")
    return replace(table, frame=frame)


def read_weights(path: Path | None) -> dict[str, float] | None:
    """Weights by respondent from a file with the columns respondent and weight."""
    return None if path is None else _numbers_by_respondent(path, ["weight"])["weight"]


def read_segments(path: Path | None, people: Sequence[str]) -> dict[str, str] | None:
    """Segments by respondent, from a file with respondent and segment; blank cells have none.

    ``people`` are those of the choices; BadInput when nobody of them has a segment.
    """
    if path is None:
        return None
    frame = _by_respondent(path, ["segment"])
    found = {
        str(name): segment.strip()
        for name, segment in zip(frame["respondent"], frame["segment"], strict=True)
        if segment.strip()
    }
    if not set(found) & set(people):
        raise BadInput(f"{path.name}: no respondent of the choices has a segment in it")
    without = len(set(people) - set(found))
    if without:
        click.echo(f"note: {without} respondents have no segment in {path.name}", err=True)
    return found


def read_covariates(path: Path | None, covary: Sequence[str]) -> tuple[Covariate, ...]:
    """Covariates from a file, as said by texts COLUMN:ATTRIBUTE,..."""
    from analysis.choices.coding import Covariate

    wanted: dict[str, list[str]] = {}
    for text in covary:
        column, colon, attributes = text.partition(":")
        names = [name.strip() for name in attributes.split(",")]
        if not colon or not column.strip() or not all(names):
            raise BadInput(f"--covary '{text}': write COLUMN:ATTRIBUTE,..., as in age:price,none")
        wanted.setdefault(column.strip(), []).extend(names)
    if bool(wanted) != (path is not None):
        raise BadInput("--covariates names the file and --covary its columns; give both or none")
    if path is None:
        return ()
    values = _numbers_by_respondent(path, list(wanted))
    return tuple(Covariate(name, tuple(wanted[name]), values[name]) for name in wanted)


def _by_respondent(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """The cells of a CSV file with a row for each respondent, as text."""

    from analysis.tables import TableFaults, read_cells

    with bad_input(TableFaults):
        frame = read_cells(path, ["respondent", *columns], {}, table=path.name).fillna("")
    absent = [name for name in ("respondent", *columns) if name not in frame.columns]
    if absent:
        needs = " and ".join(["respondent", *columns])
        raise BadInput(f"{path.name}: no column '{absent[0]}'; it needs {needs}")
    frame["respondent"] = frame["respondent"].str.strip()
    twice = frame.loc[frame["respondent"].duplicated(), "respondent"]
    if len(twice):
        raise BadInput(f"{path.name}: respondent '{twice.iloc[0]}' stands twice; keep one row")
    return frame


def _numbers_by_respondent(path: Path, columns: Sequence[str]) -> dict[str, dict[str, float]]:
    """Columns of numbers by respondent, from a CSV file with a row for each."""
    import pandas as pd

    frame, found = _by_respondent(path, columns), {}
    for name in columns:
        numbers = pd.to_numeric(frame[name], errors="coerce")
        if numbers.isna().any():
            place = int(numbers.isna().to_numpy().argmax())
            text = frame[name].iloc[place]
            raise BadInput(f"{path.name}, row {place + 2}: {name} '{text}' is not a number")
        found[name] = dict(zip(frame["respondent"], numbers.astype(float), strict=True))
    return found
