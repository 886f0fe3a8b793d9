"""The structure of nine ability tests, as published (see SOURCE.md)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.ratings.confirmatory import fit_structure, invariance, validity

SCORES = pd.read_csv(Path(__file__).parent / "holzinger.csv")
ABILITIES = {
    "visual": ["x1", "x2", "x3"],
    "textual": ["x4", "x5", "x6"],
    "speed": ["x7", "x8", "x9"],
}


@pytest.fixture(scope="module")
def fit():
    return fit_structure(ABILITIES, SCORES)


def test_fit_of_three_abilities(fit):
    assert (fit.n, fit.df) == (301, 24)
    assert fit.chi2 == pytest.approx(85.306, abs=5e-4)
    assert fit.chi2 / fit.scaling == pytest.approx(80.872, abs=5e-4)
    assert fit.scaling == pytest.approx(1.055, abs=5e-4)
    assert fit.srmr == pytest.approx(0.065, abs=5e-4)
    # The robust CFI and TLI stand close by the uncorrected .931 and .896.
    assert fit.cfi == pytest.approx(0.931, abs=2e-3)
    assert fit.tli == pytest.approx(0.896, abs=2e-3)
    assert fit.rmsea_low < 0.091 < fit.rmsea_high


def test_loadings_as_published(fit):
    published = [0.772, 0.424, 0.581, 0.852, 0.855, 0.838, 0.570, 0.723, 0.665]
    assert fit.standardised() == pytest.approx(published, abs=6e-4)


def test_schools_have_the_same_loadings_and_other_intercepts():
    found = invariance(ABILITIES, SCORES, SCORES["school"])
    published = [(115.851, 48), (124.044, 54), (164.103, 60)]
    for step, (chi2, df) in zip(found.steps, published, strict=True):
        assert step.fit.df == df
        assert step.fit.chi2 == pytest.approx(chi2, abs=6e-4)
    assert found.comparable == "relations"


def test_validity(fit):
    found = validity(fit, seed=1)
    visual, textual, _ = found.constructs
    assert visual.ave.value == pytest.approx(0.371, abs=2e-3)
    assert textual.ave.value == pytest.approx(0.721, abs=2e-3)
    assert [c.omega.value for c in found.constructs] == pytest.approx(
        [0.625, 0.885, 0.688], abs=1e-3
    )
    assert all(pair.distinct for pair in found.pairs)
    assert {(p.one, p.other): round(p.correlation.value, 3) for p in found.pairs} == {
        ("visual", "textual"): 0.459,
        ("visual", "speed"): 0.471,
        ("textual", "speed"): 0.283,
    }


def test_units_of_the_items_change_no_fit(fit):
    other = fit_structure(ABILITIES, 20 * SCORES[list(fit.items)] + 3)
    assert other.chi2 == pytest.approx(fit.chi2, rel=1e-8)
    assert np.allclose(other.standardised(), fit.standardised(), atol=1e-6)
