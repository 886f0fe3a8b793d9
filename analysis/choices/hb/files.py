"""Results as plain files: what a reader with R, Excel or ArviZ opens."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.choices.hb.fit import Hierarchy
from analysis.choices.partworths import PartWorths


def write_individual(path: Path, part_worths: PartWorths) -> None:
    """individual.parquet: see ``individual``."""
    individual(part_worths).to_parquet(path, index=False)


def individual(part_worths: PartWorths) -> pd.DataFrame:
    """A row a respondent, every level's part-worth and its sd, on the logit scale.

    Levels of an effects attribute add up to zero, the reference level included.
    """
    hierarchy = _hierarchy(part_worths)
    labels, rows = part_worths.coding.level_rows()
    beta = hierarchy.posterior.beta.reshape(-1, *hierarchy.posterior.beta.shape[2:])
    mean = beta.mean(0, dtype=float) @ rows.T
    squares = np.zeros_like(mean)
    for draw in beta:
        squares += np.square(draw @ rows.T - mean)
    deviation = np.sqrt(squares / len(beta))
    found: dict[str, object] = {"respondent": list(hierarchy.respondents)}
    for k, label in enumerate(labels):
        name = f"{label.attribute}:{label.level}" if label.level else label.attribute
        found[name] = mean[:, k]
        found[f"{name} sd"] = deviation[:, k]
    return pd.DataFrame(found)


def write_diagnostics(path: Path, part_worths: PartWorths) -> None:
    """diagnostics.json: R-hat, effective sample sizes, acceptance, CPU seconds, reasons."""
    hierarchy = _hierarchy(part_worths)
    found = asdict(hierarchy.diagnostics) | {
        "acceptance": {
            "betas": hierarchy.diagnostics.beta_acceptance,
            "population": hierarchy.diagnostics.population_acceptance,
        },
        "converged": hierarchy.diagnostics.converged,
        "chains": len(hierarchy.posterior.mu),
        "draws": hierarchy.posterior.mu.shape[1],
        "kept_every": hierarchy.posterior.every,
        "constraints": [
            asdict(check.step)
            | {
                "pooled": check.pooled if np.isfinite(check.pooled) else None,
                "pooled_se": check.se if np.isfinite(check.se) else None,
                "worth_nothing": check.worth_nothing,
                "contradicted": check.contradicted,
            }
            for check in hierarchy.step_checks
        ],
    }
    del found["beta_acceptance"], found["population_acceptance"]
    finite = {
        k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in found.items()
    }
    path.write_text(json.dumps(finite, indent=2) + "\n", encoding="utf-8")


def covariate_effects(part_worths: PartWorths) -> pd.DataFrame:
    """By how much one unit of a covariate changes the mean part-worth of every level.

    Columns covariate, attribute, level, kind, effect (the median draw), low, high (95 % of draws),
    above_zero (share of draws), n. With constraints: one unit more than the average respondent.
    """
    hierarchy = _hierarchy(part_worths)
    labels, rows = part_worths.coding.level_rows()
    found = []
    for q, name in enumerate(hierarchy.covariates, start=1):
        draws = hierarchy.posterior.gamma[:, :, q].reshape(-1, part_worths.coding.width) @ rows.T
        low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975], axis=0)
        for k, label in enumerate(labels):
            found.append(
                {
                    "covariate": name,
                    "attribute": label.attribute,
                    "level": label.level,
                    "kind": label.kind,
                    "effect": middle[k],
                    "low": low[k],
                    "high": high[k],
                    "above_zero": float((draws[:, k] > 0).mean()),
                    "n": part_worths.n_respondents,
                }
            )
    return pd.DataFrame(found)


def write_draws(path: Path, part_worths: PartWorths) -> None:
    """draws.nc: ArviZ InferenceData with mu, Sigma and beta of the kept draws."""
    hierarchy = _hierarchy(part_worths)
    posterior = hierarchy.posterior
    kept = posterior.beta.shape[1]
    at = slice(posterior.every - 1, posterior.every * kept, posterior.every)
    columns = part_worths.coding.names
    values = {"mu": posterior.mu[:, at], "Sigma": posterior.sigma[:, at], "beta": posterior.beta}
    coords = {
        "column": columns,
        "column_2": columns,
        "respondent": list(hierarchy.respondents),
        "draw": np.arange(posterior.mu.shape[1])[at],
    }
    dims = {
        "mu": ["column"],
        "Sigma": ["column", "column_2"],
        "beta": ["respondent", "column"],
    }
    if hierarchy.covariates:
        values["Gamma"] = posterior.gamma[:, at]
        coords["covariate"] = ["intercept", *hierarchy.covariates]
        dims["Gamma"] = ["covariate", "column"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import arviz

        arviz.from_dict(posterior=values, coords=coords, dims=dims).to_netcdf(str(path))


def write_draws_array(folder: Path, part_worths: PartWorths) -> None:
    """draws.npy, float32 (draws, respondents, columns), and draws.json that names them.

    For simulators: NumPy alone can map the array into memory.
    """
    hierarchy = _hierarchy(part_worths)
    beta = hierarchy.posterior.beta
    np.save(folder / "draws.npy", beta.reshape(-1, *beta.shape[2:]), allow_pickle=False)
    names = {
        "columns": part_worths.coding.names,
        "respondents": list(hierarchy.respondents),
        "final": part_worths.converged,
    }
    (folder / "draws.json").write_text(json.dumps(names) + "\n", encoding="utf-8")


def _hierarchy(part_worths: PartWorths) -> Hierarchy:
    if part_worths.hierarchy is None:
        raise ValueError(f"estimator '{part_worths.estimator}' has no draws of respondents")
    return part_worths.hierarchy
