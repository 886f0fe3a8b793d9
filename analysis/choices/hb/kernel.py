"""Compiled arithmetic of the sampler: 64 respondents abreast, one in each lane.

Every array of respondents is stored in blocks of ``LANES`` respondents, the respondent last:
part-worths ``(blocks, K, LANES)``, design rows ``(blocks, rows, K, LANES)``. The innermost loop
then runs over respondents without branches or sums, which compilers turn into vector arithmetic.

Design rows are differences to the chosen alternative, which itself is dropped, so that the
log-likelihood of a task is ``-log(1 + sum_j exp(row_j . beta))``.

Four tasks at a time pass through all steps, so that their rows stay in the processor's cache.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from analysis.choices.compiled import compiled, vectorised

LANES = 64
f4 = np.float32


@njit(inline="always", error_model="numpy")
def exp32(x: Any) -> Any:
    """e^x in single precision, relative error below 1e-7; x is clipped to [-80, 80].

    Cody-Waite reduction x = n log 2 + r and the degree-6 polynomial of Cephes' ``expf``; 2^n is
    written straight into the exponent bits. Plain ``exp`` would keep the loop from vectorising.
    """
    u = min(max(x, f4(-80.0)), f4(80.0))
    n = np.floor(u * f4(1.44269504) + f4(0.5))
    r = u - n * f4(0.693359375) + n * f4(2.12194440e-4)
    p = f4(1.9875691500e-4)
    p = p * r + f4(1.3981999507e-3)
    p = p * r + f4(8.3334519073e-3)
    p = p * r + f4(4.1665795894e-2)
    p = p * r + f4(1.6666665459e-1)
    p = p * r + f4(5.0000001201e-1)
    p = p * r * r + r + f4(1.0)
    bits = (np.int32(n) + np.int32(127)) << np.int32(23)
    return p * np.int32(bits).view(f4)


@vectorised
def _exponentials(x: Any, offset: Any, beta: Any, u: Any) -> None:
    """``u_r = exp(offset_r + x_r . beta)`` for every row r of ``x`` (rows, K, LANES)."""
    K = beta.shape[0]
    for r in range(x.shape[0]):
        ur, xr, o = u[r], x[r], offset[r]
        for s in range(LANES):
            ur[s] = o[s]
        k = 0
        while k + 4 <= K:
            for s in range(LANES):
                ur[s] += (
                    xr[k, s] * beta[k, s]
                    + xr[k + 1, s] * beta[k + 1, s]
                    + xr[k + 2, s] * beta[k + 2, s]
                    + xr[k + 3, s] * beta[k + 3, s]
                )
            k += 4
        while k < K:
            for s in range(LANES):
                ur[s] += xr[k, s] * beta[k, s]
            k += 1
        for s in range(LANES):
            ur[s] = exp32(ur[s])


@vectorised
def _to_chances(u: Any, tasks: Any, others: Any, denominator: Any, product: Any) -> None:
    """Divide by ``1 + sum_j u_j`` of the task, and multiply ``product`` by it."""
    d = denominator
    for t in range(tasks):
        for s in range(LANES):
            d[s] = f4(1.0)
        for j in range(others):
            ur = u[t * others + j]
            for s in range(LANES):
                d[s] += ur[s]
        for s in range(LANES):
            product[s] *= np.float64(d[s])
        for s in range(LANES):
            d[s] = f4(1.0) / d[s]
        for j in range(others):
            ur = u[t * others + j]
            for s in range(LANES):
                ur[s] *= d[s]


@vectorised
def _subtract_rows(x: Any, p: Any, grad: Any) -> None:
    """``grad -= sum_r p_r x_r``, four rows at a time."""
    rows, K = x.shape[0], x.shape[1]
    r = 0
    while r + 4 <= rows:
        p0, p1, p2, p3 = p[r], p[r + 1], p[r + 2], p[r + 3]
        x0, x1, x2, x3 = x[r], x[r + 1], x[r + 2], x[r + 3]
        for k in range(K):
            for s in range(LANES):
                grad[k, s] -= (
                    x0[k, s] * p0[s] + x1[k, s] * p1[s] + x2[k, s] * p2[s] + x3[k, s] * p3[s]
                )
        r += 4
    while r < rows:
        p0, x0 = p[r], x[r]
        for k in range(K):
            for s in range(LANES):
                grad[k, s] -= x0[k, s] * p0[s]
        r += 1


@vectorised
def likelihood(
    rows: Any, offset: Any, tasks: Any, others: Any, beta: Any, ll: Any, grad: Any, scratch: Any
) -> None:
    """Log-likelihood and its gradient for one block of respondents.

    Parameters
    ----------
    rows, offset
        (T * others, K, LANES) differences to the chosen alternative, task by task, and
        (T * others, LANES): 0, or -80 where there is no such alternative.
    tasks, others
        Tasks of the longest respondent in the block; alternatives per task less one.
    beta
        (K, LANES) part-worths.
    ll, grad
        (LANES,) float64 and (K, LANES) float32: filled.
    scratch
        From ``scratch_of``.
    """
    u, denominator, product, _ = scratch
    ll[:] = 0.0
    grad[:] = f4(0.0)
    product[:] = 1.0
    pending = 0
    for first in range(0, tasks, 4):
        chunk = min(4, tasks - first)
        a, b = first * others, (first + chunk) * others
        _exponentials(rows[a:b], offset[a:b], beta, u)
        _to_chances(u, chunk, others, denominator, product)
        _subtract_rows(rows[a:b], u, grad)
        pending += chunk
        if pending == 8 or first + 4 >= tasks:
            # one logarithm for up to eight tasks: (1 + J e^80)^8 stays inside float64
            pending = 0
            for s in range(LANES):
                ll[s] -= math.log(product[s])
                product[s] = 1.0


@compiled
def scratch_of(others: Any, K: Any) -> Any:
    """Scratch for ``likelihood`` and ``likelihood_in_logs``."""
    one = np.empty(LANES, f4)
    return np.empty((4 * others, LANES), f4), one, np.empty(LANES), np.empty((K, LANES), f4)


@vectorised
def natural(beta: Any, logs: Any, out: Any) -> None:
    """``out = beta`` with e^beta in the rows ``logs``, for one block (K, LANES)."""
    out[:] = beta
    for k in logs:
        for s in range(LANES):
            out[k, s] = exp32(beta[k, s])


@vectorised
def likelihood_in_logs(
    rows: Any,
    offset: Any,
    tasks: Any,
    others: Any,
    logs: Any,
    beta: Any,
    ll: Any,
    grad: Any,
    scratch: Any,
) -> None:
    """``likelihood`` where the rows ``logs`` of beta are logarithms of what multiplies the design.

    The gradient is that in the logarithms: times e^beta, by the chain rule.
    """
    if logs.size == 0:
        likelihood(rows, offset, tasks, others, beta, ll, grad, scratch)
        return
    worth = scratch[3]
    natural(beta, logs, worth)
    likelihood(rows, offset, tasks, others, worth, ll, grad, scratch)
    for k in logs:
        for s in range(LANES):
            grad[k, s] *= worth[k, s]


@vectorised
def times(matrix: Any, v: Any, out: Any) -> None:
    """``out = matrix v`` for one block: (M, K) float32 times (K, LANES)."""
    M, K = matrix.shape
    for k in range(M):
        o = out[k]
        for s in range(LANES):
            o[s] = f4(0.0)
        el = 0
        while el + 4 <= K:
            w0, w1, w2, w3 = matrix[k, el], matrix[k, el + 1], matrix[k, el + 2], matrix[k, el + 3]
            for s in range(LANES):
                o[s] += w0 * v[el, s] + w1 * v[el + 1, s] + w2 * v[el + 2, s] + w3 * v[el + 3, s]
            el += 4
        while el < K:
            w0 = matrix[k, el]
            for s in range(LANES):
                o[s] += w0 * v[el, s]
            el += 1


@vectorised
def scatter(a: Any, b: Any, out: Any, weight: Any) -> None:
    """Add ``weight * sum over lanes of a b'`` to ``out`` (M, K), float64."""
    M, K = a.shape[0], b.shape[0]
    for k in range(M):
        ak = a[k]
        el = 0
        while el + 4 <= K:
            b0, b1, b2, b3 = b[el], b[el + 1], b[el + 2], b[el + 3]
            t0 = t1 = t2 = t3 = f4(0.0)
            for s in range(LANES):
                t0 += ak[s] * b0[s]
                t1 += ak[s] * b1[s]
                t2 += ak[s] * b2[s]
                t3 += ak[s] * b3[s]
            out[k, el] += weight * t0
            out[k, el + 1] += weight * t1
            out[k, el + 2] += weight * t2
            out[k, el + 3] += weight * t3
            el += 4
        while el < K:
            b0 = b[el]
            t0 = f4(0.0)
            for s in range(LANES):
                t0 += ak[s] * b0[s]
            out[k, el] += weight * t0
            el += 1


