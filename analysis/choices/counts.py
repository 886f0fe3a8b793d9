"""Counts: how often a level was chosen when it was on offer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import fdtrc

from analysis.choices.coding import NONE, Floats
from analysis.choices.sets import respondent_weights
from analysis.estimate import Estimate, wilson
from analysis.study import Attribute, Study
from analysis.tables import Choices

Codes = NDArray[np.intp]
METHOD = "chosen when offered; Wilson at the effective n, variance over respondents"


@dataclass(frozen=True, slots=True)
class Count:
    """How often a level, or a pair of levels of two attributes, was chosen when offered.

    ``attribute`` and ``level`` have one entry (main effect) or two (two-way). ``shown`` and
    ``chosen`` count alternatives without weights; ``share`` is weighted, 0 to 1.
    """

    attribute: tuple[str, ...]
    level: tuple[str, ...]
    shown: int
    chosen: int
    share: Estimate


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of one exercise.

    Attributes
    ----------
    main, pairs
        Of every level, and of every pair of levels that was shown together.
    tests
        By attribute: p-value of the hypothesis that all its levels are chosen equally often
        (Wald test with the covariance over respondents; None with too few of them).
    none
        How often none was chosen when offered; None without a none alternative.
    n_respondents, n_tasks
        What the counts rest on, holdouts excluded.
    """

    main: tuple[Count, ...]
    pairs: tuple[Count, ...]
    tests: Mapping[str, float | None]
    none: Count | None
    n_respondents: int
    n_tasks: int
    warnings: tuple[str, ...] = ()


def fit_counts(
    study: Study,
    choices: Choices,
    *,
    exercise: str | None = None,
    weights: Mapping[str, float] | None = None,
) -> Counts:
    """Count how often each level, and each pair of levels, was chosen when offered.

    Parameters
    ----------
    study, choices
        The study and the checked choices of one of its exercises. Holdout tasks are left out.
    exercise
        Id of the exercise; default: the one the choices belong to.
    weights
        Weight by respondent; every respondent needs one.

    Returns
    -------
    Counts
        The share is sum(w chosen) / sum(w shown); its variance is that of a ratio over
        respondents, and its interval is Wilson's at the n that has this variance.

    Raises
    ------
    ValueError
        When all tasks are holdouts, or an attribute has a range and so no levels to count.
    """
    wanted = study.choice_exercise(exercise or choices.exercise.id)
    if wanted.id != choices.exercise.id:
        raise ValueError(f"the choices belong to '{choices.exercise.id}', not to '{wanted.id}'")
    ranged = [a.id for a in wanted.attributes if a.range]
    if ranged:
        names = ", ".join(f"'{name}'" for name in ranged)
        raise ValueError(f"counts need levels, but {names} has a range; list its levels")
    frame = choices.frame[choices.frame["role"] == "estimation"]
    if frame.empty:
        raise ValueError("there is no task for estimation: all tasks are holdouts")
    table = _Table.of(frame, weights)
    cells = {a.id: _level_codes(frame, a) for a in wanted.attributes}
    main = tuple(count for a in wanted.attributes for count in _main(table, a, cells[a.id]))
    pairs = tuple(
        c for a, b in combinations(wanted.attributes, 2) for c in _pair(table, a, b, cells)
    )
    single = wanted.none is not None and wanted.none.response == "single"
    return Counts(
        main=main,
        pairs=pairs,
        tests={a.id: _equal_levels(table, cells[a.id], len(a.levels)) for a in wanted.attributes},
        none=_none(table, cells[wanted.attributes[0].id]) if single else None,
        n_respondents=int((table.weight > 0).sum()),
        n_tasks=table.n_tasks,
        warnings=_warnings(int((table.weight > 0).sum()), main),
    )


