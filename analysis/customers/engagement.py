"""Engagement: what customers think, feel and do, each with a score of its own."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.estimate import Estimate, unavailable
from analysis.ratings.scales import mean_estimate, score_column
from analysis.study import Study

FACETS = {
    "cognitive_engagement": "Attention",
    "emotional_engagement": "Attachment",
    "behavioural_engagement": "Taking part",
}


@dataclass(frozen=True, slots=True, eq=False)
class Facet:
    """One facet of engagement: a score of each respondent (0 to 100) and their mean."""

    facet: str
    label: str
    constructs: tuple[str, ...]
    scores: pd.Series
    estimate: Estimate


def engagement_facets(
    study: Study, scores: pd.DataFrame, *, weights: pd.Series | None = None
) -> tuple[Facet, ...]:
    """Cognitive, emotional and behavioural engagement as answered in the survey.

    A facet is the mean of its constructs (perceived), for respondents who have all of them. The
    facets are not added up; what people do at the till is in the customer score, beside this.

    Parameters
    ----------
    study
        Its constructs name their facet.
    scores
        From ``construct_scores``.
    weights
        Weight of each respondent, for the means.
    """
    return tuple(_facet(study, scores, name, label, weights) for name, label in FACETS.items())


def _facet(
    study: Study, scores: pd.DataFrame, name: str, label: str, weights: pd.Series | None
) -> Facet:
    constructs = tuple(
        c.id for c in study.constructs if c.facet == name and score_column(c.id) in scores.columns
    )
    if not constructs:
        none = unavailable("the study does not ask for it", n=0, method="mean of constructs")
        return Facet(name, label, (), pd.Series(dtype=float), none)
    columns = scores[[score_column(construct) for construct in constructs]]
    mean = columns.mean(axis=1, skipna=False)
    return Facet(name, label, constructs, mean, mean_estimate(mean, weights=weights))
