"""The engagement profile: what customers think, feel and do, each scored apart, and together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
import pandas as pd
from scipy import stats

from analysis.customers.engagement import engagement_facets
from analysis.estimate import Estimate, unavailable
from analysis.ratings.means import share_estimate
from analysis.ratings.scales import UNIT, mean_estimate, recommendations, reliability, score_column
from analysis.study import Study
from analysis.study.types import Component as Name

LABELS: dict[Name, str] = {
    "cognitive": "Thinking: attention and interest",
    "emotional": "Feeling: attachment and recommending",
    "behavioural": "Doing: buying and taking part",
}
LEDGER: dict[Name, tuple[tuple[str, str, float], ...]] = {
    "cognitive": (("event_periods", "Periods of 13 weeks with a like, share or comment", 25.0),),
    "emotional": (),
    "behavioural": (
        ("points_place", "Purchase score: place among all customers", 1.0),
        ("retention", "Retention: periods of 13 weeks with a purchase", 100.0),
        ("loyalty_periods", "Loyalty programme: periods of 13 weeks with points", 25.0),
    ),
}
"""By component: column of the archive's behaviour, label, and what it counts for, out of 100."""
RECOMMENDS = "Would recommend: the answer of 0 to 10, times ten"
COUNTED = "counted, not asked"
ONE_ANSWER = "one answer; .6 to .9 is usual"
TOP = 0.2
"""The share of customers that is looked at as the most engaged."""
NOT_FROZEN = "not in the archive"


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """One thing that a component rests on: a score (0 to 100) of each respondent, their mean."""

    label: str
    scores: pd.Series
    estimate: Estimate
    reliability: Estimate | str


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """A component: the mean of its measures, for those who have them all."""

    name: Name
    label: str
    measures: tuple[Measure, ...]
    absent: tuple[tuple[str, str], ...]
    """Measures that there are none of, and why."""
    scores: pd.Series
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class OtherWeights:
    """How customers would rank with other weights."""

    label: str
    rank_correlation: Estimate
    top_stays: Estimate
    """Share of the most engaged fifth that stays in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The components of engagement and their composite.

    Attributes
    ----------
    components
        All three, with or without data.
    weights
        Share of each component that the composite rests on; they add up to 1.
    composite
        A score of 0 to 100 by respondent, of those who have all these components.
    estimate
        Its mean.
    others
        The ranking by other weights.
    """

    components: tuple[Component, ...]
    weights: Mapping[Name, float]
    composite: pd.Series
    estimate: Estimate
    others: tuple[OtherWeights, ...] = field(default=())


def engagement_profile(
    study: Study,
    answers: pd.DataFrame,
    scores: pd.DataFrame,
    behaviour: pd.DataFrame,
    *,
    weights: pd.Series | None = None,
) -> Profile:
    """Score cognitive, emotional and behavioural engagement, and put them together.

    Every measure is on 0 to 100: constructs as scored, the answer of 0 to 10 times ten, the place
    of the customer's points among all customers, shares of the last four periods of 13 weeks.
    A component is the plain mean of its measures, the composite the mean of the components by the
    plan's weights (default: equal). Who lacks a measure has no score: scores of different
    measures cannot be ranked together.

    Parameters
    ----------
    study
        Constructs of the facets of engagement; the weights of ``analysis.engagement``.
    answers
        Columns respondent, question, item, value, status.
    scores
        From ``construct_scores``: index respondent.
    behaviour
        As in the archive; no rows when it is not in it.
    weights
        Weight of each respondent (index), for the means.
    """
    known = behaviour.set_index("respondent").reindex(scores.index)
    components = tuple(
        _component(name, _asked(study, answers, scores, name), known, weights)
        for name in get_args(Name)
    )
    counted = _weights(study, components)
    table = pd.DataFrame({c.name: c.scores for c in components if c.name in counted})
    if table.empty:
        none = unavailable("no component has data", n=0, method="weighted mean", unit=UNIT)
        return Profile(components, {}, pd.Series(dtype=float), none)
    composite = _mixed(table, counted)
    return Profile(
        components,
        counted,
        composite,
        mean_estimate(composite, weights=weights),
        tuple(_others(table.dropna(), counted)),
    )


Raw = tuple[str, pd.Series, Estimate | str]
"""Label, scores and reliability."""


