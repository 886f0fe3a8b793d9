"""The bootstrap over respondents: intervals of means of answers, several from each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from analysis.choices.intervals import estimate_of
from analysis.estimate import Estimate, unavailable

Floats = NDArray[np.float64]
RESAMPLES = 1_000
FEWEST = 10
"""Respondents from which an interval over respondents is given."""
METHOD = f"95 % of {RESAMPLES} bootstrap samples of respondents"
CELLS = 2_000_000


def resamples(people: int, seed: int) -> Iterator[Floats]:
    """How often each respondent is drawn in each sample, (some samples, people) at a time.

    Same people, same seed: the same samples, so that figures resampled apart stay paired.
    """
    generator = np.random.default_rng(seed)
    step, left = max(1, CELLS // people), RESAMPLES
    while left:
        count = min(step, left)
        yield generator.multinomial(people, np.full(people, 1 / people), count).astype(float)
        left -= count


def mean_of_answers(sums: Floats, counts: Floats, *, seed: int, unit: str = "") -> Estimate:
    """The mean of all answers, given the sum and the number of answers of each respondent (N,)."""
    n = int((counts > 0).sum())
    if n < FEWEST:
        reason = f"{n} respondents: an interval over respondents needs {FEWEST}"
        return unavailable(reason, n=n, method=METHOD, unit=unit)
    own = counts > 0
    sums, counts = sums[own], counts[own]
    drawn = np.concatenate([(w @ sums) / (w @ counts) for w in resamples(n, seed)])
    value = float(sums.sum() / counts.sum())
    return estimate_of(drawn, value=value, n=n, method=METHOD, unit=unit)
