"""The files that several estimators write: their rows, the head of summary.json, the last words."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from analysis.choices.coding import Coding, Floats
    from analysis.choices.importances import Importance
    from analysis.choices.partworths import PartWorths
    from analysis.choices.tag_values import TagFigure
    from analysis.choices.willingness_to_pay import Method
    from analysis.cli.partworths.request import Request
    from analysis.diagnostics.fit import Fit
    from analysis.estimate import Estimate


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with a line end."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_csv(
    path: Path, rows: Iterable[Mapping[str, object]], columns: Sequence[str] | None = None
) -> None:
    """Write rows as CSV; ``columns`` are the header when there is no row."""
    import pandas as pd

    pd.DataFrame(list(rows), columns=None if columns is None else list(columns)).to_csv(
        path, index=False
    )


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


def write_tables(
    out: Path,
    fitted: PartWorths,
    *,
    seed: int,
    weights: Mapping[str, float] | None = None,
    wtp_method: Method = "delta",
) -> None:
    """partworths.csv, importances.csv and wtp.csv of a logit or of draws.

    ``weights`` enter the figures of draws; a logit has them in its fit.
    """
    from analysis.choices.importances import importances

    if fitted.hierarchy is None:
        levels, shares = partworth_rows(fitted), importances(fitted, seed=seed)
        money = logit_money_rows(fitted, method=wtp_method, seed=seed)
    else:
        from analysis.choices.hb.market import importances_of_respondents, money_value

        levels = draw_level_rows(fitted)
        shares = importances_of_respondents(fitted, seed=seed, weights=weights)
        worth = partial(money_value, fitted, seed=seed, weights=weights)
        money = money_rows(fitted.coding, worth)
    write_csv(out / "partworths.csv", levels)
    write_csv(out / "importances.csv", importance_rows(shares))
    write_csv(out / "wtp.csv", money, MONEY_COLUMNS)


def write_diagnostics_page(out: Path, fit: Fit) -> None:
    """diagnostics.html: what a statistician checks."""
    from importlib.metadata import version

    from analysis.diagnostics.build import diagnostics_of
    from analysis.diagnostics.prediction import predict
    from analysis.rendering.html import diagnostics_html
    from analysis.rendering.traces import draw_diagnostics

    program = f"surveyapp {version('surveyapp')}"
    found = diagnostics_of(fit, program=program, prediction=predict(fit))
    page = diagnostics_html(found, draw_diagnostics(found))
    (out / "diagnostics.html").write_text(page, encoding="utf-8")


def importance_rows(shares: Iterable[Importance]) -> Iterable[dict[str, object]]:
    """The rows of importances.csv."""
    for share in shares:
        yield {
            "attribute": share.attribute,
            "importance": share.estimate.value,
            "low": share.estimate.low,
            "high": share.estimate.high,
            "null_reference": share.null_reference,
            "levels_tested": share.levels_tested,
        }


def partworth_rows(fitted: PartWorths) -> Iterable[dict[str, object]]:
    """The rows of partworths.csv: every level with its three standard errors."""
    from analysis.choices.partworths import level_worths

    kinds = [level_worths(fitted, kind) for kind in ("classical", "robust", "cluster")]
    for classical, robust, cluster in zip(*kinds, strict=True):
        yield {
            "attribute": classical.attribute,
            "level": classical.level,
            "kind": classical.kind,
            "part_worth": classical.part_worth,
            "se": classical.se,
            "se_robust": robust.se,
            "se_cluster": None if math.isinf(cluster.se) else cluster.se,
        }


MONEY_COLUMNS = (
    "attribute",
    "from_level",
    "to_level",
    "wtp",
    "low",
    "high",
    "low_50",
    "high_50",
    "unit",
    "n",
    "method",
    "unavailable",
)


def money_rows(coding: Coding, worth: Callable[[Floats], Estimate]) -> Iterator[dict[str, object]]:
    """The rows of wtp.csv: each level against the first one, by the money value of a contrast (K,).

    A linear attribute has one row per unit, its levels empty.
    """
    import numpy as np

    for attribute in coding.exercise.attributes:
        if attribute.tag == "price":
            continue
        if attribute.coding == "linear":
            contrast = np.zeros(coding.width)
            contrast[coding.places(attribute.id)] = 1.0
            yield _money_row(attribute.id, "", "", worth(contrast))
            continue
        steps: list[str] | list[float] = [level.id for level in attribute.levels]
        if attribute.range:
            steps = [attribute.range.least, *attribute.knots, attribute.range.greatest]
        for level in steps[1:]:
            contrast = coding.contrast(attribute.id, steps[0], level)
            yield _money_row(attribute.id, str(steps[0]), str(level), worth(contrast))


def logit_money_rows(
    fitted: PartWorths, *, method: Method, seed: int
) -> Iterator[dict[str, object]]:
    """The rows of wtp.csv from one set of part-worths and its covariance."""
    from analysis.choices.willingness_to_pay import money_of

    return money_rows(fitted.coding, partial(money_of, fitted, method=method, seed=seed))


def estimate_cells(name: str, estimate: Estimate) -> dict[str, object]:
    """The cells of an estimate: its value under a name, intervals, and how it was made."""
    return {
        name: estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "low_50": estimate.low_50,
        "high_50": estimate.high_50,
        "unit": estimate.unit,
        "n": estimate.n,
        "method": estimate.method,
        "unavailable": estimate.reason or "",
    }


def tag_rows(figures: Iterable[TagFigure]) -> Iterator[dict[str, object]]:
    """The rows of tag_values.csv."""
    for found in figures:
        yield {
            "tag": found.tag,
            "figure": found.figure,
            "what": found.what,
            **estimate_cells("value", found.estimate),
            "null_reference": found.null_reference,
        }


def _money_row(attribute: str, start: str, end: str, money: Estimate) -> dict[str, object]:
    """One row of wtp.csv."""
    place = {"attribute": attribute, "from_level": start, "to_level": end}
    return place | estimate_cells("wtp", money)


def draw_level_rows(fitted: PartWorths) -> Iterable[dict[str, object]]:
    """The rows of partworths.csv from draws: mean, its posterior sd, and how respondents differ."""
    import numpy as np

    from analysis.choices.partworths import level_worths

    assert fitted.hierarchy is not None
    _, rows = fitted.coding.level_rows()
    sigma = fitted.hierarchy.posterior.sigma.mean((0, 1))
    spread = np.sqrt(np.einsum("lk,km,lm->l", rows, sigma, rows))
    for worth, deviation in zip(level_worths(fitted, "posterior"), spread, strict=True):
        yield {
            "attribute": worth.attribute,
            "level": worth.level,
            "kind": worth.kind,
            "part_worth": worth.part_worth,
            "sd": worth.se,
            "sd_between_respondents": float(deviation),
        }
