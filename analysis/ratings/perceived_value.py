"""Perceived value: what customers get against what it costs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.estimate import Estimate, unavailable
from analysis.ratings.nps import effective_n
from analysis.ratings.scales import mean_estimate, score_column
from analysis.study import Study
from analysis.study.types import BENEFITS, COSTS

SINGLE_ITEM_RELIABILITY = 0.6
"""Assumed where alpha is unavailable: the cautious end of the band .6 to .9."""
Z = float(stats.norm.ppf(0.975))


@dataclass(frozen=True, slots=True, eq=False)
class PerceivedValue:
    """Benefits against costs, on average and for each respondent.

    Attributes
    ----------
    benefits, costs
        The constructs on each side.
    weights
        How they are weighted, in words.
    difference
        Mean of benefits minus costs, in points of 100 (-100 to 100).
    ratio
        Mean benefits over mean costs. On rated items this is an index: its zero is 'the lowest
        answer to every item', not 'nothing', and ``ratio_is_index`` is True.
    respondents
        Index respondent; columns benefits, costs, difference; complete respondents only.
    error
        Standard error of measurement of one respondent's difference, in points of 100; infinite
        with fewer than two complete respondents, from whom it cannot be judged.
    """

    benefits: tuple[str, ...]
    costs: tuple[str, ...]
    weights: str
    difference: Estimate
    ratio: Estimate
    ratio_is_index: bool
    respondents: pd.DataFrame
    error: float


def perceived_value(
    study: Study,
    scores: pd.DataFrame,
    *,
    reliabilities: Mapping[str, Estimate],
    weights: pd.Series | None = None,
) -> PerceivedValue:
    """Set the benefits of a study against its costs.

    Parameters
    ----------
    study
        Its plan names benefits, costs and weights; by default all constructs of value and of
        cost, weighted equally within each side.
    scores
        From ``construct_scores``; the perceived columns are used.
    reliabilities
        Cronbach's alpha of each construct (perceived); a construct without one is taken to have
        a reliability of .6.
    weights
        Weight of each respondent, for the averages.

    Raises
    ------
    ValueError
        When the study has no benefits or no costs, or all weights of a side are zero.
    """
    plan = study.analysis.perceived_value
    benefits = plan.benefits or _of_facets(study, BENEFITS)
    costs = plan.costs or _of_facets(study, COSTS)
    gains = _side(benefits, plan.weights, "benefits")
    pains = _side(costs, plan.weights, "costs")
    table = pd.DataFrame({"benefits": _weighted(scores, gains), "costs": _weighted(scores, pains)})
    table = table.assign(difference=table["benefits"] - table["costs"]).dropna()
    difference = mean_estimate(table["difference"], weights=weights)
    return PerceivedValue(
        benefits=tuple(benefits),
        costs=tuple(costs),
        weights=_in_words(gains, pains) if plan.weights else "equal within benefits and costs",
        difference=difference.model_copy(
            update={"method": f"benefits minus costs; {difference.method}"}
        ),
        ratio=ratio_of_means(table["benefits"], table["costs"], weights=weights),
        ratio_is_index=True,
        respondents=table,
        error=measurement_error(scores.loc[table.index], {**gains, **pains}, reliabilities),
    )


def ratio_of_means(
    benefits: pd.Series, costs: pd.Series, *, weights: pd.Series | None = None
) -> Estimate:
    """Mean benefits over mean costs of rated items, an index, with Fieller's interval.

    With weights (same index), means and covariance are weighted and n is Kish's effective n.
    """
    method = (
        "index: mean benefits over mean costs, zero = lowest answer to every item; Fieller interval"
    )
    n = len(benefits)
    if n < 2:
        return unavailable(f"{n} complete respondent(s)", n=n, method=method)
    weight = np.ones(n) if weights is None else weights.loc[benefits.index].to_numpy(dtype=float)
    size = effective_n(weight)
    if weights is not None:
        method += f", weighted (effective n {size:.0f})"
    both = np.vstack([benefits, costs])
    top, bottom = np.average(both, axis=1, weights=weight)
    covariance = np.cov(both, aweights=weight, ddof=0) / (size - 1)
    return fieller(float(top), float(bottom), covariance=covariance, n=n, method=method)


def money_ratio(
    benefits: Estimate, price: float, *, effort: Estimate | None = None, currency: str
) -> Estimate:
    """Money value of the benefits over the price plus the costed time and effort.

    The one ratio of perceived value that is a ratio: everything is an amount of money, whose
    zero means nothing. Benefits and effort are taken as independent and roughly normal.

    Parameters
    ----------
    benefits
        Money value of the benefits in ``currency``, such as a willingness to pay.
    price
        What is paid.
    effort
        Time and effort in money; without it the ratio is against the price alone, and says so.
    currency
        The unit that all amounts must have.
    """
    against = "price plus costed effort" if effort else "price alone (effort not costed)"
    method = f"money value of benefits over {against}; Fieller interval"
    amounts = [benefits] if effort is None else [benefits, effort]
    n = min(amount.n for amount in amounts)
    for amount in amounts:
        if not amount.available:
            return unavailable(f"an amount is missing: {amount.reason}", n=n, method=method)
        if amount.unit != currency:
            reason = f"an amount is in '{amount.unit}', not in {currency}: no ratio scale"
            return unavailable(reason, n=n, method=method)
    if not np.isfinite(price) or price <= 0:
        return unavailable(f"the price {price:g} is not above zero", n=n, method=method)
    bottom = price + (effort.value or 0.0 if effort else 0.0)
    errors = [_standard_error(benefits), _standard_error(effort) if effort else 0.0]
    if not np.isfinite(errors).all():
        return unavailable("an amount has an unbounded interval", n=n, method=method)
    covariance = np.diag(np.square(errors))
    return fieller(benefits.value or 0.0, bottom, covariance=covariance, n=n, method=method)


def fieller(
    top: float, bottom: float, *, covariance: np.ndarray, n: int, method: str, quantile: float = Z
) -> Estimate:
    """Ratio of two means with Fieller's interval, of 95 % at the normal ``quantile`` 1.96.

    ``covariance`` (2, 2) is that of the two means. Unavailable when the bottom cannot be told
    from zero or below: the ratio has no bounds then. Source: Fieller (1954), JRSS B 16, 175-185.
    """
    a = bottom**2 - quantile**2 * covariance[1, 1]
    if bottom <= 0 or a <= 0:
        return unavailable("the costs cannot be told from zero", n=n, method=method)
    b = top * bottom - quantile**2 * covariance[0, 1]
    c = top**2 - quantile**2 * covariance[0, 0]
    half = float(np.sqrt(max(b**2 - a * c, 0.0)))
    return Estimate(value=top / bottom, low=(b - half) / a, high=(b + half) / a, n=n, method=method)


def measurement_error(
    scores: pd.DataFrame, weights: Mapping[str, float], reliabilities: Mapping[str, Estimate]
) -> float:
    """Standard error of measurement of a weighted sum of constructs, in points of 100.

    The square root of sum w^2 SD^2 (1 - reliability), errors of constructs independent
    (Lord & Novick 1968); a reliability below zero counts as zero. Infinite for fewer than two
    respondents.
    """
    if len(scores) < 2:
        return float("inf")
    variance = 0.0
    for construct, weight in weights.items():
        alpha = reliabilities[construct].value if construct in reliabilities else None
        known = SINGLE_ITEM_RELIABILITY if alpha is None else min(max(alpha, 0.0), 1.0)
        spread = float(scores[score_column(construct)].var(ddof=1))
        variance += weight**2 * spread * (1 - known)
    return float(np.sqrt(variance))


def _of_facets(study: Study, facets: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(c.id for c in study.constructs if c.facet in facets)


def _side(constructs: tuple[str, ...], plan: Mapping[str, float], side: str) -> dict[str, float]:
    """Weights of one side, adding up to one."""
    if not constructs:
        raise ValueError(f"the study has no {side}: give a construct a facet of value and of cost")
    raw = {name: plan.get(name, 0.0) if plan else 1.0 for name in constructs}
    total = sum(raw.values())
    if total <= 0:
        raise ValueError(f"all weights of the {side} are zero: give one of {', '.join(raw)} weight")
    return {name: weight / total for name, weight in raw.items()}


def _weighted(scores: pd.DataFrame, weights: Mapping[str, float]) -> pd.Series:
    missing = [name for name in weights if score_column(name) not in scores.columns]
    if missing:
        raise ValueError(f"no perceived items measure: {', '.join(missing)}")
    columns = [scores[score_column(name)] * weight for name, weight in weights.items() if weight]
    return pd.concat(columns, axis=1).sum(axis=1, skipna=False)


def _in_words(gains: Mapping[str, float], pains: Mapping[str, float]) -> str:
    both = [*gains.items(), *pains.items()]
    return "from the plan: " + ", ".join(f"{name} {weight:.0%}" for name, weight in both)


def _standard_error(estimate: Estimate) -> float:
    return ((estimate.high or 0.0) - (estimate.low or 0.0)) / (2 * Z)
