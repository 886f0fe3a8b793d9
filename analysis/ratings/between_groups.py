"""Figures of several groups of respondents side by side, and which differences pass a test."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.estimate import Estimate, unavailable
from analysis.ratings.nps import effective_n
from analysis.ratings.simultaneous import simultaneous

LEAST_GROUP = 10
"""Smaller groups are not shown: their figures say more of persons than of groups."""

Floats = np.ndarray


@dataclass(frozen=True, slots=True)
class Difference:
    """The second group less the first.

    Attributes
    ----------
    estimate
        With its own 95 % interval, or after ``together`` the one that holds with all others.
    freedom
        Degrees of freedom of the interval; None without a test.
    p
        Two-sided, for as many tests as the interval allows for; None without a test.
    """

    first: str
    second: str
    estimate: Estimate
    freedom: float | None
    p: float | None

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.p is not None and self.estimate.clear_of_zero


def differences(
    values: pd.Series,
    groups: pd.Series,
    *,
    customers: pd.Series | None = None,
    weights: pd.Series | None = None,
    only: Sequence[tuple[str, str]] | None = None,
    unit: str = "",
) -> tuple[Difference, ...]:
    """Differences of means between groups, each for itself: see ``together``.

    Welch's t test. Where the same customer is in both groups (waves), the covariance of the two
    answers is taken off, so that a panel is compared as a panel.

    Parameters
    ----------
    values
        One number per respondent (index); missing ones are left out.
    groups
        Same index or more: the group of each.
    customers
        Same index or more: empty where unknown.
    weights
        Same index or more; variances then rest on Kish's effective n.
    only
        Pairs to compare; None: all pairs of groups of at least ten.

    Returns
    -------
    tuple of Difference
        In the order of the pairs.
    """
    parts = {
        str(name): part
        for name, part in values.dropna().groupby(groups.reindex(values.index), observed=True)
    }
    pairs = list(only) if only is not None else list(combinations(sorted(parts), 2))
    found = []
    for first, second in pairs:
        a, b = parts.get(first, values[:0]), parts.get(second, values[:0])
        estimate, freedom = _welch(a, b, customers, weights, unit)
        (alone,) = simultaneous([estimate], [freedom])
        found.append(Difference(first, second, alone.estimate, freedom, alone.p))
    return tuple(found)


def together(found: Sequence[Difference]) -> tuple[Difference, ...]:
    """The same differences with intervals that hold together, from differences each for itself."""
    wide = simultaneous([one.estimate for one in found], [one.freedom for one in found])
    return tuple(
        replace(one, estimate=widened.estimate, p=widened.p)
        for one, widened in zip(found, wide, strict=True)
    )


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down adjustment (1979); missing p-values stay missing."""
    known = [(p, n) for n, p in enumerate(p_values) if p is not None]
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for place, (p, n) in enumerate(sorted(known)):
        highest = max(highest, min(1.0, (len(known) - place) * p))
        adjusted[n] = highest
    return adjusted


def independence(table: Floats, *, deflate: float = 1.0) -> float | None:
    """p-value of Pearson's chi-squared test of a table of counts.

    Parameters
    ----------
    table
        Shape (groups, answers), of counts or of weighted counts.
    deflate
        Effective n over n of a weighted table: the first-order correction of Rao and Scott (1984)
        for unequal weights.

    Returns
    -------
    float or None
        None when fewer than two groups or two answers were met, or an expected count is below 1
        or more than a fifth of them below 5 (Cochran 1954).
    """
    met = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(met.shape) < 2:
        return None
    expected = deflate * np.outer(met.sum(axis=1), met.sum(axis=0)) / met.sum()
    if expected.min() < 1 or (expected < 5).mean() > 0.2:
        return None
    statistic = float((((deflate * met) - expected) ** 2 / expected).sum())
    return float(stats.chi2.sf(statistic, (met.shape[0] - 1) * (met.shape[1] - 1)))