def _warnings(n: int, main: tuple[Count, ...]) -> tuple[str, ...]:
    few = [f"{n} respondents: intervals of counts need about 30 or more"] if n < 30 else []
    unseen = [
        f"level '{c.level[0]}' of attribute '{c.attribute[0]}' is in no task"
        for c in main
        if c.shown == 0
    ]
    return (*few, *unseen)


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows of alternatives: place of the respondent, chosen; the weight of each respondent."""

    respondent: Codes
    chosen: NDArray[np.bool_]
    weight: Floats
    n_tasks: int

    @staticmethod
    def of(frame: pd.DataFrame, weights: Mapping[str, float] | None) -> _Table:
        respondent, names = pd.factorize(frame["respondent"])
        chosen = frame["chosen"].to_numpy(bool)
        weight = respondent_weights(names, weights)
        return _Table(respondent, chosen, weight, int((chosen & (weight[respondent] > 0)).sum()))

    def tally(self, codes: Codes, size: int) -> tuple[Floats, Floats]:
        """How often each respondent was shown and chose each code, (respondents, size) each."""
        kept = codes >= 0
        shape = (len(self.weight), size)
        place = self.respondent[kept] * size + codes[kept]
        shown = np.bincount(place, minlength=shape[0] * size)
        chosen = np.bincount(place, weights=self.chosen[kept], minlength=shape[0] * size)
        return shown.reshape(shape).astype(float), chosen.reshape(shape).astype(float)


def _level_codes(frame: pd.DataFrame, attribute: Attribute) -> Codes:
    ids = [level.id for level in attribute.levels]
    return pd.Categorical(frame[attribute.id], categories=ids).codes.astype(np.intp)


def _main(table: _Table, attribute: Attribute, codes: Codes) -> Iterator[Count]:
    shown, chosen = table.tally(codes, len(attribute.levels))
    for n, level in enumerate(attribute.levels):
        yield _count((attribute.id,), (level.id,), shown[:, n], chosen[:, n], table.weight)


def _pair(
    table: _Table, first: Attribute, second: Attribute, cells: Mapping[str, Codes]
) -> Iterator[Count]:
    width = len(second.levels)
    codes = np.where(cells[first.id] < 0, -1, cells[first.id] * width + cells[second.id])
    shown, chosen = table.tally(codes, len(first.levels) * width)
    for n in np.flatnonzero(shown.sum(axis=0)):
        levels = (first.levels[n // width].id, second.levels[n % width].id)
        yield _count((first.id, second.id), levels, shown[:, n], chosen[:, n], table.weight)


def _none(table: _Table, codes: Codes) -> Count | None:
    shown, chosen = table.tally(np.where(codes < 0, 0, -1), 1)
    if not shown.any():
        return None
    return _count((NONE,), ("",), shown[:, 0], chosen[:, 0], table.weight)


def _count(
    attribute: tuple[str, ...], level: tuple[str, ...], shown: Floats, chosen: Floats, w: Floats
) -> Count:
    n, total = int(((shown > 0) & (w > 0)).sum()), float(w @ shown)
    if total == 0:
        unseen = not (shown > 0).any()
        why = "the level is in no task" if unseen else "nobody who saw the level has a weight"
        share = Estimate(n=n, method=METHOD, unit="share", reason=why)
        return Count(attribute, level, int(shown.sum()), int(chosen.sum()), share)
    value = float(w @ chosen) / total
    size = _effective_n(value, (w * (chosen - value * shown))[w > 0] / total, n)
    low, high = wilson(value, size)
    low_50, high_50 = wilson(value, size, quantile=0.75)
    share = Estimate(
        value=value,
        low=low,
        high=high,
        low_50=low_50,
        high_50=high_50,
        n=n,
        method=METHOD,
        unit="share",
    )
    return Count(attribute, level, int(shown.sum()), int(chosen.sum()), share)


def _effective_n(value: float, residuals: Floats, n: int) -> float:
    """The n of a simple sample with the variance of the residuals; n respondents without any."""
    seen = len(residuals)
    variance = float(residuals @ residuals) * seen / max(seen - 1, 1)
    return value * (1 - value) / variance if variance > 0 else float(n)


def _equal_levels(table: _Table, codes: Codes, size: int) -> float | None:
    """p-value of the Wald test that all levels shown have the same share.

    Referred to F: the covariance comes from few respondents (Korn & Graubard 1990).
    """
    shown, chosen = table.tally(codes, size)
    totals = table.weight @ shown
    seen, n = totals > 0, int((table.weight > 0).sum())
    if seen.sum() < 2 or n < 2:
        return None
    shares = (table.weight @ chosen)[seen] / totals[seen]
    residuals = table.weight[:, None] * (chosen[:, seen] - shares * shown[:, seen]) / totals[seen]
    spread = residuals.T @ residuals * n / (n - 1)
    step = np.eye(int(seen.sum()))[1:] - np.eye(int(seen.sum()))[0]
    across = step @ spread @ step.T
    if np.linalg.matrix_rank(across, hermitian=True) < len(across):
        return None
    difference, free = step @ shares, len(across)
    if n <= free:
        return None
    wald = float(difference @ np.linalg.solve(across, difference))
    return float(fdtrc(free, n - free, wald * (n - free) / (free * (n - 1))))
