"""The electricity choices give the mixed logits published with mlogit and xlogit."""

from pathlib import Path

import numpy as np
import pytest

from analysis.choices.mixed_logit import fit_mixed_logit
from analysis.study import read_study
from analysis.tables import read_choices

EXAMPLE = Path(__file__).parents[3] / "examples/electricity"
HUNDRED = (
    [-0.9733844, -0.2055565, 2.0757333, 1.4756497, -9.0525423, -9.1037717],
    [0.219945, 0.3783044, 1.4829803, 1.0000609, 2.2894889, 1.1808827],
)
SIX_HUNDRED = (
    [-0.9972102, -0.2196812, 2.2901807, 1.6943247, -9.6752279, -9.6961836],
    [0.2207255, 0.4115547, 1.7840255, 1.2296227, 2.2757059, 1.4862206],
)


@pytest.mark.parametrize(
    ("draws", "ll", "golden"),
    [
        (100, -3952.487733, HUNDRED),
        pytest.param(600, -3888.465070, SIX_HUNDRED, marks=pytest.mark.deep),
    ],
)
def test_six_normals_on_the_panel(draws, ll, golden):
    study = read_study(EXAMPLE / "study.yaml")
    choices = read_choices(EXAMPLE / "choices.csv.gz", study.choice_exercise())
    found = fit_mixed_logit(study, choices, n_draws=draws)
    assert found.log_likelihood == pytest.approx(ll, abs=2e-6)
    np.testing.assert_allclose(found.vector[:6], golden[0], atol=1e-4)
    np.testing.assert_allclose(found.vector[6:], golden[1], atol=1e-4)
    assert len(found.respondents) == 361
