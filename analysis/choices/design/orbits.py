"""Designs made of cyclic shifts: a few start tasks, shifted along the rows of an orthogonal array.

Task (t, f) shows at alternative j and attribute a the level ``start[t, j, a] + array[a, f]``, added
in the group of the attribute's levels. Exchanging levels of the start tasks only reaches the
symmetric designs that exchange of single levels does not find (Street & Burgess 2007).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from analysis.choices.compiled import compiled
from analysis.choices.design.arrays import additions, base_columns, run_counts
from analysis.choices.design.efficiency import (
    Levels,
    burgess_street_bound,
    d_error,
    orthogonal_codes,
)

TRIES = 60
OPERATIONS = 1.5e9
"""Multiplications spent on shifts at most (about a second)."""
REACHED = 1 + 1e-9
MOST_CELLS = 60_000
"""Tasks x alternatives x columns up to which shifts are searched."""


def shifted_design(
    counts: tuple[int, ...],
    alternatives: int,
    tasks: int,
    *,
    seed: int,
    stop: Callable[[], bool] = lambda: False,
) -> Levels | None:
    """The best design of shifted tasks at equal chances, (tasks, alternatives, A), or None.

    None when no orthogonal array known here divides the tasks, or the design is very large.
    """
    width = sum(counts) - len(counts)
    if tasks * alternatives * width > MOST_CELLS or max(counts) > 64:
        return None
    bound = burgess_street_bound(counts, alternatives, tasks)
    generator = np.random.default_rng(seed)
    codes, add = _tables(counts)
    best, least = None, np.inf
    spent, step = 0.0, float(tasks * alternatives * width * max(counts))
    for runs in list(run_counts(counts, tasks))[:6]:
        starts = tasks // int(np.prod(list(runs.values())))
        cost = 5 * starts * alternatives * sum(counts) * step
        for _ in range(min(TRIES, max(2, int(OPERATIONS / 6 / cost)))):
            spent += cost
            if spent > OPERATIONS and best is not None:
                return best
            if stop():
                return best
            columns = base_columns(counts, runs, generator)
            shape = (tasks // columns.shape[1], alternatives, len(counts))
            start = generator.integers(np.array(counts), size=shape)
            settle(codes, np.array(counts), add, columns, start)
            levels = spread(add, columns, start)
            error = d_error(levels, counts)
            if error < least * (1 - 1e-12):
                best, least = levels, error
            if least <= bound * REACHED:
                return best
    return best


def _tables(counts: tuple[int, ...]) -> tuple[Any, Any]:
    most = max(counts)
    codes = np.zeros((len(counts), most, most - 1))
    add = np.zeros((len(counts), most, most), dtype=np.int64)
    for a, count in enumerate(counts):
        codes[a, :count, : count - 1] = orthogonal_codes(count)
        add[a, :count, :count] = additions(count)
    return codes, add


def spread(add: Any, columns: Any, start: Any) -> Levels:
    """All tasks (m N, J, A) of the start tasks (m, J, A) along the columns (A, N)."""
    width = start.shape[2]
    shifted = [add[a][start[:, None, :, a], columns[a][None, :, None]] for a in range(width)]
    return np.stack(shifted, axis=-1).reshape(-1, *start.shape[1:])


@compiled
def settle(codes: Any, counts: Any, add: Any, columns: Any, start: Any) -> Any:
    """Exchange levels of the start tasks while log det of the information grows; returns it."""
    first, alternatives, width = start.shape
    runs = columns.shape[1]
    total = 0
    for a in range(width):
        total += counts[a] - 1
    x = np.zeros((first * runs, alternatives, total))
    place = 0
    places = np.zeros(width, np.int64)
    for a in range(width):
        places[a] = place
        place += counts[a] - 1
        write(codes, counts, add, columns, start, a, place - counts[a] + 1, x)
    information = np.zeros((total, total))
    for a in range(width):
        block(x, places[a], counts[a] - 1, information)
    best = log_det(information)
    for _ in range(30):
        improved = False
        for t in range(first):
            for j in range(alternatives):
                for a in range(width):
                    kept = start[t, j, a]
                    for level in range(counts[a]):
                        if level == kept:
                            continue
                        start[t, j, a] = level
                        write(codes, counts, add, columns, start, a, places[a], x)
                        block(x, places[a], counts[a] - 1, information)
                        value = log_det(information)
                        if value > best + 1e-10:
                            best, kept, improved = value, level, True
                    start[t, j, a] = kept
                    write(codes, counts, add, columns, start, a, places[a], x)
                    block(x, places[a], counts[a] - 1, information)
        if not improved:
            break
    return best


@compiled
def write(
    codes: Any, counts: Any, add: Any, columns: Any, start: Any, a: int, place: int, x: Any
) -> None:
    """Write the centred columns of an attribute into x (tasks, J, K)."""
    first, alternatives, _ = start.shape
    runs = columns.shape[1]
    for t in range(first):
        for f in range(runs):
            for w in range(counts[a] - 1):
                mean = 0.0
                for j in range(alternatives):
                    value = codes[a, add[a, start[t, j, a], columns[a, f]], w]
                    x[t * runs + f, j, place + w] = value
                    mean += value / alternatives
                for j in range(alternatives):
                    x[t * runs + f, j, place + w] -= mean


@compiled
def block(x: Any, place: int, width: int, information: Any) -> None:
    """Write the rows and columns of an attribute into the information (K, K)."""
    tasks, alternatives, columns = x.shape
    information[place : place + width] = 0.0
    for s in range(tasks):
        for j in range(alternatives):
            row = x[s, j]
            for w in range(place, place + width):
                for k in range(columns):
                    information[w, k] += row[w] * row[k]
    for w in range(place, place + width):
        for k in range(columns):
            information[k, w] = information[w, k]


@compiled
def log_det(matrix: Any) -> Any:
    """log det of a matrix with a small ridge, so that singular ones can be compared."""
    n = len(matrix)
    a = matrix.copy()
    trace = 0.0
    for k in range(n):
        trace += a[k, k]
    total = 0.0
    for k in range(n):
        a[k, k] += 1e-6 * trace / n
    for k in range(n):
        pivot = max(a[k, k], 1e-12 * trace / n)
        total += np.log(pivot)
        for i in range(k + 1, n):
            factor = a[i, k] / pivot
            for j in range(k + 1, i + 1):
                a[i, j] -= factor * a[j, k]
    return total
