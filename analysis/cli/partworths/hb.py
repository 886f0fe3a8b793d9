"""``--estimator hb``: hierarchical Bayes, its files, and words about convergence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.cli.bad_input import bad_input
from analysis.cli.partworths import chains
from analysis.cli.partworths.market import Market, read_market, write_market
from analysis.cli.partworths.request import Request, read_segments, read_weights
from analysis.cli.partworths.tables import (
    say,
    summary_head,
    tag_rows,
    write_csv,
    write_diagnostics_page,
    write_json,
    write_tables,
)
from analysis.cli.partworths.validation import write_validation

if TYPE_CHECKING:
    from analysis.choices.hb.market import Weights
    from analysis.choices.partworths import PartWorths
    from analysis.study import Study
    from analysis.tables import Choices

OPTIONS = (
    "holdout_tasks",
    "segments",
    "market",
    "monotone",
    *chains.OPTIONS,
)


def run(request: Request) -> None:
    """Fit, write all files, and say when the draws are not final."""
    from analysis.choices.exponent import write_exponent
    from analysis.diagnostics.fit import Fit

    study, table = request.read()
    asked = Asked.of(request, study, table)
    fitted = run_hb(study, table, request)
    out = request.folder()
    _write_people(out, fitted, request)
    _write_market(out, fitted, request, asked)
    prior, burn_in = request.options["prior"], request.options["burn_in"]
    fit = Fit(
        study, table, fitted, request.seed, weights=asked.weights, prior=prior, burn_in=burn_in
    )
    write_diagnostics_page(out, fit)
    validation = write_validation(out, study, table, fitted, seed=request.seed)
    if request.options["save_draws"]:
        write_exponent(out, fitted, table, seed=request.seed)
    write_json(out / "summary.json", _summary(fitted, table, asked, request) | validation)
    say(request, *table.notes, *fitted.warnings)


@dataclass(frozen=True, slots=True)
class Asked:
    """The files beside the choices, read and checked before the fit."""

    weights: Weights
    segments: Mapping[str, str] | None
    market: Market | None

    @staticmethod
    def of(request: Request, study: Study, table: Choices) -> Asked:
        """Read them; BadInput when one does not suit the choices."""
        import pandas as pd

        from analysis.choices.coding import coding_of
        from analysis.choices.sets import respondent_weights

        frame, options = table.frame, request.options
        people = frame.loc[frame["role"] == "estimation", "respondent"].astype(str).unique()
        weights = read_weights(request.weights)
        with bad_input(ValueError):
            respondent_weights(pd.Index(people), weights)
        path = options["market"]
        return Asked(
            weights,
            read_segments(options["segments"], list(people)),
            None if path is None else read_market(path, coding_of(study, table.exercise)),
        )


def _write_people(out: Path, fitted: PartWorths, request: Request) -> None:
    """Draws and their diagnostics, and a row for every respondent."""
    from analysis.choices.hb.files import individual
    from analysis.choices.tag_values.individual import individual_values
    from analysis.choices.zero_centred import zero_centred

    assert fitted.hierarchy is not None
    worths = individual(fitted)
    worths.to_parquet(out / "individual.parquet", index=False)
    worths.to_csv(out / "individual.csv", index=False)
    means, _ = fitted.hierarchy.individual()
    scaled = zero_centred(fitted.coding, fitted.hierarchy.respondents, means)
    scaled.to_csv(out / "zero_centred.csv", index=False)
    individual_values(fitted).to_parquet(out / "individual_values.parquet", index=False)
    chains.write_chains(out, fitted, request)


def _write_market(out: Path, fitted: PartWorths, request: Request, asked: Asked) -> None:
    """Figures of the population and of the market, weighted where there are weights."""
    from analysis.choices.tag_values.over_draws import tag_values_over_draws

    seed, weights = request.seed, asked.weights
    write_tables(out, fitted, seed=seed, weights=weights)
    values = tag_values_over_draws(fitted, seed=seed, weights=weights, segments=asked.segments)
    rows = ({"segment": s, **row} for s, found in values.items() for row in tag_rows(found))
    write_csv(out / "tag_values.csv", rows)
    if asked.market is not None:
        write_market(out, fitted, asked.market, seed=seed, weights=weights)


def run_hb(study: Study, table: Choices, request: Request) -> PartWorths:
    """Fit with the options of the request, progress on standard error."""
    from analysis.choices.hb import fit_hb

    text = request.options["monotone"]
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    fit = partial(fit_hb, study, table)
    return chains.fit_chains(fit, request, monotone="all" if names == ["all"] else names)


def _summary(fitted: PartWorths, table: Choices, asked: Asked, request: Request) -> dict[str, Any]:
    from analysis.choices.hb.market import wrong_price_sign

    assert fitted.hierarchy is not None
    constraints = fitted.hierarchy.constraints
    return summary_head("hb", table.exercise.id, request) | {
        "n_respondents": fitted.n_respondents,
        "n_tasks": fitted.n_tasks,
        "n_parameters": fitted.coding.width,
        **chains.chain_lines(fitted, request),
        "monotone": list(constraints.attributes) if constraints else [],
        "price_does_not_deter": wrong_price_sign(fitted, weights=asked.weights),
        "intervals": "95 % of draws",
        "weights": _weights_line(fitted, asked),
        "notes": list(table.notes),
        "warnings": list(fitted.warnings),
    }


def _weights_line(fitted: PartWorths, asked: Asked) -> str:
    from analysis.choices.hb.market import hierarchy_of, mass_of

    if asked.weights is None:
        return "none: every respondent counts alike"
    mass = mass_of(hierarchy_of(fitted), asked.weights)
    effective = mass.sum() ** 2 / (mass @ mass)
    return (
        f"effective n {effective:.0f} of {len(mass)}; in importances, money and tag values and "
        "market figures; the fit, partworths.csv and holdout figures are unweighted"
    )
