"""Market willingness to pay: the change of price that brings a product's share back.

A product is changed. Against named competitors, and none where there is one, its share of
preference moves; the market values the change at the price change that restores the share (Orme
2001, "Assessing the monetary value of attribute levels with conjoint analysis"). Shares are logit
shares of every respondent, averaged, within every draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp

from analysis.choices.coding import Coding, Floats, level_numbers
from analysis.choices.hb.market import (
    COVER,
    Weights,
    blocks,
    counted,
    money_estimate,
)
from analysis.choices.intervals import estimate_of
from analysis.choices.partworths import PartWorths
from analysis.choices.price_offset import tested_prices, why_no_money
from analysis.choices.willingness_to_pay import money_unit
from analysis.estimate import Estimate, unavailable
from analysis.study import Attribute

Profile = Mapping[str, str | float]
"""Level ids by attribute; numbers on linear and piecewise attributes."""
LOGIT_DRAWS = 2_000
FEWEST = 10
"""Respondents from which draws of hierarchical Bayes make a market."""
HALVINGS = 50
REACH = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""How far a linear price is followed, in tested ranges."""


@dataclass(frozen=True, slots=True)
class MarketWorth:
    """What a change is worth in a market.

    ``price_change`` restores the share; ``share_before`` is that of the product as it is, and
    ``share_after`` that of the changed product at the same price.
    """

    price_change: Estimate
    share_before: Estimate
    share_after: Estimate


def market_willingness_to_pay(
    part_worths: PartWorths,
    product: Profile,
    change: Profile,
    competitors: Sequence[Profile],
    *,
    seed: int,
    none: bool | None = None,
    weights: Weights = None,
) -> MarketWorth:
    """The price change that restores the share of preference of a changed product.

    Parameters
    ----------
    part_worths
        Of hierarchical Bayes (over its draws, with a Bayesian bootstrap over respondents), or of
        the aggregate logit (over normal draws with the cluster covariance).
    product, competitors
        A level of every attribute, price included.
    change
        The levels that are different afterwards; not the price.
    seed
        Of bootstrap and draws.
    none
        Whether none is in the market; default: where the exercise has it.
    weights
        Weight by respondent (hb).

    Returns
    -------
    MarketWorth
        The price change is the median over draws, with quantiles. A draw in which no price restores
        the share counts as infinite; a median like that is unavailable: "unbounded" for a linear
        price, "beyond the tested prices" for one in steps or pieces, which is never extrapolated.

    Raises
    ------
    ValueError
        Listing every fault of the market, or for an estimator without draws.
    """
    coding = part_worths.coding
    faults = market_faults(coding, product, change, competitors, none)
    if faults:
        raise ValueError("; ".join(faults))
    price = coding.exercise.price
    assert price is not None
    n, method = _n_and_method(part_worths, weights)
    lacking = _why_no_market(part_worths, n)
    if lacking:
        money = unavailable(lacking, n=n, method=method, unit=money_unit(coding))
        share = unavailable(lacking, n=n, method=method, unit="share")
        return MarketWorth(money, share, share)
    with_none = coding.exercise.none is not None if none is None else none
    rivals = [coding.row(profile) for profile in competitors]
    rivals += [coding.row(None)] if with_none else []
    search = _Search.of(coding, price, product, change, np.array(rivals))
    found = np.array(
        [search.solve(beta, mass) for beta, mass in _draws(part_worths, seed, weights)]
    )
    return MarketWorth(
        money_estimate(
            part_worths,
            found[:, 0],
            n=n,
            method=method,
            unbounded="no price brings the share back",
            today=search.price,
        ),
        estimate_of(found[:, 1], n=n, method=method),
        estimate_of(found[:, 2], n=n, method=method),
    )


def market_faults(
    coding: Coding,
    product: Profile,
    change: Profile,
    competitors: Sequence[Profile],
    none: bool | None,
) -> list[str]:
    """Everything wrong with a market; empty when it can be simulated."""
    lacking = why_no_money(coding)
    if lacking:
        return [lacking]
    faults = _profile_faults(coding, "product", product, complete=True)
    faults += _profile_faults(coding, "change", change, complete=False)
    for number, profile in enumerate(competitors, start=1):
        faults += _profile_faults(coding, f"competitor {number}", profile, complete=True)
    price = coding.exercise.price
    assert price is not None
    if price.id in change:
        faults.append(f"change: '{price.id}' is the price, which is what is sought; leave it out")
    if not faults and all(product[name] == level for name, level in change.items()):
        faults.append("change: nothing differs from the product")
    has_none = coding.exercise.none is not None
    if none and not has_none:
        faults.append("none: the exercise has no none alternative; leave it out")
    if not competitors and not (has_none if none is None else none):
        faults.append("competitors: a share needs at least one competitor, or none")
    return faults


