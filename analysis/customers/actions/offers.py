"""The offer that a customer's own part-worths support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from analysis.choices.coding import Coding, Floats
from analysis.choices.intervals import estimate_of
from analysis.choices.simulator.products import row, why_not_shown
from analysis.choices.simulator.worths import Worths
from analysis.estimate import Estimate
from analysis.study import Attribute

OWN_CHANCE = 0.5
"""From this chance of being the best of all offers a customer's own one is made."""
GROUP_CHANCE = 0.9
"""The same for the best offer of a segment or the market."""
Basis = Literal["own", "segment", "market", "none"]


@dataclass(frozen=True, slots=True)
class Offer:
    """A change of today's product: one better level, or the lowest price tested."""

    name: str
    label: str
    levels: dict[str, str | float]


@dataclass(frozen=True, slots=True, eq=False)
class Gains:
    """What offers would gain.

    Attributes
    ----------
    base
        Today's product: the first level of every attribute, the middle price.
    customers
        Columns respondent, basis, offer, label, chance_best, gain, gain_low, gain_high.
    market
        By offer the change of the share of all respondents; ``segments`` the same by segment.
    """

    base: dict[str, str | float]
    offers: tuple[Offer, ...]
    customers: pd.DataFrame
    market: dict[str, Estimate]
    segments: dict[str, dict[str, Estimate]]


def todays_product(coding: Coding) -> dict[str, str | float]:
    """The first (worst) level of every attribute; of the price the middle one."""
    return {a.id: _first(a) for a in coding.exercise.attributes}


def offers_of(coding: Coding) -> tuple[Offer, ...]:
    """Every single better level, and the lowest price; none that a prohibition rules out."""
    base, found = todays_product(coding), []
    for attribute in coding.exercise.attributes:
        label = attribute.label.say()
        if attribute.tag == "price":
            values = [_lowest(attribute)]
        else:
            values = [level.id for level in attribute.levels if level.id != base[attribute.id]]
            if attribute.range:
                values = [attribute.range.greatest, attribute.range.least]
        for value in values:
            levels = {**base, attribute.id: value}
            if value != base[attribute.id] and not why_not_shown(coding, levels):
                said = (
                    attribute.level(value).label.say() if isinstance(value, str) else f"{value:g}"
                )
                found.append(Offer(f"{attribute.id}={value}", f"{label}: {said}", levels))
    return tuple(found)


def best_offers(worths: Worths, *, segments: pd.Series) -> Gains:
    """Which offer gains most with every respondent, over draws of their own part-worths.

    The gain of an offer is the change of the chance that the respondent takes the changed product
    when today's product (and none, where it was an option) stands beside it. A respondent's own
    offer is made when it is the best in half of the draws and more; else the best of the segment,
    if it is the best for the mean of the segment in 90 % of the draws (respondents reweighted by a
    Bayesian bootstrap); else that of the market by the same rule; else none. Gains are stated, at
    equal availability, and cost is not known.

    Parameters
    ----------
    worths
        Draws of respondents ('draws').
    segments
        Index respondent, the name of the segment; respondents may be missing.
    """
    coding, offers = worths.coding, offers_of(worths.coding)
    gain = _gains(worths, offers)
    best = gain.argmax(axis=2)
    names = segments.reindex(list(worths.respondents))
    groups = {str(g): np.flatnonzero((names == g).to_numpy()) for g in names.dropna().unique()}
    everybody = np.arange(len(names))
    market = _mean_gains(worths, gain, everybody)
    by_segment = {g: _mean_gains(worths, gain, who) for g, who in groups.items() if len(who) >= 10}
    fallback = {"": _best_of(market)} | {g: _best_of(m) for g, m in by_segment.items()}
    rows = []
    for place, name in enumerate(worths.respondents):
        counts = np.bincount(best[:, place], minlength=len(offers)) / len(best)
        own = int(counts.argmax())
        basis: Basis = "own"
        if counts[own] < OWN_CHANCE or gain[:, place, own].mean() <= 0:
            group = fallback.get(str(names.iloc[place]))
            basis, found = ("segment", group) if group is not None else ("market", fallback[""])
            own, basis = (found, basis) if found is not None else (-1, "none")
        rows.append(_row(name, basis, own, offers, counts, gain[:, place]))
    columns = ("respondent", "basis", "offer", "label", "chance_best", "gain", "low", "high")
    return Gains(
        base=todays_product(coding),
        offers=offers,
        customers=pd.DataFrame(rows, columns=list(columns)),
        market=_estimates(market, offers, len(everybody)),
        segments={g: _estimates(m, offers, len(groups[g])) for g, m in by_segment.items()},
    )


