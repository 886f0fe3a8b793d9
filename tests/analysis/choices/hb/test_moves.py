"""The moves: the density they target, its gradient, and the maps between coordinates."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.choices.hb.chain import BurnIn, Chain
from analysis.choices.hb.moves import (
    centre_partially,
    draw_population,
    from_vector,
    population_density,
    to_vector,
)
from analysis.choices.hb.packing import pack
from analysis.choices.hb.priors import Prior, bayesm_prior
from tests.analysis.choices.hb.conftest import Coded, log_likelihood, simulate


def covariates(n: int, seed: int = 5) -> np.ndarray:
    return np.column_stack([np.ones(n), np.random.default_rng(seed).normal(size=n)])


@pytest.fixture
def started(ragged: Coded) -> Chain:
    """A chain with a covariate, some draws from its start, with an adapted surrogate."""
    n, width = ragged.beta.shape
    chain = Chain(
        pack(ragged.x, ragged.y),
        covariates(n),
        bayesm_prior(width, covariates=2),
        seed=np.random.SeedSequence(6),
        steps=(3, 3),
    )
    burn_in = BurnIn(chain, 100)
    while not burn_in.finished:
        burn_in.advance()
    return chain


def density(chain: Chain, q: np.ndarray) -> tuple[float, np.ndarray]:
    _, study, surrogate, prior = chain._groups
    return population_density(q, chain.z, study, surrogate, prior, chain.spare, False)


def prepared(chain: Chain) -> np.ndarray:
    population, study, surrogate, _ = chain._groups
    centre_partially(population, study, chain.state[0], surrogate, chain.z)
    return to_vector(*population)


def test_betas_return_from_the_partially_centred_coordinates(started: Chain):
    q = prepared(started)
    density(started, q)
    np.testing.assert_allclose(started.spare[0], started.state[0], atol=2e-5)


def test_gradient_of_the_population_density_matches_differences(started: Chain):
    q = prepared(started)
    _, gradient = density(started, q)
    numeric = np.empty_like(q)
    for k in range(q.size):
        step = np.zeros(q.size)
        step[k] = 5e-3
        numeric[k] = (density(started, q + step)[0] - density(started, q - step)[0]) / 1e-2
    assert np.max(np.abs(gradient - numeric)) < 2e-3 * np.max(np.abs(gradient)) + 0.02


def book_density(chain: Chain, coded: Coded, prior: Prior, q: np.ndarray) -> float:
    """log p(answers | beta) p(beta | q) p(q) |dbeta/dz| by scipy, with Jacobians by hand."""
    width = coded.x.shape[3]
    gamma, root = from_vector(q, 2, width)
    sigma = root @ root.T
    _, _, (H, score), _ = chain._groups
    P = np.linalg.inv(sigma)
    V = np.linalg.inv(H + P)
    w = covariates(len(coded.beta))
    centres = w @ gamma
    z = chain.packed.gather(chain.z).astype(float)
    C = np.linalg.inv(np.linalg.cholesky(H + P)).T
    beta = (chain.packed.gather(score) + centres @ P) @ V + z @ C.T
    total = log_likelihood(coded.x, coded.y, beta).sum()
    total += stats.multivariate_normal(np.zeros(width), sigma).logpdf(beta - centres).sum()
    total += stats.invwishart(prior.nu, prior.scale).logpdf(sigma)
    for row, precision in zip(gamma, np.diag(prior.precision), strict=True):
        total += stats.multivariate_normal(np.zeros(width), sigma / precision).logpdf(row)
    power = width - np.arange(width) + 1  # d Sigma / d L, then d L_kk / d log L_kk
    total += power @ np.log(np.diag(root))
    return total + len(beta) * np.log(np.diag(C)).sum()


def test_population_density_is_the_posterior_in_other_coordinates(started: Chain, ragged: Coded):
    q = prepared(started)
    rng = np.random.default_rng(7)
    others = [q + 0.05 * rng.normal(size=q.size) for _ in range(4)]
    here, book = density(started, q)[0], book_density(started, ragged, started.prior, q)
    for other in others:
        change = density(started, other)[0] - here
        expected = book_density(started, ragged, started.prior, other) - book
        assert change == pytest.approx(expected, abs=5e-3 + 1e-5 * abs(expected))


def test_vectors_of_the_population_return():
    root = np.linalg.cholesky(stats.wishart(8, np.eye(4)).rvs(random_state=1))
    gamma = np.arange(8.0).reshape(2, 4)
    back = from_vector(to_vector(gamma, root), 2, 4)
    np.testing.assert_allclose(back[0], gamma)
    np.testing.assert_allclose(back[1], root)


def test_conjugate_draw_has_the_moments_of_its_distribution():
    coded = simulate(8, 40, 2, 2, 3)
    chain = Chain(
        pack(coded.x, coded.y),
        np.ones((40, 1)),
        Prior(12.0, 2 * np.eye(3), np.array([[0.5]])),
        seed=np.random.SeedSequence(9),
        steps=(2, 2),
    )
    population, study, _, prior = chain._groups
    beta = chain.packed.spread(coded.beta)
    draws = 20_000
    mu, sigma = np.empty((draws, 3)), np.empty((draws, 3, 3))
    for i in range(draws):
        draw_population(chain.rng, population, study, chain.ww, prior, beta)
        mu[i], sigma[i] = population[0][0], population[1] @ population[1].T
    centre = coded.beta.sum(0) / 40.5
    scale = 2 * np.eye(3) + coded.beta.T @ coded.beta - 40.5 * np.outer(centre, centre)
    mean_sigma = scale / (52 - 3 - 1)
    np.testing.assert_allclose(sigma.mean(0), mean_sigma, atol=0.02 * mean_sigma.max())
    np.testing.assert_allclose(mu.mean(0), centre, atol=0.006)
    np.testing.assert_allclose(np.cov(mu.T), mean_sigma / 40.5, atol=0.03 * mean_sigma.max() / 40.5)