def _profile_faults(coding: Coding, where: str, profile: Profile, *, complete: bool) -> list[str]:
    known = {a.id: a for a in coding.exercise.attributes}
    faults = [f"{where}: there is no attribute '{name}'" for name in profile if name not in known]
    if complete:
        faults += [f"{where}: '{name}' has no level" for name in known if name not in profile]
    for name, level in profile.items():
        if name not in known:
            continue
        try:
            coding.code(known[name], level)
        except (KeyError, TypeError, ValueError) as error:
            faults.append(f"{where}: {error.args[0]}")
    return faults


def _draws(part_worths: PartWorths, seed: int, weights: Weights) -> Iterator[tuple[Floats, Floats]]:
    if part_worths.hierarchy is not None:
        for block in blocks(part_worths.hierarchy, seed, weights):
            yield from zip(*block, strict=True)
        return
    for draw in part_worths.draws("cluster", n=LOGIT_DRAWS, seed=seed):
        yield draw[None, :], np.ones(1)


def _why_no_market(part_worths: PartWorths, n: int) -> str:
    if part_worths.hierarchy is None:
        return part_worths.why_no_intervals("cluster")
    return f"{n} respondents: a market needs {FEWEST} or more" if n < FEWEST else ""


def _n_and_method(part_worths: PartWorths, weights: Weights) -> tuple[int, str]:
    if part_worths.hierarchy is None:
        if part_worths.estimator != "mnl":
            raise ValueError(f"estimator '{part_worths.estimator}' has no draws to simulate with")
        if weights is not None:
            raise ValueError("the weights of a logit belong to its fit")
        return part_worths.n_respondents, f"95 % of {LOGIT_DRAWS} draws, cluster covariance"
    return counted(part_worths.hierarchy, weights), COVER


@dataclass(frozen=True, slots=True)
class _Search:
    """Where prices may go, and the coded alternatives.

    ``prices`` (S,) ascending and ``rows`` (S, K): the changed product at each, linear in between;
    ``price`` is today's, ``product`` (K,) the product as it is, ``rivals`` (R, K).
    """

    prices: Floats
    rows: Floats
    price: float
    product: Floats
    rivals: Floats
    linear: bool

    @staticmethod
    def of(
        coding: Coding, price: Attribute, product: Profile, change: Profile, rivals: Floats
    ) -> _Search:
        points: list[tuple[float, str | float]]
        if price.coding == "effects":
            numbers = level_numbers(price).tolist()
            points = sorted(zip(numbers, [lv.id for lv in price.levels], strict=True))
        elif price.coding == "linear":
            points = [(p, p) for p in tested_prices(price)]
        else:
            points = [(p, p) for p in sorted(coding.price_steps(price).tolist())]
        changed = {**product, **change}
        return _Search(
            np.array([number for number, _ in points]),
            np.array([coding.row({**changed, price.id: level}) for _, level in points]),
            price_of(price, product[price.id]),
            coding.row(product),
            rivals,
            price.coding == "linear",
        )

    def solve(self, beta: Floats, mass: Floats) -> tuple[float, float, float]:
        """The price change, the share before, and that of the change at the same price."""
        others = logsumexp(beta @ self.rivals.T, axis=1)
        before = float(mass @ expit(beta @ self.product - others))
        steps = beta @ self.rows.T

        def gain(price: float) -> float:
            return float(mass @ expit(self._utility(steps, price) - others)) - before

        after = gain(self.price)
        return self._root(gain, after), before, before + after

    def _utility(self, steps: Floats, price: float) -> Floats:
        last = len(self.prices) - 2
        at = min(max(int(np.searchsorted(self.prices, price, side="right")) - 1, 0), last)
        part = (price - self.prices[at]) / (self.prices[at + 1] - self.prices[at])
        found: Floats = steps[:, at] + part * (steps[:, at + 1] - steps[:, at])
        return found

    def _root(self, gain: Callable[[float], float], after: float) -> float:
        """The first price at which nothing is gained, less today's; infinite without one."""
        if after == 0:
            return 0.0
        sign = 1.0 if after > 0 else -1.0
        near = self.price
        for far in self._stops(sign):
            if gain(far) * sign <= 0:
                for _ in range(HALVINGS):
                    middle = (near + far) / 2
                    near, far = (middle, far) if gain(middle) * sign > 0 else (near, middle)
                return far - self.price
            near = far
        return sign * np.inf

    def _stops(self, sign: float) -> list[float]:
        """Prices to look at, from today's upwards (1) or downwards (-1)."""
        if self.linear:
            span = float(self.prices[-1] - self.prices[0])
            return [self.price + sign * reach * span for reach in REACH]
        beyond = self.prices[(self.prices - self.price) * sign > 0]
        return [float(p) for p in (beyond if sign > 0 else beyond[::-1])]


def price_of(price: Attribute, level: str | float) -> float:
    """The number of a price, given by level id or as a number."""
    if isinstance(level, str) and not price.range:
        number = price.level(level).number
        assert number is not None
        return number
    return float(level)
