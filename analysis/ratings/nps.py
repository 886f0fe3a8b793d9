"""Net Promoter Score: promoters minus detractors, with an interval that holds at the extremes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.estimate import Estimate, unavailable

LOWEST, HIGHEST = 0, 10
LEAST_PROMOTER, MOST_DETRACTOR = 9, 6
PSEUDO_ANSWERS = (0.75, 1.5, 0.75)
"""Added to promoters, passives and detractors for the interval only (Rocks 2016)."""
METHOD = "promoters minus detractors; adjusted Wald interval (three pseudo-answers)"


@dataclass(frozen=True, slots=True)
class NetPromoter:
    """The score in points (-100 to 100) and the counts behind it, before any weighting.

    ``shares``: of promoters, passives and detractors, weighted as the score is; None: nobody
    answered.
    """

    estimate: Estimate
    promoters: int
    passives: int
    detractors: int
    shares: tuple[float, float, float] | None = None

    @property
    def n(self) -> int:
        """How many answered."""
        return self.promoters + self.passives + self.detractors


def net_promoter_score(
    ratings: Sequence[float] | np.ndarray, *, weights: Sequence[float] | np.ndarray | None = None
) -> NetPromoter:
    """Net Promoter Score of 0 to 10 answers: share of 9-10 minus share of 0-6, in points.

    The 95 % interval is an adjusted Wald interval of the multinomial difference: 3/4, 3/2 and
    3/4 of an answer are added to promoters, passives and detractors, so that it keeps its width
    when everybody answers alike. With weights the shares are weighted and the number of answers
    is Kish's effective number, (sum w)^2 / sum w^2.

    Parameters
    ----------
    ratings
        Whole numbers from 0 to 10, one per respondent; leave missing answers out.
    weights
        One positive weight per respondent.

    Raises
    ------
    ValueError
        When answers are outside 0 to 10, or weights do not fit; all positions are listed.

    Source
    ------
    Reichheld (2003), Harvard Business Review 81(12); Rocks (2016), The American Statistician
    70(4), 365-372, for the interval.
    """
    answers = np.asarray(ratings, dtype=float).ravel()
    weight = _checked_weights(weights, answers.size)
    _refuse_strange(answers)
    groups = [answers >= LEAST_PROMOTER, answers > MOST_DETRACTOR, answers <= MOST_DETRACTOR]
    groups[1] &= ~groups[0]
    counts = [int(group.sum()) for group in groups]
    if not answers.size:
        nobody = unavailable("nobody answered", n=0, method=METHOD, unit="points")
        return NetPromoter(nobody, counts[0], counts[1], counts[2])
    shares = np.array([weight[group].sum() for group in groups]) / weight.sum()
    low, high = _interval(shares, effective_n(weight))
    value = 100 * float(shares[0] - shares[2])
    weighted = "" if weights is None else f", weighted (effective n {effective_n(weight):.0f})"
    estimate = Estimate(
        value=value,
        low=min(low, value),
        high=max(high, value),
        n=answers.size,
        method=METHOD + weighted,
        unit="points",
    )
    of_all = (float(shares[0]), float(shares[1]), float(shares[2]))
    return NetPromoter(estimate, counts[0], counts[1], counts[2], of_all)


def effective_n(weights: np.ndarray) -> float:
    """Kish's effective number of respondents, (sum w)^2 / sum w^2 (Kish 1965)."""
    scaled = weights / weights.max()
    return float(scaled.sum() ** 2 / (scaled**2).sum())


def _interval(shares: np.ndarray, n: float) -> tuple[float, float]:
    """The adjusted Wald interval in points, from three shares (promoters first)."""
    pseudo = np.array(PSEUDO_ANSWERS)
    total = n + pseudo.sum()
    promoters, _, detractors = (n * shares + pseudo) / total
    centre = promoters - detractors
    half = stats.norm.ppf(0.975) * np.sqrt((promoters + detractors - centre**2) / total)
    return 100 * max(float(centre - half), -1.0), 100 * min(float(centre + half), 1.0)


def _refuse_strange(answers: np.ndarray) -> None:
    fine = (answers >= LOWEST) & (answers <= HIGHEST) & (answers == np.round(answers))
    if not fine.all():
        places = ", ".join(f"{answers[at]:g} at position {at}" for at in np.flatnonzero(~fine))
        raise ValueError(f"answers must be whole numbers from {LOWEST} to {HIGHEST}: {places}")


def _checked_weights(weights: Sequence[float] | np.ndarray | None, n: int) -> np.ndarray:
    if weights is None:
        return np.ones(n)
    given = np.asarray(weights, dtype=float).ravel()
    if given.size != n:
        raise ValueError(f"{given.size} weights for {n} answers: give one weight per answer")
    bad = np.flatnonzero(~(np.isfinite(given) & (given > 0)))
    if bad.size:
        places = ", ".join(f"{given[at]:g} at position {at}" for at in bad)
        raise ValueError(f"weights must be positive numbers: {places}")
    return np.asarray(given / given.max()) if n else given