def _first(attribute: Attribute) -> str | float:
    if attribute.tag == "price":
        if attribute.range:
            return (attribute.range.least + attribute.range.greatest) / 2
        ordered = sorted(attribute.levels, key=_number)
        return ordered[(len(ordered) - 1) // 2].id
    if attribute.range:
        ends = (attribute.range.least, attribute.range.greatest)
        return ends[1] if attribute.preference == "decreasing" else ends[0]
    return attribute.levels[-1 if attribute.preference == "decreasing" else 0].id


def _lowest(attribute: Attribute) -> str | float:
    return attribute.range.least if attribute.range else min(attribute.levels, key=_number).id


def _number(level: object) -> float:
    number = getattr(level, "number", None)
    return float("inf") if number is None else float(number)


def _gains(worths: Worths, offers: tuple[Offer, ...]) -> Floats:
    """(draws, respondents, offers) changes of the chance of being taken."""
    coding = worths.coding
    today = row(coding, todays_product(coding))
    rows = np.array([row(coding, offer.levels) for offer in offers]) - today
    has_none = coding.exercise.none is not None
    away = row(coding, None) - today if has_none else None
    found = np.empty((*worths.points.shape[:2], len(offers)), dtype=np.float32)
    for draw, points in enumerate(worths.points):
        others = 1.0 + (np.exp(np.clip(points @ away, -50, 50)) if away is not None else 0.0)
        more = np.exp(np.clip(points @ rows.T, -50, 50))
        rest = np.broadcast_to(np.asarray(others), (len(points),))[:, None]
        found[draw] = more / (more + rest) - 1.0 / (1.0 + rest)
    result: Floats = found
    return result


def _mean_gains(worths: Worths, gain: Floats, who: np.ndarray) -> Floats:
    mass = worths.mass[:, who].astype(float)
    mass = mass / mass.sum(axis=1, keepdims=True)
    found: Floats = np.einsum("dn,dno->do", mass, gain[:, who])
    return found


def _best_of(gains: Floats) -> int | None:
    """The offer that is best in 90 % of the draws and gains in them; None: no offer is."""
    if gains.shape[1] == 0:
        return None
    counts = np.bincount(gains.argmax(axis=1), minlength=gains.shape[1]) / len(gains)
    best = int(counts.argmax())
    clear = counts[best] >= GROUP_CHANCE and np.quantile(gains[:, best], 0.025) > 0
    return best if clear else None


def _estimates(gains: Floats, offers: tuple[Offer, ...], n: int) -> dict[str, Estimate]:
    method = (
        "change of the share of preference against today's product and none; mean and 95 % of "
        f"{len(gains):,} draws, Bayesian bootstrap over respondents; stated"
    )
    found = {}
    for place, offer in enumerate(offers):
        drawn = gains[:, place]
        found[offer.name] = estimate_of(drawn, n=n, method=method, value=float(drawn.mean()))
    return found


def _row(
    name: str, basis: Basis, own: int, offers: tuple[Offer, ...], counts: Floats, gain: Floats
) -> tuple[object, ...]:
    if own < 0:
        return (name, basis, "", "", None, None, None, None)
    low, high = np.quantile(gain[:, own], [0.025, 0.975])
    mean = float(gain[:, own].mean())
    label = offers[own].label
    return (name, basis, offers[own].name, label, float(counts[own]), mean, float(low), float(high))
