"""The other estimators of ``python -m analysis partworths``: what each reads, fits and writes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from analysis.cli.bad_input import BadInput, bad_input

if TYPE_CHECKING:
    import pandas as pd

    from analysis.choices.best_worst import BestWorst
    from analysis.choices.coding import Covariate
    from analysis.choices.counts import Count
    from analysis.choices.latent_class import LatentClasses
    from analysis.choices.mixed_logit import MixedLogit
    from analysis.choices.ratings_based import RatingsFit
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
        """The study and the checked choices of the exercise asked for."""
        from analysis.study import StudyFaults, read_study
        from analysis.tables import TableFaults, read_choices

        with bad_input(StudyFaults, KeyError, TypeError):
            study = read_study(self.study)
            wanted = study.choice_exercise(self.exercise)
        click.echo(f"Reading {self.choices.name} ...", err=True)
        with bad_input(TableFaults):
            return study, read_choices(self.choices, wanted, mapping=self.mapping)

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


def read_weights(path: Path | None) -> dict[str, float] | None:
    """Weights by respondent from a file with the columns respondent and weight."""
    return None if path is None else _numbers_by_respondent(path, ["weight"])["weight"]


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


def _numbers_by_respondent(path: Path, columns: Sequence[str]) -> dict[str, dict[str, float]]:
    """Columns of numbers by respondent, from a CSV file with a row for each."""
    import pandas as pd

    with bad_input(ValueError, pd.errors.ParserError):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    absent = [name for name in ("respondent", *columns) if name not in frame.columns]
    if absent:
        needs = " and ".join(["respondent", *columns])
        raise BadInput(f"{path.name}: no column '{absent[0]}'; it needs {needs}")
    twice = frame.loc[frame["respondent"].duplicated(), "respondent"]
    if len(twice):
        raise BadInput(f"{path.name}: respondent '{twice.iloc[0]}' stands twice; keep one row")
    found = {}
    for name in columns:
        numbers = pd.to_numeric(frame[name], errors="coerce")
        if numbers.isna().any():
            place = int(numbers.isna().to_numpy().argmax())
            text = frame[name].iloc[place]
            raise BadInput(f"{path.name}, row {place + 2}: {name} '{text}' is not a number")
        found[name] = dict(zip(frame["respondent"], numbers.astype(float), strict=True))
    return found


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with a line end."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_csv(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows as CSV."""
    import pandas as pd

    pd.DataFrame(list(rows)).to_csv(path, index=False)


def known(error: float) -> float | None:
    """A standard error, or None (an empty cell) where there is none."""
    return None if math.isinf(error) else error


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


def latent_class(request: Request) -> None:
    """Write classes.csv, membership.parquet, wtp.csv and summary.json."""
    import pandas as pd

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
    write_csv(out / "wtp.csv", _class_money(best, request))
    members = pd.concat([_members(s) for s in solutions], ignore_index=True)
    members.to_parquet(out / "membership.parquet", index=False)
    notes = [f"{s.n_classes} classes: {w}" for s in solutions for w in s.warnings]
    if len(solutions) > 1 and best is solutions[-1]:
        notes.append(
            f"the BIC still falls at {best.n_classes} classes; ask for more to see it rise"
        )
    summary = summary_head("latent-class", table.exercise.id, request) | {
        "n_respondents": best.n_respondents,
        "n_tasks": best.n_tasks,
        "null_log_likelihood": best.null_log_likelihood,
        "lowest_bic": best.n_classes,
        "solutions": [_solution(s) for s in solutions],
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
            {"share": share, "scale": scale, "se_log_scale": error}
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
                "share_se": errors[n],
                "attribute": classical.attribute,
                "level": classical.level,
                "kind": classical.kind,
                "part_worth": classical.part_worth,
                "se": classical.se,
                "se_cluster": known(cluster.se),
                "importance": importance.get(classical.attribute),
            }


def _class_money(found: LatentClasses, request: Request) -> Iterator[dict[str, object]]:
    from analysis.cli.partworths import money_rows

    method = request.options["wtp_method"]
    for n in range(1, found.n_classes + 1):
        worths = found.class_part_worths(n)
        for row in money_rows(worths, method=method, seed=request.seed):
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


