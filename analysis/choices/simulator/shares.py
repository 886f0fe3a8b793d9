"""Simulating a market: what share of choices every product gets, in every draw.

Draws are gone through one at a time: the utilities of all products for all respondents are one
product of matrices in float32, small enough to stay in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.choices.coding import Floats
from analysis.choices.simulator.products import Market, row
from analysis.choices.simulator.randomised import Errors, randomised_shares
from analysis.choices.simulator.worths import Singles, Worths

Method = Literal["share", "first-choice", "rfc"]
METHODS: tuple[Method, ...] = ("share", "first-choice", "rfc")
TIE = 1e-5
"""Utilities closer than this are equal in first choices: float32 is no finer."""


class CannotSimulate(ValueError):
    """The method does not suit the part-worths."""


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """Shares of choices, (draws, segments, alternatives): products in order, then none.

    With availabilities below 1 and without none they may add up to less than one: on the rest of
    the trips nothing could be had.
    """

    market: Market
    drawn: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Simulator:
    """Part-worths and a method; ``errors`` are those of randomised first choice."""

    worths: Worths
    method: Method = "share"
    errors: Errors = field(default_factory=Errors)

    def __post_init__(self) -> None:
        why = why_not(self.worths, self.method)
        if self.worths.constants and self.method != "share":
            why = "a calibration on purchases is of share of preference. Use --method share"
        if why:
            raise CannotSimulate(why)

    def simulate(self, market: Market) -> Simulated:
        """Simulate a market."""
        offer = Offer.of(self.worths, market)
        if self.method == "rfc":
            people = randomised_shares(self.worths, market, self.errors)
            return Simulated(market, _resampled(self.worths, people))
        if self.worths.kind == "classes":
            return Simulated(market, _resampled(self.worths, _class_shares(self.worths, offer)))
        return Simulated(market, _over_draws(self.worths, offer, self.method))


def simulator_of(
    worths: Worths, method: Method = "share", errors: Errors | None = None
) -> Simulator:
    """A simulator; CannotSimulate when the method does not suit the part-worths."""
    suited = worths.at_means() if method == "rfc" else worths
    return Simulator(suited, method, errors or Errors())


def why_not(worths: Worths, method: Method) -> str:
    """Why a method cannot be used with these part-worths; empty when it can."""
    if method == "rfc":
        if worths.kind != "logit":
            return ""
        return (
            "randomised first choice needs a point for every respondent, and an aggregate logit "
            "has one for all. Use --method share, or estimate with hb"
        )
    if worths.kind == "means":
        return (
            f"there are only means of respondents, no draws, and the {_SAID[method]} of means is "
            "biased. Use --method rfc, or save draws: run 'partworths --estimator hb --save-draws' "
            "again"
        )
    if method == "first-choice" and worths.kind in ("logit", "classes"):
        who = "everybody" if worths.kind == "logit" else "everybody in a class"
        return (
            f"by first choice {who} would take the same product, since all have the same "
            "part-worths. Use --method share, or estimate with hb"
        )
    return ""


_SAID = {"share": "share of preference", "first-choice": "first choice"}


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """A market, coded: rows (J, K) scaled, shifts (D or 1, J), availabilities (J,)."""

    rows: Singles
    offsets: Singles
    availability: Floats

    @staticmethod
    def of(worths: Worths, market: Market) -> Offer:
        """Code the products of a market, and none at its end."""
        rows = [row(worths.coding, p.levels) for p in market.products]
        rows += [row(worths.coding, None)] if market.none else []
        ones = [1.0] * market.none
        named = [(p.name, p.factor) for p in market.products]
        offsets = worths.shifts([*named, *[("", 1.0)] * market.none])
        available = np.array([*(p.availability for p in market.products), *ones])
        scaled = (np.array(rows) * market.scale).astype(np.float32)
        return Offer(scaled, offsets, available)

    def missing(self, worths: Worths, draw: int) -> dict[int, NDArray[np.bool_]]:
        """By place, for whom a product cannot be had in a draw, (N,).

        Drawn anew for every draw, respondent and place, and the same for every market.
        """
        people = worths.mass.shape[1]
        return {
            int(j): np.random.default_rng([worths.seed, draw, int(j)]).random(people, np.float32)
            >= self.availability[j]
            for j in np.flatnonzero(self.availability < 1)
        }


def utilities(worths: Worths, offer: Offer) -> Iterator[tuple[int, Singles]]:
    """Utilities (J, N) of every draw, in one buffer; -inf where a product cannot be had."""
    buffer = np.empty((len(offer.rows), worths.points.shape[1]), dtype=np.float32)
    shifted = bool(offer.offsets.any())
    for draw in range(len(worths.points)):
        np.matmul(offer.rows, worths.points[draw].T, out=buffer)
        if shifted:
            buffer += offer.offsets[draw % len(offer.offsets)][:, None]
        for place, absent in offer.missing(worths, draw).items():
            buffer[place, absent] = -np.inf
        yield draw, buffer


def _over_draws(worths: Worths, offer: Offer, method: Method) -> Floats:
    if worths.kind == "logit" and (offer.availability < 1).any():
        return _blended(worths, offer, method)
    found = np.empty((len(worths.points), len(worths.member), len(offer.rows)))
    for draw, chance in utilities(worths, offer):
        weight = chances(chance, method)
        own = worths.member * worths.mass[draw]
        found[draw] = (own * weight) @ chance.T / own.sum(axis=1, keepdims=True)
    return found


def chances(utility: Singles, method: Method) -> Singles:
    """Turn utilities (J, N) into chances but for a factor, which is returned (N,)."""
    top = utility.max(axis=0)
    np.maximum(top, np.finfo(np.float32).min, out=top)
    if method == "share":
        utility -= top
        np.exp(utility, out=utility)
    else:
        utility[:] = utility >= top - TIE
    total = utility.sum(axis=0)
    with np.errstate(divide="ignore"):
        weight: Singles = np.where(total > 0, 1 / total, 0).astype(np.float32)
    return weight


def _blended(worths: Worths, offer: Offer, method: Method) -> Floats:
    """Shares of a logit over which products can be had: over all sets, or 256 drawn ones."""
    rng = np.random.default_rng(worths.seed)
    partly = np.flatnonzero(offer.availability < 1)
    sets, weights = _sets(offer.availability[partly], rng)
    found = np.zeros((len(worths.points), 1, len(offer.rows)))
    full = Offer(offer.rows, offer.offsets, np.ones(len(offer.rows)))
    for draw, plain in utilities(worths, full):
        for had, weight in zip(sets, weights, strict=True):
            utility = plain.copy()
            utility[partly[~had]] = -np.inf
            factor = chances(utility, method)
            found[draw, 0] += weight * (utility * factor)[:, 0]
    return found


def _sets(availability: Floats, rng: np.random.Generator) -> tuple[NDArray[np.bool_], Floats]:
    if len(availability) > 8:
        return rng.random((256, len(availability))) < availability, np.full(256, 1 / 256)
    places = np.arange(2 ** len(availability))
    had = (places[:, None] >> np.arange(len(availability))) & 1 == 1
    return had, np.where(had, availability, 1 - availability).prod(axis=1)


def _class_shares(worths: Worths, offer: Offer) -> Floats:
    """Share (N, J) of every respondent, over the classes it may belong to."""
    assert worths.belonging is not None
    own = _blended(worths, offer, "share")[:, 0]
    found: Floats = worths.belonging.astype(float) @ own
    return found


def _resampled(worths: Worths, people: Floats) -> Floats:
    """Shares (B, S, J) of resampled respondents from those of each (N, J)."""
    own = people.astype(np.float32)
    found = [
        (worths.mass @ (member[:, None] * own)) / (worths.mass @ member)[:, None]
        for member in worths.member
    ]
    return np.stack(found, axis=1).astype(float)
