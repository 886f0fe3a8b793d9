"""Willingness to pay: what going from one named level to another is worth in money.

``WTP = (b_to - b_from) / -b_price`` for a linear price. Intervals: delta method, Fieller (1954),
Krinsky & Robb (1986).
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr, ndtri

from analysis.choices.coding import Coding, Floats, table_numbers, tested_range
from analysis.choices.importances import ranges, why_no_shares
from analysis.choices.intervals import estimate_of
from analysis.choices.partworths import Covariance, PartWorths
from analysis.choices.price_offset import offsets, utility_lost
from analysis.estimate import Estimate, unavailable
from analysis.study import Attribute
from analysis.study.exercises import Tag

Method = Literal["delta", "fieller", "krinsky_robb"]
METHODS: tuple[Method, ...] = ("delta", "fieller", "krinsky_robb")
DRAWS = 100_000
SIGN_RISK = 0.001
"""A probability of a wrong price sign from which the method says so."""
Z_95 = float(ndtri(0.975))
Z_50 = float(ndtri(0.75))

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One step from a level to another (ids)."""

    attribute: str
    from_level: str
    to_level: str


@dataclass(frozen=True, slots=True)
class TagMoney:
    """The money value of all upgrades that carry one tag, and the tag's share of utility ranges.

    ``share`` is that of the tag's attributes among the ranges of functional, emotional and price
    attributes together, as in the importances.
    """

    tag: Tag
    upgrades: tuple[Upgrade, ...]
    money: Estimate
    share: Estimate


def willingness_to_pay(
    part_worths: PartWorths,
    attribute: str,
    from_level: str | float,
    to_level: str | float,
    *,
    method: Method = "delta",
    covariance: Covariance = "cluster",
    seed: int = 1,
) -> Estimate:
    """Willingness to pay for going from one level to another (ids, or numbers of a range).

    The estimate is unavailable, with the reason, without a price attribute, when the price does
    not lower utility, when a stepped price is left ("beyond the tested prices"), or when there
    are too few respondents for the covariance. Fieller's
    interval is infinite, and ``method`` says 'unbounded', when the price slope is not clear of
    zero.

    Raises
    ------
    KeyError
        When there is no such attribute or level.
    ValueError
        For the price attribute itself, or an unknown method or covariance.
    """
    contrast = part_worths.coding.contrast(attribute, from_level, to_level)
    price = part_worths.coding.exercise.price
    if price is not None and price.id == attribute:
        raise ValueError(f"'{attribute}' is the price itself; name another attribute")
    return money_of(part_worths, contrast, method=method, covariance=covariance, seed=seed)


def willingness_to_pay_per_unit(
    part_worths: PartWorths,
    attribute: str,
    *,
    method: Method = "delta",
    covariance: Covariance = "cluster",
    seed: int = 1,
) -> Estimate:
    """Willingness to pay for one more unit of a linear attribute; see ``willingness_to_pay``."""
    coding = part_worths.coding
    found = coding.exercise.attribute(attribute)
    if found.coding != "linear":
        raise ValueError(f"'{attribute}' has no units; name two of its levels")
    if found.tag == "price":
        raise ValueError(f"'{attribute}' is the price itself; name another attribute")
    contrast = np.zeros(coding.width)
    contrast[coding.places(attribute)] = 1.0
    return money_of(part_worths, contrast, method=method, covariance=covariance, seed=seed)


def money_of(
    part_worths: PartWorths,
    contrast: Floats,
    *,
    method: Method = "delta",
    covariance: Covariance = "cluster",
    seed: int = 1,
) -> Estimate:
    """The money value of a difference in utility, given as a contrast (K,) of coefficients."""
    if method not in METHODS:
        raise ValueError(f"there is no method '{method}'; known: {', '.join(METHODS)}")
    part_worths.covariance(covariance)
    price = part_worths.coding.exercise.price
    unit = money_unit(part_worths.coding)
    if price is None:
        reason = "the exercise has no attribute tagged as price"
        return unavailable(reason, n=part_worths.n_respondents, method=method, unit=unit)
    lacking = part_worths.why_no_intervals(covariance)
    if lacking:
        return unavailable(lacking, n=part_worths.n_respondents, method=method, unit=unit)
    if price.coding != "linear":
        return _stepped(part_worths, price, contrast, covariance=covariance, seed=seed)
    ratio = _Ratio.of(part_worths, price, contrast, covariance)
    if ratio.price >= 0:
        reason = "the price slope is not negative: higher prices did not lower the choices"
        return unavailable(reason, n=part_worths.n_respondents, method=method, unit=unit)
    if method == "krinsky_robb":
        wide, narrow = _krinsky_robb(part_worths, price, contrast, covariance, seed)
    else:
        interval = ratio.delta if method == "delta" else ratio.fieller
        wide, narrow = interval(Z_95), interval(Z_50)
    notes = _notes(ratio, wide, tested_range(price))
    return Estimate(
        value=ratio.value,
        low=wide[0],
        high=wide[1],
        low_50=narrow[0],
        high_50=narrow[1],
        n=part_worths.n_respondents,
        method="; ".join([f"{_LABEL[method]}, {covariance} covariance", *notes]),
        unit=unit,
    )


