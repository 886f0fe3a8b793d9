"""Customers who buy alike if they are alive: drawn once for all of them.

When a customer was last seen bears on the chance to be alive, and on nothing that happens if so:
given alive, what is to come depends on x and T alone. So half a million customers share some
thousands of futures, and each weighs the draws of its own by its own chance to be alive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from analysis.purchases.lifetime_value.covariates import Covariates
from analysis.purchases.lifetime_value.grouped import Floats, Histories

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Alike:
    """Kinds of customers with the same future if alive.

    Attributes
    ----------
    order
        (n,) customers sorted by kind.
    of
        (n,) the kind of each customer.
    first
        (kinds,) a customer of each kind.
    """

    order: Whole
    of: Whole
    first: Whole


def alike(histories: Histories, covariates: Covariates | None, *others: Floats) -> Alike:
    """Put customers with equal x, T, covariates and ``others`` (n,) together."""
    n = len(histories)
    keys = [histories.x, histories.T, *others]
    if covariates is not None:
        keys += [*covariates.rate.T, *covariates.dropout.T]
    order = np.lexsort(keys)
    new = np.zeros(n, dtype=bool)
    new[:1] = True
    for key in keys:
        new[1:] |= key[order][1:] != key[order][:-1]
    of = np.empty(n, dtype=np.int64)
    of[order] = np.cumsum(new) - 1
    return Alike(order, of, order[new])


def weighted_bounds(values: Floats, weights: Floats, bounds: tuple[float, ...]) -> Floats:
    """Quantiles (bounds, rows) of what is a value with the chance of its weight, and else 0.

    Parameters
    ----------
    values
        (rows, draws), sorted in every row, none below 0.
    weights
        (rows, draws) chances, each of one draw.
    """
    draws = values.shape[1]
    reached = np.cumsum(weights, axis=1)
    nothing = draws - reached[:, -1]
    found = np.zeros((len(bounds), len(values)))
    for place, bound in enumerate(bounds):
        asked = bound * draws - nothing
        at = np.minimum((reached < asked[:, None] - 1e-9).sum(axis=1), draws - 1)
        found[place] = np.where(asked > 0, values[np.arange(len(values)), at], 0.0)
    return found


class Tally:
    """Totals of groups in every draw, where customers share what they do if alive.

    Adding a shared draw up over its customers would make totals vary far too much. Of those who
    share, the mean is added and the variance kept, and at the end each total varies by that much
    (gamma, as totals are not below zero). Customers alone in their kind count as drawn.

    Parameters
    ----------
    groups, draws
        How many.
    """

    def __init__(self, groups: int, draws: int) -> None:
        self._sums, self._scaled, self._variance = np.zeros((3, groups, draws))

    def add(
        self,
        chances: Floats,
        mean: Floats,
        spread: Floats,
        groups: tuple[Whole, Floats] | None = None,
    ) -> None:
        """Add customers.

        Parameters
        ----------
        chances
            (rows, draws) to be alive; 0 or 1 where that is drawn.
        mean
            (rows, draws) if alive.
        spread
            (rows, 1) the variance about it, in squares of the mean.
        groups
            (rows,) groups, default all in one, and by what a total is also wanted multiplied.
        """
        total = chances * mean
        variance = total * (mean * (1 + spread) - total)
        if groups is None:
            self._sums += total.sum(axis=0)
            self._variance += variance.sum(axis=0)
            return
        shape, rows = (len(self._sums), len(mean)), np.arange(len(mean))
        into = csr_array((np.ones(len(rows)), (groups[0], rows)), shape=shape)
        self._sums += into @ total
        self._variance += into @ variance
        self._scaled += csr_array((groups[1], (groups[0], rows)), shape=shape) @ total

    def drawn(self, generator: np.random.Generator) -> tuple[Floats, Floats]:
        """Totals of groups (groups, draws), and the same times the factors."""
        varies = (self._sums > 0) & (self._variance > 1e-12 * self._sums**2)
        shape = self._sums[varies] ** 2 / self._variance[varies]
        noise = np.ones_like(self._sums)
        noise[varies] = generator.standard_gamma(shape) / shape
        return self._sums * noise, self._scaled * noise