def mixed_logit(request: Request) -> None:
    """Write partworths.csv, importances.csv, wtp.csv, individual.parquet and summary.json."""
    from analysis.choices.identification import NotIdentified
    from analysis.choices.importances import importances
    from analysis.choices.mixed_logit import fit_mixed_logit
    from analysis.choices.mnl import NotConverged
    from analysis.cli.partworths import importance_rows, money_rows

    study, table = request.read()
    options = request.options
    click.echo(f"Fitting the mixed logit with {options['halton_draws']} draws ...", err=True)
    vary = options["vary"]
    with bad_input(NotIdentified, NotConverged, ValueError):
        found = fit_mixed_logit(
            study,
            table,
            n_draws=options["halton_draws"],
            random=None if vary is None else [name.strip() for name in vary.split(",")],
            correlated=options["correlated"],
            weights=read_weights(request.weights),
        )
    out, means = request.folder(), found.part_worths()
    write_csv(out / "partworths.csv", _mixed_rows(found))
    write_csv(out / "importances.csv", importance_rows(importances(means, seed=request.seed)))
    money = money_rows(means, method=options["wtp_method"], seed=request.seed)
    write_csv(out / "wtp.csv", money)
    _individuals(found).to_parquet(out / "individual.parquet", index=False)
    summary = summary_head("mixed-logit", table.exercise.id, request) | {
        "n_respondents": means.n_respondents,
        "n_tasks": means.n_tasks,
        "n_parameters": len(found.vector),
        "log_likelihood": found.log_likelihood,
        "null_log_likelihood": found.null_log_likelihood,
        "halton_draws": found.n_draws,
        "iterations": found.iterations,
        "columns": [[c.attribute, c.level] for c in found.coding.columns],
        "population_covariance": found.population_covariance.tolist(),
        "intervals": "95 %, cluster covariance (respondents)",
        "notes": list(table.notes),
        "warnings": list(found.warnings),
    }
    write_json(out / "summary.json", summary)
    say(request, *table.notes, *found.warnings)


def _mixed_rows(found: MixedLogit) -> Iterator[dict[str, object]]:
    from analysis.choices.partworths import level_worths

    kinds = [level_worths(found.part_worths(), kind) for kind in ("classical", "cluster")]
    _, sds, errors = found.level_spreads()
    for classical, cluster, sd, error in zip(*kinds, sds, errors, strict=True):
        yield {
            "attribute": classical.attribute,
            "level": classical.level,
            "kind": classical.kind,
            "part_worth": classical.part_worth,
            "se": classical.se,
            "se_cluster": known(cluster.se),
            "sd": sd,
            "sd_se_cluster": error,
        }


def _individuals(found: MixedLogit) -> pd.DataFrame:
    """One row per respondent: NAME and NAME.sd of every part-worth, NAME = attribute.level."""
    import pandas as pd

    columns: dict[str, object] = {"respondent": found.respondents}
    for n, column in enumerate(found.coding.level_rows()[0]):
        name = f"{column.attribute}.{column.level}" if column.level else column.attribute
        columns[name] = found.individual_means[:, n]
        columns[f"{name}.sd"] = found.individual_sds[:, n]
    return pd.DataFrame(columns)


def ratings(request: Request) -> None:
    """Write partworths.csv, importances.csv, wtp.csv, individual.parquet and summary.json."""
    from analysis.choices.identification import NotIdentified
    from analysis.choices.importances import importances
    from analysis.choices.ratings_based import fit_ratings, read_ratings
    from analysis.cli.partworths import importance_rows, money_rows, partworth_rows
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
    money = money_rows(pooled, method=request.options["wtp_method"], seed=request.seed)
    write_csv(out / "wtp.csv", money)
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


def best_worst(request: Request) -> None:
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
    write_csv(out / "scores.csv", _score_rows(found))
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


def _score_rows(found: BestWorst) -> Iterator[dict[str, object]]:
    for score in found.scores:
        row: dict[str, object] = {
            "item": score.item,
            "utility": score.utility,
            "se_cluster": known(score.se),
        }
        scales = {"score_0_100": score.score, "chance": score.chance, "share": score.share}
        for name, estimate in scales.items():
            row |= {
                name: estimate.value,
                f"{name}_low": estimate.low,
                f"{name}_high": estimate.high,
            }
        yield row


def hierarchical_bayes(request: Request) -> None:
    """Fit hierarchical Bayes and write its files."""
    from analysis.cli.hierarchical import Wanted, hold_out, run_hb

    if request.weights is not None:
        raise BadInput("--weights: hierarchical Bayes is fitted unweighted; leave it out")
    study, table = request.read()
    options = request.options
    if options["holdout_tasks"]:
        table = hold_out(table, options["holdout_tasks"])
    names = ("chains", "draws", "burn_in", "prior", "save_draws")
    wanted = Wanted(seed=request.seed, **{name: options[name] for name in names})
    fitted = run_hb(study, table, wanted, request.folder())
    for note in (*table.notes, *fitted.warnings):
        click.echo(f"note: {note}", err=True)
    click.echo(f"Written to {request.out}", err=True)


ESTIMATORS: dict[str, Callable[[Request], None]] = {
    "counts": counts,
    "hb": hierarchical_bayes,
    "latent-class": latent_class,
    "mixed-logit": mixed_logit,
    "ratings": ratings,
    "best-worst": best_worst,
}
"""By the name that --estimator takes."""
