"""Fitting the structure by maximum likelihood, with tests and errors robust to skewed answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import optimize, stats

from analysis.ratings.confirmatory.layout import (
    Equal,
    Floats,
    GroupLayout,
    derivatives,
    layouts,
    moments,
    weight,
)

MOST_ITEMS = 60
MOST_STEPS = 200
TOLERANCE = 1e-10


class Improper(ValueError):
    """A structure that cannot be fitted to these answers; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """The answers of one group: (n, items), and their moments (covariance divided by n)."""

    name: str
    answers: Floats
    mean: Floats
    covariance: Floats


@dataclass(frozen=True, slots=True, eq=False)
class StructureFit:
    """A fitted structure.

    Attributes
    ----------
    constructs, items
        Their names; ``factor[i]`` is the construct of item i.
    theta, errors
        Parameters and their robust covariance, shapes (parameters,) and (parameters, parameters).
    chi2, df, scaling
        Likelihood-ratio statistic against free moments; ``chi2 / scaling`` is Satorra and
        Bentler's scaled statistic.
    cfi, tli, rmsea, rmsea_low, rmsea_high, srmr
        Robust fit measures (Brosseau-Liard, Savalei and Li 2012); the interval of RMSEA is 90 %.
    """

    constructs: tuple[str, ...]
    items: tuple[str, ...]
    factor: np.ndarray
    groups: tuple[Group, ...]
    layouts: tuple[GroupLayout, ...]
    theta: Floats
    errors: Floats
    chi2: float
    df: int
    scaling: float
    cfi: float
    tli: float
    rmsea: float
    rmsea_low: float
    rmsea_high: float
    srmr: float

    @property
    def n(self) -> int:
        return sum(len(group.answers) for group in self.groups)

    @property
    def p(self) -> float:
        """p-value of the scaled statistic."""
        return float(stats.chi2.sf(self.chi2 / self.scaling, self.df))

    def standardised(self) -> Floats:
        """Loadings with items and factors of variance 1, in the first group; shape (items,)."""
        here = moments(self.layouts[0], self.theta)
        loading = self.theta[self.layouts[0].loading]
        standardised: Floats = loading / np.sqrt(np.diag(here.covariance))
        return standardised


def fit_structure(
    constructs: Mapping[str, Sequence[str]],
    answers: pd.DataFrame,
    *,
    groups: pd.Series | None = None,
    equal: Equal = "nothing",
) -> StructureFit:
    """Fit one factor a construct, every item on its own construct only.

    Parameters
    ----------
    constructs
        The items (columns of ``answers``) of every construct.
    answers
        One row per respondent, no missing values.
    groups
        Index as ``answers``: who belongs to which group.
    equal
        What the groups share.

    Raises
    ------
    Improper
        When the structure is not identified, an item does not vary, or the best solution has a
        negative error variance or factors that coincide.

    Source
    ------
    Joereskog (1971), Psychometrika 36; Satorra and Bentler (1994); Brosseau-Liard, Savalei and
    Li (2012), Multivariate Behavioral Research 47.
    """
    names = tuple(item for items in constructs.values() for item in items)
    factor = np.repeat(np.arange(len(constructs)), [len(items) for items in constructs.values()])
    samples = _samples(answers[list(names)], groups)
    _check(constructs, names, samples)
    placed, size = layouts(factor, len(samples), equal)
    theta = _maximum(samples, placed, _start(samples, placed, size))
    _refuse_improper(constructs, names, placed, theta)
    chi2, df, scaling, errors = _tested(samples, placed, theta)
    base, base_df, base_scaling = _independent(samples)
    n = sum(len(sample.answers) for sample in samples)
    excess = max(chi2 - scaling * df, 0.0)
    base_excess = max(base - base_scaling * base_df, excess, 1e-12)
    tli = 1 - (excess / max(df, 1)) / max((base - base_scaling * base_df) / base_df, 1e-12)
    low, high = _noncentrality(chi2 / scaling, df)
    root = scaling * len(samples) / (n * max(df, 1))
    return StructureFit(
        constructs=tuple(constructs),
        items=names,
        factor=factor,
        groups=samples,
        layouts=tuple(placed),
        theta=theta,
        errors=errors,
        chi2=chi2,
        df=df,
        scaling=scaling,
        cfi=1 - excess / base_excess,
        tli=tli,
        rmsea=float(np.sqrt(len(samples) * excess / (n * max(df, 1)))),
        rmsea_low=float(np.sqrt(low * root)),
        rmsea_high=float(np.sqrt(high * root)),
        srmr=_srmr(samples, placed, theta),
    )


