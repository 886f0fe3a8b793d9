"""Coordinate exchange: one level at a time, judged on all draws of the part-worths at once.

With A = (M - C_s)^-1, the inverse information of all other tasks, a task of coded rows X has
``det(M) = det(M - C_s) det(I + Omega G)``, where G = X A X' and Omega holds the chances. Changing a
level changes one row of G, so that a candidate costs a small determinant for each draw instead of a
K x K one. Draws stand last in every array: the innermost loops become vector arithmetic.

Notation: S tasks, J alternatives, n = J rows of a task (J + 1 with none), A attributes, K columns,
R draws. Source of the update: matrix determinant lemma and Woodbury identity.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from analysis.choices.coding import Floats
from analysis.choices.compiled import compiled, vectorised
from analysis.choices.design.space import Bytes, Integers, allowed, fill_row, task_mark

RIDGE = 1e-7
"""Share of the mean diagonal added to the information, so that poor starts have an inverse."""


class State(NamedTuple):
    """A design under search; all arrays are changed in place.

    Attributes
    ----------
    levels
        (S, J, A) places of the levels shown.
    free
        (S, A) 1 where the levels of an attribute may be exchanged.
    weight
        (S,) how often each task counts (given tasks stand in every block).
    betas
        (K, R) draws of the part-worths.
    inverse
        (K, K, R) inverse information, log_det (R,) its log-determinant, errors (R,) D-errors.
    shown
        (A, L) how often each level is shown; overlaps (1,) pairs of equal levels within tasks.
    penalties
        (2,) weights of imbalance and overlap.
    keys
        (A, L) random numbers whose products mark alternatives; marks sums of them per task (S),
        then those of tasks not to be made, each as often as a task may occur.
    copies
        How often the same task may occur.
    """

    levels: Integers
    free: Bytes
    weight: Floats
    betas: Floats
    inverse: Floats
    log_det: Floats
    errors: Floats
    shown: Integers
    overlaps: Integers
    penalties: Floats
    keys: Floats
    marks: Floats
    copies: int


@njit(inline="always", error_model="numpy")
def exp64(x: Any) -> Any:
    """e^x with a relative error below 1e-11; x is clipped to [-150, 150].

    Reduction x = n log 2 + r and the Taylor polynomial of degree 11; 2^n is written straight into
    the exponent bits. Plain ``exp`` would keep the loop from vectorising.
    """
    u = min(max(x, -150.0), 150.0)
    n = np.floor(u * 1.4426950408889634 + 0.5)
    r = u - n * 0.6931471805599453
    p = 1 / 39916800
    p = p * r + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    bits = (np.int64(n) + np.int64(1023)) << np.int64(52)
    return p * np.int64(bits).view(np.float64)


@compiled
def roots(none: int, v: Any, f: Any) -> None:
    """Write F (n, n) with F F' = Omega for utilities v (n,): the information of a task is X'F F'X.

    One choice among all rows: Omega = diag(p) - pp'. Dual-response none: that of the concepts,
    plus q (1 - q) uu' with u = (p, -1) and q the chance of buying, S / (S + e^V0).
    """
    n = len(v)
    concepts = n - 1 if none == 2 else n
    f[:] = 0.0
    highest = v[:concepts].max()
    total = 0.0
    for j in range(concepts):
        total += math.exp(v[j] - highest)
    for j in range(concepts):
        share = math.exp(v[j] - highest) / total
        root = math.sqrt(share)
        f[j, j] += root
        for i in range(concepts):
            f[i, j] -= root * math.exp(v[i] - highest) / total
    if none == 2:
        gap = math.log(total) + highest - v[concepts]
        spread = 1.0 / (math.exp(0.5 * gap) + math.exp(-0.5 * gap))
        for i in range(concepts):
            f[i, concepts] = spread * math.exp(v[i] - highest) / total
        f[concepts, concepts] = -spread


@compiled
def task_rows(space: Any, task: Any, x: Any) -> None:
    """Write the coded rows (n, K) of a task (J, A), none last."""
    for i in range(len(task)):
        fill_row(space, task[i], x[i])
    if space.none > 0:
        x[len(task), :] = 0.0
        x[len(task), space.columns - 1] = 1.0


@compiled
def informations(space: Any, levels: Any, weight: Any, betas: Any) -> Any:
    """Information (R, K, K) of a design for each draw, summed over tasks times weight."""
    tasks, concepts, _ = levels.shape
    columns, draws = betas.shape
    n = concepts + (1 if space.none > 0 else 0)
    total = np.zeros((draws, columns, columns))
    x, f = np.empty((n, columns)), np.empty((n, n))
    for s in range(tasks):
        task_rows(space, levels[s], x)
        v = np.dot(x, betas)
        for r in range(draws):
            roots(space.none, v[:, r], f)
            z = np.dot(f.T, x)
            total[r] += weight[s] * np.dot(z.T, z)
    return total


@compiled
def small_inverse(a: Any, b: Any) -> float:
    """Write the inverse of a positive definite a (n, n) into b and overwrite a; returns det(a)."""
    n = len(a)
    b[:] = 0.0
    det = 1.0
    for k in range(n):
        b[k, k] = 1.0
    for k in range(n):
        pivot = max(a[k, k], 1e-13)
        det *= pivot
        for i in range(n):
            if i == k:
                continue
            factor = a[i, k] / pivot
            for j in range(k, n):
                a[i, j] -= factor * a[k, j]
            for j in range(k + 1):
                b[i, j] -= factor * b[k, j]
        for j in range(k, n):
            a[k, j] /= pivot
        for j in range(k + 1):
            b[k, j] /= pivot
    return det


@compiled
def coupling(none: int, v: Any, g: Any, sign: float, q: Any, det: Any) -> None:
    """Write Q (n, n, R) = F (I + sign F'GF)^-1 F' and det (R,) = det(I + sign Omega G)."""
    n, draws = v.shape
    f, small, inverse = np.empty((n, n)), np.empty((n, n)), np.empty((n, n))
    gr = np.empty((n, n))
    for r in range(draws):
        roots(none, v[:, r], f)
        for i in range(n):
            for j in range(n):
                gr[i, j] = g[i, j, r]
        for i in range(n):
            for j in range(n):
                total = 0.0
                for k in range(n):
                    total += gr[i, k] * f[k, j]
                inverse[i, j] = total
        for i in range(n):
            for j in range(n):
                total = 0.0
                for k in range(n):
                    total += f[k, i] * inverse[k, j]
                small[i, j] = sign * total
            small[i, i] += 1.0
        det[r] = small_inverse(small, inverse)
        for i in range(n):
            for j in range(n):
                total = 0.0
                for k in range(n):
                    total += f[i, k] * inverse[k, j]
                small[i, j] = total
        for i in range(n):
            for j in range(n):
                total = 0.0
                for k in range(n):
                    total += small[i, k] * f[j, k]
                q[i, j, r] = total


@vectorised
def add_products(a: Any, x: Any, y: Any) -> None:
    """``a[k, l] += sum_i x[i, k] y[i, l]`` for each draw; symmetric results only."""
    rows, columns, draws = x.shape
    for k in range(columns):
        for m in range(k + 1):
            out = a[k, m]
            for i in range(rows):
                left, right = x[i, k], y[i, m]
                for r in range(draws):
                    out[r] += left[r] * right[r]
            if m < k:
                a[m, k, :] = out


@vectorised
def products(q: Any, t: Any, out: Any) -> None:
    """``out[i, k] = sum_j q[i, j] t[j, k]`` for each draw."""
    rows, columns, draws = t.shape
    for i in range(rows):
        for k in range(columns):
            into = out[i, k]
            into[:] = 0.0
            for j in range(rows):
                left, right = q[i, j], t[j, k]
                for r in range(draws):
                    into[r] += left[r] * right[r]


@vectorised
def ratios(none: int, u: Any, v: Any, g: Any, h: Any, y: Any, out: Any) -> None:
    """Write det(I + Omega G) (R,) for u = e^v (n, R) and G (n, n, R).

    With H = diag(1/p) + G over the concepts, det(I + (diag(p) - pp') G) is
    prod(p) det(H) 1'H^-1 1; elimination of H gives both. ``h`` and ``y`` are scratch.
    """
    n, draws = u.shape
    concepts = n - 1 if none == 2 else n
    total, first = y[2], y[3]
    total[0, :] = 0.0
    for j in range(concepts):
        for r in range(draws):
            total[0, r] += u[j, r]
    out[:] = 1.0
    for i in range(concepts):
        for j in range(i):
            h[i, j, :] = g[i, j, :]
        for r in range(draws):
            h[i, i, r] = g[i, i, r] + total[0, r] / u[i, r]
        y[0, i, :] = 1.0
    if none == 2:
        for i in range(concepts):
            y[1, i, :] = -g[concepts, i, :]
            for j in range(concepts):
                row = g[i, j] if j <= i else g[j, i]
                for r in range(draws):
                    y[1, i, r] += row[r] * u[j, r] / total[0, r]
        first[2, :] = g[concepts, concepts, :]
        for i in range(concepts):
            for r in range(draws):
                first[2, r] += (y[1, i, r] - g[concepts, i, r]) * u[i, r] / total[0, r]
    first[0, :] = 0.0
    first[1, :] = 0.0
    for k in range(concepts):
        pivot, y0, y1 = h[k, k], y[0, k], y[1, k]
        for r in range(draws):
            out[r] *= pivot[r] * u[k, r] / total[0, r]
            pivot[r] = 1.0 / pivot[r]
            first[0, r] += y0[r] * y0[r] * pivot[r]
        if none == 2:
            for r in range(draws):
                first[1, r] += y0[r] * y1[r] * pivot[r]
                first[2, r] -= y1[r] * y1[r] * pivot[r]
        for j in range(k + 1, concepts):
            factor, column, yj = total[1], h[j, k], y[0, j]
            for r in range(draws):
                factor[r] = column[r] * pivot[r]
                yj[r] -= factor[r] * y0[r]
            if none == 2:
                other = y[1, j]
                for r in range(draws):
                    other[r] -= factor[r] * y1[r]
            for m in range(k + 1, j + 1):
                into, from_column = h[j, m], h[m, k]
                for r in range(draws):
                    into[r] -= factor[r] * from_column[r]
    for r in range(draws):
        out[r] *= first[0, r]
    if none == 2:
        for r in range(draws):
            buy = total[0, r] / (total[0, r] + u[concepts, r])
            spread = buy * (1.0 - buy)
            out[r] *= 1.0 + spread * (first[2, r] + first[1, r] * first[1, r] / first[0, r])


@vectorised
def approximate_mean(errors: Any, now: Any, then: Any, power: float) -> float:
    """The mean of ``errors * (then / now)^-power``, by series that vectorise.

    Good to 1e-4 for ratios within a factor of three, which is enough to choose among candidates;
    what is accepted is computed exactly.
    """
    total = 0.0
    for r in range(len(errors)):
        y = (then[r] - now[r]) / (then[r] + now[r])
        z = y * y
        t = -2.0 * power * y * (1 + z * (1 / 3 + z * (1 / 5 + z * (1 / 7 + z / 9))))
        total += errors[r] * (1 + t * (1 + t * (0.5 + t * (1 / 6 + t / 24))))
    return total / len(errors)


@compiled
def exact_mean(log_det: Any, ratio: Any, columns: int, out: Any) -> float:
    """D-errors (R,) into ``out`` from log det(M - C) and the ratio; returns their mean."""
    total = 0.0
    for r in range(len(log_det)):
        if ratio[r] > 0:
            out[r] = math.exp(-(log_det[r] + math.log(ratio[r])) / columns)
        else:
            out[r] = np.inf
        total += out[r]
    return total / len(log_det)


@compiled
def penalty(state: Any, counts: Any) -> float:
    """1 plus the weighted imbalance of levels and overlap within tasks."""
    tasks, concepts, width = state.levels.shape
    total = 1.0
    if state.penalties[0] > 0:
        uneven = 0.0
        for a in range(width):
            even = tasks * concepts / counts[a]
            for level in range(counts[a]):
                uneven += ((state.shown[a, level] - even) / even) ** 2 / counts[a]
        total += state.penalties[0] * uneven / width
    if state.penalties[1] > 0:
        pairs = tasks * width * concepts * (concepts - 1) / 2
        total += state.penalties[1] * state.overlaps[0] / pairs
    return total


@compiled
def known(state: Any, s: int, mark: float) -> bool:
    """Whether as many other tasks as may be alike already have the mark."""
    found = 0
    for other in range(len(state.marks)):
        if other != s and abs(state.marks[other] - mark) <= 1e-12 * abs(mark):
            found += 1
            if found >= state.copies:
                return True
    return False


@compiled
def move_counts(state: Any, s: int, place: Any, old: int, new: int) -> None:
    """Keep count of levels and overlaps when level ``old`` becomes ``new`` at (i, a)."""
    i, a = place
    state.shown[a, old] -= 1
    state.shown[a, new] += 1
    for j in range(state.levels.shape[1]):
        if j != i:
            level = state.levels[s, j, a]
            state.overlaps[0] += int(level == new) - int(level == old)


@vectorised
def candidate(
    state: Any, i: int, change: Any, t: Any, g: Any, v: Any, u: Any, g_new: Any, u_new: Any
) -> None:
    """Write G (n, n, R) and u = e^v (n, R) of a task whose row i changes by ``change`` (K,)."""
    n, columns, draws = t.shape
    for j in range(n):
        for k in range(j + 1):
            g_new[j, k, :] = g[j, k, :]
        u_new[j, :] = u[j, :]
    into, utility = g_new[i, i], v[n]
    utility[:] = v[i, :]
    for k in range(columns):
        if change[k] == 0.0:
            continue
        for r in range(draws):
            utility[r] += change[k] * state.betas[k, r]
            into[r] += 2.0 * change[k] * t[i, k, r]
        for m in range(columns):
            if change[m] != 0.0:
                both, row = change[k] * change[m], state.inverse[k, m]
                for r in range(draws):
                    into[r] += both * row[r]
        for j in range(n):
            if j != i:
                cell = g_new[i, j] if j < i else g_new[j, i]
                for r in range(draws):
                    cell[r] += change[k] * t[j, k, r]
    for r in range(draws):
        u_new[i, r] = exp64(utility[r])


@vectorised
def accept(state: Any, change: Any, i: int, x: Any, t: Any, v: Any) -> None:
    """Row i of a task changes by ``change``: its codes, T = XA and utilities follow."""
    columns = len(change)
    draws = t.shape[2]
    for k in range(columns):
        if change[k] == 0.0:
            continue
        x[i, k] += change[k]
        for r in range(draws):
            v[i, r] += change[k] * state.betas[k, r]
        for m in range(columns):
            row = state.inverse[k, m]
            for r in range(draws):
                t[i, m, r] += change[k] * row[r]


@vectorised
def times_inverse(x: Any, inverse: Any, t: Any) -> None:
    """Write T (n, K, R) = X A for X (n, K) and A (K, K, R)."""
    for i in range(t.shape[0]):
        for k in range(t.shape[1]):
            into = t[i, k]
            into[:] = 0.0
            for m in range(t.shape[1]):
                if x[i, m] != 0.0:
                    row = inverse[m, k]
                    for r in range(len(into)):
                        into[r] += x[i, m] * row[r]


@vectorised
def exponentials(v: Any, u: Any) -> None:
    """Write u = e^v, both (n, R)."""
    for i in range(v.shape[0]):
        for r in range(v.shape[1]):
            u[i, r] = exp64(v[i, r])


@vectorised
def gram(t: Any, x: Any, g: Any) -> None:
    """Write G (n, n, R) = T X' for T (n, K, R), X (n, K)."""
    n, columns, draws = t.shape
    for i in range(n):
        for j in range(n):
            into = g[i, j]
            into[:] = 0.0
            for k in range(columns):
                if x[j, k] != 0.0:
                    for r in range(draws):
                        into[r] += t[i, k, r] * x[j, k]


@compiled
def exchange(space: Any, state: Any, order: Any, first: int, last: int) -> int:
    """One pass over the tasks ``order[first:last]``; returns how many levels changed.

    For every free place all levels are tried, and the best is taken when it lowers the mean
    D-error times the penalty.
    """
    concepts, width = state.levels.shape[1], state.levels.shape[2]
    columns, draws = state.betas.shape
    n = concepts + (1 if space.none > 0 else 0)
    x, trial = np.empty((n, columns)), np.empty(columns)
    v, u, u_new = np.empty((n + 1, draws)), np.empty((n, draws)), np.empty((n, draws))
    t, t_next = np.empty((n, columns, draws)), np.empty((n, columns, draws))
    g, g_new = np.empty((n, n, draws)), np.empty((n, n, draws))
    q, h, y = np.empty((n, n, draws)), np.empty((n, n, draws)), np.empty((4, n + 3, draws))
    det, now, then, errors = np.empty(draws), np.empty(draws), np.empty(draws), np.empty(draws)
    changed = 0
    for position in range(first, last):
        s = order[position]
        if not state.free[s].any():
            continue
        task = state.levels[s]
        task_rows(space, task, x)
        v[:n] = np.dot(x, state.betas)
        times_inverse(x, state.inverse, t)
        gram(t, x, g)
        coupling(space.none, v[:n], g, -1.0, q, det)
        products(q, t, t_next)
        add_products(state.inverse, t, t_next)
        for r in range(draws):
            state.log_det[r] += math.log(max(det[r], 1e-300))
        times_inverse(x, state.inverse, t)
        gram(t, x, g)
        exponentials(v[:n], u)
        ratios(space.none, u, v, g, h, y, now)
        current = exact_mean(state.log_det, now, columns, state.errors)
        current *= penalty(state, space.counts)
        for i in range(concepts):
            for a in range(width):
                if state.free[s, a] == 0:
                    continue
                old = task[i, a]
                best, best_level = current * (1 - 1e-9), old
                for level in range(space.counts[a]):
                    if level == old:
                        continue
                    task[i, a] = level
                    if not allowed(space, task, i):
                        continue
                    fill_row(space, task[i], trial)
                    trial -= x[i]
                    candidate(state, i, trial, t, g, v, u, g_new, u_new)
                    ratios(space.none, u_new, v, g_new, h, y, then)
                    task[i, a] = old
                    move_counts(state, s, (i, a), old, level)
                    value = 0.0
                    if draws >= 8:
                        value = approximate_mean(state.errors, now, then, 1.0 / columns)
                        value *= penalty(state, space.counts)
                    if value < best:
                        exact = exact_mean(state.log_det, then, columns, errors)
                        exact *= penalty(state, space.counts)
                        if exact < best:
                            best, best_level = exact, level
                    move_counts(state, s, (i, a), level, old)
                task[i, a] = best_level
                if best_level == old:
                    continue
                mark = task_mark(state.keys, task)
                if known(state, s, mark):
                    task[i, a] = old
                    continue
                state.marks[s] = mark
                fill_row(space, task[i], trial)
                trial -= x[i]
                candidate(state, i, trial, t, g, v, u, g_new, u_new)
                ratios(space.none, u_new, v, g_new, h, y, now)
                exact_mean(state.log_det, now, columns, state.errors)
                accept(state, trial, i, x, t, v)
                for j in range(n):
                    for k in range(j + 1):
                        g[j, k] = g_new[j, k]
                        g[k, j] = g_new[j, k]
                u[i] = u_new[i]
                task[i, a] = old
                move_counts(state, s, (i, a), old, best_level)
                task[i, a] = best_level
                current = best
                changed += 1
        coupling(space.none, v[:n], g, 1.0, q, det)
        for i in range(n):
            for j in range(n):
                for r in range(draws):
                    q[i, j, r] = -q[i, j, r]
        products(q, t, t_next)
        add_products(state.inverse, t, t_next)
        for r in range(draws):
            state.log_det[r] += math.log(max(det[r], 1e-300))
    return changed
