"""Small choice studies in coded arrays, and plain formulas to hold the kernels to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Coded:
    x: Floats
    y: NDArray[np.int64]
    beta: Floats


def simulate(seed: int, n: int, tasks: int, alternatives: int, width: int) -> Coded:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, tasks, alternatives, width))
    beta = rng.normal(0.5, 1.0, size=(n, width))
    return Coded(x, answers(rng, x, beta), beta)


def answers(rng: np.random.Generator, x: Floats, beta: Floats) -> NDArray[np.int64]:
    return (np.einsum("ntjk,nk->ntj", x, beta) + rng.gumbel(size=x.shape[:3])).argmax(-1)


def log_likelihood(
    x: Floats, y: NDArray[np.int64], beta: Floats, there: NDArray[np.bool_] | None = None
) -> Floats:
    """(N,) log-likelihood of each respondent, in float64 and by the book."""
    utility = np.einsum("ntjk,nk->ntj", x, beta)
    if there is not None:
        utility = np.where(there, utility, -np.inf)
    chosen = np.take_along_axis(utility, np.maximum(y, 0)[..., None], -1)[..., 0]
    each = chosen - np.log(np.exp(utility).sum(-1))
    return np.where(y >= 0, each, 0.0).sum(1)


@pytest.fixture
def ragged() -> Coded:
    """150 respondents (three blocks), of whom every third answered fewer of 9 tasks."""
    coded = simulate(1, 150, 9, 4, 6)
    coded.y[::3, 5:] = -1
    coded.y[1::7, 0] = -1
    return coded
