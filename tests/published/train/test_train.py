"""The train journeys give mlogit's logit, xlogit's mixed logit and the classes of a plain EM."""

import json
from pathlib import Path

import numpy as np
import pytest

from analysis.choices.latent_class import fit_latent_class
from analysis.choices.mixed_logit import fit_mixed_logit
from analysis.choices.mnl import fit_mnl
from analysis.study import read_study
from analysis.tables import read_choices

HERE = Path(__file__).parent
GOLDEN = json.loads((HERE / "golden.json").read_text())


@pytest.fixture(scope="module")
def study():
    return read_study(HERE / "study.yaml")


@pytest.fixture(scope="module")
def choices(study):
    return read_choices(HERE / "choices.csv.gz", study.choice_exercise())


def test_the_logit_has_the_printed_digits(study, choices):
    found, golden = fit_mnl(study, choices), GOLDEN["logit"]
    assert (found.n_respondents, found.n_tasks) == (235, 2929)
    np.testing.assert_allclose(found.coefficients, golden["coefficients"], atol=2e-7)
    errors = np.sqrt(np.diag(found.covariance("classical")))
    np.testing.assert_allclose(errors, golden["errors"], atol=6e-8)


def test_the_mixed_logit_is_that_of_the_same_draws(study, choices):
    found, golden = (
        fit_mixed_logit(study, choices, n_draws=200),
        GOLDEN["mixed logit, 200 Halton draws"],
    )
    assert found.log_likelihood == pytest.approx(golden["log_likelihood"], abs=1e-6)
    np.testing.assert_allclose(found.vector[:4], golden["means"], atol=1e-5)
    np.testing.assert_allclose(np.abs(found.vector[4:]), golden["deviations"], atol=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_latent_classes_reach_the_best_of_a_plain_em(study, choices, classes):
    found = fit_latent_class(study, choices, classes=classes, seed=1, starts=10)
    assert found.log_likelihood >= GOLDEN["latent classes"][str(classes)] - 1e-5