@vectorised
def information(rows: Any, offset: Any, tasks: Any, others: Any, beta: Any, out: Any) -> None:
    """Add minus the second derivative of one block's log-likelihood to ``out`` (K, K) float64.

    ``rows``, ``offset``, ``tasks``, ``others``, ``beta`` as in ``likelihood``. For a task with
    probabilities p_j it is ``sum_j p_j x_j x_j' - xbar xbar'``. Only the start needs it.
    """
    K = beta.shape[0]
    p, root = np.empty((others, LANES), f4), np.empty((K, LANES), f4)
    total, mean = np.empty(LANES, f4), np.empty((K, LANES), f4)
    for t in range(tasks):
        x = rows[t * others : (t + 1) * others]
        total[:] = f4(1.0)
        mean[:] = f4(0.0)
        for j in range(others):
            for s in range(LANES):
                p[j, s] = offset[t * others + j, s]
            for k in range(K):
                for s in range(LANES):
                    p[j, s] += x[j, k, s] * beta[k, s]
            for s in range(LANES):
                p[j, s] = exp32(p[j, s])
                total[s] += p[j, s]
        for j in range(others):
            for s in range(LANES):
                p[j, s] /= total[s]
            for k in range(K):
                for s in range(LANES):
                    mean[k, s] += p[j, s] * x[j, k, s]
                    root[k, s] = np.sqrt(p[j, s]) * x[j, k, s]
            scatter(root, root, out, f4(1.0))
        scatter(mean, mean, out, f4(-1.0))
