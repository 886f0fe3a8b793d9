"""Hierarchical Bayes against R bayesm under the same prior, within Monte-Carlo error."""

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.choices.hb import Settings, fit_hb
from analysis.choices.hb.diagnostics import effective
from analysis.study import read_study
from analysis.tables import read_choices

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[2] / "examples/electricity"
GOLDEN = json.loads((HERE / "golden.json").read_text())


@pytest.fixture(scope="module")
def fitted():
    study = read_study(EXAMPLE / "study.yaml")
    choices = read_choices(EXAMPLE / "choices.csv.gz", study.choice_exercise())
    settings = Settings(burn_in=400, draws=3000, population_steps=8)
    return fit_hb(study, choices, seed=1, prior="bayesm", settings=settings)


def test_converged(fitted):
    assert fitted.converged, fitted.warnings
    assert [c.attribute for c in fitted.coding.columns] == GOLDEN["columns"]


@pytest.mark.parametrize("part", ["mu", "sigma"])
def test_posterior_means_are_those_of_bayesm(fitted, part):
    posterior = fitted.hierarchy.posterior
    spread = np.diagonal(posterior.sigma, axis1=2, axis2=3)
    draws = posterior.mu if part == "mu" else spread
    own_error = draws.std((0, 1)) / np.sqrt(effective(draws, "bulk"))
    error = np.hypot(own_error, GOLDEN[f"{part}_error"])
    apart = (draws.mean((0, 1)) - GOLDEN[part]) / error
    assert np.max(np.abs(apart)) < 4
    # and the error is small enough for the comparison to say something
    assert np.all(error < 0.25 * draws.std((0, 1)))
