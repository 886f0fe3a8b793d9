"""Evidence for a strategy in a segment: a difference, its interval, its p-value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.customers.actions.families import Family
from analysis.customers.segments.money import Worth
from analysis.estimate import Estimate
from analysis.ratings.gaps import gap_column
from analysis.ratings.scales import score_column
from analysis.study import Study
from analysis.study.types import BENEFITS

LEAST = 10
"""Respondents or customers on either side of a comparison; fewer are suppressed."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence on a segment.

    ``p`` is that of the two-sided test; ``speaks`` says whether the estimate has the sign that
    speaks for the family.
    """

    segment: str
    family: Family
    what: str
    estimate: Estimate
    p: float
    speaks: bool


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What the evidence is taken from, by respondent and by customer.

    Attributes
    ----------
    scores
        Index respondent: constructs, and 'recommend' (0 to 10) where it was asked.
    spend
        Index customer: net spend in 52 weeks, of everybody in the ledger.
    alarm
        Index customer: 1 for an open alarm, 0 for none; customers who could be tested only.
    by_chance
        Share of them that a placebo date lists.
    currency
        Unit of the spend.
    """

    study: Study
    scores: pd.DataFrame
    spend: pd.Series
    alarm: pd.Series
    by_chance: float
    currency: str


def evidence(
    answers: Answers, segment: str, respondents: pd.Index, customers: pd.Index
) -> tuple[Evidence, ...]:
    """Everything that answers and purchases say of a segment, against everybody else.

    Parameters
    ----------
    respondents, customers
        The members, as in the indexes of ``answers``.
    """
    inside = answers.scores.index.isin(respondents)
    found = [
        *_service(answers, segment, inside),
        *_improvement(answers, segment, inside),
        *_loyalty(answers, segment, inside, customers),
        *_win_back(answers, segment, customers),
        *_leave_alone(answers, segment, customers),
    ]
    return tuple(found)


def personal(segment: str, worths: Mapping[int, list[Worth]], number: int) -> Iterator[Evidence]:
    """Upgrades that a needs segment values more than the others do."""
    for worth in worths.get(number, []):
        if worth.more_p is not None and worth.more.available:
            positive = (worth.more.value or 0) > 0 and (worth.money.value or 0) > 0
            what = f"{worth.label} is worth more to them than to the others"
            yield Evidence(segment, "personalisation", what, worth.more, worth.more_p, positive)


def _service(answers: Answers, segment: str, inside: np.ndarray) -> Iterator[Evidence]:
    named = {"satisfaction": (-1, "lower"), "non_monetary_cost": (1, "higher")}
    for construct in answers.study.constructs:
        column = score_column(construct.id)
        if construct.facet in named and column in answers.scores:
            sign, word = named[construct.facet]
            what = f"{construct.label.say()} {word} than among the others"
            values = answers.scores[column]
            yield from _against_rest(segment, "service_recovery", what, values, inside, sign)
    if "recommend" in answers.scores:
        what = "willingness to recommend lower than among the others"
        values = answers.scores["recommend"]
        yield from _against_rest(segment, "service_recovery", what, values, inside, -1)


def _improvement(answers: Answers, segment: str, inside: np.ndarray) -> Iterator[Evidence]:
    """Constructs felt below what was expected, within the segment."""
    for construct in answers.study.constructs:
        column = gap_column(construct.id)
        if construct.facet not in BENEFITS or column not in answers.scores:
            continue
        gap = answers.scores[column][inside].dropna()
        if len(gap) < LEAST or gap.var() == 0:
            continue
        found = stats.ttest_1samp(gap, 0.0)
        interval = found.confidence_interval()
        estimate = Estimate(
            value=float(gap.mean()),
            low=float(interval.low),
            high=float(interval.high),
            n=len(gap),
            method="felt less expected, paired; 95 % by t",
            unit="points",
        )
        family: Family = (
            "product_improvement" if construct.facet == "functional_value" else "service_recovery"
        )
        what = f"{construct.label.say()} felt below what was expected"
        yield Evidence(segment, family, what, estimate, float(found.pvalue), gap.mean() < 0)


def _loyalty(
    answers: Answers, segment: str, inside: np.ndarray, customers: pd.Index
) -> Iterator[Evidence]:
    """Attached more than the others and buying more: both must hold, so the larger p counts."""
    rich = list(_spend(answers, segment, customers, 1))
    if not rich:
        return
    for construct in answers.study.constructs:
        column = score_column(construct.id)
        if construct.facet == "emotional_engagement" and column in answers.scores:
            what = f"{construct.label.say()} and spend higher than among the others"
            values = answers.scores[column]
            for one in _against_rest(segment, "relationship_loyalty", what, values, inside, 1):
                both = one.speaks and rich[0].speaks
                yield Evidence(segment, one.family, what, one.estimate, max(one.p, rich[0].p), both)


def _spend(answers: Answers, segment: str, customers: pd.Index, sign: int) -> Iterator[Evidence]:
    inside = answers.spend.index.isin(customers)
    word = "higher" if sign > 0 else "lower"
    what = f"spend of 52 weeks {word} than that of the others"
    found = _against_rest(segment, "leave_alone", what, answers.spend, inside, sign)
    for one in found:
        unit = one.estimate.model_copy(update={"unit": answers.currency})
        yield Evidence(segment, one.family, what, unit, one.p, one.speaks)


def _leave_alone(answers: Answers, segment: str, customers: pd.Index) -> Iterator[Evidence]:
    yield from _spend(answers, segment, customers, -1)


def _win_back(answers: Answers, segment: str, customers: pd.Index) -> Iterator[Evidence]:
    """More open alarms than a placebo date lists."""
    watched = answers.alarm[answers.alarm.index.isin(customers)]
    if len(watched) < LEAST or not 0 < answers.by_chance < 1:
        return
    hits = int(watched.sum())
    found = stats.binomtest(hits, len(watched), answers.by_chance)
    interval = found.proportion_ci(0.95, method="wilson")
    share = hits / len(watched)
    excess = share - answers.by_chance
    estimate = Estimate(
        value=excess,
        low=min(float(interval.low) - answers.by_chance, excess),
        high=max(float(interval.high) - answers.by_chance, excess),
        n=len(watched),
        method="share of open alarms less that of a placebo date; Wilson",
        unit="share",
    )
    what = "more customers buy clearly less often than chance lists"
    yield Evidence(segment, "win_back", what, estimate, float(found.pvalue), excess > 0)


def _against_rest(
    segment: str, family: Family, what: str, values: pd.Series, inside: np.ndarray, sign: int
) -> Iterator[Evidence]:
    """A difference of means against everybody else (Welch); nothing where either side is small."""
    own = values[inside].dropna().astype(float)
    rest = values[~inside].dropna().astype(float)
    if min(len(own), len(rest)) < LEAST or own.var() + rest.var() == 0:
        return
    found = stats.ttest_ind(own, rest, equal_var=False)
    interval = found.confidence_interval()
    gap = float(own.mean() - rest.mean())
    estimate = Estimate(
        value=gap,
        low=min(float(interval.low), gap),
        high=max(float(interval.high), gap),
        n=len(own),
        method="mean less that of the others; 95 % interval of Welch",
        unit="points",
    )
    yield Evidence(segment, family, what, estimate, float(found.pvalue), sign * gap > 0)
