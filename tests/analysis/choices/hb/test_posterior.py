"""The draws come from the posterior: joint tests, calibration, and a plain slow sampler."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis.choices.hb.chain import BurnIn, Chain, evaluate
from analysis.choices.hb.diagnostics import effective
from analysis.choices.hb.packing import pack
from analysis.choices.hb.priors import Prior
from analysis.choices.hb.sampling import Settings, sample
from tests.analysis.choices.hb.conftest import Coded, answers, log_likelihood, simulate


def informative(width: int) -> Prior:
    """A_mu = 1, nu = K + 20: proper and strong enough for a test of calibration to bite."""
    nu = width + 20.0
    return Prior(nu, nu * 0.6 * np.eye(width), np.eye(1))


def from_prior(rng: np.random.Generator, prior: Prior) -> tuple[np.ndarray, np.ndarray]:
    sigma = stats.invwishart(prior.nu, prior.scale).rvs(random_state=rng)
    mu = rng.multivariate_normal(np.zeros(len(sigma)), sigma / prior.precision[0, 0])
    return mu, sigma


def summary(mu: np.ndarray, sigma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """What the joint test compares: first and second moments of all levels."""
    off = sigma[np.tril_indices(len(sigma), -1)]
    first = np.concatenate([mu, mu**2, np.diag(sigma), off, beta[0], beta[-1] ** 2])
    return np.append(first, [np.log(np.linalg.det(sigma)), (beta - mu).var()])


def natural(b: np.ndarray, logs: tuple[int, ...]) -> np.ndarray:
    """What multiplies the design: e^b in the constrained columns."""
    out = b.copy()
    out[:, list(logs)] = np.exp(b[:, list(logs)])
    return out


def successive_conditional(draws: int, seed: int, logs: tuple[int, ...]) -> np.ndarray:
    """Geweke (2004): answers given betas, then one draw given answers, over and over.

    ``logs`` are constrained columns. The surrogate and all tuning come from other answers and stay
    as they are: the draws must be exact for any of them.
    """
    n, tasks, width = 20, 5, 3
    prior = informative(width)
    rng = np.random.default_rng(seed)
    coded = simulate(seed, n, tasks, 3, width)
    packed = replace(pack(coded.x, coded.y), logs=logs)
    chain = Chain(packed, np.ones((n, 1)), prior, seed=np.random.SeedSequence(seed), steps=(2, 3))
    burn_in = BurnIn(chain, 200)
    while not burn_in.finished:
        burn_in.advance()
    out = []
    for _ in range(draws):
        beta = natural(packed.gather(chain.state[0]).astype(float), logs)
        packed.rows[:] = pack(coded.x, answers(rng, coded.x, beta)).rows
        evaluate(chain.study, chain.state)
        drawn = chain.draw(1, every=1)
        out.append(summary(drawn.gamma[0, 0], drawn.sigma[0], drawn.beta[0].astype(float)))
    return np.array(out)


def marginal_conditional(draws: int, seed: int) -> np.ndarray:
    prior = informative(3)
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(draws):
        mu, sigma = from_prior(rng, prior)
        out.append(summary(mu, sigma, rng.multivariate_normal(mu, sigma, size=20)))
    return np.array(out)


def joint_scores(draws: int, seed: int, logs: tuple[int, ...] = ()) -> np.ndarray:
    """Differences of the means of both simulators in standard errors."""
    one, two = successive_conditional(draws, seed, logs), marginal_conditional(draws, seed + 1)
    worth = effective(one[None], "bulk")
    error = np.sqrt(one.var(0) / worth + two.var(0) / draws)
    return (one.mean(0) - two.mean(0)) / error


def test_joint_distribution_is_the_prior_times_the_likelihood():
    scores = joint_scores(4_000, 11)
    assert np.max(np.abs(scores)) < 4


def test_joint_distribution_with_constraints():
    scores = joint_scores(2_000, 12, (1,))
    assert np.max(np.abs(scores)) < 4


@pytest.mark.deep
@pytest.mark.parametrize("logs", [(), (0, 2)], ids=["free", "constrained"])
def test_joint_distribution_at_length(logs: tuple[int, ...]):
    scores = np.concatenate([joint_scores(40_000, seed, logs) for seed in (21, 31)])
    assert np.max(np.abs(scores)) < 3.9
    assert stats.kstest(scores, "norm").pvalue > 1e-3


@pytest.mark.deep
def test_simulation_based_calibration():
    """Talts et al. (2018): ranks of the truth among draws are uniform, 300 studies."""
    n, tasks, width, bins = 60, 8, 3, 10
    prior = informative(width)
    ranks = []
    for study in range(300):
        rng = np.random.default_rng([41, study])
        mu, sigma = from_prior(rng, prior)
        beta = rng.multivariate_normal(mu, sigma, size=n)
        x = rng.normal(size=(n, tasks, 3, width))
        settings = Settings(chains=1, burn_in=200, draws=990, kept=99)
        posterior = sample(
            pack(x, answers(rng, x, beta)), np.ones((n, 1)), prior, seed=study, settings=settings
        )
        spread = np.diagonal(posterior.sigma[0, ::10], axis1=1, axis2=2)
        mean = posterior.mu[0, ::10]
        ranks.append(
            np.concatenate(
                [
                    (mean < mu).sum(0),
                    (spread < np.diag(sigma)).sum(0),
                    (posterior.beta[0, :, 0] < beta[0]).sum(0),
                ]
            )
        )
    counts = np.array([np.bincount(r * bins // 100, minlength=bins) for r in np.array(ranks).T])
    p_values = stats.chisquare(counts, axis=1).pvalue
    assert p_values.min() > 0.05 / p_values.size / 5, p_values


def random_walk(coded: Coded, prior: Prior, draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """mu and diag(Sigma) by random-walk Metropolis and conjugate draws, in plain NumPy."""
    rng = np.random.default_rng(seed)
    n, width = coded.beta.shape
    beta, sigma, mu = np.zeros((n, width)), np.eye(width), np.zeros(width)
    ll = log_likelihood(coded.x, coded.y, beta)
    out_mu, out_sigma = np.empty((draws, width)), np.empty((draws, width))
    for i in range(draws):
        P = np.linalg.inv(sigma)
        for _ in range(2):
            new = beta + 0.9 * rng.multivariate_normal(np.zeros(width), sigma, size=n)
            new_ll = log_likelihood(coded.x, coded.y, new)
            old_fit, new_fit = (np.einsum("nk,kl,nl->n", d, P, d) for d in (beta - mu, new - mu))
            taken = np.log(rng.random(n)) < new_ll - ll - 0.5 * (new_fit - old_fit)
            beta[taken], ll[taken] = new[taken], new_ll[taken]
        A = prior.precision[0, 0]
        centre = beta.sum(0) / (n + A)
        scale = prior.scale + beta.T @ beta - (n + A) * np.outer(centre, centre)
        sigma = stats.invwishart(prior.nu + n, scale).rvs(random_state=rng)
        mu = rng.multivariate_normal(centre, sigma / (n + A))
        out_mu[i], out_sigma[i] = mu, np.diag(sigma)
    return out_mu[draws // 10 :], out_sigma[draws // 10 :]


def test_posterior_means_are_those_of_a_plain_sampler():
    coded = simulate(51, 60, 6, 3, 2)
    prior = Prior(5.0, 5 * np.eye(2), np.array([[0.01]]))
    posterior = sample(
        pack(coded.x, coded.y),
        np.ones((60, 1)),
        prior,
        seed=52,
        settings=Settings(burn_in=300, draws=3000),
    )
    spread = np.diagonal(posterior.sigma, axis1=2, axis2=3)
    plain = random_walk(coded, prior, 12_000, 53)
    for ours, theirs in zip((posterior.mu, spread), plain, strict=True):
        error = np.sqrt(
            ours.var((0, 1)) / effective(ours, "bulk")
            + theirs.var(0) / effective(theirs[None], "bulk")
        )
        assert np.max(np.abs(ours.mean((0, 1)) - theirs.mean(0)) / error) < 4
        np.testing.assert_allclose(ours.std((0, 1)), theirs.std(0), rtol=0.15)
