"""Several comparisons side by side: intervals that hold together, and the verdict they give.

A verdict that allows for the number of comparisons beside an interval that does not would
contradict itself. Here the interval is the verdict: it leaves out zero, or it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.estimate import Estimate

LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Simultaneous:
    """One of several comparisons.

    Attributes
    ----------
    estimate
        With the interval that holds together with those of all other comparisons.
    p
        Two-sided, times the number of comparisons (at most 1); None without a test.
    """

    estimate: Estimate
    p: float | None

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.p is not None and self.estimate.clear_of_zero


def simultaneous(
    differences: Sequence[Estimate], freedoms: Sequence[float | None]
) -> tuple[Simultaneous, ...]:
    """Widen 95 % intervals so that all of them together hold the truth in 95 % of samples.

    Bonferroni: with m comparisons each interval is one of 1 - .05 / m, value plus and minus
    t(1 - .025 / m) standard errors. It leaves out zero where m times its p-value is below .05.

    Parameters
    ----------
    differences
        Each with its own symmetric 95 % interval by t; the difference tested is zero.
    freedoms
        Degrees of freedom of each interval (infinite: normal); None where there is no test, which
        does not count as a comparison and stays as it is. So does what is not available.

    Source
    ------
    Dunn (1961), Journal of the American Statistical Association 56, 52-64.
    """
    pairs = list(zip(differences, freedoms, strict=True))
    tested = sum(freedom is not None and one.available for one, freedom in pairs)
    return tuple(_widened(one, freedom, tested) for one, freedom in pairs)


def tail(tests: int) -> float:
    """The share left out at each end of one of so many intervals that hold together."""
    return LEVEL / 2 / max(tests, 1)


def named(method: str, tests: int) -> str:
    """The method of one of so many intervals that hold together."""
    return method if tests < 2 else f"{method}, simultaneous over {tests} comparisons (Bonferroni)"


def stretched(one: Estimate, tests: int, *, ratio: bool = False) -> Estimate:
    """An interval of any shape as one of so many that hold together.

    Each end moves away from the value by z(1 - .025 / m) / z(.975), on the log scale for a ratio:
    for intervals by draws or resampling, whose far quantiles are not to be trusted.
    """
    if one.value is None or one.low is None or one.high is None or tests < 2:
        return one
    more = float(stats.norm.ppf(1 - tail(tests)) / stats.norm.ppf(1 - tail(1)))
    value, low, high = np.array([one.value, one.low, one.high])
    if ratio:
        value, low, high = np.log([value, low, high])
    low, high = value + more * (low - value), value + more * (high - value)
    if ratio:
        low, high = np.exp([low, high])
    wide = {"low": float(low), "high": float(high), "method": named(one.method, tests)}
    return one.model_copy(update=wide)


def _widened(one: Estimate, freedom: float | None, tests: int) -> Simultaneous:
    if freedom is None or one.value is None or one.low is None or one.high is None:
        return Simultaneous(one, None)
    error = (one.high - one.low) / 2 / float(stats.t.ppf(1 - tail(1), freedom))
    half = float(stats.t.ppf(1 - tail(tests), freedom)) * error
    p = 2 * float(stats.t.sf(abs(one.value) / error, freedom))
    ends = {"low": one.value - half, "high": one.value + half}
    wide = one.model_copy(update={**ends, "method": named(one.method, tests)})
    return Simultaneous(wide, min(1.0, tests * p))
