"""From draws of everybody's part-worths to figures of the market, with honest intervals.

Within every draw the respondents are reweighted by a Bayesian bootstrap (Rubin 1981), so that
intervals cover the population they came from and not only these respondents. Respondent weights
multiply those of the bootstrap; a weight of zero leaves a respondent out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.choices.hb.fit import Hierarchy
from analysis.choices.importances import Importance, levels_text, ranges
from analysis.choices.intervals import estimate_of
from analysis.choices.partworths import PartWorths
from analysis.choices.price_offset import offsets, tested_prices, undeterred, why_no_money
from analysis.choices.sets import respondent_weights
from analysis.choices.willingness_to_pay import TagMoney, money_unit, tag_upgrades
from analysis.estimate import Estimate, unavailable
from analysis.study.exercises import Tag

Floats = NDArray[np.float64]
Weights = Mapping[str, float] | None
"""Weight by respondent, for reporting only: the draws are made without."""
COVER = "95 % of draws, Bayesian bootstrap over respondents"
MONEY = f"median respondent; {COVER}"
SHARES = f"mean of respondents' shares; {COVER}"
MEAN_SHARES = f"share of the mean part-worths' ranges; {COVER}"
BLOCK = 2**17
"""Numbers of a block of draws: a megabyte."""
MEANS = f"hierarchical Bayes, mean of respondents; {COVER}"


def money_value(
    part_worths: PartWorths, contrast: Floats, *, seed: int, weights: Weights = None
) -> Estimate:
    """What the median respondent would pay for a change of levels.

    Parameters
    ----------
    contrast
        (K,) difference in columns, as ``Coding.contrast`` gives it.
    seed
        Of the bootstrap.
    weights
        Weight by respondent.

    Notes
    -----
    A respondent's money value in a draw is the change of price that offsets ``contrast'beta``: with
    a linear price ``contrast'beta / -beta_price``, with a price in steps or pieces interpolated
    inside the tested prices. A draw in which no price offsets it has no such amount: it counts as
    unbounded, upwards for a change that is liked. Medians and quantiles bear that; means of ratios
    would not.
    """
    n = counted(hierarchy_of(part_worths), weights)
    lacking = why_no_money(part_worths.coding)
    if lacking:
        return unavailable(lacking, n=n, method=MONEY, unit=money_unit(part_worths.coding))
    return money_estimate(
        part_worths, money_draws(part_worths, contrast, seed=seed, weights=weights), n=n
    )


def money_draws(
    part_worths: PartWorths,
    contrast: Floats,
    *,
    seed: int,
    weights: Weights = None,
    level: float = 0.5,
) -> Floats:
    """The median respondent's amount in every kept draw, (draws,).

    ``level`` takes another quantile of the respondents than the median. With the same seed, the
    amounts of several changes belong to the same draws and bootstraps, so that their differences
    are those of the draws. ValueError when there is no price with numbers.
    """
    coding = part_worths.coding
    lacking, price = why_no_money(coding), coding.exercise.price
    if lacking or price is None:
        raise ValueError(lacking)

    def quantiles(beta: Floats, mass: Floats) -> Floats:
        return weighted_quantiles(offsets(coding, price, beta @ contrast, beta), mass, level)

    return in_blocks(hierarchy_of(part_worths), quantiles, seed, weights)


def money_estimate(
    part_worths: PartWorths,
    values: Floats,
    *,
    n: int,
    method: str = MONEY,
    unbounded: str = "price does not deter the median respondent",
    today: float | None = None,
    tail: float = 0.025,
) -> Estimate:
    """The estimate of an amount of money from its value in every draw, infinite ones included.

    ``unbounded`` says why a median is infinite with a linear price. An amount lies beyond the
    tested prices when it is larger than their range, or when ``today`` plus it is not among them.
    ``tail``: the share of draws beyond each end of the interval.
    """
    price = part_worths.coding.exercise.price
    assert price is not None
    linear = price.coding == "linear"
    low_price, high_price = tested_prices(price)
    low, low_50, value, high_50, high = (
        float(np.quantile(values, level, method="nearest"))
        for level in (tail, 0.25, 0.5, 0.75, 1 - tail)
    )
    unit = money_unit(part_worths.coding)
    tested = f"beyond the tested prices ({low_price:g} to {high_price:g})"
    if not np.isfinite(value):
        reason = f"unbounded: {unbounded}" if linear else tested
        return unavailable(reason, n=n, method=method, unit=unit)
    notes, slack = [method], 1e-12
    reached = abs(value) + low_price if today is None else today + value
    if not low_price - slack <= reached <= high_price + slack:
        notes.append(tested)
    if not np.isfinite([low, high]).all():
        notes.append(
            f"unbounded: in some draws {unbounded}"
            if linear
            else "unbounded: the interval leaves the tested prices"
        )
    return Estimate(
        value=value,
        low=low,
        high=high,
        low_50=low_50,
        high_50=high_50,
        n=n,
        method="; ".join(notes),
        unit=unit,
    )


def money_of_tag(
    part_worths: PartWorths, tag: Tag, *, seed: int, weights: Weights = None
) -> TagMoney:
    """Money value of going from the worst to the best level of every attribute with a tag.

    Worst and best follow the stated preference of the attribute, else the means. ``share`` is the
    mean of respondents' shares of the tag's attributes in their range of utilities.
    """
    coding, hierarchy = part_worths.coding, hierarchy_of(part_worths)
    upgrades, contrast = tag_upgrades(part_worths, tag)
    with_tag = np.array([a.tag == tag for a in coding.exercise.attributes])

    def shares_of(beta: Floats, mass: Floats) -> Floats:
        spread = ranges(coding, beta)
        return mean_of(spread[..., with_tag].sum(-1) / spread.sum(-1), mass)

    drawn = in_blocks(hierarchy, shares_of, seed, weights)
    return TagMoney(
        tag,
        upgrades,
        money_value(part_worths, contrast, seed=seed, weights=weights),
        estimate_of(drawn, n=counted(hierarchy, weights), method=SHARES),
    )


def level_means(
    part_worths: PartWorths, *, seed: int, weights: Weights = None
) -> tuple[Estimate, ...]:
    """Mean part-worth over respondents of every row of ``coding.level_rows()``."""
    _, rows = part_worths.coding.level_rows()
    hierarchy = hierarchy_of(part_worths)

    def means(beta: Floats, mass: Floats) -> Floats:
        return mean_of(beta, mass) @ rows.T

    drawn = in_blocks(hierarchy, means, seed, weights)
    n = counted(hierarchy, weights)
    return tuple(estimate_of(d, n=n, method=MEANS, unit="logit") for d in drawn.T)


def importances_of_respondents(
    part_worths: PartWorths, *, seed: int, weights: Weights = None
) -> tuple[Importance, ...]:
    """Mean over respondents of each attribute's share in their range of utilities.

    ``null_reference`` is what the attribute would score if its part-worths were pure noise: the
    deviations of each respondent's draws from their own mean, in place of the part-worths.
    """
    coding, hierarchy = part_worths.coding, hierarchy_of(part_worths)
    centre, _ = hierarchy.individual()
    null = np.zeros(len(coding.exercise.attributes))

    def mean_shares(beta: Floats, mass: Floats) -> Floats:
        spread = ranges(coding, beta)
        noise = ranges(coding, beta - centre)
        total = spread.sum(axis=-1, keepdims=True)
        null[:] += mean_of(noise / (noise + total - spread), mass).sum(axis=0)
        return mean_of(spread / total, mass)

    shares = in_blocks(hierarchy, mean_shares, seed, weights)
    n = counted(hierarchy, weights)
    return tuple(
        Importance(
            attribute.id,
            estimate_of(shares[:, k], n=n, method=SHARES),
            float(null[k] / len(shares)),
            levels_text(attribute),
        )
        for k, attribute in enumerate(coding.exercise.attributes)
    )


def importances_of_the_mean(
    part_worths: PartWorths, *, seed: int, weights: Weights = None
) -> tuple[Estimate, ...]:
    """Share of each attribute in the ranges of the mean part-worths.

    Smaller than the mean of respondents' shares where tastes differ in direction: what some like
    and others do not cancels out in the mean.
    """
    coding, hierarchy = part_worths.coding, hierarchy_of(part_worths)

    def shares_of_mean(beta: Floats, mass: Floats) -> Floats:
        spread = ranges(coding, mean_of(beta, mass))
        found: Floats = spread / spread.sum(axis=-1, keepdims=True)
        return found

    drawn = in_blocks(hierarchy, shares_of_mean, seed, weights)
    n = counted(hierarchy, weights)
    return tuple(estimate_of(column, n=n, method=MEAN_SHARES) for column in drawn.T)


def wrong_price_sign(part_worths: PartWorths, *, weights: Weights = None) -> float | None:
    """Share of respondents and draws whom price does not deter; None without numbers of a price.

    Not deterred: the highest tested price is worth no less than the lowest.
    """
    coding, hierarchy = part_worths.coding, hierarchy_of(part_worths)
    price = coding.exercise.price
    if price is None or why_no_money(coding):
        return None
    mass = mass_of(hierarchy, weights)
    shares = [
        float(undeterred(coding, price, draw.astype(float)) @ mass / mass.sum())
        for chain in hierarchy.posterior.beta
        for draw in chain
    ]
    return float(np.mean(shares))


def hierarchy_of(part_worths: PartWorths) -> Hierarchy:
    """The draws; ValueError for an estimator that has none."""
    if part_worths.hierarchy is None:
        raise ValueError(f"estimator '{part_worths.estimator}' has no draws of respondents")
    return part_worths.hierarchy


def mass_of(hierarchy: Hierarchy, weights: Weights) -> Floats:
    """(respondents,) weights with a mean of 1; ValueError when a respondent has none."""
    return respondent_weights(pd.Index(hierarchy.respondents), weights)


def counted(hierarchy: Hierarchy, weights: Weights) -> int:
    """How many respondents have a weight above zero."""
    return int((mass_of(hierarchy, weights) > 0).sum())


def weighted_quantiles(values: Floats, mass: Floats, level: float = 0.5) -> Floats:
    """The value at which the mass of a draw, which adds up to one, reaches a level.

    Values and mass are (draws, respondents).
    """
    order = np.argsort(values, axis=1)
    below = np.cumsum(np.take_along_axis(mass, order, 1), axis=1) < level
    at = np.minimum(below.sum(axis=1), values.shape[1] - 1)
    every = np.arange(len(values))
    found: Floats = values[every, order[every, at]]
    return found


def mean_of(values: Floats, mass: Floats) -> Floats:
    """Mean over respondents in each draw, of (draws, respondents) or (draws, respondents, K)."""
    if values.ndim == 2:
        alone: Floats = np.einsum("dn,dn->d", mass, values)
        return alone
    found: Floats = (mass[:, None, :] @ values)[:, 0]
    return found


def in_blocks(
    hierarchy: Hierarchy,
    statistic: Callable[[Floats, Floats], Floats],
    seed: int,
    weights: Weights = None,
) -> Floats:
    """A statistic of every kept draw, (draws, ...), from ``blocks``."""
    return np.concatenate([statistic(*block) for block in blocks(hierarchy, seed, weights)])


def blocks(
    hierarchy: Hierarchy, seed: int, weights: Weights = None
) -> Iterator[tuple[Floats, Floats]]:
    """Betas (draws, respondents, K) and the mass of each respondent (draws, respondents).

    As many draws at a time as the processor keeps at hand; the mass of a draw adds up to one.
    """
    rng = np.random.default_rng(seed)
    given = mass_of(hierarchy, weights)
    for chain in hierarchy.posterior.beta:
        size = max(1, BLOCK // max(1, chain[0].size))
        for start in range(0, len(chain), size):
            draws = chain[start : start + size].astype(float)
            mass = rng.dirichlet(np.ones(draws.shape[1]), size=len(draws)) * given
            yield draws, mass / mass.sum(axis=1, keepdims=True)
