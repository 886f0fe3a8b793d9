"""Which parameters a structure has, and the moments they imply.

Every item loads on one factor. Factors correlate, errors do not. In the first group the variance
of every factor is 1 and its mean 0; what is free in further groups follows from what is equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Floats = np.ndarray
Equal = Literal["nothing", "loadings", "intercepts"]
"""What groups share; 'intercepts' includes the loadings."""

FIXED = -1


@dataclass(frozen=True, slots=True, eq=False)
class GroupLayout:
    """Where a group's parameters are in the vector; FIXED: not free.

    Attributes
    ----------
    factor
        Shape (items,): the factor of each item.
    loading, error, intercept
        Shape (items,).
    cross
        Shape (factors, factors), symmetric: variances (FIXED: 1) and covariances of the factors.
    mean
        Shape (factors,): FIXED: 0.
    """

    factor: np.ndarray
    loading: np.ndarray
    error: np.ndarray
    intercept: np.ndarray
    cross: np.ndarray
    mean: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """What parameters imply for one group, with the matrices behind it."""

    covariance: Floats
    mean: Floats
    loadings: Floats
    """Shape (items, factors)."""
    factors: Floats
    """Shape (factors, factors)."""


def layouts(factor: np.ndarray, groups: int, equal: Equal) -> tuple[list[GroupLayout], int]:
    """The layout of every group, and how many parameters there are."""
    items, factors = len(factor), int(factor.max()) + 1 if len(factor) else 0
    taken = 0

    def take(count: int) -> np.ndarray:
        nonlocal taken
        taken += count
        return np.arange(taken - count, taken)

    found: list[GroupLayout] = []
    for number in range(groups):
        first = found[0] if found else None
        share_loadings = first is not None and equal != "nothing"
        share_intercepts = first is not None and equal == "intercepts"
        loading = first.loading if first and share_loadings else take(items)
        intercept = first.intercept if first and share_intercepts else take(items)
        cross = np.full((factors, factors), FIXED)
        low = np.tril_indices(factors, -1)
        cross[low] = cross.T[low] = take(len(low[0]))
        if number and share_loadings:
            np.fill_diagonal(cross, take(factors))
        mean = take(factors) if number and share_intercepts else np.full(factors, FIXED)
        found.append(GroupLayout(factor, loading, take(items), intercept, cross, mean))
    return found, taken


def moments(layout: GroupLayout, theta: Floats) -> Moments:
    """Mean and covariance of the items at some parameters."""
    items, factors = len(layout.factor), len(layout.mean)
    loadings = np.zeros((items, factors))
    loadings[np.arange(items), layout.factor] = theta[layout.loading]
    cross = np.where(layout.cross == FIXED, np.eye(factors), theta[layout.cross])
    latent = np.where(layout.mean == FIXED, 0.0, theta[layout.mean])
    covariance = loadings @ cross @ loadings.T + np.diag(theta[layout.error])
    return Moments(covariance, theta[layout.intercept] + loadings @ latent, loadings, cross)


def derivatives(layout: GroupLayout, theta: Floats, size: int) -> Floats:
    """How the moments move with the parameters.

    Returns
    -------
    array
        Shape (items + items (items + 1) / 2, parameters): means, then the lower triangle of the
        covariance by rows.
    """
    items, factors = len(layout.factor), len(layout.mean)
    here = moments(layout, theta)
    latent = np.where(layout.mean == FIXED, 0.0, theta[layout.mean])
    mean = np.zeros((items, size))
    covariance = np.zeros((size, items, items))
    through = here.factors @ here.loadings.T
    for item in range(items):
        factor = layout.factor[item]
        column = covariance[layout.loading[item]]
        column[item] += through[factor]
        column[:, item] += through[factor]
        mean[item, layout.loading[item]] += latent[factor]
        covariance[layout.error[item], item, item] = 1
        mean[item, layout.intercept[item]] = 1
    for a in range(factors):
        for b in range(a + 1):
            if layout.cross[a, b] != FIXED:
                both = np.outer(here.loadings[:, a], here.loadings[:, b])
                covariance[layout.cross[a, b]] = both if a == b else both + both.T
        if layout.mean[a] != FIXED:
            mean[:, layout.mean[a]] = here.loadings[:, a]
    low = np.tril_indices(items)
    return np.vstack([mean, covariance[:, low[0], low[1]].T])


def weight(covariance: Floats) -> Floats:
    """Normal-theory weight of mean and covariance residuals, in the order of ``derivatives``."""
    inverse = np.linalg.inv(covariance)
    items = len(covariance)
    i, j = np.tril_indices(items)
    double = np.where(i == j, 1.0, 2.0)
    crossed = inverse[np.ix_(i, i)] * inverse[np.ix_(j, j)]
    crossed += inverse[np.ix_(i, j)] * inverse[np.ix_(j, i)]
    found = np.zeros((items + len(i), items + len(i)))
    found[:items, :items] = inverse
    found[items:, items:] = 0.25 * np.outer(double, double) * crossed
    return found
