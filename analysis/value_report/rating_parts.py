"""The report's numbers from ratings: NPS, constructs, perceived value, engagement."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.customers.engagement import engagement_facets
from analysis.estimate import Estimate, unavailable
from analysis.ratings import perceived_value as benefits_and_costs
from analysis.ratings.gaps import gap_column, gap_estimate, gap_scores
from analysis.ratings.nps import effective_n, net_promoter_score
from analysis.ratings.scales import (
    construct_scores,
    mean_estimate,
    reliability,
    score_column,
)
from analysis.ratings.simultaneous import simultaneous
from analysis.value_report.types import (
    ConstructScore,
    EngagementFacet,
    NetPromoterScore,
    PerceivedValue,
)
from analysis.value_report.used import Used


@dataclass(frozen=True, slots=True, eq=False)
class RatingParts:
    """What ratings add to a report.

    ``answered`` has one row per respondent: the scores of constructs, what is felt less what was
    expected where both were asked, perceived_value where it can be had. ``value_error`` is the
    error of measurement of one perceived value.
    """

    answered: pd.DataFrame
    nps: NetPromoterScore | None = None
    constructs: tuple[ConstructScore, ...] = ()
    perceived_value: PerceivedValue | None = None
    value_error: float = 0.0
    engagement: tuple[EngagementFacet, ...] = ()
    warnings: tuple[str, ...] = ()


def rating_parts(used: Used) -> RatingParts:
    """Score everything that was rated."""
    nobody = pd.DataFrame(index=pd.Index([], name="respondent", dtype="str"))
    if used.answers.empty:
        return RatingParts(nobody, warnings=("There are no answers to questions.",))
    scores = construct_scores(used.study, used.answers)
    weights = None if used.weights is None else used.weights.reindex(scores.index)
    warnings: list[str] = []
    nps = _nps(used)
    if nps is None:
        warnings.append("The study has no answered recommendation question: no NPS.")
    gaps = {
        construct.id: gap
        for construct in used.study.constructs
        if (gap := gap_scores(used.study, used.answers, construct.id)) is not None
    }
    constructs = _constructs(used, scores, gaps, weights)
    felt = scores.assign(**{gap_column(name): gap for name, (gap, _) in gaps.items()})
    value, error, answered = None, 0.0, felt
    try:
        found = benefits_and_costs.perceived_value(
            used.study,
            scores,
            reliabilities={c.id: c.reliability for c in constructs},
            weights=weights,
        )
    except ValueError as why:
        warnings.append(f"Perceived value is left out: {why}.")
    else:
        answered = felt.assign(perceived_value=found.respondents["difference"])
        error = found.error
        value = PerceivedValue(
            benefits=_labels(used, found.benefits),
            costs=_labels(used, found.costs),
            weights=found.weights,
            difference=found.difference,
            ratio=found.ratio,
            ratio_is_index=found.ratio_is_index,
        )
    facets = engagement_facets(used.study, scores, weights=weights)
    return RatingParts(
        answered=answered,
        nps=nps,
        constructs=constructs,
        perceived_value=value,
        value_error=error,
        engagement=tuple(
            EngagementFacet(facet=f.facet, label=f.label, estimate=f.estimate)
            for f in facets
            if f.constructs
        ),
        warnings=tuple(warnings),
    )


def _labels(used: Used, constructs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(used.study.construct_named(c).label.say() for c in constructs)


def _nps(used: Used) -> NetPromoterScore | None:
    question = used.study.recommendation()
    if question is None:
        return None
    mine = used.answers["question"] == question.id
    rows = used.answers[mine & (used.answers["status"] == "answered")]
    if rows.empty:
        return None
    weights = None
    if used.weights is not None:
        weights = used.weights.loc[rows["respondent"]].to_numpy(dtype=float)
    found = net_promoter_score(rows["value"].astype(float).to_numpy(), weights=weights)
    return NetPromoterScore(
        question=question.text.say(),
        estimate=found.estimate,
        promoters=found.promoters,
        passives=found.passives,
        detractors=found.detractors,
        shares=found.shares,
    )


def _constructs(
    used: Used,
    scores: pd.DataFrame,
    gaps: dict[str, tuple[pd.Series, str]],
    weights: pd.Series | None,
) -> tuple[ConstructScore, ...]:
    found, apart = [], _gaps(gaps, weights)
    for construct in used.study.constructs:
        felt, wanted = score_column(construct.id), score_column(construct.id, "desired")
        if felt not in scores.columns:
            continue
        asked_both = wanted in scores.columns
        items = len(used.study.items_of(construct.id))
        alpha = (
            reliability(used.study, used.answers, construct.id)
            if items > 1
            else unavailable("one item", n=len(scores), method="Cronbach's alpha")
        )
        gap = apart.get(construct.id)
        found.append(
            ConstructScore(
                id=construct.id,
                label=construct.label.say(),
                facet=construct.facet,
                items=items,
                perceived=mean_estimate(scores[felt], weights=weights),
                desired=mean_estimate(scores[wanted], weights=weights) if asked_both else None,
                gap=gap if gap is not None and gap.available else None,
                reliability=alpha,
            )
        )
    return tuple(found)


def _gaps(gaps: dict[str, tuple[pd.Series, str]], weights: pd.Series | None) -> dict[str, Estimate]:
    """The mean gap of every construct asked both ways, with intervals that hold together."""
    alone = [gap_estimate(*both, weights=weights) for both in gaps.values()]
    freedoms = [_size(scores.dropna(), weights) - 1 for scores, _ in gaps.values()]
    wide = simultaneous(alone, freedoms)
    return {name: one.estimate for name, one in zip(gaps, wide, strict=True)}


def _size(scores: pd.Series, weights: pd.Series | None) -> float:
    if weights is None or scores.empty:
        return float(len(scores))
    return effective_n(weights.loc[scores.index].to_numpy(dtype=float))