def _asked(study: Study, answers: pd.DataFrame, scores: pd.DataFrame, name: Name) -> list[Raw]:
    facet = next(f for f in engagement_facets(study, scores) if f.facet == f"{name}_engagement")
    found: list[Raw] = [
        (
            study.construct_named(construct).label.say(),
            scores[score_column(construct)],
            reliability(study, answers, construct),
        )
        for construct in facet.constructs
    ]
    given = recommendations(study, answers)
    if name == "emotional" and given is not None:
        found.append((RECOMMENDS, 10 * given.reindex(scores.index), ONE_ANSWER))
    return found


def _component(
    name: Name, asked: list[Raw], known: pd.DataFrame, weights: pd.Series | None
) -> Component:
    counted: list[Raw] = [
        (label, known[column].astype(float) * points, COUNTED)
        for column, label, points in LEDGER[name]
    ]
    everything = [*asked, *counted]
    there = [raw for raw in everything if raw[1].notna().any()]
    absent = [] if asked else [("Items of the survey", "not asked")]
    absent += [
        (label, NOT_FROZEN if how == COUNTED else "nobody answered")
        for label, scores, how in everything
        if not scores.notna().any()
    ]
    measures = tuple(
        Measure(label, scores, mean_estimate(scores, weights=weights), how)
        for label, scores, how in there
    )
    mean = pd.Series(dtype=float)
    estimate = unavailable("not asked, and not in the archive", n=0, method="mean", unit=UNIT)
    if measures:
        mean = pd.concat([m.scores for m in measures], axis=1).mean(axis=1, skipna=False)
        estimate = mean_estimate(mean, weights=weights)
    return Component(name, LABELS[name], measures, tuple(absent), mean, estimate)


def _weights(study: Study, components: tuple[Component, ...]) -> dict[Name, float]:
    """Shares of the components that have data; empty when none of them counts."""
    planned = study.analysis.engagement.weights
    wanted = {
        c.name: planned.get(c.name, 0.0) if planned else 1.0 for c in components if c.measures
    }
    total = sum(wanted.values())
    return {name: weight / total for name, weight in wanted.items() if weight > 0}


def _mixed(table: pd.DataFrame, weights: Mapping[Name, float]) -> pd.Series:
    total = sum(weights.values())
    parts = [table[name] * (weight / total) for name, weight in weights.items()]
    return pd.concat(parts, axis=1).sum(axis=1, skipna=False)


def _others(table: pd.DataFrame, weights: Mapping[Name, float]) -> list[OtherWeights]:
    """Each component counted double, and each left out, against the plan's weights."""
    if len(weights) < 2:
        return []
    plain = _mixed(table, weights)
    found = []
    for name, weight in weights.items():
        rest = {other: w for other, w in weights.items() if other != name}
        for how, changed in (("counted double", {**rest, name: 2 * weight}), ("left out", rest)):
            other = _mixed(table, changed)
            label = f"{LABELS[name].split(':')[0]} {how}"
            found.append(
                OtherWeights(label, rank_correlation(plain, other), _top_stays(plain, other))
            )
    return found


def rank_correlation(one: pd.Series, other: pd.Series) -> Estimate:
    """Spearman's rank correlation of complete pairs, with the interval of Bonett and Wright.

    Source
    ------
    Bonett and Wright (2000), Psychometrika 65, 23-28: Fisher's z, variance (1 + r^2/2) / (n - 3).
    """
    n, method = len(one), "Spearman's rank correlation; Bonett-Wright interval"
    if n < 10:
        return unavailable(f"{n} respondent(s)", n=n, method=method)
    if one.nunique() < 2 or other.nunique() < 2:
        return unavailable("all have the same score", n=n, method=method)
    r = float(np.corrcoef(stats.rankdata(one), stats.rankdata(other))[0, 1])
    z = float(np.arctanh(np.clip(r, -0.999999, 0.999999)))
    half = float(stats.norm.ppf(0.975)) * ((1 + r * r / 2) / (n - 3)) ** 0.5
    low, high = float(np.tanh(z - half)), float(np.tanh(z + half))
    return Estimate(value=r, low=min(low, r), high=max(high, r), n=n, method=method)


def _top_stays(one: pd.Series, other: pd.Series) -> Estimate:
    first, second = (s >= s.quantile(1 - TOP) for s in (one, other))
    return share_estimate(second[first])
