"""How much a set of tasks can tell: D-error at equal chances, and its lower bound.

Convention: the information M is the plain sum over tasks (divided by nothing) of
``X'(I/J - 11'/J^2)X``, in standardised orthogonal coding (each attribute of L levels has L-1
columns Z with Z'Z = L I over its levels); D-error = det(M)^(-1/K).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.choices.coding import Floats

Levels = NDArray[np.intp]
"""Levels shown, (tasks, alternatives, attributes), as places in each attribute's list."""
SINGULAR = 1e-11
"""Smallest eigenvalue, beside the largest, of an information that tells all part-worths."""


def orthogonal_codes(count: int) -> Floats:
    """Standardised orthogonal contrasts (count, count-1): columns sum to 0, squares to count."""
    codes = np.zeros((count, count - 1))
    for k in range(count - 1):
        codes[: k + 1, k] = 1.0
        codes[k + 1, k] = -(k + 1.0)
    scaled: Floats = codes * np.sqrt(count / (codes**2).sum(axis=0))
    return scaled


def coded(levels: Levels, counts: Sequence[int]) -> Floats:
    """Tasks in standardised orthogonal coding, (tasks, alternatives, K)."""
    return np.concatenate(
        [orthogonal_codes(count)[levels[..., a]] for a, count in enumerate(counts)], axis=-1
    )


def information(x: Floats) -> Floats:
    """Information (K, K) of coded tasks at equal chances, summed over the tasks."""
    centred = x - x.mean(axis=1, keepdims=True)
    flat = centred.reshape(-1, x.shape[2])
    summed: Floats = flat.T @ flat / x.shape[1]
    return summed


def d_error(levels: Levels, counts: Sequence[int]) -> float:
    """D-error of tasks at equal chances; infinite when not all effects can be told.

    ``counts`` is the number of levels of each attribute.
    """
    values = np.linalg.eigvalsh(information(coded(levels, counts)))
    if values[0] <= SINGULAR * values[-1]:
        return float("inf")
    return float(np.exp(-np.log(values).mean()))


def burgess_street_bound(counts: Sequence[int], alternatives: int, tasks: int) -> float:
    """The least D-error any design can have (Burgess & Street 2003, 2005), same convention.

    Per attribute of L levels, with J = L x + y alternatives, q = (J^2 - (L x^2 + 2 x y + y)) / 2
    pairs of alternatives differ at best, and each column has information 2 L q / ((L-1) J^2).
    """
    total, width = 0.0, 0
    for count in counts:
        x, y = divmod(alternatives, count)
        pairs = (alternatives**2 - (count * x * x + 2 * x * y + y)) / 2
        value = 2 * count * pairs / ((count - 1) * alternatives**2)
        total += (count - 1) * np.log(value)
        width += count - 1
    return float(1 / (tasks * np.exp(total / width)))
