"""What a fit of latent classes returns: information criteria, membership, part-worths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.choices.coding import Coding, Floats
from analysis.choices.latent_class.mixture import Mixture
from analysis.choices.partworths import Covariance, PartWorths

SAME = 1e-4
"""Log-likelihoods this near count as the same maximum."""


@dataclass(frozen=True, slots=True)
class LatentClasses:
    """A mixture of classes, the largest first.

    Attributes
    ----------
    coding
        How the levels became the K columns.
    mixture
        Shares and coefficients; the first scale class is the largest and has scale 1.
    covariances
        Of ``mixture.vector()``, (P, P): 'classical' is the inverse of the observed information
        of the mixture (exact, by Louis 1982); 'cluster' the sandwich over respondents.
    respondents, membership
        Names, and posterior chances (respondents, Q) of the classes.
    scale_membership
        Posterior chances (respondents, S) of the scale classes.
    log_likelihood, log_likelihoods
        The best one, and where each start ended (None: without a finite maximum).
    n_tasks, n_respondents, null_log_likelihood
        As in PartWorths.
    warnings
        What a reader must know.
    """

    coding: Coding
    mixture: Mixture
    covariances: Mapping[Covariance, Floats]
    respondents: tuple[str, ...]
    weight: Floats
    membership: Floats
    scale_membership: Floats
    log_likelihood: float
    log_likelihoods: tuple[float | None, ...]
    n_tasks: int
    null_log_likelihood: float
    warnings: tuple[str, ...] = ()

    @property
    def n_classes(self) -> int:
        return len(self.mixture.shares)

    @property
    def n_respondents(self) -> int:
        return len(self.respondents)

    @property
    def n_parameters(self) -> int:
        return len(self.mixture.vector())

    @property
    def aic(self) -> float:
        """-2 LL + 2 P."""
        return -2 * self.log_likelihood + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        """-2 LL + P log N, with N respondents."""
        return -2 * self.log_likelihood + self.n_parameters * float(np.log(self.n_respondents))

    @property
    def caic(self) -> float:
        """-2 LL + P (log N + 1), with N respondents."""
        return self.bic + self.n_parameters

    @property
    def entropy_r2(self) -> float:
        """1 less the mean entropy of membership over log Q; 1 with one class."""
        if self.n_classes == 1:
            return 1.0
        chances = np.clip(self.membership, 1e-300, 1)
        entropy = -(self.weight @ (chances * np.log(chances)).sum(axis=1)) / self.weight.sum()
        return float(1 - entropy / np.log(self.n_classes))

    @property
    def starts_at_best(self) -> int:
        """How many starts ended at the best log-likelihood."""
        return sum(
            ll is not None and self.log_likelihood - ll < SAME for ll in self.log_likelihoods
        )

    def share_errors(self, kind: Covariance = "cluster") -> Floats:
        """Standard errors of the shares, (Q,), by the delta method; infinite without intervals."""
        q = self.n_classes
        if self.mean_part_worths().why_no_intervals(kind):
            return np.full(q, np.inf)
        slope = np.diag(self.mixture.shares) - np.outer(self.mixture.shares, self.mixture.shares)
        slope = slope[:, : q - 1]
        spread = self.covariances[kind][: q - 1, : q - 1]
        errors: Floats = np.sqrt(np.einsum("qa,ab,qb->q", slope, spread, slope))
        return errors

    def scale_errors(self, kind: Covariance = "cluster") -> Floats:
        """Standard errors of the log-scales of the second and further scale classes, (S - 1,).

        Infinite without intervals.
        """
        count = len(self.mixture.scales) - 1
        if self.mean_part_worths().why_no_intervals(kind):
            return np.full(count, np.inf)
        errors: Floats = np.sqrt(np.diag(self.covariances[kind])[self.n_parameters - count :])
        return errors

    def class_part_worths(self, number: int) -> PartWorths:
        """The part-worths of one class (1 is the largest), for importances and money values.

        With scale classes, those at scale 1. Raw part-worths of classes are not comparable,
        because scale differs; compare money values or shares.
        """
        if not 1 <= number <= self.n_classes:
            raise ValueError(f"there is no class {number}; known: 1 to {self.n_classes}")
        width = self.coding.width
        slope = np.zeros((width, self.n_parameters))
        slope[:, self._place(number - 1)] = np.eye(width)
        return self._part_worths(self.mixture.coefficients[number - 1], slope)

    def mean_part_worths(self) -> PartWorths:
        """The mean of the classes, weighted by their shares (scale 1 with scale classes)."""
        q, _, width = self.mixture.shape
        shares, coefficients = self.mixture.shares, self.mixture.coefficients
        mean = shares @ coefficients
        slope = np.zeros((width, self.n_parameters))
        slope[:, : q - 1] = (shares[:, None] * (coefficients - mean))[: q - 1].T
        for n in range(q):
            slope[:, self._place(n)] = shares[n] * np.eye(width)
        return self._part_worths(mean, slope)

    def _place(self, number: int) -> slice:
        q, s, width = self.mixture.shape
        first = q + s - 2 + number * width
        return slice(first, first + width)

    def _part_worths(self, coefficients: Floats, slope: Floats) -> PartWorths:
        return PartWorths(
            coding=self.coding,
            estimator="latent-class",
            coefficients=coefficients,
            covariances={kind: slope @ v @ slope.T for kind, v in self.covariances.items()},
            n_respondents=self.n_respondents,
            n_tasks=self.n_tasks,
            log_likelihood=self.log_likelihood,
            null_log_likelihood=self.null_log_likelihood,
            converged=True,
            iterations=0,
            warnings=self.warnings,
            estimated=self.n_parameters,
        )
