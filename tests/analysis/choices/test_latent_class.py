"""Latent classes: planted classes come back, derivatives are exact, local maxima are told."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from analysis.choices.coding import coding_of
from analysis.choices.identification import NotIdentified
from analysis.choices.importances import importances
from analysis.choices.latent_class import (
    Mixture,
    compare_classes,
    derivatives,
    fit_latent_class,
)
from analysis.choices.mnl import NotConverged, fit_mnl
from analysis.choices.panel import panel_of
from analysis.choices.sets import choice_sets
from analysis.tables import check_choices

ONE = np.array([-0.6, 0.4, -0.5, -2.2, -0.8])
TWO = np.array([0.9, -1.4, -0.2, -0.3, 0.6])


def together(study, *parts):
    frames = [
        table.frame.assign(respondent=f"{n}-" + table.frame["respondent"])
        for n, table in enumerate(parts)
    ]
    return check_choices(pd.concat(frames), study.choice_exercise())


@pytest.fixture(scope="module")
def mixed(study, make):
    _, simulate = make
    one = simulate(study, ONE, respondents=260, tasks=10, seed=1)
    two = simulate(study, TWO, respondents=140, tasks=10, seed=2)
    return together(study, one, two)


@pytest.fixture(scope="module")
def fitted(study, mixed):
    return fit_latent_class(study, mixed, classes=2, seed=1, starts=4)


def panel(study, table, weights=None):
    coding = coding_of(study, table.exercise)
    return panel_of(choice_sets(coding, table.frame, weights))


def mixture_of(q, s, width=5, seed=4):
    generator = np.random.default_rng(seed)
    shares, scale_shares = generator.dirichlet(np.full(q, 8)), generator.dirichlet(np.full(s, 8))
    scales = np.concatenate([[1.0], generator.uniform(0.4, 2, size=s - 1)])
    return Mixture(shares, generator.normal(size=(q, width)), scale_shares, scales)


@pytest.mark.parametrize(("q", "s"), [(1, 1), (3, 1), (1, 2), (2, 3)])
def test_gradient_and_information_match_numeric_ones(study, make, q, s):
    _, simulate = make
    table = simulate(study, ONE, respondents=25, tasks=4)
    gone = (table.frame["task"] == 2) & (table.frame["alternative"] == 1) & ~table.frame["chosen"]
    weights = {str(n): 0.5 + n % 3 for n in range(25)}
    people = panel(study, replace(table, frame=table.frame[~gone]), weights)
    mixture = mixture_of(q, s)
    point = mixture.vector()
    here = derivatives(people, mixture)

    def value(vector):
        return derivatives(people, mixture.at(vector)).log_likelihood

    def slope(vector):
        return derivatives(people, mixture.at(vector)).gradient

    numeric = approx_fprime(point, value, 1e-6)
    np.testing.assert_allclose(here.gradient, numeric, rtol=1e-4, atol=2e-3)
    bend = np.array(
        [(slope(point + step) - slope(point - step)) / 2e-5 for step in 1e-5 * np.eye(len(point))]
    )
    np.testing.assert_allclose(-here.information, bend, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(people.weight @ here.scores, here.gradient, atol=1e-9)


def test_planted_classes_come_back(fitted):
    assert fitted.mixture.shares == pytest.approx([0.65, 0.35], abs=0.04)
    for n, truth in ((1, ONE), (2, TWO)):
        worths = fitted.class_part_worths(n)
        for kind in ("classical", "cluster"):
            error = np.sqrt(np.diag(worths.covariance(kind)))
            assert (np.abs(worths.coefficients - truth) < 3.5 * error).all()
            assert error.max() < 0.25
    assert fitted.share_errors().max() < 0.05
    assert fitted.entropy_r2 > 0.7


def test_membership_finds_the_people(fitted):
    planted = np.array([name.startswith("0-") for name in fitted.respondents])
    found = fitted.membership[:, 0] > 0.5
    assert (planted == found).mean() > 0.95
    np.testing.assert_allclose(fitted.membership.sum(axis=1), 1)
    assert fitted.membership.mean(axis=0) == pytest.approx(fitted.mixture.shares, abs=1e-6)


def test_information_criteria_choose_the_planted_number(study, mixed):
    solutions = compare_classes(study, mixed, classes=(1, 2, 3), seed=1, starts=4)
    assert min(solutions, key=lambda s: s.bic).n_classes == 2
    one, two, three = solutions
    assert one.log_likelihood == pytest.approx(fit_mnl(study, mixed).log_likelihood, abs=1e-7)
    assert one.entropy_r2 == 1
    assert one.log_likelihood < two.log_likelihood <= three.log_likelihood
    assert (one.n_parameters, two.n_parameters, three.n_parameters) == (5, 11, 17)
    assert two.aic == pytest.approx(-2 * two.log_likelihood + 22)
    assert two.bic == pytest.approx(-2 * two.log_likelihood + 11 * np.log(400))
    assert two.caic == pytest.approx(two.bic + 11)


def test_a_fit_begun_near_a_known_one_ends_at_its_maximum(study, mixed, fitted):
    near = replace(fitted.mixture, coefficients=fitted.mixture.coefficients + 0.1)
    again = fit_latent_class(study, mixed, classes=2, seed=5, starts=1, near=near)
    assert again.log_likelihood == pytest.approx(fitted.log_likelihood, abs=1e-6)
    assert len(again.log_likelihoods) == 1
    with pytest.raises(ValueError, match="2 classes and 1 of scale, not 3 and 1"):
        fit_latent_class(study, mixed, classes=3, seed=5, starts=1, near=near)


def test_one_class_has_the_errors_of_the_logit(study, mixed):
    one = fit_latent_class(study, mixed, classes=1, seed=1).class_part_worths(1)
    logit = fit_mnl(study, mixed)
    np.testing.assert_allclose(one.coefficients, logit.coefficients, atol=1e-8)
    for kind in ("classical", "cluster"):
        np.testing.assert_allclose(one.covariance(kind), logit.covariance(kind), rtol=1e-5)


def test_the_mean_of_the_classes_has_a_delta_error(fitted):
    mean = fitted.mean_part_worths()
    expected = fitted.mixture.shares @ fitted.mixture.coefficients
    np.testing.assert_allclose(mean.coefficients, expected)
    generator = np.random.default_rng(1)
    drawn = generator.multivariate_normal(
        fitted.mixture.vector(), fitted.covariances["cluster"], size=4000
    )
    means = [m.shares @ m.coefficients for m in map(fitted.mixture.at, drawn)]
    spread = np.sqrt(np.diag(mean.covariance("cluster")))
    np.testing.assert_allclose(np.std(means, axis=0), spread, rtol=0.06)
    shares = [fitted.mixture.at(d).shares[0] for d in drawn]
    assert np.std(shares) == pytest.approx(fitted.share_errors()[0], rel=0.06)
    assert importances(mean, seed=1)[0].estimate.value > 0


def test_scale_classes_find_people_who_choose_more_or_less_consistently(study, make):
    _, simulate = make
    sure = simulate(study, 1.5 * ONE, respondents=250, tasks=14, seed=5)
    unsure = simulate(study, 0.4 * ONE, respondents=150, tasks=14, seed=6)
    mixed = together(study, sure, unsure)
    found = fit_latent_class(study, mixed, classes=1, scale_classes=2, seed=1, starts=3)
    assert found.mixture.scale_shares[0] == pytest.approx(0.625, abs=0.1)
    error = found.scale_errors()[0]
    assert abs(np.log(found.mixture.scales[1]) - np.log(0.4 / 1.5)) < 3 * error < 0.9
    truth = 1.5 * ONE
    assert np.abs(found.mixture.coefficients[0] - truth).max() < 0.4
    plain = fit_latent_class(study, mixed, classes=2, seed=1, starts=4)
    assert found.bic < plain.bic


def test_same_seed_same_numbers_whatever_the_order_of_rows(study, mixed, fitted):
    again = fit_latent_class(study, mixed, classes=2, seed=1, starts=4)
    np.testing.assert_array_equal(again.membership, fitted.membership)
    other = replace(mixed, frame=mixed.frame.sample(frac=1, random_state=3))
    shuffled = fit_latent_class(study, other, classes=2, seed=9, starts=4)
    assert shuffled.log_likelihood == pytest.approx(fitted.log_likelihood, abs=1e-6)
    np.testing.assert_allclose(shuffled.mixture.shares, fitted.mixture.shares, atol=1e-5)


def test_a_weight_of_two_counts_like_two_people(study, mixed):
    frame = mixed.frame
    some = frame["respondent"].str.endswith("1")
    copies = frame[some].assign(respondent=frame.loc[some, "respondent"] + "copy")
    doubled = fit_latent_class(
        study, replace(mixed, frame=pd.concat([frame, copies])), classes=2, seed=1, starts=2
    )
    weights = {n: 2.0 if n.endswith("1") else 1.0 for n in frame["respondent"].unique()}
    weighted = fit_latent_class(study, mixed, classes=2, seed=1, starts=2, weights=weights)
    np.testing.assert_allclose(
        weighted.mixture.coefficients, doubled.mixture.coefficients, atol=1e-5
    )
    np.testing.assert_allclose(weighted.mixture.shares, doubled.mixture.shares, atol=1e-6)


def test_what_cannot_be_fitted_is_refused_by_name(study, make, mixed):
    make_study, simulate = make
    few = simulate(study, ONE, respondents=3, tasks=40)
    with pytest.raises(
        ValueError, match="4 classes need at least as many respondents; there are 3"
    ):
        fit_latent_class(study, few, classes=4, seed=1)
    with pytest.raises(ValueError, match=r"classes is 0.*starts is 0"):
        fit_latent_class(study, mixed, classes=0, starts=0, seed=1)
    flat = mixed.frame.copy()
    flat.loc[flat["look"].notna(), "look"] = "good"
    with pytest.raises(NotIdentified, match="level 'poor' of attribute 'look' is in no task"):
        fit_latent_class(study, replace(mixed, frame=flat), classes=2, seed=1)
    plain = make_study(none=None)
    always = simulate(plain, np.array([0, 0, 0, -80.0]), respondents=40, seed=3)
    never = simulate(plain, np.array([0, 0, 0, 80.0]), respondents=40, seed=4)
    with pytest.raises(NotConverged, match="fewer classes"):
        fit_latent_class(plain, together(plain, always, never), classes=2, seed=1, starts=3)


def test_fewer_people_than_parameters_have_no_clustered_intervals(study, make):
    simulate = make[1]
    few = together(
        study,
        simulate(study, ONE, respondents=6, tasks=30, seed=1),
        simulate(study, TWO, respondents=4, tasks=30, seed=2),
    )
    found = fit_latent_class(study, few, classes=2, seed=1, starts=3)
    assert found.n_respondents == 10
    assert found.n_parameters == 11
    part = found.class_part_worths(1)
    assert part.why_no_intervals("cluster").endswith("(10) than parameters (11)")
    assert not part.why_no_intervals("classical")
    assert np.isinf(found.share_errors()).all()
    assert np.isfinite(found.share_errors("classical")).all()
    assert any("so there are no intervals" in note for note in found.warnings)


@pytest.mark.deep
def test_intervals_of_classes_cover_the_truth(study, make):
    """60 samples of 200 people: 95 % intervals cover the planted part-worths and shares."""
    pools = [
        make[1](study, t, respondents=3000, tasks=8, seed=n).frame for n, t in ((1, ONE), (2, TWO))
    ]
    generator = np.random.default_rng(5)
    covered = {"classical": [], "cluster": []}
    shares = []
    for _ in range(60):
        first = generator.binomial(200, 0.6)
        parts = []
        for n, (pool, count) in enumerate(zip(pools, (first, 200 - first), strict=True)):
            names = generator.choice(3000, count, replace=False).astype(str)
            some = pool[pool["respondent"].isin(names)]
            parts.append(some.assign(respondent=f"{n}-" + some["respondent"]))
        table = check_choices(pd.concat(parts), study.choice_exercise())
        found = fit_latent_class(study, table, classes=2, seed=1, starts=2)
        price = found.mixture.coefficients[:, 3]
        own = (1, 2) if price[0] < price[1] else (2, 1)
        for kind, hits in covered.items():
            for number, truth in zip(own, (ONE, TWO), strict=True):
                worths = found.class_part_worths(number)
                error = np.sqrt(np.diag(worths.covariance(kind)))
                hits.extend(np.abs(worths.coefficients - truth) < 1.96 * error)
        error = found.share_errors()[own[0] - 1]
        shares.append(abs(found.mixture.shares[own[0] - 1] - 0.6) < 1.96 * error)
    assert 0.92 < np.mean(covered["classical"]) < 0.98
    assert 0.92 < np.mean(covered["cluster"]) < 0.98
    assert np.mean(shares) > 0.88
