"""The three moves of one draw; each leaves the posterior of (Gamma, Sigma, betas) invariant.

1. ``move_part_worths``: every beta_i given (Gamma, Sigma), by Hamiltonian Monte Carlo.
2. ``draw_population``: (Gamma, Sigma) given the betas, exactly (conjugate).
3. ``move_population``: (Gamma, Sigma) given z_i, by Hamiltonian Monte Carlo, where
   beta_i = m_i + R_i'^-1 z_i is partially centred: m_i and R_i R_i' = H_i + Sigma^-1 are mean and
   precision of beta_i when its likelihood is replaced by exp(h_i'b - b'H_i b / 2).

``docs/methods/hierarchical-bayes.md`` derives them. Argument groups, the same everywhere:
``study`` = (rows, offset, tasks, others, w, lanes): the packed tasks, covariates (blocks, Q,
LANES) and filled lanes per block; ``state`` = (beta, ll, grad): part-worths with their cached
log-likelihood and gradient; ``surrogate`` = (info, score, typical): H_i as lower triangles, h_i,
and the H of a typical respondent;
``prior`` = (nu, V, A): Sigma ~ IW(nu, V), rows of Gamma ~ N(0, Sigma A^-1).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from analysis.choices.hb.kernel import (
    LANES,
    _FAST,
    f4,
    factor,
    likelihood,
    log_determinant,
    scatter,
    solve_lower,
    solve_upper,
    times,
    transposed_product,
)

_JIT = {"nogil": True, "error_model": "numpy", "cache": True}


@njit(**_JIT)
def inverse_lower(lower):  # type: ignore[no-untyped-def]
    """Inverse of a lower triangular matrix."""
    K = lower.shape[0]
    out = np.zeros((K, K))
    for j in range(K):
        out[j, j] = 1.0 / lower[j, j]
        for i in range(j + 1, K):
            a = 0.0
            for m in range(j, i):
                a += lower[i, m] * out[m, j]
            out[i, j] = -a / lower[i, i]
    return out


@njit(**_JIT)
def to_vector(gamma, root):  # type: ignore[no-untyped-def]
    """(Gamma, L) as one unconstrained vector: Gamma, then L row by row with log L_kk."""
    Q, K = gamma.shape
    q = np.empty(Q * K + K * (K + 1) // 2)
    q[: Q * K] = gamma.ravel()
    n = Q * K
    for k in range(K):
        for el in range(k):
            q[n] = root[k, el]
            n += 1
        q[n] = math.log(root[k, k])
        n += 1
    return q


@njit(**_JIT)
def from_vector(q, Q, K):  # type: ignore[no-untyped-def]
    """The inverse of ``to_vector``."""
    gamma = q[: Q * K].copy().reshape(Q, K)
    root = np.zeros((K, K))
    n = Q * K
    for k in range(K):
        for el in range(k):
            root[k, el] = q[n]
            n += 1
        root[k, k] = math.exp(q[n])
        n += 1
    return gamma, root


@njit(fastmath=_FAST, **_JIT)
def _kick(p, weight, eps, force):  # type: ignore[no-untyped-def]
    """``p += weight * eps * force``, eps by lane."""
    c = f4(weight)
    for k in range(p.shape[0]):
        for s in range(LANES):
            p[k, s] += c * eps[s] * force[k, s]


@njit(fastmath=_FAST, **_JIT)
def _subtract(a, b, out):  # type: ignore[no-untyped-def]
    for k in range(out.shape[0]):
        for s in range(LANES):
            out[k, s] = a[k, s] - b[k, s]


@njit(fastmath=_FAST, **_JIT)
def _add_products(energy, weight, a, b):  # type: ignore[no-untyped-def]
    """``energy += weight * sum_k a_k b_k``, by lane."""
    total = np.zeros(LANES, f4)
    for k in range(a.shape[0]):
        for s in range(LANES):
            total[s] += a[k, s] * b[k, s]
    for s in range(LANES):
        energy[s] += weight * np.float64(total[s])


@njit(**_JIT)
def move_part_worths(rng, eps, steps, population, study, state, info, accept):  # type: ignore[no-untyped-def]
    """Hamiltonian Monte Carlo on every beta_i given (Gamma, L); mass H_i + Sigma^-1.

    ``eps`` (blocks, LANES) step by respondent, jittered by one common factor U(.85, 1.15);
    ``steps`` leapfrogs; ``population`` = (gamma, root). ``state`` is changed in place and
    ``accept`` (blocks, LANES) receives the acceptance probabilities.
    """
    gamma, root = population
    rows, offset, tasks, others, w, lanes = study
    beta, ll, grad = state
    blocks, K, _ = beta.shape
    inverse = inverse_lower(root)
    precision = inverse.T @ inverse
    P = precision.astype(f4)
    slope = np.ascontiguousarray(gamma.T).astype(f4)
    u, d = np.empty((4 * others, LANES), f4), np.empty((4, LANES), f4)
    r = np.empty((K * (K + 1) // 2, LANES), f4)
    mean, p = np.empty((K, LANES), f4), np.empty((K, LANES), f4)
    diff, force = np.empty((K, LANES), f4), np.empty((K, LANES), f4)
    new, g, new_ll = np.empty((K, LANES), f4), np.empty((K, LANES), f4), np.empty(LANES)
    change, e = np.empty(LANES), np.empty(LANES, f4)
    jitter = f4(0.85 + 0.3 * rng.random())
    for b in range(blocks):
        factor(info[b], precision, r)
        times(slope, w[b], mean)
        for s in range(LANES):
            e[s] = jitter * eps[b, s]
            change[s] = -ll[b, s]
        for k in range(K):
            for s in range(LANES):
                p[k, s] = rng.standard_normal()
                new[k, s] = beta[b, k, s]
                g[k, s] = grad[b, k, s]
        for step in range(steps + 1):
            _subtract(new, mean, diff)
            times(P, diff, force)
            if step == 0:
                _add_products(change, 0.5, diff, force)
                _add_products(change, 0.5, p, p)
            elif step == steps:
                _add_products(change, -0.5, diff, force)
            _subtract(g, force, force)
            solve_lower(r, force, force)
            _kick(p, 0.5 if step == 0 or step == steps else 1.0, e, force)
            if step == steps:
                break
            solve_upper(r, p, diff)
            _kick(new, 1.0, e, diff)
            likelihood(
                rows[b], offset[b], tasks[b], others, new, new_ll, g, u, d
            )
        _add_products(change, -0.5, p, p)
        for s in range(LANES):
            gain = change[s] + new_ll[s]
            probability = math.exp(min(gain, 0.0)) if math.isfinite(gain) else 0.0
            accept[b, s] = probability
            if s < lanes[b] and rng.random() < probability:
                ll[b, s] = new_ll[s]
                for k in range(K):
                    beta[b, k, s] = new[k, s]
                    grad[b, k, s] = g[k, s]


@njit(**_JIT)
def draw_population(rng, population, study, ww, prior, beta):  # type: ignore[no-untyped-def]
    """(Gamma, Sigma) given the betas: matrix normal - inverse Wishart (Rossi, Allenby & McCulloch).

    ``ww`` (Q, Q) is the sum of w w'. Sigma is drawn by Bartlett's decomposition; ``population`` =
    (gamma, root) is overwritten.
    """
    gamma, root = population
    w = study[4]
    nu, V, A = prior
    Q, K = gamma.shape
    bb, wb = np.zeros((K, K)), np.zeros((Q, K))
    n = 0
    for b in range(beta.shape[0]):
        scatter(beta[b], beta[b], bb)
        scatter(w[b], beta[b], wb)
        n += study[5][b]
    spread = np.linalg.inv(ww + A)
    centre = spread @ wb
    scale = bb + V - wb.T @ centre
    half = np.linalg.cholesky(0.5 * (scale + scale.T))
    # U upper with U U' ~ Wishart(nu + n, I), so Sigma = (half U'^-1)(half U'^-1)'
    transposed = np.zeros((K, K))
    for i in range(K):
        transposed[i, i] = math.sqrt(rng.chisquare(nu + n - K + 1 + i))
        for j in range(i + 1, K):
            transposed[j, i] = rng.standard_normal()
    root[:] = half @ inverse_lower(transposed)
    noise = np.empty((Q, K))
    for q in range(Q):
        for k in range(K):
            noise[q, k] = rng.standard_normal()
    gamma[:] = centre + np.linalg.cholesky(spread) @ noise @ np.ascontiguousarray(root.T)


@njit(**_JIT)
def centre_partially(population, study, beta, surrogate, z):  # type: ignore[no-untyped-def]
    """z_i = R_i'(beta_i - m_i) at the present (Gamma, L); fills ``z`` (blocks, K, LANES)."""
    gamma, root = population
    w = study[4]
    info, score, _ = surrogate
    blocks, K, _ = beta.shape
    inverse = inverse_lower(root)
    precision = inverse.T @ inverse
    pull = np.ascontiguousarray(precision @ gamma.T).astype(f4)
    r = np.empty((K * (K + 1) // 2, LANES), f4)
    y = np.empty((K, LANES), f4)
    for b in range(blocks):
        factor(info[b], precision, r)
        times(pull, w[b], y)
        for k in range(K):
            for s in range(LANES):
                y[k, s] += score[b, k, s]
        solve_lower(r, y, y)
        transposed_product(r, beta[b], z[b])
        _subtract(z[b], y, z[b])


@njit(**_JIT)
def _assemble(q, population, terms, prior, typical):  # type: ignore[no-untyped-def]
    """Density and force of ``population_density`` from sums over respondents."""
    gamma, root, precision = population
    total, n, dd, turn, shift = terms
    nu, V, A = prior
    Q, K = gamma.shape
    weight = n + nu + K + 1 + Q
    scale = dd + V + gamma.T @ (A @ gamma)
    typical_spread = np.linalg.inv(typical + precision)
    by_precision = 0.5 * (turn + turn.T - scale + weight * (root @ root.T) - n * typical_spread)
    by_root = -2.0 * (precision @ by_precision @ precision) @ root
    force = np.empty(q.size)
    force[: Q * K] = (shift - A @ gamma @ precision).ravel()
    density = total - 0.5 * np.sum(precision * scale)
    at = Q * K
    for k in range(K):
        for el in range(k):
            force[at] = by_root[k, el]
            at += 1
        jacobian = K - k + 1
        force[at] = by_root[k, k] * root[k, k] + jacobian
        density += q[at] * (jacobian - weight)
        at += 1
    return density, force


@njit(**_JIT)
def population_density(q, z, study, surrogate, prior, state, known):  # type: ignore[no-untyped-def]
    """log p(q | z) up to a constant, and the force on q.

    Fills ``state`` with the betas that belong to (q, z), their log-likelihood and gradient;
    ``known`` says that the state already holds them. The force is the gradient but for one term:
    the derivative of the Cholesky factor is replaced by that of the flow
    d(R'^-1) = -(H + P)^-1 dP R'^-1 / 2, which differs by a term that vanishes when the surrogate
    is exact. Leapfrogs stay reversible and volume-preserving under any force, and the energy is
    exact, so acceptance corrects for it.
    """
    rows, offset, tasks, others, w, lanes = study
    beta, ll, grad = state
    info, score, typical = surrogate
    blocks, K, _ = beta.shape
    Q = w.shape[1]
    gamma, root = from_vector(q, Q, K)
    inverse = inverse_lower(root)
    precision = inverse.T @ inverse
    P = precision.astype(f4)
    slope = np.ascontiguousarray(gamma.T).astype(f4)
    pull = np.ascontiguousarray(precision @ gamma.T).astype(f4)
    u, d = np.empty((4 * others, LANES), f4), np.empty((4, LANES), f4)
    r = np.empty((K * (K + 1) // 2, LANES), f4)
    y, mean, a = np.empty((K, LANES), f4), np.empty((K, LANES), f4), np.empty((K, LANES), f4)
    diff, force = np.empty((K, LANES), f4), np.empty((K, LANES), f4)
    dd, turn, shift = np.zeros((K, K)), np.zeros((K, K)), np.zeros((Q, K))
    total, log_det, n = 0.0, 0.0, 0
    for b in range(blocks):
        bb = beta[b]
        factor(info[b], precision, r)
        log_det += log_determinant(r, lanes[b])
        n += lanes[b]
        times(pull, w[b], y)
        times(slope, w[b], mean)
        for k in range(K):
            for s in range(LANES):
                y[k, s] += score[b, k, s]
        solve_lower(r, y, y)
        for k in range(K):
            for s in range(LANES):
                a[k, s] = y[k, s] + f4(0.5) * z[b, k, s]
        solve_upper(r, a, a)
        if not known:
            for k in range(K):
                for s in range(LANES):
                    bb[k, s] = y[k, s] + z[b, k, s]
            solve_upper(r, bb, bb)
            likelihood(rows[b], offset[b], tasks[b], others, bb, ll[b], grad[b], u, d)
        _subtract(bb, mean, diff)
        times(P, diff, force)
        scatter(diff, diff, dd)
        scatter(w[b], force, shift)
        _subtract(grad[b], force, force)
        solve_lower(r, force, force)
        solve_upper(r, force, force)
        _subtract(mean, a, a)
        scatter(a, force, turn)
        times(P, force, diff)
        scatter(w[b], diff, shift)
        for s in range(lanes[b]):
            total += ll[b, s]
    terms = (total - log_det, n, dd, turn, shift)
    return _assemble(q, (gamma, root, precision), terms, prior, typical)


@njit(**_JIT)
def move_population(rng, eps, steps, metric, population, study, surrogate, prior, state, spare, z):  # type: ignore[no-untyped-def]
    """Hamiltonian Monte Carlo on q = (Gamma, L) given z; returns the acceptance probability.

    ``metric`` M: q = M x with x of about unit posterior variance. ``spare`` is a second state;
    ``z`` scratch (blocks, K, LANES).
    """
    gamma, root = population
    Q, K = gamma.shape
    centre_partially(population, study, state[0], surrogate, z)
    q = to_vector(gamma, root)
    density, force = population_density(q, z, study, surrogate, prior, state, True)
    p = np.empty(q.size)
    for k in range(q.size):
        p[k] = rng.standard_normal()
    start = density - 0.5 * np.sum(p * p)
    size = eps * (0.85 + 0.3 * rng.random())
    p += 0.5 * size * (metric.T @ force)
    for step in range(steps):
        q = q + size * (metric @ p)
        density, force = population_density(q, z, study, surrogate, prior, spare, False)
        if not math.isfinite(density):
            return 0.0
        p += (0.5 if step == steps - 1 else 1.0) * size * (metric.T @ force)
    gain = density - 0.5 * np.sum(p * p) - start
    probability = math.exp(min(gain, 0.0)) if math.isfinite(gain) else 0.0
    if rng.random() < probability:
        state[0][:] = spare[0]
        state[1][:] = spare[1]
        state[2][:] = spare[2]
        new_gamma, new_root = from_vector(q, Q, K)
        gamma[:] = new_gamma
        root[:] = new_root
    return probability
