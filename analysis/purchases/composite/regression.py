"""Expected later spend by Poisson pseudo-maximum likelihood, with robust errors.

A log link keeps the expectation positive and additive in money; the Poisson score equations need
only the mean to be right, so that many zeros and a skewed spend are no fault (Gourieroux, Monfort
and Trognon 1984; Santos Silva and Tenreyro 2006). Errors are White's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Z = 1.959963984540054
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted expectation.

    Attributes
    ----------
    names
        The columns used, those that vary.
    centre, scale
        (K,) mean and deviation of the columns where it was fitted.
    coefficients, errors
        (K + 1,) constant first, then a column each, per standard deviation; robust errors.
    n
        Customers it was fitted to.
    """

    names: tuple[str, ...]
    centre: Floats
    scale: Floats
    coefficients: Floats
    errors: Floats
    n: int

    def expected(self, table: pd.DataFrame) -> Floats:
        """Expected spend of customers, in units of currency; columns as they were coded."""
        z = (table[list(self.names)].to_numpy(dtype=float) - self.centre) / self.scale
        # Nobody is taken further out than five deviations: a log link multiplies.
        utility = self.coefficients[0] + np.clip(z, -5, 5) @ self.coefficients[1:]
        return np.asarray(np.exp(utility), dtype=float)

    def table(self) -> pd.DataFrame:
        """column, coefficient (log of expected spend, per deviation), low, high, n."""
        half = Z * self.errors[1:]
        return pd.DataFrame(
            {
                "column": self.names,
                "coefficient": self.coefficients[1:],
                "low": self.coefficients[1:] - half,
                "high": self.coefficients[1:] + half,
                "n": self.n,
            }
        )


class NotFitted(ArithmeticError):
    """The regression found no maximum; the message says why."""


def fit(table: pd.DataFrame, value: Floats, names: tuple[str, ...]) -> Fit:
    """Fit expected value on some columns of a table.

    Raises
    ------
    NotFitted
        When nobody bought, or the search does not converge.
    """
    columns = table[list(names)].to_numpy(dtype=float)
    scale = columns.std(axis=0)
    varies = scale > 1e-9
    names = tuple(name for name, keep in zip(names, varies, strict=True) if keep)
    centre, scale = columns[:, varies].mean(axis=0), scale[varies]
    z = np.clip((columns[:, varies] - centre) / scale, -5, 5)
    x = np.column_stack([np.ones(len(z)), z])
    if not value.sum() > 0:
        raise NotFitted("nobody bought in the weeks that were to be predicted")
    level = value.mean()
    y = value / level
    b = np.zeros(x.shape[1])
    ridge = 1e-6 * len(y) * np.r_[0.0, np.ones(len(b) - 1)]

    def objective(at: Floats) -> float:
        u = x @ at
        return float(np.exp(np.minimum(u, 50)).sum() - y @ u + 0.5 * (ridge * at**2).sum())

    here = objective(b)
    for _ in range(100):
        mean = np.exp(x @ b)
        gradient = x.T @ (y - mean) - ridge * b
        bend = (x * mean[:, None]).T @ x + np.diag(ridge)
        step = np.linalg.solve(bend, gradient)
        gain, size = float(gradient @ step), 1.0
        if gain < 1e-10 * len(y):
            break
        while (there := objective(b + size * step)) > here - 1e-4 * size * gain and size > 1e-8:
            size /= 2
        b, here = b + size * step, there
    else:
        raise NotFitted("the regression did not converge in 100 steps")
    inverse = np.linalg.inv(bend)
    scores = x * (y - mean)[:, None]
    n, k = x.shape
    covariance = inverse @ (scores.T @ scores) @ inverse * (n / max(n - k, 1))
    b = b + np.r_[np.log(level), np.zeros(k - 1)]
    return Fit(names, centre, scale, b, np.sqrt(np.diag(covariance)), n)


def deviance(value: Floats, expected: Floats) -> float:
    """Mean Poisson deviance: how far expectations are from values; less is better."""
    ratio = np.where(value > 0, value, 1.0) / expected
    return float(2 * np.mean(np.where(value > 0, value * np.log(ratio), 0.0) - value + expected))


def choose(
    table: pd.DataFrame, value: Floats, candidates: dict[str, tuple[str, ...]], *, seed: int
) -> tuple[str, dict[str, float]]:
    """Which columns predict best, by five-fold cross-validation over customers.

    Returns
    -------
    str, dict
        The name of the candidate with the least deviance, and the deviance of each.
    """
    fold = np.random.default_rng(seed).permutation(len(table)) % FOLDS
    found = {}
    for name, columns in candidates.items():
        expected = np.empty(len(table))
        for left_out in range(FOLDS):
            inside = fold != left_out
            model = fit(table[inside], value[inside], columns)
            expected[~inside] = model.expected(table[~inside])
        found[name] = deviance(value, expected)
    return min(found, key=lambda name: found[name]), found
