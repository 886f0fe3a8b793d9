"""What upgrades are worth to needs segments, over draws of the whole mixture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.choices.coding import Floats
from analysis.choices.latent_class import LatentClasses
from analysis.choices.price_offset import offsets, why_no_money
from analysis.choices.willingness_to_pay import money_unit
from analysis.estimate import Estimate, unavailable
from analysis.study import Attribute

DRAWS = 4_000
Change = tuple[str, str, str]
"""Attribute, from level, to level."""


@dataclass(frozen=True, slots=True)
class Worth:
    """The money value of one change to one segment.

    ``p`` is that of being worth something, ``more_p`` that of being worth more or less than to
    the other segments together (two-sided, from the draws); None where it cannot be had.
    """

    segment: int
    change: Change
    tag: str
    label: str
    money: Estimate
    more: Estimate
    p: float | None
    more_p: float | None


def money_of_segments(fit: LatentClasses, *, seed: int) -> tuple[Worth, ...]:
    """Every upgrade from the first level, valued by every class; empty without money values.

    Draws from the estimates of the mixture (cluster covariance over respondents) carry what is
    not known of every class. Money is free of scale, so that classes can be compared in it. The
    others are weighted by their shares.
    """
    coding = fit.coding
    price = coding.exercise.price
    changes = _changes(coding.exercise.attributes)
    if price is None or why_no_money(coding) or not changes:
        return ()
    lacking = fit.mean_part_worths().why_no_intervals("cluster")
    amounts = None if lacking else _amounts(fit, price, changes, seed)
    unit, n = money_unit(coding), fit.n_respondents
    method = f"{DRAWS:,} draws from the mixture, cluster covariance; median and middle 95 %"
    found = []
    for segment in range(fit.n_classes):
        for place, (change, tag, label) in enumerate(changes):
            if amounts is None:
                none = unavailable(lacking or "", n=n, method=method, unit=unit)
                found.append(Worth(segment + 1, change, tag, label, none, none, None, None))
                continue
            shares, money = amounts
            own = money[:, segment, place]
            found.append(
                Worth(
                    segment + 1,
                    change,
                    tag,
                    label,
                    *_estimates(own, _others(shares, money[:, :, place], segment), n, method, unit),
                )
            )
    return tuple(found)


def _changes(attributes: tuple[Attribute, ...]) -> list[tuple[Change, str, str]]:
    """Changes from the first (worst) level of attributes in steps, with tag and words."""
    found: list[tuple[Change, str, str]] = []
    for attribute in attributes:
        if attribute.tag == "price" or len(attribute.levels) < 2:
            continue
        levels = list(attribute.levels)
        if attribute.preference == "decreasing":
            levels.reverse()
        found += [
            ((attribute.id, levels[0].id, other.id), attribute.tag,
             f"{attribute.label.say()}: {other.label.say()}")
            for other in levels[1:]
        ]  # fmt: skip
    return found


def _amounts(
    fit: LatentClasses, price: Attribute, changes: list[tuple[Change, str, str]], seed: int
) -> tuple[Floats, Floats]:
    """Shares (D, Q) and money (D, Q, C)."""
    rng = np.random.default_rng([seed, 41])
    drawn = rng.multivariate_normal(
        fit.mixture.vector(), fit.covariances["cluster"], size=DRAWS, method="eigh"
    )
    mixtures = [fit.mixture.at(vector) for vector in drawn]
    shares = np.array([mixture.shares for mixture in mixtures])
    beta = np.array([mixture.coefficients for mixture in mixtures])
    flat = beta.reshape(-1, beta.shape[2])
    rows = [fit.coding.contrast(*change) for change, _, _ in changes]
    money = [offsets(fit.coding, price, flat @ row, flat) for row in rows]
    return shares, np.stack(money, axis=1).reshape(*beta.shape[:2], len(rows))


def _others(shares: Floats, money: Floats, segment: int) -> Floats | None:
    if shares.shape[1] == 1:
        return None
    rest = np.delete(np.arange(shares.shape[1]), segment)
    weight = shares[:, rest] / shares[:, rest].sum(axis=1, keepdims=True)
    mean: Floats = (weight * money[:, rest]).sum(axis=1)
    return mean


def _estimates(
    own: Floats, others: Floats | None, n: int, method: str, unit: str
) -> tuple[Estimate, Estimate, float | None, float | None]:
    money = _middle(own, n, method, unit)
    if others is None:
        none = unavailable("there is one segment", n=n, method=method, unit=unit)
        return money, none, _two_sided(own), None
    with np.errstate(invalid="ignore"):
        gap = own - others
    gap = np.where(np.isnan(gap), 0.0, gap)
    return money, _middle(gap, n, method, unit), _two_sided(own), _two_sided(gap)


def _middle(draws: Floats, n: int, method: str, unit: str) -> Estimate:
    if not np.isfinite(np.median(draws)):
        why = "in most draws no price offsets it: a higher price does not deter"
        return unavailable(why, n=n, method=method, unit=unit)
    ends = np.quantile(draws, [0.025, 0.5, 0.975], method="nearest")
    return Estimate(value=ends[1], low=ends[0], high=ends[2], n=n, method=method, unit=unit)


def _two_sided(draws: Floats) -> float:
    """Twice the smaller share of draws beyond zero, never below 1 / D."""
    below = float((draws <= 0).mean())
    return max(2 * min(below, 1 - below), 1 / len(draws))