def _samples(answers: pd.DataFrame, groups: pd.Series | None) -> tuple[Group, ...]:
    parts = {"": answers} if groups is None else dict(tuple(answers.groupby(groups.astype(str))))
    found = []
    for name, part in parts.items():
        x = part.to_numpy(dtype=float)
        mean = x.mean(axis=0)
        found.append(Group(str(name), x, mean, (x - mean).T @ (x - mean) / len(x)))
    return tuple(found)


def _check(
    constructs: Mapping[str, Sequence[str]], names: Sequence[str], samples: Sequence[Group]
) -> None:
    faults = []
    if len(names) > MOST_ITEMS:
        faults.append(f"{len(names)} items are more than the {MOST_ITEMS} that are checked")
    short = [name for name, items in constructs.items() if len(items) < 2]
    faults += [f"construct '{name}' has fewer than two items" for name in short]
    if len(constructs) == 1 and len(names) < 4:
        faults.append("one construct of fewer than four items leaves nothing to test")
    for sample in samples:
        of = f" of group '{sample.name}'" if sample.name else ""
        if len(sample.answers) <= len(names) + 1:
            faults.append(f"{len(sample.answers)} answers{of} are too few for {len(names)} items")
            continue
        flat = [name for name, v in zip(names, np.diag(sample.covariance), strict=True) if v <= 0]
        faults += [f"all answers{of} to '{name}' are the same" for name in flat]
        if not flat and np.linalg.cond(sample.covariance) > 1e12:
            faults.append(f"some items{of} repeat each other exactly")
    if faults:
        raise Improper("; ".join(faults))


def _start(samples: Sequence[Group], placed: Sequence[GroupLayout], size: int) -> Floats:
    theta = np.zeros(size)
    for sample, layout in reversed(list(zip(samples, placed, strict=True))):
        variance = np.diag(sample.covariance)
        sign = np.ones(len(variance))
        for factor in range(len(layout.mean)):
            own = np.flatnonzero(layout.factor == factor)
            vector = np.linalg.eigh(sample.covariance[np.ix_(own, own)])[1][:, -1]
            sign[own] = np.sign(vector * (1 if vector.sum() >= 0 else -1)) + (vector == 0)
        theta[layout.loading] = sign * np.sqrt(0.5 * variance)
        theta[layout.error] = 0.5 * variance
        theta[layout.intercept] = sample.mean
        free = layout.cross[layout.cross >= 0]
        theta[free] = 0.3
        diagonal = np.diag(layout.cross)
        theta[diagonal[diagonal >= 0]] = 1.0
    return theta


def _discrepancy(samples: Sequence[Group], placed: Sequence[GroupLayout], theta: Floats) -> float:
    """-2 log likelihood ratio against free moments; infinite outside the parameter space."""
    total = 0.0
    for sample, layout in zip(samples, placed, strict=True):
        here = moments(layout, theta)
        sign, log_det = np.linalg.slogdet(here.covariance)
        if sign <= 0 or np.linalg.eigvalsh(here.covariance)[0] <= 0:
            return np.inf
        inverse = np.linalg.inv(here.covariance)
        off = sample.mean - here.mean
        fit = log_det - np.linalg.slogdet(sample.covariance)[1] - len(off)
        fit += float((inverse * sample.covariance).sum() + off @ inverse @ off)
        total += len(sample.answers) * fit
    return total


def _maximum(samples: Sequence[Group], placed: Sequence[GroupLayout], theta: Floats) -> Floats:
    """Fisher scoring with halved steps."""
    value = _discrepancy(samples, placed, theta)
    for _ in range(MOST_STEPS):
        information = np.zeros((len(theta), len(theta)))
        score = np.zeros(len(theta))
        for sample, layout in zip(samples, placed, strict=True):
            here = moments(layout, theta)
            moved = derivatives(layout, theta, len(theta))
            weighed = weight(here.covariance) @ moved
            off = sample.mean - here.mean
            residual = sample.covariance + np.outer(off, off) - here.covariance
            both = np.concatenate([off, residual[np.tril_indices(len(off))]])
            information += len(sample.answers) * moved.T @ weighed
            score += len(sample.answers) * weighed.T @ both
        step = np.linalg.lstsq(information, score, rcond=None)[0]
        decrement = float(score @ step)
        length = 1.0
        while length > 1e-8:
            trial = theta + length * step
            tried = _discrepancy(samples, placed, trial)
            if tried < value or decrement < TOLERANCE:
                break
            length /= 2
        if decrement < TOLERANCE or length <= 1e-8:
            return theta
        theta, value = trial, tried
    raise Improper(f"the fit did not settle in {MOST_STEPS} steps")


