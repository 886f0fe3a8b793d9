"""The three moves of one draw; each leaves the posterior of (Gamma, Sigma, betas) invariant.

1. ``move_part_worths``: every beta_i given (Gamma, Sigma), by Hamiltonian Monte Carlo.
2. ``draw_population``: (Gamma, Sigma) given the betas, exactly (conjugate).
3. ``move_population``: (Gamma, Sigma) given z_i, by Hamiltonian Monte Carlo, where
   beta_i = m_i + C z_i is partially centred: m_i and C C' = V = (H + P)^-1, with P = Sigma^-1, are
   mean and variance of beta_i when its likelihood is replaced by exp(h_i'b - b'H b / 2).

``docs/methods/hierarchical-bayes.md`` derives them. Argument groups, the same everywhere:
``study`` = (rows, offset, tasks, others, w, lanes, logs): the packed tasks, covariates (blocks, Q,
LANES), filled lanes per block, columns whose beta is a logarithm; ``state`` = (beta, ll, grad):
part-worths with their cached log-likelihood and gradient; ``population`` = (gamma, root): Gamma
(Q, K) and L with Sigma = L L';
``surrogate`` = (H, score): H (K, K) and h_i (blocks, K, LANES); ``prior`` = (nu, scale, A):
Sigma ~ IW(nu, scale), Gamma | Sigma ~ matrix normal(0, A^-1, Sigma).

Lower-case Greek letters are spelled out; K and Q count columns of the coding and covariates.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from analysis.choices.compiled import compiled, vectorised
from analysis.choices.hb.kernel import LANES, f4, likelihood_in_logs, scatter, scratch_of, times

ONE = f4(1.0)


@compiled
def inverse_lower(lower: Any) -> Any:
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


@compiled
def to_vector(gamma: Any, root: Any) -> Any:
    """(Gamma, L) as one unconstrained vector: Gamma, then L row by row with log L_kk."""
    Q, K = gamma.shape
    q = np.empty(Q * K + K * (K + 1) // 2)
    q[: Q * K] = gamma.copy().ravel()
    n = Q * K
    for k in range(K):
        for el in range(k):
            q[n] = root[k, el]
            n += 1
        q[n] = math.log(root[k, k])
        n += 1
    return q


@compiled
def from_vector(q: Any, Q: Any, K: Any) -> Any:
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


@compiled
def cholesky(matrix: Any) -> Any:
    """Lower Cholesky factor; NaN, not an exception, where ``matrix`` is not positive definite."""
    K = matrix.shape[0]
    out = np.zeros((K, K))
    for k in range(K):
        for el in range(k + 1):
            a = matrix[k, el]
            for m in range(el):
                a -= out[k, m] * out[el, m]
            out[k, el] = math.sqrt(a) if el == k else a / out[el, el]
    return out


@compiled
def precisions(root: Any, H: Any) -> Any:
    """P = Sigma^-1, the lower factor R with R R' = H + P, and C = R'^-1."""
    inverse = inverse_lower(root)
    P = inverse.T @ inverse
    R = cholesky(H + P)
    return P, R, np.ascontiguousarray(inverse_lower(R).T)


@vectorised
def _kick(p: Any, weight: Any, eps: Any, force: Any) -> None:
    """``p += weight * eps * force``, eps by lane."""
    for k in range(p.shape[0]):
        for s in range(LANES):
            p[k, s] += weight * eps[s] * force[k, s]


@vectorised
def _combine(a: Any, weight: Any, b: Any, out: Any) -> None:
    """``out = a + weight * b``."""
    for k in range(out.shape[0]):
        for s in range(LANES):
            out[k, s] = a[k, s] + weight * b[k, s]


@vectorised
def _add_products(energy: Any, weight: Any, a: Any, b: Any) -> None:
    """``energy += weight * sum_k a_k b_k``, by lane."""
    total = np.zeros(LANES, f4)
    for k in range(a.shape[0]):
        for s in range(LANES):
            total[s] += a[k, s] * b[k, s]
    for s in range(LANES):
        energy[s] += weight * np.float64(total[s])


@compiled
def _normals(rng: Any, out: Any) -> None:
    for k in range(out.shape[0]):
        for s in range(out.shape[1]):
            out[k, s] = rng.standard_normal()


@compiled
def move_part_worths(
    rng: Any, eps: Any, steps: Any, population: Any, study: Any, state: Any, H: Any, accept: Any
) -> None:
    """Hamiltonian Monte Carlo on every beta_i given (Gamma, Sigma), with mass H + Sigma^-1.

    Parameters
    ----------
    eps, steps
        (blocks, LANES) step by respondent, jittered by one factor U(.85, 1.15); leapfrogs.
    state
        Changed in place, respondent by respondent.
    accept
        (blocks, LANES): receives the acceptance probabilities.
    """
    gamma, root = population
    rows, offset, tasks, others, w, lanes, logs = study
    beta, ll, grad = state
    blocks, K, _ = beta.shape
    precision, _, upper = precisions(root, H)
    P, C = precision.astype(f4), upper.astype(f4)
    Ct = np.ascontiguousarray(upper.T).astype(f4)
    slope = np.ascontiguousarray(gamma.T).astype(f4)
    scratch = scratch_of(others, K)
    mean, p = np.empty((K, LANES), f4), np.empty((K, LANES), f4)
    a, b = np.empty((K, LANES), f4), np.empty((K, LANES), f4)
    new, g, new_ll = np.empty((K, LANES), f4), np.empty((K, LANES), f4), np.empty(LANES)
    change, size = np.empty(LANES), np.empty(LANES, f4)
    jitter = f4(0.85 + 0.3 * rng.random())
    for i in range(blocks):
        times(slope, w[i], mean)
        size[:] = jitter * eps[i]
        change[:] = -ll[i]
        new[:] = beta[i]
        g[:] = grad[i]
        _normals(rng, p)
        for step in range(steps + 1):
            _combine(new, -ONE, mean, a)
            times(P, a, b)
            if step == 0:
                _add_products(change, 0.5, a, b)
                _add_products(change, 0.5, p, p)
            elif step == steps:
                _add_products(change, -0.5, a, b)
            _combine(g, -ONE, b, b)
            times(Ct, b, a)
            _kick(p, f4(0.5) if step == 0 or step == steps else ONE, size, a)
            if step < steps:
                times(C, p, a)
                _kick(new, ONE, size, a)
                likelihood_in_logs(
                    rows[i], offset[i], tasks[i], others, logs, new, new_ll, g, scratch
                )
        _add_products(change, -0.5, p, p)
        for s in range(LANES):
            gain = change[s] + new_ll[s]
            probability = math.exp(min(gain, 0.0)) if math.isfinite(gain) else 0.0
            accept[i, s] = probability
            if s < lanes[i] and rng.random() < probability:
                ll[i, s] = new_ll[s]
                for k in range(K):
                    beta[i, k, s] = new[k, s]
                    grad[i, k, s] = g[k, s]


@compiled
def draw_population(rng: Any, population: Any, study: Any, ww: Any, prior: Any, beta: Any) -> None:
    """(Gamma, Sigma) given the betas: inverse Wishart times matrix normal.

    Rossi, Allenby & McCulloch (2005), section 2.8.5. ``ww`` (Q, Q) is the sum of w w'; Sigma is
    drawn by Bartlett's decomposition. ``population`` is overwritten.
    """
    gamma, root = population
    w, lanes = study[4], study[5]
    nu, scale, A = prior
    Q, K = gamma.shape
    bb, wb = np.zeros((K, K)), np.zeros((Q, K))
    n = 0
    for i in range(beta.shape[0]):
        scatter(beta[i], beta[i], bb, ONE)
        scatter(w[i], beta[i], wb, ONE)
        n += lanes[i]
    spread = np.linalg.inv(ww + A)
    centre = spread @ wb
    total = bb + scale - wb.T @ centre
    half = np.linalg.cholesky(0.5 * (total + total.T))
    # U upper with U U' ~ Wishart(nu + n, I), hence Sigma = (half U'^-1)(half U'^-1)'
    transposed = np.zeros((K, K))
    for k in range(K):
        transposed[k, k] = math.sqrt(rng.chisquare(nu + n - K + 1 + k))
        for el in range(k + 1, K):
            transposed[el, k] = rng.standard_normal()
    root[:] = half @ inverse_lower(transposed)
    noise = np.empty((Q, K))
    _normals(rng, noise)
    gamma[:] = centre + np.linalg.cholesky(spread) @ noise @ np.ascontiguousarray(root.T)


@compiled
def centre_partially(population: Any, study: Any, beta: Any, surrogate: Any, z: Any) -> None:
    """z_i = C^-1 (beta_i - m_i) at the present population; fills ``z`` (blocks, K, LANES)."""
    gamma, root = population
    w, lanes = study[4], study[5]
    H, score = surrogate
    precision, R, C = precisions(root, H)
    V = C @ C.T
    from_score = V.astype(f4)
    from_w = (V @ precision @ gamma.T).astype(f4)
    to_z = np.ascontiguousarray(R.T).astype(f4)
    a, b = np.empty(beta.shape[1:], f4), np.empty(beta.shape[1:], f4)
    for i in range(beta.shape[0]):
        times(from_score, score[i], a)
        times(from_w, w[i], b)
        _combine(a, ONE, b, a)
        _combine(beta[i], -ONE, a, a)
        times(to_z, a, z[i])
        z[i, :, lanes[i] :] = f4(0.0)


@compiled
def _assemble(q: Any, population: Any, matrices: Any, sums: Any, prior: Any) -> Any:
    """Density and gradient of ``population_density`` from sums over respondents.

    With s_i = grad ll_i - P (beta_i - mu_i) and d_i = beta_i - mu_i, ``sums`` = (total, n, log det
    C, sum z s', sum d s', sum d d', sum w s', sum w d'). From dV = -V dP V and
    dC = -C Phi(C' dP C)', Phi the lower triangle with half the diagonal.
    """
    gamma, root = population
    P, C = matrices
    total, n, log_det, zs, ds, dd, ws, wd = sums
    nu, scale, A = prior
    Q, K = gamma.shape
    V = C @ C.T
    turn = (C @ zs - ds) @ V
    stretch = np.tril(zs @ C)
    for k in range(K):
        stretch[k, k] *= 0.5
    stretch = C @ (stretch + stretch.T) @ C.T
    inner = dd + scale + gamma.T @ (A @ gamma)
    weight = n + nu + K + 1 + Q
    by_precision = 0.5 * (turn + turn.T - stretch - inner + weight * (root @ root.T) - n * V)
    by_root = -2.0 * (P @ by_precision @ P) @ root
    gradient = np.empty(q.size)
    gradient[: Q * K] = (ws @ V @ P + wd @ P - A @ gamma @ P).ravel()
    density = total + n * log_det - 0.5 * np.sum(P * inner)
    at = Q * K
    for k in range(K):
        for el in range(k):
            gradient[at] = by_root[k, el]
            at += 1
        jacobian = K - k + 1
        gradient[at] = by_root[k, k] * root[k, k] + jacobian
        density += q[at] * (jacobian - weight)
        at += 1
    return density, gradient


@compiled
def population_density(
    q: Any, z: Any, study: Any, surrogate: Any, prior: Any, state: Any, known: Any
) -> Any:
    """log p(q | z, answers) up to a constant, and its gradient.

    Fills ``state`` with the betas that belong to (q, z), their log-likelihood and gradient;
    ``known`` says that the state already holds them.
    """
    rows, offset, tasks, others, w, lanes, logs = study
    beta, ll, grad = state
    H, score = surrogate
    blocks, K, _ = beta.shape
    Q = w.shape[1]
    gamma, root = from_vector(q, Q, K)
    precision, _, upper = precisions(root, H)
    V = upper @ upper.T
    P, C, from_score = precision.astype(f4), upper.astype(f4), V.astype(f4)
    from_w = (V @ precision @ gamma.T).astype(f4)
    slope = np.ascontiguousarray(gamma.T).astype(f4)
    scratch = scratch_of(others, K)
    a, d = np.empty((K, LANES), f4), np.empty((K, LANES), f4)
    zs, ds, dd = np.zeros((K, K)), np.zeros((K, K)), np.zeros((K, K))
    ws, wd = np.zeros((Q, K)), np.zeros((Q, K))
    total, n = 0.0, 0
    for i in range(blocks):
        if not known:
            times(from_score, score[i], beta[i])
            times(from_w, w[i], a)
            _combine(beta[i], ONE, a, beta[i])
            times(C, z[i], a)
            _combine(beta[i], ONE, a, beta[i])
            likelihood_in_logs(
                rows[i], offset[i], tasks[i], others, logs, beta[i], ll[i], grad[i], scratch
            )
        times(slope, w[i], d)
        _combine(beta[i], -ONE, d, d)
        scatter(d, d, dd, ONE)
        scatter(w[i], d, wd, ONE)
        times(P, d, a)
        _combine(grad[i], -ONE, a, a)
        scatter(z[i], a, zs, ONE)
        scatter(d, a, ds, ONE)
        scatter(w[i], a, ws, ONE)
        n += lanes[i]
        for s in range(lanes[i]):
            total += ll[i, s]
    sums = (total, n, np.sum(np.log(np.diag(upper))), zs, ds, dd, ws, wd)
    return _assemble(q, (gamma, root), (precision, upper), sums, prior)


@compiled
def move_population(
    rng: Any,
    eps: Any,
    steps: Any,
    metric: Any,
    population: Any,
    study: Any,
    surrogate: Any,
    prior: Any,
    state: Any,
    spare: Any,
    z: Any,
) -> Any:
    """Hamiltonian Monte Carlo on q = (Gamma, L) given z; returns the acceptance probability.

    ``metric`` M turns the identity mass into (M M')^-1: q moves by M p. ``spare`` is a second
    state; ``z`` is scratch (blocks, K, LANES). ``population`` and ``state`` change in place.
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
    turned = np.ascontiguousarray(metric.T)
    p += 0.5 * size * (turned @ force)
    for step in range(steps):
        q = q + size * (metric @ p)
        density, force = population_density(q, z, study, surrogate, prior, spare, False)
        if not math.isfinite(density):
            return 0.0
        p += (0.5 if step == steps - 1 else 1.0) * size * (turned @ force)
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
