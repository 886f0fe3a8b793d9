"""The interval of a figure from its draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.estimate import Estimate

Floats = NDArray[np.float64]


def estimate_of(
    draws: Floats, *, n: int, method: str, unit: str = "share", value: float | None = None
) -> Estimate:
    """The middle 95 % and 50 % of the draws (D,) of a figure.

    ``value`` is the figure itself, which the intervals are widened to hold; None: the median.
    """
    low, low_50, median, high_50, high = np.quantile(draws, [0.025, 0.25, 0.5, 0.75, 0.975])
    value = float(median if value is None else value)
    return Estimate(
        value=value,
        low=float(min(low, value)),
        high=float(max(high, value)),
        low_50=float(min(low_50, value)),
        high_50=float(max(high_50, value)),
        n=n,
        method=method,
        unit=unit,
    )
