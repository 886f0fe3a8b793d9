"""Mixed logit: exact derivatives, a planted population, Halton draws as everybody makes them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from analysis.choices.coding import coding_of
from analysis.choices.identification import NotIdentified
from analysis.choices.mixed_logit import (
    Spread,
    derivatives,
    fit_mixed_logit,
    halton,
    halton_normals,
)
from analysis.choices.mnl import fit_mnl
from analysis.choices.panel import panel_of
from analysis.choices.sets import choice_sets
from analysis.tables import check_choices

MEAN = np.array([-0.6, 0.4, -0.5, -1.6, -0.8])
SDS = np.array([0.7, 0.5, 0.4, 0.9, 1.2])


def population(study, simulate, lower, *, people=400, tasks=10, seed=1):
    """Everybody has coefficients of their own from N(MEAN, lower lower')."""
    generator = np.random.default_rng(seed)
    base = simulate(study, MEAN, respondents=people, tasks=tasks, seed=seed)
    truth = MEAN + generator.normal(size=(people, 5)) @ lower.T
    frame = base.frame.copy()
    x = coding_of(study, base.exercise).matrix(frame)
    place = frame["respondent"].astype(int).to_numpy()
    utility = (x * truth[place]).sum(axis=1) + generator.gumbel(size=len(frame))
    shown = base.exercise.alternatives + 1
    best = utility.reshape(-1, shown).argmax(axis=1)
    frame["chosen"] = (np.arange(len(frame)) % shown) == best.repeat(shown)
    return check_choices(frame, base.exercise), truth


@pytest.fixture(scope="module")
def people(study, make):
    return population(study, make[1], np.diag(SDS))


@pytest.fixture(scope="module")
def fitted(study, people):
    return fit_mixed_logit(study, people[0], n_draws=100)


def test_halton_sequences_start_as_in_the_book():
    """Train (2009), section 9.3.3: the sequence of 3 is 1/3, 2/3, 1/9, 4/9, 7/9, 2/9, ..."""
    np.testing.assert_allclose(
        halton(8, 3, dropped=1), [1 / 3, 2 / 3, 1 / 9, 4 / 9, 7 / 9, 2 / 9, 5 / 9, 8 / 9]
    )
    np.testing.assert_allclose(halton(3, 2, dropped=0), [0, 0.5, 0.25])
    np.testing.assert_allclose(halton(5, 5), halton(105, 5, dropped=0)[100:])


def test_draws_cover_the_normal_evenly_and_are_independent():
    spread = Spread(np.array([0, 2, 3]), np.array([0, 2, 3]), 4)
    draws = halton_normals(50, 200, 4, spread)
    assert (draws[:, :, 1] == 0).all()
    flat = draws.reshape(-1, 4)[:, [0, 2, 3]]
    np.testing.assert_allclose(flat.mean(axis=0), 0, atol=2e-3)
    np.testing.assert_allclose(np.cov(flat.T), np.eye(3), atol=0.01)


@pytest.mark.parametrize("correlated", [False, True])
def test_gradient_and_information_match_numeric_ones(study, make, correlated):
    table = make[1](study, MEAN, respondents=12, tasks=5)
    gone = (table.frame["task"] == 2) & (table.frame["alternative"] == 1) & ~table.frame["chosen"]
    weights = {str(n): 0.5 + n % 3 for n in range(12)}
    coding = coding_of(study, table.exercise)
    panel = panel_of(choice_sets(coding, table.frame[~gone], weights))
    pairs = [(i, j) for i in (0, 1, 3) for j in (0, 1, 3) if i == j or (correlated and j < i)]
    spread = Spread(np.array([i for i, _ in pairs]), np.array([j for _, j in pairs]), 5)
    draws = halton_normals(12, 30, 5, spread)
    point = np.concatenate([MEAN, np.linspace(0.2, 0.9, len(pairs))])
    here = derivatives(panel, draws, spread, point)

    def value(vector):
        return derivatives(panel, draws, spread, vector).log_likelihood

    def slope(vector):
        return derivatives(panel, draws, spread, vector).gradient

    np.testing.assert_allclose(
        here.gradient, approx_fprime(point, value, 1e-6), rtol=1e-4, atol=1e-3
    )
    steps = 1e-5 * np.eye(len(point))
    bend = np.array([(slope(point + step) - slope(point - step)) / 2e-5 for step in steps])
    np.testing.assert_allclose(-here.information, bend, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(panel.weight @ here.scores, here.gradient, atol=1e-9)


def test_a_planted_population_comes_back(fitted, people, study):
    sds = np.abs(fitted.vector[5:])
    for kind in ("classical", "cluster"):
        error = np.sqrt(np.diag(fitted.covariances[kind]))
        assert (np.abs(fitted.vector[:5] - MEAN) < 3.5 * error[:5]).all()
        assert (np.abs(sds - SDS) < 3.5 * error[5:]).all()
    assert error.max() < 0.25
    aggregate = fit_mnl(study, people[0])
    assert fitted.log_likelihood > aggregate.log_likelihood + 100
    assert (np.abs(aggregate.coefficients) < np.abs(fitted.vector[:5])).all()


def test_individual_part_worths_follow_the_people(fitted, people):
    columns, rows = fitted.coding.level_rows()
    truth = people[1] @ rows.T
    price = [column.attribute for column in columns].index("price")
    assert np.corrcoef(truth[:, price], fitted.individual_means[:, price])[0, 1] > 0.5
    assert fitted.individual_means.mean(axis=0) == pytest.approx(rows @ fitted.vector[:5], abs=0.05)
    inside = np.abs(truth - fitted.individual_means) < 1.96 * fitted.individual_sds
    assert 0.9 < inside.mean() < 0.98


def test_a_correlation_between_part_worths_is_found(study, make):
    lower = np.diag(SDS)
    lower[4, 3] = 1.5
    table, _ = population(study, make[1], lower, people=300, tasks=8, seed=5)
    found = fit_mixed_logit(study, table, n_draws=50, correlated=True, random=["price", "none"])
    cov = found.population_covariance
    assert cov[3, 4] / np.sqrt(cov[3, 3] * cov[4, 4]) > 0.4
    assert (cov[:3] == 0).all()
    assert len(found.vector) == 5 + 3


def test_spread_of_the_reference_level_and_its_error(fitted):
    columns, sds, errors = fitted.level_spreads()
    by_name = {(c.attribute, c.level): (s, e) for c, s, e in zip(columns, sds, errors, strict=True)}
    own = np.abs(fitted.vector[5:])
    assert by_name["taste", "plain"][0] == pytest.approx(own[0])
    assert by_name["taste", "salty"][0] == pytest.approx(np.hypot(own[0], own[1]))
    spread = np.sqrt(np.diag(fitted.covariances["cluster"]))[5:]
    assert by_name["price", ""][1] == pytest.approx(spread[3])


def test_a_weight_of_two_is_a_likelihood_counted_twice(study, make):
    table = make[1](study, MEAN, respondents=30, tasks=5)
    coding = coding_of(study, table.exercise)
    weights = {str(n): 2.0 if n < 10 else 1.0 for n in range(30)}
    spread = Spread(np.arange(5), np.arange(5), 5)
    draws = halton_normals(30, 20, 5, spread)
    point = np.concatenate([MEAN, SDS])

    def value(given):
        panel = panel_of(choice_sets(coding, table.frame, given))
        return derivatives(panel, draws, spread, point).log_likelihood

    ten = table.frame[table.frame["respondent"].astype(int) < 10]
    first = panel_of(choice_sets(coding, ten))
    extra = derivatives(first, draws[:10], spread, point).log_likelihood
    assert value(weights) == pytest.approx((value(None) + extra) * 30 / 40)


def test_what_cannot_be_fitted_is_refused_by_name(study, people, make):
    table = people[0]
    one = table.frame[table.frame["respondent"] == "0"]
    with pytest.raises((ValueError, NotIdentified)):
        fit_mixed_logit(study, replace(table, frame=one))
    long = make[1](study, MEAN / 2, respondents=1, tasks=200)
    with pytest.raises(ValueError, match="one respondent: there is no spread"):
        fit_mixed_logit(study, long)
    short = table.frame[table.frame["task"] == 1]
    with pytest.raises(ValueError, match="every respondent has one task"):
        fit_mixed_logit(study, replace(table, frame=short))
    with pytest.raises(ValueError, match="no attribute 'colour' to vary; known: taste, look"):
        fit_mixed_logit(study, table, random=["colour"])
    with pytest.raises(ValueError, match="n_draws is 1"):
        fit_mixed_logit(study, table, n_draws=1)
    flat = table.frame.copy()
    flat.loc[flat["look"].notna(), "look"] = "good"
    with pytest.raises(NotIdentified, match="level 'poor' of attribute 'look'"):
        fit_mixed_logit(study, replace(table, frame=flat))


def test_few_draws_are_said(fitted):
    assert "100 draws" in fitted.warnings[-1]
    assert isinstance(fitted.part_worths().covariance("cluster"), np.ndarray)
    assert pd.Series(fitted.respondents).is_unique


def test_fewer_people_than_parameters_have_no_clustered_intervals(study, make):
    few, _ = population(study, make[1], np.eye(5) * 0.8, people=9, tasks=40)
    found = fit_mixed_logit(study, few, n_draws=50)
    assert len(found.vector) == 10
    assert found.part_worths().why_no_intervals("cluster")
    assert np.isinf(found.level_spreads()[2]).all()
    assert np.isfinite(found.level_spreads("classical")[2]).all()
    assert "so there are no intervals" in found.warnings[-2]
