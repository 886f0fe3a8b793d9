"""A mean and a share of respondents, weighted or not, with their intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.estimate import Estimate, unavailable, wilson
from analysis.ratings.nps import effective_n
from analysis.study.questions import Question

YEARS = (1900, 2100)
SHARE = "share of those who answered; Wilson interval"


def unit_of(numbers: pd.Series, question: Question) -> str:
    """'year' where a question without a unit got nothing but years of 1900 to 2100; else none.

    A mean year is written as a year (1977), not as an amount (1,977.26).
    """
    if numbers.empty or getattr(question, "unit", None) is not None:
        return ""
    years = (numbers == numbers.round()) & numbers.between(*YEARS)
    return "year" if years.all() else ""


def mean_of(numbers: pd.Series, *, unit: str, weights: pd.Series | None = None) -> Estimate:
    """The mean of numbers in their own unit, one per respondent (index), with its t interval.

    With weights (same index or more), the mean and the variance are weighted and the interval
    rests on Kish's effective n.
    """
    method, n = "mean of respondents; t interval", len(numbers)
    if n < 2:
        return unavailable(
            f"{n} respondent(s): an interval needs two", n=n, method=method, unit=unit
        )
    weight = np.ones(n) if weights is None else weights.loc[numbers.index].to_numpy(dtype=float)
    values = numbers.to_numpy(dtype=float)
    mean = float(np.average(values, weights=weight))
    if np.ptp(values) <= 1e-9:
        reason = f"all {n} have the same score ({mean:.3g}), so its error cannot be judged"
        return unavailable(reason, n=n, method=method, unit=unit)
    size = effective_n(weight)
    spread = float(np.average((values - mean) ** 2, weights=weight)) / (size - 1)
    half = float(stats.t.ppf(0.975, size - 1)) * spread**0.5
    if weights is not None:
        method += f", weighted (effective n {size:.0f})"
    return Estimate(value=mean, low=mean - half, high=mean + half, n=n, method=method, unit=unit)


def share_estimate(chosen: pd.Series, *, weights: pd.Series | None = None) -> Estimate:
    """The share of respondents for whom something is true, with Wilson's interval.

    Parameters
    ----------
    chosen
        True or False per respondent (index).
    weights
        Same index or more; the interval then rests on Kish's effective n.

    Source
    ------
    Wilson (1927), JASA 22, 209-212.
    """
    n = len(chosen)
    if n == 0:
        return unavailable("nobody answered", n=0, method=SHARE, unit="share")
    weight = np.ones(n) if weights is None else weights.loc[chosen.index].to_numpy(dtype=float)
    value = float(np.average(chosen.to_numpy(dtype=float), weights=weight))
    size = effective_n(weight)
    low, high = wilson(value, size)
    method = SHARE if weights is None else f"{SHARE}, weighted (effective n {size:.0f})"
    return Estimate(
        value=value,
        low=low,
        high=high,
        n=n,
        method=method,
        unit="share",
    )
