"""Whether groups understand the items alike: without it, their scores must not be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from scipy import stats

from analysis.ratings.confirmatory.fit import Improper, StructureFit, fit_structure

LEAST_GROUP = 100
"""Respondents in every group; smaller ones are not tested."""
MOST_FALL = 0.01
MOST_RISE = 0.015
"""Chen (2007): a fall of CFI and a rise of RMSEA that speak against equality."""
LEAST_CFI = 0.90
"""Groups whose own structure fits worse than this have no structure to compare."""


@dataclass(frozen=True, slots=True)
class Step:
    """One more thing held equal across groups, and what that costs.

    ``fall`` of CFI, ``rise`` of RMSEA and the p-value of the scaled difference against the step
    before; None for the first.
    """

    equal: str
    fit: StructureFit
    fall: float | None = None
    rise: float | None = None
    p: float | None = None

    @property
    def holds(self) -> bool:
        if self.fall is None or self.rise is None:
            return self.fit.cfi >= LEAST_CFI
        return self.fall <= MOST_FALL and self.rise <= MOST_RISE


@dataclass(frozen=True, slots=True)
class Invariance:
    """The steps tried, until one failed.

    Attributes
    ----------
    groups
        Tested groups with their n.
    left_out
        Groups that are too small, with their n.
    comparable
        'means', 'relations' (correlations and slopes, not means) or 'nothing'.
    """

    groups: Mapping[str, int]
    left_out: Mapping[str, int]
    steps: tuple[Step, ...]

    @property
    def comparable(self) -> str:
        held = 0
        for step in self.steps:
            if not step.holds:
                break
            held += 1
        return ("nothing", "nothing", "relations", "means")[held]


def invariance(
    constructs: Mapping[str, Sequence[str]], answers: pd.DataFrame, groups: pd.Series
) -> Invariance:
    """Hold loadings, then intercepts equal across groups.

    Raises
    ------
    Improper
        When fewer than two groups are large enough, or a fit is improper.

    Source
    ------
    Meredith (1993), Psychometrika 58; Chen (2007), Structural Equation Modeling 14; Satorra and
    Bentler (2001), Psychometrika 66, for the difference.
    """
    known = groups.loc[answers.index].astype(str)
    sizes = known.value_counts().sort_index()
    tested = {str(name): int(n) for name, n in sizes.items() if n >= LEAST_GROUP}
    small = {str(name): int(n) for name, n in sizes.items() if n < LEAST_GROUP}
    if len(tested) < 2:
        raise Improper(f"fewer than two groups have {LEAST_GROUP} complete respondents")
    kept = known.isin(list(tested))
    steps: list[Step] = []
    for equal in ("nothing", "loadings", "intercepts"):
        fit = fit_structure(constructs, answers[kept], groups=known[kept], equal=equal)
        before = steps[-1].fit if steps else None
        steps.append(
            Step(equal, fit)
            if before is None
            else Step(equal, fit, before.cfi - fit.cfi, fit.rmsea - before.rmsea, _p(before, fit))
        )
    return Invariance(tested, small, tuple(steps))


def _p(less: StructureFit, more: StructureFit) -> float | None:
    """p-value of the scaled difference; None where its scaling is not positive."""
    df = more.df - less.df
    scaling = (more.df * more.scaling - less.df * less.scaling) / df
    if scaling <= 0:
        return None
    return float(stats.chi2.sf(max(more.chi2 - less.chi2, 0.0) / scaling, df))
