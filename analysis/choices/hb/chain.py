"""One Markov chain: its state, its adaptation during burn-in, and its draws."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from analysis.choices.hb.kernel import LANES, f4, information, likelihood
from analysis.choices.hb.moves import (
    _JIT,
    draw_population,
    from_vector,
    move_part_worths,
    move_population,
    to_vector,
)


@njit(**_JIT)
def advance(rng, n, tuning, metric, population, study, ww, prior, state, spare, surrogate, z, sums, out):  # type: ignore[no-untyped-def]
    """``n`` draws. ``tuning`` = (gain, beta_steps, population_steps, eps, population_eps)."""
    gain, beta_steps, population_steps, eps, population_eps = tuning
    gamma, root = population
    accept = np.zeros_like(state[1])
    sum_beta, sum_grad, sum_q, sum_accept = sums
    out_gamma, out_sigma, out_beta, out_ll = out
    keep = max(1, n // out_beta.shape[0]) if out_beta.shape[0] > 0 else n + 1
    accepted = 0.0
    for it in range(n):
        move_part_worths(rng, eps, beta_steps, population, study, state, surrogate[0], accept)
        draw_population(rng, population, study, ww, prior, state[0])
        rate = move_population(
            rng, population_eps[0], population_steps, metric, population, study, surrogate, prior,
            state, spare, z
        )
        accepted += rate
        sum_accept += accept
        if gain > 0.0:
            population_eps[0] *= math.exp(gain * (rate - 0.8))
            for b in range(eps.shape[0]):
                for s in range(LANES):
                    eps[b, s] = min(eps[b, s] * math.exp(gain * (accept[b, s] - 0.8)), 1.6)
            sum_beta += state[0]
            sum_grad += state[2]
            sum_q += to_vector(gamma, root)
        out_gamma[it] = gamma
        out_sigma[it] = root @ root.T
        out_ll[it] = 0.0
        for b in range(eps.shape[0]):
            for s in range(study[5][b]):
                out_ll[it] += state[1][b, s]
        if (it + 1) % keep == 0:
            out_beta[it // keep] = state[0]
    return accepted / n


@njit(**_JIT)
def evaluate(study, state):  # type: ignore[no-untyped-def]
    """Fill log-likelihood and gradient of the state's betas."""
    rows, offset, tasks, others, _, _ = study
    beta, ll, grad = state
    u, d = np.empty((4 * others, LANES), f4), np.empty((4, LANES), f4)
    for b in range(beta.shape[0]):
        likelihood(rows[b], offset[b], tasks[b], others, beta[b], ll[b], grad[b], u, d)


@njit(**_JIT)
def add_information(study, beta, out, old, new):  # type: ignore[no-untyped-def]
    """``out = old * out + new * (information at beta)``, all blocks."""
    rows, offset, tasks, others, _, _ = study
    out *= f4(old)
    for b in range(beta.shape[0]):
        information(rows[b], offset[b], tasks[b], others, beta[b], out[b], new)
