"""Part-worths along a number: the slope that was planted, and money free of scale."""

import numpy as np
import pandas as pd
import pytest

from analysis.choices.coding import coding_of
from analysis.choices.hb import Settings, fit_hb
from analysis.choices.hb.along import lines_along, money_at
from analysis.choices.mnl import fit_mnl
from analysis.tables import check_choices

TRUTH = np.array([-0.6, 0.4, -0.5, -1.2, -0.8])
SWEET, SLOPE = 1, 0.6
"""The column that goes with the number, and by how much a unit (one standard deviation)."""


def planted(study, choices, seed, *, people=200):
    """Choices in which one part-worth rises with x; tastes differ beside it."""
    rng = np.random.default_rng(seed)
    frame = choices.frame[choices.frame["respondent"].astype(int) < people].reset_index(drop=True)
    place, names = pd.factorize(frame["respondent"].astype(str))
    x = rng.normal(size=people)
    beta = TRUTH + 0.7 * rng.normal(size=(people, 5))
    beta[:, SWEET] += SLOPE * x
    coded = coding_of(study, choices.exercise).matrix(frame)
    utility = np.einsum("rk,rk->r", coded, beta[place]) + rng.gumbel(size=len(frame))
    best = utility.reshape(-1, 4).argmax(1) + np.arange(0, len(frame), 4)
    frame["chosen"] = np.isin(np.arange(len(frame)), best)
    return check_choices(frame, choices.exercise), pd.Series(x, index=names)


def slopes(study, table, x, *, seed, inside, settings=None):
    covariates = x.to_frame("x") if inside else None
    found = fit_hb(study, table, seed=seed, covariates=covariates,
                   settings=settings or Settings(burn_in=300, draws=600))  # fmt: skip
    return found, lines_along(found, x, seed=seed)


@pytest.fixture(scope="module")
def fitted(study, choices):
    table, x = planted(study, choices, 3)
    return table, x, slopes(study, table, x, seed=3, inside=True)[0]


def test_the_line_goes_through_the_average_respondent(fitted):
    _, x, found = fitted
    lines = lines_along(found, x, seed=3)
    assert lines.n == 200
    np.testing.assert_allclose(lines.at(0.0), lines.mean - lines.centre[:, None] * lines.slope)
    middle = found.hierarchy.individual()[0].mean(0)
    np.testing.assert_allclose(lines.at(float(x.mean())).mean(0), middle, atol=0.05)


def test_money_rises_with_the_number_and_does_not_depend_on_the_scale(fitted):
    _, x, found = fitted
    lines = lines_along(found, x, seed=3)
    contrast = found.coding.contrast("taste", "plain", "sweet")
    money = money_at(found, lines, contrast, (-1.0, 1.0))
    true = np.array([-1.0, 1.0])
    worth = [float(contrast @ (TRUTH + SLOPE * at * np.eye(5)[SWEET])) / 1.2 for at in true]
    low, high = np.quantile(money, [0.005, 0.995], axis=0)
    assert np.all((low < worth) & (high > worth))
    twice = type(lines)(lines.centre, 2 * lines.mean, 2 * lines.slope, lines.n)
    np.testing.assert_allclose(money_at(found, twice, contrast, (-1.0, 1.0)), money)


def test_who_has_no_number_is_left_out(fitted):
    _, x, found = fitted
    assert lines_along(found, x.iloc[:120], seed=3).n == 120
    with pytest.raises(ValueError, match="three respondents"):
        lines_along(found, x.iloc[:2], seed=3)


def test_the_logit_has_no_line_of_respondents(study, fitted):
    table, x, _ = fitted
    with pytest.raises(ValueError, match="no draws of respondents"):
        lines_along(fit_mnl(study, table), x, seed=3)


@pytest.mark.deep
def test_the_planted_slope_is_covered_only_with_the_number_in_the_upper_level(study, choices):
    """40 studies of 200 respondents x 8 tasks; results in docs/deep-checks.md."""
    covered, inside, outside = [], [], []
    for seed in range(40):
        table, x = planted(study, choices, 100 + seed)
        drawn = slopes(study, table, x, seed=seed, inside=True)[1].slope[:, SWEET]
        low, high = np.quantile(drawn, [0.025, 0.975])
        covered.append(low < SLOPE < high)
        inside.append(drawn.mean())
        outside.append(slopes(study, table, x, seed=seed, inside=False)[1].slope[:, SWEET].mean())
    print(f"covered {np.mean(covered):.3f}, with {np.mean(inside):.3f}, without "
          f"{np.mean(outside):.3f} (planted {SLOPE})")  # fmt: skip
    error = np.std(inside, ddof=1) / len(inside) ** 0.5
    assert np.mean(covered) >= 0.85
    assert abs(np.mean(inside) - SLOPE) < 4 * error
    assert np.mean(outside) < 0.85 * SLOPE
