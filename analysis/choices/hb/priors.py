"""Priors of the population, by name; with constraints, those of R bayesm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PriorName = Literal["sawtooth", "bayesm"]


@dataclass(frozen=True, slots=True)
class Prior:
    """Sigma ~ IW(nu, scale); Gamma | Sigma ~ matrix normal(0, precision^-1, Sigma).

    Attributes
    ----------
    nu, scale
        Degrees of freedom (at least K) and scale matrix (K, K) of the inverse Wishart, whose mean
        is scale / (nu - K - 1).
    precision
        (Q, Q): A. With an intercept only, mu ~ N(0, Sigma / A).
    medians
        (K,) what a constrained step is worth at mu = 0 (e^mubar in bayesm's terms), 1 elsewhere;
        None: 1 everywhere.
    """

    nu: float
    scale: Floats
    precision: Floats
    medians: Floats | None = None

    def __post_init__(self) -> None:
        K = self.scale.shape[0]
        if self.scale.shape != (K, K) or np.any(np.linalg.eigvalsh(self.scale) <= 0):
            raise ValueError("the scale of the prior is not a positive definite square matrix")
        if self.nu < K:
            raise ValueError(f"the prior needs at least {K} degrees of freedom, not {self.nu:g}")
        if np.any(np.linalg.eigvalsh(self.precision) <= 0):
            raise ValueError("the precision of the prior mean is not positive definite")
        if self.medians is not None and not np.all(self.medians > 0):
            raise ValueError("the medians of the prior are not all above zero")


def bayesm_prior(width: int, covariates: int = 1) -> Prior:
    """The default of R bayesm's rhierMnlRwMixture with one component.

    nu = K + 3, scale = nu I, A = 0.01 (Rossi, Allenby & McCulloch 2005, chapter 5).
    """
    nu = float(width + 3)
    return Prior(nu, nu * np.eye(width), 0.01 * np.eye(covariates))


def sawtooth_prior(
    blocks: Sequence[int], *, df: float = 5.0, variance: float = 1.0, covariates: int = 1
) -> Prior:
    """The convention of Sawtooth's CBC/HB: every level has the same prior variance.

    Parameters
    ----------
    blocks
        Number of columns of each attribute in coding order, negative for one effects attribute:
        -4 is an effects attribute of 5 levels, 1 a linear attribute or the none.
    df, variance
        nu = K + df; scale = nu * variance * P with, for an effects attribute of L levels,
        (L - 1) / L on the diagonal of P and -1 / L off it, and 1 for linear and none: the
        covariance of levels that are independent and of equal variance before they are centred.

    Notes
    -----
    Sawtooth Software, CBC/HB technical paper, "prior covariance matrix"; the manual of Lighthouse
    Studio, "CBC/HB advanced settings": variance 1 by default. R ChoiceModelR has the same matrix,
    with 5 degrees of freedom and variance 2 by default.
    """
    width = sum(abs(block) for block in blocks)
    shape = np.eye(width)
    at = 0
    for block in blocks:
        size = abs(block)
        if block < 0:
            shape[at : at + size, at : at + size] -= 1.0 / (size + 1)
        at += size
    nu = width + df
    return Prior(nu, nu * variance * shape, 0.01 * np.eye(covariates))


def constrained_prior(prior: Prior, bounded: NDArray[np.bool_], medians: Floats) -> Prior:
    """The prior where columns are logarithms of steps: that of R bayesm with sign restrictions.

    nu = K + 15 and A = 0.1; the scale is nu * 0.2 for a constrained column, and that of ``prior``
    for the others, scaled to the new nu. bayesm's mubar is 2 for constrained
    columns; here e^mubar is ``medians`` (K,), 1 for the others. A step is log-normal, so that a
    wide prior would put nearly all steps at nothing or beyond any size: hence more degrees of
    freedom, less variance and a larger A than without constraints.

    Notes
    -----
    bayesm 3.1, R/rhierMnlRwMixture_rcpp.r: nu = nvar + 15, Amu = .1,
    V = nu * (I - .8 diag(SignRes != 0)), mubar = 2 |SignRes|; Ad = 0.01 for covariates.
    """
    nu = float(len(bounded) + 15)
    scale = nu * np.where(bounded[:, None] | bounded, 0.0, prior.scale / prior.nu)
    scale[bounded, bounded] = 0.2 * nu
    precision = prior.precision.copy()
    precision[0, 0] = 0.1
    return Prior(nu, scale, precision, medians)
