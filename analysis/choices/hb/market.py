"""From draws of everybody's part-worths to figures of the market, with honest intervals.

Within every draw the respondents are reweighted by a Bayesian bootstrap (Rubin 1981), so that
intervals cover the population they came from and not only these respondents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from analysis.choices.hb.fit import Hierarchy
from analysis.choices.importances import Importance, levels_text, ranges
from analysis.choices.partworths import PartWorths
from analysis.choices.willingness_to_pay import money_unit
from analysis.estimate import Estimate, unavailable

Floats = NDArray[np.float64]
T = TypeVar("T")
MONEY = "median respondent; 95 % of draws, Bayesian bootstrap over respondents"
SHARES = "mean of respondents' shares; 95 % of draws, Bayesian bootstrap over respondents"


def money_value(part_worths: PartWorths, contrast: Floats, *, seed: int) -> Estimate:
    """What the median respondent would pay for a change of levels.

    Parameters
    ----------
    contrast
        (K,) difference in columns, as ``Coding.contrast`` gives it.
    seed
        Of the bootstrap.

    Notes
    -----
    A respondent's money value in a draw is ``contrast'beta / -beta_price``. A draw in which price
    does not deter the respondent has no such amount: it counts as unbounded, upwards for a change
    that is liked. Medians and quantiles bear that; means of ratios would not.
    """
    coding = part_worths.coding
    unit, n = money_unit(coding), part_worths.n_respondents
    price = coding.exercise.price
    if price is None or price.coding != "linear":
        reason = "money values need a price attribute with linear coding"
        return unavailable(reason, n=n, method=MONEY, unit=unit)
    place = coding.places(price.id).start

    def median(beta: Floats, weights: Floats) -> float:
        worth, slope = beta @ contrast, -beta[:, place]
        bounded = slope > 0
        amount = worth / np.where(bounded, slope, 1.0)
        value: Floats = np.where(bounded, amount, np.copysign(np.inf, worth))
        order = np.argsort(value)
        at = int(np.searchsorted(np.cumsum(weights[order]), 0.5))
        return float(value[order[min(at, len(order) - 1)]])

    values = np.array(list(_statistics(_hierarchy(part_worths), median, seed)))
    value = float(np.quantile(values, 0.5, method="nearest"))
    if not np.isfinite(value):
        reason = "unbounded: price does not deter the median respondent"
        return unavailable(reason, n=n, method=MONEY, unit=unit)
    low, low_50, high_50, high = (
        float(np.quantile(values, level, method="nearest")) for level in (0.025, 0.25, 0.75, 0.975)
    )
    return Estimate(
        value=value,
        low=low,
        high=high,
        low_50=low_50,
        high_50=high_50,
        n=n,
        method=MONEY,
        unit=unit,
    )


def importances_of_respondents(part_worths: PartWorths, *, seed: int) -> tuple[Importance, ...]:
    """Mean over respondents of each attribute's share in their range of utilities.

    ``null_reference`` is what the attribute would score if its part-worths were pure noise: the
    deviations of each respondent's draws from their own mean, in place of the part-worths.
    """
    coding, hierarchy = part_worths.coding, _hierarchy(part_worths)
    centre, _ = hierarchy.individual()
    null = np.zeros(len(coding.exercise.attributes))

    def mean_shares(beta: Floats, weights: Floats) -> Floats:
        spread = ranges(coding, beta)
        noise = ranges(coding, beta - centre)
        others = spread.sum(axis=1, keepdims=True) - spread
        null[:] += (noise / (noise + others)).mean(0)
        found: Floats = weights @ (spread / spread.sum(axis=1, keepdims=True))
        return found

    shares = np.array(list(_statistics(hierarchy, mean_shares, seed)))
    low, low_50, middle, high_50, high = np.quantile(shares, [0.025, 0.25, 0.5, 0.75, 0.975], 0)
    return tuple(
        Importance(
            attribute.id,
            Estimate(
                value=float(middle[n]),
                low=float(low[n]),
                high=float(high[n]),
                low_50=float(low_50[n]),
                high_50=float(high_50[n]),
                n=part_worths.n_respondents,
                method=SHARES,
                unit="share",
            ),
            float(null[n] / len(shares)),
            levels_text(attribute),
        )
        for n, attribute in enumerate(coding.exercise.attributes)
    )


def wrong_price_sign(part_worths: PartWorths) -> float | None:
    """Share of respondents and draws whom price does not deter; None without a linear price."""
    price = part_worths.coding.exercise.price
    if price is None or price.coding != "linear":
        return None
    place = part_worths.coding.places(price.id).start
    return float((_hierarchy(part_worths).posterior.beta[..., place] >= 0).mean())


def _hierarchy(part_worths: PartWorths) -> Hierarchy:
    if part_worths.hierarchy is None:
        raise ValueError(f"estimator '{part_worths.estimator}' has no draws of respondents")
    return part_worths.hierarchy


def _statistics(
    hierarchy: Hierarchy, statistic: Callable[[Floats, Floats], T], seed: int
) -> Iterator[T]:
    """The statistic of (betas, weights) in every kept draw."""
    rng = np.random.default_rng(seed)
    for chain in hierarchy.posterior.beta:
        for draw in chain:
            yield statistic(draw.astype(float), rng.dirichlet(np.ones(len(draw))))
