"""Careful respondents to rated items, simulated: a normal behind every item, cut into its answers.

The cuts are those that give this study's own shares of answers; the correlations are those of its
answers, corrected for the cutting (a scale of few points hides a part of them: Olsson, Drasgow &
Dorans 1982 for the polyserial case). So people who feel much the same about everything are in the
null, and items that are reversed go against the others as they do in this study.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Ordinal:
    """Answers as cut normals.

    Attributes
    ----------
    values
        Per item the answers that occur, ascending.
    cuts
        Per item the normal quantiles between them.
    correlation
        (items, items) of the normals.
    """

    values: tuple[Floats, ...]
    cuts: tuple[Floats, ...]
    correlation: Floats

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Answers (n, items) of simulated respondents."""
        z = rng.standard_normal((n, len(self.values))) @ np.linalg.cholesky(self.correlation).T
        return self.cut(z)

    def cut(self, z: Floats) -> Floats:
        """The answers that normals (n, items) stand for."""
        columns = [
            values[np.searchsorted(cuts, z[:, k])]
            for k, (values, cuts) in enumerate(zip(self.values, self.cuts, strict=True))
        ]
        return np.column_stack(columns)


def ordinal_of(answers: Floats) -> Ordinal:
    """Fit to answers (respondents, items); missing ones are NaN.

    An item that everybody answers alike has no correlation with any other.
    """
    values, cuts, hidden = [], [], []
    for column in answers.T:
        known = column[~np.isnan(column)]
        found, counts = np.unique(known, return_counts=True)
        shares = np.cumsum(counts)[:-1] / len(known)
        at = norm.ppf(shares)
        heights = np.concatenate([[0.0], norm.pdf(at), [0.0]])
        spread = known.std()
        # Correlation of a normal with its cut version.
        hidden.append(float(found @ (heights[:-1] - heights[1:])) / spread if spread else 1.0)
        values.append(found)
        cuts.append(at)
    seen = _correlation(answers)
    corrected = np.clip(seen / np.outer(hidden, hidden), -0.98, 0.98)
    np.fill_diagonal(corrected, 1.0)
    return Ordinal(tuple(values), tuple(cuts), _definite(corrected))


def _correlation(answers: Floats) -> Floats:
    """Correlations over those who answered both items; 0 where they cannot be had."""
    items = answers.shape[1]
    found = np.eye(items)
    for i in range(items):
        for j in range(i):
            both = ~np.isnan(answers[:, i]) & ~np.isnan(answers[:, j])
            pair = answers[both][:, [i, j]]
            if len(pair) > 2 and pair.std(axis=0).all():
                found[i, j] = found[j, i] = float(np.asarray(np.corrcoef(pair.T))[0, 1])
    return found


def _definite(matrix: Floats) -> Floats:
    """The matrix with its eigenvalues lifted above zero, and ones on the diagonal again."""
    values, vectors = np.linalg.eigh(matrix)
    lifted = vectors * np.maximum(values, 1e-6) @ vectors.T
    scale = np.sqrt(np.diag(lifted))
    found: Floats = lifted / np.outer(scale, scale)
    return found


def tail(null: Floats, seen: Floats) -> Floats:
    """Chance under the null (draws,) of a value as large as each one seen, itself counted."""
    ordered = np.sort(null)
    above = len(ordered) - np.searchsorted(ordered, seen - 1e-9)
    chances: Floats = (1 + above) / (1 + len(ordered))
    return chances


def attained(null: Floats, wanted: float) -> float:
    """The share of the null that is flagged: less than wanted where the scores come in steps."""
    return float((tail(null, null) <= wanted).mean())
