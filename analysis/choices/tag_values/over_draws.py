"""Tag values over the draws of hierarchical Bayes, for everybody and by segment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.choices.coding import Coding, Floats
from analysis.choices.hb import market
from analysis.choices.importances import ranges
from analysis.choices.intervals import estimate_of
from analysis.choices.partworths import PartWorths
from analysis.choices.price_offset import offsets, undeterred, why_no_money
from analysis.choices.tag_values.named import (
    MEAN_SHARE,
    SMALLEST,
    TAGS,
    RangeShare,
    TagFigure,
    Upgrades,
    shares_of_tags,
    upgrades_of_tags,
)
from analysis.choices.willingness_to_pay import (
    money_unit,
)
from analysis.estimate import Estimate, unavailable
from analysis.study.exercises import Tag

EVERYBODY = ""
"""The name of the group of all respondents."""


def tag_values_over_draws(
    part_worths: PartWorths,
    *,
    seed: int,
    weights: market.Weights = None,
    segments: Mapping[str, str] | None = None,
) -> dict[str, tuple[TagFigure, ...]]:
    """Figures of every tag over the draws of hierarchical Bayes, by segment.

    Parameters
    ----------
    seed
        Of the Bayesian bootstrap over respondents.
    weights
        Weight by respondent.
    segments
        Segment by respondent; respondents without one count for everybody only.

    Returns
    -------
    dict
        By segment, everybody under ''. Money values are those of the median respondent, shares the
        mean of respondents' shares and the share of the mean part-worths. Segments of fewer than 10
        respondents are suppressed, with that reason.
    """
    coding, hierarchy = part_worths.coding, market.hierarchy_of(part_worths)
    groups = _groups(hierarchy.respondents, segments)
    given = market.mass_of(hierarchy, weights)
    counts = {name: int((mask & (given > 0)).sum()) for name, mask in groups.items()}
    shown = {name: mask for name, mask in groups.items() if counts[name] >= SMALLEST}
    measured, (centre, _) = _measured(part_worths), hierarchy.individual()
    values: dict[str, list[Floats]] = {name: [] for name in shown}
    for beta, mass in market.blocks(hierarchy, seed, weights):
        draws = _Draws(coding, beta, ranges(coding, beta), ranges(coding, beta - centre))
        measures = [
            (m.in_draws(draws), m.null(draws) if m.null is not None else None) for m in measured
        ]
        for name, mask in shown.items():
            own = mass * mask / (mass @ mask)[:, None]
            none = np.zeros(len(own))
            found = [(at(own), null(own) if null is not None else none) for at, null in measures]
            values[name].append(np.array(found))
    few = f"suppressed: fewer than {SMALLEST} respondents"
    result = {}
    for name, n in counts.items():
        if name not in shown:
            result[name] = tuple(m.without(few, n) for m in measured)
            continue
        drawn = np.concatenate(values[name], axis=2)
        result[name] = tuple(
            m.of(of, nulls, n) for (of, nulls), m in zip(drawn, measured, strict=True)
        )
    return result


def _groups(
    respondents: tuple[str, ...], segments: Mapping[str, str] | None
) -> dict[str, NDArray[np.bool_]]:
    found = {EVERYBODY: np.ones(len(respondents), dtype=bool)}
    own = np.array([(segments or {}).get(name, EVERYBODY) for name in respondents], dtype=object)
    for name in sorted(set(own) - {EVERYBODY}):
        found[str(name)] = own == name
    return found


@dataclass(frozen=True, slots=True)
class _Draws:
    """Part-worths (D, N, K), ranges (D, N, A) of them and of their deviations from the mean."""

    coding: Coding
    beta: Floats
    spread: Floats
    noise: Floats


Measure = Callable[[Floats], Floats]
"""From the mass of each respondent (D, N) to a number in each draw (D,)."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """A figure as it is measured in draws, and how its draws become an estimate.

    ``null`` is measured alike, and averaged over draws into the null reference.
    """

    tag: Tag
    figure: str
    what: str
    unit: str
    method: str
    in_draws: Callable[[_Draws], Measure]
    estimate: Callable[[Floats, int], Estimate]
    null: Callable[[_Draws], Measure] | None = None

    def of(self, values: Floats, nulls: Floats, n: int) -> TagFigure:
        null = float(nulls.mean()) if self.null is not None else None
        return TagFigure(self.tag, self.figure, self.what, self.estimate(values, n), null)

    def without(self, reason: str, n: int) -> TagFigure:
        none = unavailable(reason, n=n, method=self.method, unit=self.unit)
        return TagFigure(self.tag, self.figure, self.what, none)


def _measured(part_worths: PartWorths) -> list[_Measured]:
    coding = part_worths.coding
    found = []
    if not why_no_money(coding):
        found += [_median_money(part_worths, money) for money in upgrades_of_tags(part_worths)]
        found.append(_undeterred(coding))
    for share in shares_of_tags(coding, "share"):
        found += [_mean_share(share), _share_of_mean(share)]
    return sorted(found, key=lambda m: TAGS.index(m.tag))


def _median_money(part_worths: PartWorths, money: Upgrades) -> _Measured:
    price = part_worths.coding.exercise.price
    assert price is not None

    def in_draws(draws: _Draws) -> Measure:
        amounts = offsets(draws.coding, price, draws.beta @ money.contrast, draws.beta)
        return lambda mass: market.weighted_quantiles(amounts, mass)

    def estimate(values: Floats, n: int) -> Estimate:
        return market.money_estimate(part_worths, values, n=n)

    unit = money_unit(part_worths.coding)
    return _Measured(money.tag, money.figure, money.what, unit, market.MONEY, in_draws, estimate)


def _undeterred(coding: Coding) -> _Measured:
    price = coding.exercise.price
    assert price is not None

    def in_draws(draws: _Draws) -> Measure:
        found = undeterred(draws.coding, price, draws.beta).astype(float)
        return lambda mass: market.mean_of(found, mass)

    method = f"share of respondents whom price does not deter; {market.COVER}"
    return _Measured(
        "price", "price does not deter", price.id, "share", method, in_draws, _shared(method)
    )


def _mean_share(share: RangeShare) -> _Measured:
    def in_draws(draws: _Draws) -> Measure:
        own = share.of(draws.spread)
        return lambda mass: market.mean_of(own, mass)

    def null(draws: _Draws) -> Measure:
        noise = (draws.noise * share.scale)[..., share.mask].sum(axis=-1)
        others = (draws.spread * share.scale)[..., ~share.mask].sum(axis=-1)
        own = noise / (noise + others)
        return lambda mass: market.mean_of(own, mass)

    method = market.SHARES
    return _Measured(
        share.tag, share.figure, share.what, "share", method, in_draws, _shared(method), null
    )


def _share_of_mean(share: RangeShare) -> _Measured:
    def in_draws(draws: _Draws) -> Measure:
        return lambda mass: share.of(ranges(draws.coding, market.mean_of(draws.beta, mass)))

    method, name = market.MEAN_SHARES, share.figure.replace("share", MEAN_SHARE, 1)
    return _Measured(share.tag, name, share.what, "share", method, in_draws, _shared(method))


def _shared(method: str) -> Callable[[Floats, int], Estimate]:
    return lambda values, n: estimate_of(values, n=n, method=method)
