"""Whether customers who came later buy, or leave, otherwise than those who came earlier.

The models say that all are drawn from the same population. In a growing shop the latest may be
worse customers; then those who came lately, of whom little is known, are taken for better than
they are. Where a score test shows it, rate and dropout depend on the time of the first purchase.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from analysis.purchases.lifetime_value.buying import CHUNK, BuyingFit
from analysis.purchases.lifetime_value.covariates import Covariates
from analysis.purchases.lifetime_value.grouped import Floats, Histories

LEVEL = 0.005
"""Told where chance would show it in one company of two hundred."""
NAMES = ("rate:later by a deviation", "dropout:later by a deviation")


@dataclass(frozen=True, slots=True)
class Joining:
    """The time of the first purchase as a covariate of rate and dropout.

    Attributes
    ----------
    mean, deviation
        Weeks since the first purchase, over customers.
    p
        Chance of as large a difference of the rate where there is none (score test).
    """

    mean: float
    deviation: float
    p: float

    @classmethod
    def of(cls, histories: Histories) -> Joining:
        """Not yet tested (``p`` is 1)."""
        mean = float(np.average(histories.T, weights=histories.n))
        spread = float(np.sqrt(np.average((histories.T - mean) ** 2, weights=histories.n)))
        return cls(mean, spread, 1.0)

    def covariates(self, T: Floats, given: Covariates | None = None) -> Covariates:
        """For customers with (rows,) weeks since the first purchase, after what is ``given``."""
        later = ((self.mean - T) / self.deviation)[:, None]
        if given is None:
            return Covariates(later, later, NAMES)
        n = given.rate.shape[1]
        names = (*given.names[:n], NAMES[0], *given.names[n:], NAMES[1])
        return Covariates(np.hstack([given.rate, later]), np.hstack([given.dropout, later]), names)


def joining_of(
    fit: BuyingFit, histories: Histories, given: Covariates | None = None
) -> Joining | None:
    """What a score test tells of the time of the first purchase; None where nothing is clear.

    Tested is the rate alone: what has changed lately for everybody (a price, a shut shop) looks
    like another dropout of some cohorts. The variance of the score is that of the customers' own
    scores, so that bursts count as what they are; the parameters of the fit are allowed for.
    """
    plain = Joining.of(histories)
    if plain.deviation == 0:
        return None
    rates = 0 if given is None else given.rate.shape[1]
    width = len(fit.coefficients) + 2
    known = np.setdiff1d(np.arange(width), [4 + rates, width - 1])
    score, outer, curved = _score(fit, histories, plain, given, known)
    reduced = np.zeros(width)
    reduced[4 + rates] = 1.0
    nuisance = curved[np.ix_(known, known)]
    reduced[known] = -np.linalg.lstsq(nuisance, curved[known, 4 + rates], rcond=None)[0]
    p = float(chi2.sf((reduced @ score) ** 2 / (reduced @ outer @ reduced), 1))
    return Joining(plain.mean, plain.deviation, p) if p < LEVEL else None


def _score(
    fit: BuyingFit,
    histories: Histories,
    joining: Joining,
    given: Covariates | None,
    known: NDArray[np.int64],
) -> tuple[Floats, Floats, Floats]:
    """Sum of the scores, of their outer products, and the negative Hessian, without effect yet."""
    width = len(known) + 2
    score, outer, curved = np.zeros(width), np.zeros((width, width)), np.zeros((width, width))
    at = np.zeros(width)
    at[known] = fit.coefficients
    for start in range(0, len(histories), CHUNK):
        part = slice(start, start + CHUNK)
        rows = histories.rows(part)
        own = joining.covariates(rows.T, None if given is None else given.rows(part))
        terms = fit.model.terms(rows, fit.at(at).logs(len(rows), own))
        lever = fit.model.lever(own)
        each = np.einsum("nkp,nk->np", lever, terms.gradient)
        score += rows.n @ each
        outer += (each * rows.n[:, None]).T @ each
        second = rows.n[:, None, None] * terms.hessian
        curved -= np.einsum("nkp,nkl,nlq->pq", lever, second, lever, optimize=True)
    return score, outer, curved
