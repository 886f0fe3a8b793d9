"""Stated, weakly informative priors: for purchases whose likelihood is flat, and for small groups.

A prior is a set of independent normal distributions of logarithms that mean something (how often
the average customer buys), so that adding it to a log-likelihood is a penalty with exact
derivatives. Its weight in the result is not hidden: the fit is repeated with all deviations halved
and doubled, and what changes between the three goes into the interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from analysis.purchases.lifetime_value.grouped import Floats
from analysis.purchases.lifetime_value.likelihood import Optimum, Surface, maximise

HALVED, DOUBLED = 0.5, 2.0
TOLERANCE = 1e-8
"""Newton decrement: where a parameter is at its bound the likelihood is no smoother than that."""
ROUGHLY = 1e-2
"""Newton decrement that is near enough to begin at."""


@dataclass(frozen=True, slots=True)
class Prior:
    """Independent normal distributions of ``axes @ coefficients``.

    Attributes
    ----------
    axes
        (K, P), a row each.
    mean, deviation
        (K,)
    words
        What it says, for people: one sentence each.
    """

    axes: Floats
    mean: Floats
    deviation: Floats
    words: tuple[str, ...]

    def scaled(self, factor: float) -> Self:
        """The same, its deviations multiplied."""
        return replace(self, deviation=self.deviation * factor)

    def added(self, surface: Surface, at: Floats) -> Surface:
        """A log-likelihood with the log prior (but for its constant) added."""
        apart = (self.axes @ at - self.mean) / self.deviation
        scaled = self.axes / self.deviation[:, None]
        return Surface(
            surface.value - 0.5 * float(apart @ apart),
            surface.gradient - scaled.T @ apart,
            surface.hessian - scaled.T @ scaled,
        )


@dataclass(frozen=True, slots=True)
class Penalty:
    """The prior of a fit, and what the fit would be with a narrower and with a wider one.

    Attributes
    ----------
    halved, doubled
        (P,) coefficients with all deviations of the prior halved, and doubled.
    why
        Why there is a prior, as the end of a sentence.
    """

    prior: Prior
    why: str
    halved: Floats
    doubled: Floats

    def moved(self, by: Floats) -> Self:
        """With coefficients in other units, ``by`` (P,) added; the prior stays in the fit's."""
        return replace(self, halved=self.halved + by, doubled=self.doubled + by)


def untold(names: tuple[str, ...]) -> str:
    """Why a prior is needed, of the parameters that run away or are hardly known."""
    return f"the purchases alone hardly tell {', '.join(names)}"


def penalised(
    surface: Callable[[Floats], Surface],
    start: Floats,
    prior: Prior,
    *,
    names: tuple[str, ...],
    why: str,
    rough: Callable[[Floats], Surface] | None = None,
) -> tuple[Optimum, Penalty]:
    """The most probable coefficients (penalised maximum likelihood), and how far the prior decides.

    The covariance is that of an equal mixture of the Laplace approximations under the stated, the
    halved and the doubled prior, about the stated one's maximum: an interval made of it is wider
    where the prior matters. ``log_likelihood`` of the result is without the prior.

    Parameters
    ----------
    rough
        A quick approximation of ``surface``, whose maxima are where to begin.

    Raises
    ------
    NotConverged
        When a maximum is not reached.
    """

    def climb(factor: float, begin: Floats) -> Optimum:
        own = prior.scaled(factor)
        if rough is not None:
            quick = maximise(
                lambda at: own.added(rough(at), at), begin, names=names, tolerance=ROUGHLY
            )
            begin = quick.at
        return maximise(
            lambda at: own.added(surface(at), at), begin, names=names, tolerance=TOLERANCE
        )

    stated = climb(1.0, start)
    narrow, wide = climb(HALVED, stated.at), climb(DOUBLED, stated.at)
    three = (stated, narrow, wide)
    apart = np.array([found.at - stated.at for found in three])
    covariance = np.mean([found.covariance for found in three], axis=0) + apart.T @ apart / 3
    found = Optimum(stated.at, covariance, surface(stated.at).value, stated.iterations)
    return found, Penalty(prior, why, narrow.at, wide.at)