def _refuse_improper(
    constructs: Mapping[str, Sequence[str]],
    names: Sequence[str],
    placed: Sequence[GroupLayout],
    theta: Floats,
) -> None:
    faults = []
    for layout in placed:
        negative = np.flatnonzero(theta[layout.error] <= 0)
        faults += [f"the error variance of '{names[int(i)]}' is not positive" for i in negative]
        cross = moments(layout, theta).factors
        scale = np.sqrt(np.abs(np.diag(cross)))
        for a, b in combinations(range(len(cross)), 2):
            if abs(cross[a, b]) >= scale[a] * scale[b]:
                pair = sorted(list(constructs)[k] for k in (a, b))
                faults.append(f"'{pair[0]}' and '{pair[1]}' cannot be told apart")
    if faults:
        raise Improper("; ".join(dict.fromkeys(faults)))


def _tested(
    samples: Sequence[Group], placed: Sequence[GroupLayout], theta: Floats
) -> tuple[float, int, float, Floats]:
    """Statistic, degrees of freedom, Satorra-Bentler scaling, and the sandwich of the errors."""
    n = sum(len(sample.answers) for sample in samples)
    parts, moved_all = [], []
    information = np.zeros((len(theta), len(theta)))
    for sample, layout in zip(samples, placed, strict=True):
        w = weight(moments(layout, theta).covariance)
        moved = derivatives(layout, theta, len(theta))
        information += len(sample.answers) / n * moved.T @ w @ moved
        parts.append(w)
        moved_all.append(moved)
    inverse = np.linalg.pinv(information)
    trace, meat, count = 0.0, np.zeros_like(information), 0
    for sample, w, moved in zip(samples, parts, moved_all, strict=True):
        share = len(sample.answers) / n
        residual = _cases(sample)
        weighed = residual @ w
        through = weighed @ moved
        plain = float((weighed * residual).sum()) / len(residual)
        fitted = float(((through @ inverse) * through).sum()) / len(residual)
        trace += plain - share * fitted
        meat += share * through.T @ through / len(residual)
        count += w.shape[0]
    df = count - len(theta)
    chi2 = max(_discrepancy(samples, placed, theta), 0.0)
    scaling = trace / df if df else 1.0
    return chi2, df, scaling, inverse @ meat @ inverse / n


def _cases(sample: Group) -> Floats:
    """Each respondent's share in the moments, less the moments: (n, items + lower triangle)."""
    centred = sample.answers - sample.mean
    i, j = np.tril_indices(centred.shape[1])
    return np.hstack([centred, centred[:, i] * centred[:, j] - sample.covariance[i, j]])


def _independent(samples: Sequence[Group]) -> tuple[float, int, float]:
    """Statistic, degrees of freedom and scaling of items that have nothing in common."""
    chi2, df, trace = 0.0, 0, 0.0
    for sample in samples:
        variance = np.diag(sample.covariance)
        n, items = sample.answers.shape
        chi2 += n * (np.log(variance).sum() - np.linalg.slogdet(sample.covariance)[1])
        df += items * (items - 1) // 2
        i, j = np.tril_indices(items, -1)
        centred = sample.answers - sample.mean
        crossed = centred[:, i] * centred[:, j]
        trace += float((crossed.var(axis=0) / (variance[i] * variance[j])).sum())
    return float(chi2), df, trace / df


def _noncentrality(statistic: float, df: int) -> tuple[float, float]:
    """The 90 % interval of the noncentrality of a statistic."""

    def bound(tail: float) -> float:
        if df == 0 or stats.chi2.cdf(statistic, df) <= tail:
            return 0.0
        most = 10 * statistic + 100
        found = optimize.brentq(lambda x: stats.ncx2.cdf(statistic, df, x) - tail, 1e-9, most)
        return float(found)

    return bound(0.95), bound(0.05)


def _srmr(samples: Sequence[Group], placed: Sequence[GroupLayout], theta: Floats) -> float:
    """Standardised root mean square residual of the covariances, averaged over groups."""
    total, n = 0.0, 0
    for sample, layout in zip(samples, placed, strict=True):
        scale = np.sqrt(np.diag(sample.covariance))
        off = (sample.covariance - moments(layout, theta).covariance) / np.outer(scale, scale)
        low = np.tril_indices(len(scale))
        total += len(sample.answers) * float(np.sqrt((off[low] ** 2).mean()))
        n += len(sample.answers)
    return total / n
