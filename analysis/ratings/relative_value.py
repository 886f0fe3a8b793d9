"""Relative value: what customers feel about the own brand against named competitors.

Competitors are the other entries of a loop that names its own brand. Everything is paired: only
respondents who rated both are compared, on the items that they answered about both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.estimate import Estimate, unavailable
from analysis.ratings.between_groups import LEAST_GROUP
from analysis.ratings.means import mean_of
from analysis.ratings.nps import effective_n
from analysis.ratings.perceived_value import fieller
from analysis.ratings.scales import UNIT, item_column, item_scores
from analysis.ratings.simultaneous import named, simultaneous, tail
from analysis.study import Study
from analysis.study.flow import Looped
from analysis.study.scoring import LEAST_SHARE
from analysis.study.types import BENEFITS, COSTS

AVERAGE = ""
"""Stands for the average of the competitors that a respondent rated."""
VALUE, GAINS, PAINS = "perceived value", "benefits", "costs"
INDEX = "index: mean of ours over mean of theirs, zero = lowest answer to every item; Fieller"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of the own brand against one competitor.

    Attributes
    ----------
    competitor
        Id of the entry; ``AVERAGE`` for the mean of the competitors a respondent rated.
    figure
        A construct's id, or ``VALUE``, ``GAINS``, ``PAINS``.
    ours, theirs, difference
        Points of 100, among the respondents who rated both; the difference is paired, and its
        interval holds together with those of all comparisons made.
    ratio
        Ours over theirs, an index, with an interval of the same kind; of perceived value (which
        has no such zero) there is none.
    p
        Two-sided, allowing for all comparisons made; None without a test.
    """

    competitor: str
    figure: str
    ours: Estimate
    theirs: Estimate
    difference: Estimate
    ratio: Estimate
    p: float | None

    @property
    def clear(self) -> bool:
        """Whether the interval of the difference leaves out zero."""
        return self.p is not None and self.difference.clear_of_zero


@dataclass(frozen=True, slots=True)
class RelativeValue:
    """The own brand against each competitor and their average.

    ``own`` and ``competitors`` are ids of entries with their labels; ``raters`` counts who rated
    an entry at all; ``comparisons`` stand by competitor, the whole before its constructs.
    ``costs`` are the constructs of which less is better.
    """

    own: tuple[str, str]
    competitors: Mapping[str, str]
    raters: Mapping[str, int]
    costs: frozenset[str]
    comparisons: tuple[Comparison, ...]


def relative_value(
    study: Study, answers: pd.DataFrame, *, weights: pd.Series | None = None
) -> RelativeValue | None:
    """Compare the own brand with the competitors that respondents rated.

    Parameters
    ----------
    study
        Its loops with an ``own`` entry ask the same items of several brands. Perceived value is
        benefits less costs, equally weighted or by the plan's weights, where costs are asked of
        brands; else benefits alone.
    answers
        Columns respondent, question, item, value, status.
    weights
        Weight of each respondent (index).

    Returns
    -------
    RelativeValue or None
        None where no loop names its own brand, or it rates nothing.

    Source
    ------
    Gale (1994), Managing Customer Value: relative perceived quality and price; here with paired
    intervals, and ratios named as the indices they are.
    """
    brands = _brands(study)
    asked = [c.id for c in study.constructs if any(_asked(study, c.id, b) for b in brands[1:])]
    if not asked:
        return None
    own, *others = brands
    items = {
        (brand, name): _items(study, answers, name, brand) for brand in brands for name in asked
    }
    raters = {
        brand: len(pd.concat([items[brand, c] for c in asked], axis=1).dropna(how="all"))
        for brand in brands
    }
    pairs = {
        brand: {name: _paired(items[own, name], items[brand, name]) for name in asked}
        for brand in others
    }
    pairs[AVERAGE] = {name: _average([pairs[b][name] for b in others]) for name in asked}
    lines = [
        (brand, figure, pair)
        for brand in (others if len(others) < 2 else [*others, AVERAGE])
        for figure, pair in (_wholes(study, pairs[brand]) | pairs[brand]).items()
    ]
    labels = {found.entry.id: found.entry.label.say() for found in _looped(study)}
    return RelativeValue(
        own=(own, labels[own]),
        competitors={brand: labels[brand] for brand in others},
        raters=raters,
        costs=frozenset(c.id for c in study.constructs if c.facet in COSTS),
        comparisons=_compared(lines, weights),
    )


def _looped(study: Study) -> list[Looped]:
    """Questions of loops that name their own brand."""
    owned = {found.loop for found in study.looped.values() if found.own}
    return [found for found in study.looped.values() if found.loop in owned]


def _brands(study: Study) -> list[str]:
    """The own brand, then the others in the order of the study."""
    found = {looped.entry.id: looped.own for looped in _looped(study)}
    return sorted(found, key=lambda brand: not found[brand])


