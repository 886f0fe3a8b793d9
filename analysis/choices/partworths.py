"""PartWorths: what every estimator of choices returns, and the worth of every level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from analysis.choices.coding import Coding, Kind

if TYPE_CHECKING:
    from analysis.choices.hb.fit import Hierarchy

Floats = NDArray[np.float64]
Covariance = Literal["classical", "robust", "cluster", "posterior"]
COVARIANCES: tuple[Covariance, ...] = ("classical", "robust", "cluster")
Estimator = Literal["counts", "mnl", "hb", "latent-class", "mixed-logit", "ratings", "best-worst"]


@dataclass(frozen=True, slots=True)
class PartWorths:
    """Part-worths of a population, on the logit scale.

    Attributes
    ----------
    coding
        How the levels became the K columns.
    estimator
        'mnl': aggregate multinomial logit; 'latent-class': one class or the mean over classes;
        'mixed-logit': the means of the population; 'hb': the posterior means of those; 'ratings':
        least squares on ratings.
    coefficients
        (K,), one per column of the coding.
    covariances
        'classical' (inverse information), 'robust' (sandwich over choice tasks) and 'cluster'
        (sandwich over respondents), each (K, K); those an estimator has no use for are absent.
        hb has 'posterior' alone: the covariance of the draws of the mean.
    n_respondents, n_tasks
        What the estimate rests on, holdouts excluded.
    log_likelihood, null_log_likelihood
        At the coefficients, and with all alternatives equally likely.
    converged, iterations
        Whether the optimum was reached, and in how many Newton steps.
    warnings
        What a reader must know.
    hierarchy
        hb: draws of the population and of everybody, with their diagnostics.
    estimated
        How many parameters were estimated together, when there are others besides the K
        coefficients (shares and other classes, spreads between respondents).
    """

    coding: Coding
    estimator: Estimator
    coefficients: Floats
    covariances: Mapping[Covariance, Floats]
    n_respondents: int
    n_tasks: int
    log_likelihood: float
    null_log_likelihood: float
    converged: bool
    iterations: int
    warnings: tuple[str, ...] = ()
    hierarchy: Hierarchy | None = None
    estimated: int = 0

    def covariance(self, kind: Covariance) -> Floats:
        """One of the covariances, (K, K); ValueError when it is unknown."""
        if kind not in self.covariances:
            known = ", ".join(self.covariances)
            raise ValueError(f"there is no covariance '{kind}'; known: {known}")
        return self.covariances[kind]

    def why_no_intervals(self, kind: Covariance) -> str:
        """Why a covariance supports no interval; empty when it does.

        The summed scores of R respondents add up to zero, so the cluster covariance of P parameters
        has a rank of at most R - 1: with R <= P some contrasts would seem to be known exactly.
        """
        people, width = self.n_respondents, max(self.coding.width, self.estimated)
        if kind != "cluster" or people > width:
            return ""
        return (
            f"errors clustered by respondent need more respondents ({people}) than "
            f"{'parameters' if self.estimated else 'part-worths'} ({width})"
        )

    def draws(self, kind: Covariance, *, n: int, seed: int) -> Floats:
        """Draws (n, K) from the normal approximation N(coefficients, covariance)."""
        generator = np.random.default_rng(seed)
        return generator.multivariate_normal(
            self.coefficients, self.covariance(kind), size=n, method="eigh"
        )


def few_respondents(respondents: int, parameters: int) -> tuple[str, ...]:
    """The warning that respondents are too few for clustered errors, or few; else nothing."""
    if respondents <= parameters:
        return (
            f"{respondents} respondent(s) for {parameters} part-worths: too few for errors "
            "clustered by respondent, so there are no intervals",
        )
    if respondents < 30:
        return (f"{respondents} respondents: cluster standard errors need about 30 or more",)
    return ()


@dataclass(frozen=True, slots=True)
class LevelWorth:
    """The part-worth of a level, the slope per unit of a linear attribute, or the none."""

    attribute: str
    level: str
    kind: Kind
    part_worth: float
    se: float


def level_worths(
    part_worths: PartWorths, covariance: Covariance = "cluster"
) -> tuple[LevelWorth, ...]:
    """Part-worth and standard error of every level, the reference level included.

    Levels of an effects attribute add up to zero; a linear attribute has one row, its slope. The
    standard errors are infinite where the covariance supports no interval.
    """
    columns, rows = part_worths.coding.level_rows()
    values = rows @ part_worths.coefficients
    spread = part_worths.covariance(covariance)
    errors = np.sqrt(np.maximum(np.einsum("lk,km,lm->l", rows, spread, rows), 0.0))
    if part_worths.why_no_intervals(covariance):
        errors = np.full(len(errors), np.inf)
    return tuple(
        LevelWorth(column.attribute, column.level, column.kind, float(value), float(error))
        for column, value, error in zip(columns, values, errors, strict=True)
    )