_LABEL = {
    "delta": "delta method",
    "fieller": "Fieller",
    "krinsky_robb": f"Krinsky-Robb, {DRAWS} draws",
}


def money_unit(coding: Coding) -> str:
    """The unit of money values: that of the price attribute, else the study's currency."""
    return coding.money_unit


def beyond_tested_prices(part_worths: PartWorths, estimate: Estimate) -> bool:
    """Whether a money value is larger than the range of prices tested."""
    price = part_worths.coding.exercise.price
    if price is None or estimate.value is None:
        return False
    numbers = tested_range(price)
    return abs(estimate.value) > numbers[1] - numbers[0] + 1e-12


def wrong_sign_probability(
    part_worths: PartWorths, *, covariance: Covariance = "cluster"
) -> float | None:
    """Probability that the slope of a linear price is not negative; None without such a price."""
    price = part_worths.coding.exercise.price
    if price is None or price.coding != "linear":
        return None
    k = part_worths.coding.places(price.id).start
    spread = math.sqrt(part_worths.covariance(covariance)[k, k])
    if spread == 0:
        return float(part_worths.coefficients[k] >= 0)
    return float(ndtr(part_worths.coefficients[k] / spread))


@dataclass(frozen=True, slots=True)
class _Ratio:
    """The ratio worth / -price: its two parts and their covariances."""

    worth: float
    price: float
    worth_variance: float
    price_variance: float
    covariance: float

    @staticmethod
    def of(
        part_worths: PartWorths, price: Attribute, contrast: Floats, covariance: Covariance
    ) -> _Ratio:
        place = part_worths.coding.places(price.id).start
        spread = part_worths.covariance(covariance)
        across = spread @ contrast
        return _Ratio(
            float(contrast @ part_worths.coefficients),
            float(part_worths.coefficients[place]),
            float(contrast @ across),
            float(spread[place, place]),
            float(across[place]),
        )

    @property
    def value(self) -> float:
        return -self.worth / self.price

    def delta(self, z: float) -> Interval:
        by_worth, by_price = -1 / self.price, self.worth / self.price**2
        variance = (
            by_worth**2 * self.worth_variance
            + by_price**2 * self.price_variance
            + 2 * by_worth * by_price * self.covariance
        )
        half = z * math.sqrt(max(variance, 0.0))
        return self.value - half, self.value + half

    def fieller(self, z: float) -> Interval:
        """Solutions of (p^2-z^2Vpp)w^2 + 2(kp-z^2Vkp)w + (k^2-z^2Vkk) = 0, else infinite."""
        a = self.price**2 - z**2 * self.price_variance
        b = self.worth * self.price - z**2 * self.covariance
        c = self.worth**2 - z**2 * self.worth_variance
        if a <= 0:
            return -math.inf, math.inf
        root = math.sqrt(max(b * b - a * c, 0.0))
        return (-b - root) / a, (-b + root) / a


def _krinsky_robb(
    part_worths: PartWorths,
    price: Attribute,
    contrast: Floats,
    covariance: Covariance,
    seed: int,
) -> tuple[Interval, Interval]:
    draws = part_worths.draws(covariance, n=DRAWS, seed=seed)
    slopes = draws[:, part_worths.coding.places(price.id).start]
    low, low_50, high_50, high = np.quantile(draws @ contrast / -slopes, [0.025, 0.25, 0.75, 0.975])
    return (float(low), float(high)), (float(low_50), float(high_50))


def _notes(ratio: _Ratio, wide: Interval, tested: Interval) -> list[str]:
    notes = []
    if math.isinf(wide[0]) or math.isinf(wide[1]):
        notes.append("unbounded: the price slope is not clear of zero")
    if abs(ratio.value) > tested[1] - tested[0] + 1e-12:
        notes.append(f"beyond the tested prices ({tested[0]:g} to {tested[1]:g})")
    risk = ndtr(ratio.price / math.sqrt(ratio.price_variance)) if ratio.price_variance else 0
    if risk > SIGN_RISK:
        notes.append(f"the price sign is wrong with probability {risk:.2g}")
    return notes


