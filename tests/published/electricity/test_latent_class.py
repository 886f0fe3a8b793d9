"""Latent classes on the electricity choices reach the best log-likelihoods known."""

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.choices.latent_class import fit_latent_class
from analysis.study import read_study
from analysis.tables import read_choices

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[2] / "examples/electricity"
GOLDEN = json.loads((HERE / "latent_class.json").read_text())


@pytest.mark.parametrize("classes", [2, 3, 4, pytest.param(5, marks=pytest.mark.deep)])
def test_the_best_log_likelihood_known_and_its_classes(classes):
    study = read_study(EXAMPLE / "study.yaml")
    choices = read_choices(EXAMPLE / "choices.csv.gz", study.choice_exercise())
    found = fit_latent_class(study, choices, classes=classes, seed=1, starts=10)
    golden = GOLDEN[str(classes)]
    assert found.log_likelihood >= golden["ll"] - 1e-9
    assert found.log_likelihood == pytest.approx(golden["ll"], abs=1e-4)
    assert found.bic == pytest.approx(golden["BIC_N"], abs=1e-3)
    assert found.caic == pytest.approx(golden["CAIC_N"], abs=1e-3)
    np.testing.assert_allclose(found.mixture.shares, golden["shares"], atol=2e-4)
    np.testing.assert_allclose(found.mixture.coefficients, golden["coef"], atol=0.02)
