"""The other estimators of ``python -m analysis partworths``: what each reads, fits and writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.cli.bad_input import BadInput, bad_input

if TYPE_CHECKING:
    import pandas as pd

    from analysis.choices.counts import Count
    from analysis.study import Study
    from analysis.tables import Choices


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
        """The study and the checked choices of the exercise asked for."""
        from analysis.study import StudyFaults, read_study
        from analysis.tables import TableFaults, read_choices

        with bad_input(StudyFaults, KeyError, TypeError):
            study = read_study(self.study)
            wanted = study.choice_exercise(self.exercise)
        click.echo(f"Reading {self.choices.name} ...", err=True)
        with bad_input(TableFaults):
            return study, read_choices(self.choices, wanted, mapping=self.mapping)

    def folder(self) -> Path:
        """The folder to write into, made when it is missing."""
        if self.out.exists() and not self.out.is_dir():
            raise BadInput(f"'{self.out}' is a file; --out names a folder")
        with bad_input():
            self.out.mkdir(parents=True, exist_ok=True)
        return self.out


def read_weights(path: Path | None) -> dict[str, float] | None:
    """Weights by respondent from a file with the columns respondent and weight."""
    if path is None:
        return None
    import pandas as pd

    with bad_input(ValueError, pd.errors.ParserError):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    absent = [name for name in ("respondent", "weight") if name not in frame.columns]
    if absent:
        raise BadInput(f"{path.name}: no column '{absent[0]}'; it needs respondent and weight")
    twice = frame.loc[frame["respondent"].duplicated(), "respondent"]
    if len(twice):
        raise BadInput(f"{path.name}: respondent '{twice.iloc[0]}' stands twice; keep one row")
    numbers = pd.to_numeric(frame["weight"], errors="coerce")
    if numbers.isna().any():
        place = int(numbers.isna().to_numpy().argmax())
        text = frame["weight"].iloc[place]
        raise BadInput(f"{path.name}, row {place + 2}: weight '{text}' is not a number")
    return dict(zip(frame["respondent"], numbers.astype(float), strict=True))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with a line end."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_csv(path: Path, rows: Iterator[Mapping[str, object]] | pd.DataFrame) -> None:
    """Write rows as CSV."""
    import pandas as pd

    (rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))).to_csv(path, index=False)


def summary_head(estimator: str, exercise: str, request: Request) -> dict[str, Any]:
    """The lines that every summary has."""
    from importlib.metadata import version

    return {
        "estimator": estimator,
        "exercise": exercise,
        "seed": request.seed,
        "program": f"surveyapp {version('surveyapp')}",
    }


def say(request: Request, *notes: str) -> None:
    """Notes and the end, on standard error."""
    for note in notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"Written to {request.out}", err=True)


def counts(request: Request) -> None:
    """Write counts.csv and summary.json."""
    from analysis.choices.counts import fit_counts

    study, table = request.read()
    with bad_input(ValueError):
        found = fit_counts(study, table, weights=read_weights(request.weights))
    out = request.folder()
    none = () if found.none is None else (found.none,)
    write_csv(out / "counts.csv", _count_rows((*found.main, *none, *found.pairs)))
    summary = summary_head("counts", table.exercise.id, request) | {
        "n_respondents": found.n_respondents,
        "n_tasks": found.n_tasks,
        "p_values": dict(found.tests),
        "notes": list(table.notes),
        "warnings": list(found.warnings),
    }
    write_json(out / "summary.json", summary)
    say(request, *table.notes, *found.warnings)


def _count_rows(counts: Sequence[Count]) -> Iterator[dict[str, object]]:
    for count in counts:
        pair = len(count.attribute) == 2
        yield {
            "attribute": count.attribute[0],
            "level": count.level[0],
            "attribute_2": count.attribute[1] if pair else "",
            "level_2": count.level[1] if pair else "",
            "shown": count.shown,
            "chosen": count.chosen,
            "share": count.share.value,
            "low": count.share.low,
            "high": count.share.high,
            "n": count.share.n,
            "unavailable": count.share.reason or "",
        }


ESTIMATORS: dict[str, Callable[[Request], None]] = {"counts": counts}
"""By the name that --estimator takes."""