def _stepped(
    part_worths: PartWorths,
    price: Attribute,
    contrast: Floats,
    *,
    covariance: Covariance,
    seed: int,
) -> Estimate:
    """Interpolated between the steps of the price, from its lowest level upwards."""
    coding, n = part_worths.coding, part_worths.n_respondents
    method = f"interpolated between price steps; {DRAWS // 10} draws, {covariance} covariance"
    unit = money_unit(coding)
    if any(level.number is None for level in price.levels):
        reason = f"the levels of the price '{price.id}' have no numbers"
        return unavailable(reason, n=n, method=method, unit=unit)
    value = float(_interpolated(coding, price, contrast, part_worths.coefficients[None])[0])
    if not math.isfinite(value):
        why = "utility does not fall with every price step" if math.isnan(value) else ""
        reason = why or "beyond the tested prices"
        return unavailable(reason, n=n, method=method, unit=unit)
    draws = part_worths.draws(covariance, n=DRAWS // 10, seed=seed)
    found = _interpolated(coding, price, contrast, draws)
    crossed = np.isnan(found)
    if crossed.mean() > 0.025:
        reason = f"the price steps cross in {crossed.mean():.0%} of the draws"
        return unavailable(reason, n=n, method=method, unit=unit)
    kept = np.sort(found[~crossed])
    low, low_50, high_50, high = (
        float(kept[round(q * (len(kept) - 1))]) for q in (0.025, 0.25, 0.75, 0.975)
    )
    if math.isinf(low) or math.isinf(high):
        method += "; unbounded: the interval leaves the tested prices"
    return Estimate(
        value=value,
        low=low,
        high=high,
        low_50=low_50,
        high_50=high_50,
        n=n,
        method=method,
        unit=unit,
    )


def _interpolated(coding: Coding, price: Attribute, contrast: Floats, draws: Floats) -> Floats:
    """Money (n,) that offsets a worth in draws (n, K); infinite beyond, NaN where steps cross."""
    money = offsets(coding, price, draws @ contrast, draws)
    crossed = (np.diff(utility_lost(coding, price, draws)[1], axis=1) <= 0).any(axis=1)
    money[crossed] = np.nan
    return money


def money_value_of_tag(
    part_worths: PartWorths,
    tag: Tag,
    *,
    method: Method = "delta",
    covariance: Covariance = "cluster",
    seed: int = 1,
) -> TagMoney:
    """Money value of going from the worst to the best level of every attribute with a tag.

    Worst and best follow the stated preference of the attribute, else the estimates; the interval
    is that of this fixed contrast, so it does not show that the order itself was estimated.
    """
    coding = part_worths.coding
    upgrades, contrast = tag_upgrades(part_worths, tag)
    n = part_worths.n_respondents
    if not upgrades or tag == "price":
        what = "price has no money value of its own" if tag == "price" else f"no {tag} attribute"
        money = unavailable(what, n=n, method=method, unit=money_unit(coding))
    else:
        money = money_of(part_worths, contrast, method=method, covariance=covariance, seed=seed)
    return TagMoney(tag, upgrades, money, _tag_share(part_worths, tag, covariance, seed))


def tag_upgrades(part_worths: PartWorths, tag: Tag) -> tuple[tuple[Upgrade, ...], Floats]:
    """From the worst to the best level of every attribute with a tag, and their contrast (K,)."""
    attributes = part_worths.coding.exercise.attributes
    return best_upgrades(part_worths, [a.id for a in attributes if a.tag == tag])


def best_upgrades(
    part_worths: PartWorths, names: Collection[str]
) -> tuple[tuple[Upgrade, ...], Floats]:
    """From the worst to the best level of every attribute named, and their contrast (K,)."""
    coding = part_worths.coding
    attributes = [a for a in coding.exercise.attributes if a.id in names]
    upgrades = tuple(_best_upgrade(part_worths, attribute) for attribute in attributes)
    contrast = np.zeros(coding.width)
    for upgrade, attribute in zip(upgrades, attributes, strict=True):
        ends = [_end(attribute, level) for level in (upgrade.from_level, upgrade.to_level)]
        contrast += coding.contrast(attribute.id, *ends)
    return upgrades, contrast


def _end(attribute: Attribute, level: str) -> str | float:
    return float(level) if attribute.range else level


def _best_upgrade(part_worths: PartWorths, attribute: Attribute) -> Upgrade:
    if attribute.range:
        places = part_worths.coding.places(attribute.id)
        names = [f"{float(number)!r}" for number in table_numbers(attribute)]
        worths = part_worths.coding.table(attribute) @ part_worths.coefficients[places]
    else:
        names = [level.id for level in attribute.levels]
        places = part_worths.coding.places(attribute.id)
        worths = part_worths.coding.table(attribute) @ part_worths.coefficients[places]
    if attribute.preference == "increasing":
        return Upgrade(attribute.id, names[0], names[-1])
    if attribute.preference == "decreasing":
        return Upgrade(attribute.id, names[-1], names[0])
    return Upgrade(attribute.id, names[int(worths.argmin())], names[int(worths.argmax())])


def _tag_share(part_worths: PartWorths, tag: Tag, covariance: Covariance, seed: int) -> Estimate:
    with_tag = [a.tag == tag for a in part_worths.coding.exercise.attributes]
    point = ranges(part_worths.coding, part_worths.coefficients[None, :])
    method = f"share of the utility ranges among the levels tested; draws, {covariance} covariance"
    lacking = why_no_shares(part_worths, covariance)
    if lacking:
        return unavailable(lacking, n=part_worths.n_respondents, method=method, unit="share")
    drawn = ranges(part_worths.coding, part_worths.draws(covariance, n=4_000, seed=seed))
    value = float(point[:, with_tag].sum() / point.sum())
    shares = drawn[:, with_tag].sum(axis=1) / drawn.sum(axis=1)
    return estimate_of(shares, value=value, n=part_worths.n_respondents, method=method)