def _asked(study: Study, construct: str, brand: str) -> bool:
    return bool(study.items_of(construct, entry=brand))


def _items(study: Study, answers: pd.DataFrame, construct: str, brand: str) -> pd.DataFrame:
    """Scores of items by their name in the study file, the same for all brands."""
    table = item_scores(study, answers, construct, entry=brand)
    names = {
        item_column(question, item.id): item_column(study.looped[question].question, item.id)
        for question, item in study.items_of(construct, entry=brand)
    }
    return table.rename(columns=names)


def _paired(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Columns ours and theirs: means over the items answered about both, at least half of all."""
    columns = ours.columns.intersection(theirs.columns)
    people = ours.index.intersection(theirs.index)
    mine, other = ours.loc[people, columns], theirs.loc[people, columns]
    both = mine.notna() & other.notna()
    enough = both.mean(axis=1) >= LEAST_SHARE
    made = {"ours": mine.where(both).mean(axis=1), "theirs": other.where(both).mean(axis=1)}
    return pd.DataFrame(made)[enough] if len(columns) else pd.DataFrame(made).dropna()


def _average(pairs: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Ours and theirs, each the mean over the competitors that a respondent rated."""
    return pd.concat(pairs).groupby(level=0).mean()


def _wholes(study: Study, pairs: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Benefits, costs and benefits less costs, by the plan's weights within each side."""
    plan = study.analysis.perceived_value.weights
    sides = {}
    for side, facets in ((GAINS, BENEFITS), (PAINS, COSTS)):
        names = [c.id for c in study.constructs if c.facet in facets and c.id in pairs]
        weight = {name: plan.get(name, 0.0) if plan else 1.0 for name in names}
        total = sum(weight.values())
        if total > 0:
            parts = [pairs[name] * (w / total) for name, w in weight.items() if w]
            sides[side] = sum(parts[1:], start=parts[0]).dropna()
    several = {name: pair for name, pair in sides.items() if _several(study, pairs, name)}
    if len(sides) < 2:
        return several
    return {VALUE: (sides[GAINS] - sides[PAINS]).dropna()} | several


def _several(study: Study, pairs: Mapping[str, pd.DataFrame], side: str) -> bool:
    facets = BENEFITS if side == GAINS else COSTS
    return sum(c.facet in facets and c.id in pairs for c in study.constructs) > 1


Line = tuple[str, str, pd.DataFrame]
"""Competitor, figure, and the columns ours and theirs."""


def _compared(lines: Sequence[Line], weights: pd.Series | None) -> tuple[Comparison, ...]:
    """All lines, with intervals that hold together."""
    known = [_weights(pair, weights) for *_, pair in lines]
    sizes = [effective_n(weight) if len(weight) else 0.0 for weight in known]
    freedoms = [
        size - 1 if len(pair) >= LEAST_GROUP else None
        for (*_, pair), size in zip(lines, sizes, strict=True)
    ]
    differences = [
        mean_of(pair["ours"] - pair["theirs"], unit=UNIT, weights=weights) for *_, pair in lines
    ]
    together = simultaneous(
        [
            d.model_copy(update={"method": f"ours less theirs, paired; {d.method}"})
            for d in differences
        ],
        freedoms,
    )
    tests = sum(wide.p is not None for wide in together)
    return tuple(
        Comparison(
            competitor=brand,
            figure=figure,
            ours=mean_of(pair["ours"], unit=UNIT, weights=weights),
            theirs=mean_of(pair["theirs"], unit=UNIT, weights=weights),
            difference=wide.estimate,
            ratio=_index(pair, weight, figure, tests),
            p=wide.p,
        )
        for (brand, figure, pair), weight, wide in zip(lines, known, together, strict=True)
    )


def _weights(pair: pd.DataFrame, weights: pd.Series | None) -> np.ndarray:
    return np.ones(len(pair)) if weights is None else weights.loc[pair.index].to_numpy(dtype=float)


def _index(pair: pd.DataFrame, weight: np.ndarray, figure: str, tests: int) -> Estimate:
    """Ours over theirs; its interval leaves out 1 where that of the difference leaves out 0."""
    n = len(pair)
    if figure == VALUE:
        reason = "a difference of rated answers has no zero that a ratio could start from"
        return unavailable(reason, n=n, method=INDEX)
    if n < 2:
        return unavailable(f"{n} respondent(s) rated both", n=n, method=INDEX)
    both = pair[["ours", "theirs"]].to_numpy(dtype=float).T
    size = effective_n(weight)
    covariance = np.cov(both, aweights=weight, ddof=0) / (size - 1)
    top, bottom = np.average(both, axis=1, weights=weight)
    found = fieller(
        float(top),
        float(bottom),
        covariance=covariance,
        n=n,
        method=named(INDEX, tests),
        quantile=float(stats.t.ppf(1 - tail(tests), size - 1)),
    )
    return found if found.available else unavailable("theirs is too near zero", n=n, method=INDEX)
