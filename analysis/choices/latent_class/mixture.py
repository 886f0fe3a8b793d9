"""The parameters of a mixture of logits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from analysis.choices.coding import Floats


@dataclass(frozen=True, slots=True)
class Mixture:
    """The parameters: Q classes, S scale classes (1 without), K columns.

    ``shares`` (Q,), ``coefficients`` (Q, K), ``scale_shares`` (S,), ``scales`` (S,) with the
    first one 1. A respondent of class q and scale class s has the coefficients
    ``scales[s] * coefficients[q]``; class and scale class are independent.
    """

    shares: Floats
    coefficients: Floats
    scale_shares: Floats
    scales: Floats

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.shares), len(self.scales), self.coefficients.shape[1]

    def components(self) -> Floats:
        """Coefficients of each pair of class and scale class, (Q * S, K)."""
        q, s, k = self.shape
        return (self.coefficients[:, None, :] * self.scales[:, None]).reshape(q * s, k)

    def log_shares(self) -> Floats:
        """Log-share of each pair of class and scale class, (Q * S,)."""
        with np.errstate(divide="ignore"):
            both = np.log(self.shares)[:, None] + np.log(self.scale_shares)
        return both.ravel()

    def vector(self) -> Floats:
        """Log-odds of shares, of scale shares (against the last), coefficients, log-scales."""
        return np.concatenate(
            [
                np.log(self.shares[:-1] / self.shares[-1]),
                np.log(self.scale_shares[:-1] / self.scale_shares[-1]),
                self.coefficients.ravel(),
                np.log(self.scales[1:]),
            ]
        )

    def at(self, vector: Floats) -> Mixture:
        """The mixture of this shape with another vector of parameters."""
        q, s, k = self.shape
        parts = np.split(vector, np.cumsum([q - 1, s - 1, q * k]))
        return Mixture(
            softmax(parts[0]),
            parts[2].reshape(q, k),
            softmax(parts[1]),
            np.concatenate([[1.0], np.exp(np.clip(parts[3], -30, 30))]),
        )


def ordered(mixture: Mixture) -> Mixture:
    """Classes and scale classes by size, the largest first; its scale is 1."""
    classes = np.argsort(-mixture.shares, kind="stable")
    scales = np.argsort(-mixture.scale_shares, kind="stable")
    unit = mixture.scales[scales[0]]
    return Mixture(
        mixture.shares[classes],
        mixture.coefficients[classes] * unit,
        mixture.scale_shares[scales],
        mixture.scales[scales] / unit,
    )


def softmax(odds: Floats) -> Floats:
    """Shares with these log-odds against the last one."""
    full = np.concatenate([odds, [0.0]])
    chances: Floats = np.exp(full - logsumexp(full))
    return chances