def by_group(
    values: pd.Series, groups: pd.Series, figure: Callable[[pd.Series], Estimate]
) -> Mapping[str, Estimate]:
    """A figure of every group, in the order of their names; small groups are suppressed."""
    known = values.dropna()
    found = {}
    for name, part in known.groupby(groups.reindex(known.index), observed=True):
        small = f"fewer than {LEAST_GROUP} respondents"
        enough = len(part) >= LEAST_GROUP
        found[str(name)] = figure(part) if enough else unavailable(small, n=len(part), method=small)
    return found


def _welch(
    a: pd.Series,
    b: pd.Series,
    customers: pd.Series | None,
    weights: pd.Series | None,
    unit: str,
) -> tuple[Estimate, float | None]:
    method = "difference of means; Welch's t interval"
    n = len(a) + len(b)
    if min(len(a), len(b)) < LEAST_GROUP:
        small = f"fewer than {LEAST_GROUP} respondents in a group"
        return unavailable(small, n=n, method=method, unit=unit), None
    (mean_a, error_a, size_a), (mean_b, error_b, size_b) = (_mean(x, weights) for x in (a, b))
    variance = error_a + error_b
    shared = _shared(a, b, customers, weights)
    if shared is not None:
        variance, method = variance - 2 * shared[0], f"{method}, {shared[1]} customers in both"
    if variance <= 1e-18:
        same = "everybody in both groups gave the same answer"
        return unavailable(same, n=n, method=method, unit=unit), None
    freedom = (error_a + error_b) ** 2 / (error_a**2 / (size_a - 1) + error_b**2 / (size_b - 1))
    value, error = mean_b - mean_a, variance**0.5
    half = float(stats.t.ppf(0.975, freedom)) * error
    ends = {"value": value, "low": value - half, "high": value + half}
    return Estimate(**ends, n=n, method=method, unit=unit), freedom


def _mean(values: pd.Series, weights: pd.Series | None) -> tuple[float, float, float]:
    """Mean, its squared error, and the effective n."""
    x = values.to_numpy(dtype=float)
    weight = np.ones(len(x)) if weights is None else weights.loc[values.index].to_numpy(dtype=float)
    mean, size = float(np.average(x, weights=weight)), effective_n(weight)
    variance = float(np.average((x - mean) ** 2, weights=weight)) * size / (size - 1)
    return mean, variance / size, size


def _shared(
    a: pd.Series, b: pd.Series, customers: pd.Series | None, weights: pd.Series | None
) -> tuple[float, int] | None:
    """Covariance of the two means that customers in both groups make; None when there are none."""
    if customers is None:
        return None
    first, second = (_of_customers(x, customers, weights) for x in (a, b))
    both = first.index.intersection(second.index)
    if len(both) < 2:
        return None
    x, y = first.loc[both], second.loc[both]
    share_x = x["weight"].to_numpy() / first["total"].iloc[0]
    share_y = y["weight"].to_numpy() / second["total"].iloc[0]
    off_x = x["value"].to_numpy() - float(np.average(x["value"], weights=x["weight"]))
    off_y = y["value"].to_numpy() - float(np.average(y["value"], weights=y["weight"]))
    covariance = float((share_x * share_y * off_x * off_y).sum()) * len(both) / (len(both) - 1)
    return covariance, len(both)


def _of_customers(
    values: pd.Series, customers: pd.Series, weights: pd.Series | None
) -> pd.DataFrame:
    """Value and weight of the first answer of every known customer; total weight of the group."""
    weight = pd.Series(1.0, index=values.index) if weights is None else weights.loc[values.index]
    table = pd.DataFrame(
        {"customer": customers.reindex(values.index), "value": values, "weight": weight}
    ).assign(total=weight.sum())
    known = table[table["customer"].fillna("") != ""]
    return known.drop_duplicates("customer").set_index("customer")
