"""The engagement profile of the respondents that count, and how it enters the fit of choices."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.customers.profile import Profile, engagement_profile
from analysis.ratings.scales import construct_scores
from analysis.value_report.used import Used

LEAST = 30
"""Respondents with a score, below which engagement stays out of the fit."""
ENGAGEMENT = "engagement"
WITHOUT = "no engagement score"


def profile_of(used: Used) -> Profile:
    """The engagement profile of the respondents that count."""
    scores = construct_scores(used.study, used.answers)
    weights = None if used.weights is None else used.weights.reindex(scores.index)
    behaviour = used.archive.behaviour
    return engagement_profile(used.study, used.answers, scores, behaviour, weights=weights)


def upper_level(used: Used, respondents: Sequence[str]) -> pd.DataFrame | None:
    """What the upper level of hierarchical Bayes knows of these respondents.

    Column ``engagement``: the composite in standard deviations from its mean, zero for whom there
    is none; column ``no engagement score``: 1 for these, so that they have a mean of their own
    and do not bear on the slope. None when fewer than 30 have a score, or all the same.
    """
    composite = profile_of(used).composite.rename(str)
    score = composite.reindex(pd.Index(list(respondents))).astype(float)
    known = score.dropna()
    if len(known) < LEAST or known.std() < 1e-9:
        return None
    found = pd.DataFrame({ENGAGEMENT: ((score - known.mean()) / known.std()).fillna(0.0)})
    if len(known) < len(score):
        found[WITHOUT] = score.isna().astype(float)
    return found
