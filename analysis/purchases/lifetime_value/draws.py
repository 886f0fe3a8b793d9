"""Draws of what customers will buy and bring: their bounds, and totals in every draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.purchases.lifetime_value.alike import Tally, Whole, alike, weighted_bounds
from analysis.purchases.lifetime_value.buying import BuyingFit
from analysis.purchases.lifetime_value.covariates import Covariates
from analysis.purchases.lifetime_value.expected import COARSE, if_alive, log_odds, weekly_discount
from analysis.purchases.lifetime_value.grouped import Floats, Histories
from analysis.purchases.lifetime_value.horizon import BOUNDS, Groups, Horizon, Spend

DRAWS = 400
BLOCK = 1_000
"""Customers in hand at a time."""
LEAST = 0.05
"""Where spend has no finite mean in a draw of its parameters, it counts as if q were so far above
what a finite mean needs."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn.

    Attributes
    ----------
    bounds
        (4, rows) of purchases and of value, 95 %.
    purchases, value
        (draws,) totals of all; value is None where unknown.
    group_values
        (groups, draws) times the groups' factors; None where unknown.
    """

    bounds: Floats
    purchases: Floats
    value: Floats | None
    group_values: Floats | None


@dataclass(frozen=True, slots=True)
class _Moves:
    """Draws of parameters: ``buying`` (draws, 4 + C) about the fit's, ``spend`` (draws, 3)."""

    buying: Floats
    spend: Floats


@dataclass(frozen=True, slots=True)
class _Future:
    """What kinds of customers do if alive: (kinds, draws) draws, and their means.

    ``worth`` is discounted profit in units of ``Drawing.scale``. The means are given the
    parameters of a draw; of kinds of one customer they are the draws.
    """

    bought: Floats
    worth: Floats
    mean_bought: Floats
    mean_worth: Floats


@dataclass(frozen=True, slots=True)
class Drawing:
    """Customers to draw for; ``spend`` None: values are unknown."""

    fit: BuyingFit
    histories: Histories
    covariates: Covariates | None
    horizon: Horizon
    spend: Spend | None

    def all(self, groups: Groups, of_alive: tuple[Floats, Floats], *, seed: int) -> Drawn:
        """Draw for everybody; ``of_alive`` is from ``expected.alive_terms``."""
        generator = np.random.default_rng(seed)
        moves = self._moves(generator)
        others = () if self.spend is None else (self.spend.paid_days,)
        shared = alike(self.histories, self.covariates, *others)
        bounds = np.zeros((4, len(self.histories)))
        purchases, values = Tally(1, DRAWS), Tally(int(groups.of.max(initial=0)) + 1, DRAWS)
        for start in range(0, len(self.histories), BLOCK):
            who = shared.order[start : start + BLOCK]
            kinds, of, sizes = np.unique(shared.of[who], return_inverse=True, return_counts=True)
            future = self._future(shared.first[kinds], sizes > 1, moves, generator)
            odds = log_odds(of_alive[0][who])[:, None] + of_alive[1][who] @ moves.buying.T
            p = 1 / (1 + np.exp(-np.clip(odds, -700, 700)))
            alone = (sizes == 1)[of]
            there = p.copy()
            there[alone] = p[alone] > generator.random((int(alone.sum()), DRAWS))
            bounds[:2, who] = _shared_bounds(future.bought, of, p)
            spread = _spread(future.bought, future.mean_bought)
            purchases.add(there, future.mean_bought[of], spread[of])
            if self.spend is not None:
                scale = self._scale(who, moves.spend)
                bounds[2:, who] = _own_bounds(future.worth[of] * scale, p)
                spread = _spread(future.worth, future.mean_worth)
                mean = future.mean_worth[of] * scale
                values.add(there, mean, spread[of], (groups.of[who], groups.factor[who]))
        bought = purchases.drawn(generator)[0][0]
        if self.spend is None:
            return Drawn(bounds, bought, None, None)
        each, scaled = values.drawn(generator)
        return Drawn(bounds, bought, each.sum(axis=0), scaled)

    def _moves(self, generator: np.random.Generator) -> _Moves:
        root = np.linalg.cholesky(self.fit.covariance)
        buying = generator.standard_normal((DRAWS, len(root))) @ root.T
        if self.spend is None:
            return _Moves(buying, np.zeros((DRAWS, 3)))
        fit = self.spend.fit
        own = generator.standard_normal((DRAWS, 3)) @ np.linalg.cholesky(fit.covariance).T
        return _Moves(buying, np.exp(fit.coefficients + own))

    def _future(
        self,
        first: Whole,
        several: NDArray[np.bool_],
        moves: _Moves,
        generator: np.random.Generator,
    ) -> _Future:
        """Of kinds of customers, ``first`` (kinds,) being one of each."""
        rows = self.histories.rows(first)
        some = None if self.covariates is None else self.covariates.rows(first)
        lever = np.eye(4)[None] if some is None else self.fit.model.lever(some)
        shift = np.einsum("nkp,dp->ndk", lever, moves.buying)
        logs = self.fit.logs(len(rows), some)[:, None] + shift
        each = rows.rows(np.repeat(np.arange(len(rows)), DRAWS))
        found = self.fit.model.draw_if_alive(
            each, np.exp(logs).reshape(-1, 4), self.horizon.weeks, generator
        )
        bought, active = (drawn.reshape(len(rows), DRAWS) for drawn in found)
        worth = self._worth(first, (bought, active), moves.spend, generator)
        mean_bought, mean_worth = bought.copy(), worth.copy()
        if several.any():
            each = rows.rows(np.repeat(np.flatnonzero(several), DRAWS))
            own = logs[several].reshape(-1, 4)
            mean_bought[several] = self._mean(each, own, 0.0)
            if self.spend is not None:
                delta = weekly_discount(self.horizon.discount)
                days = self.spend.paid_days[first[several], None]
                p, q, _ = moves.spend.T
                money = p / np.maximum(p * days + q - 1, LEAST)
                mean_worth[several] = self._mean(each, own, delta) * money
        return _Future(bought, worth, mean_bought, mean_worth)

    def _mean(self, rows: Histories, logs: Floats, delta: float) -> Floats:
        ahead = (self.horizon.weeks, delta)
        return if_alive(self.fit, rows, logs, ahead, COARSE).reshape(-1, DRAWS)

    def _worth(
        self,
        first: Whole,
        future: tuple[Floats, Floats],
        spends: Floats,
        generator: np.random.Generator,
    ) -> Floats:
        """Discounted profit of the purchases (kinds, draws), in units of ``_scale``."""
        bought, active = future
        worth = np.zeros_like(bought)
        if self.spend is None:
            return worth
        at = np.nonzero(bought)
        p, q, _ = spends[at[1]].T
        inverse = generator.standard_gamma(p * self.spend.paid_days[first[at[0]]] + q)
        money = generator.standard_gamma(p * bought[at]) / np.maximum(inverse, 1e-12)
        worth[at] = money * _mean_discount(weekly_discount(self.horizon.discount) * active[at])
        return worth

    def _scale(self, who: Whole, spends: Floats) -> Floats:
        """Profit (rows, draws) that a customer's own spend so far makes of a unit of worth."""
        if self.spend is None or self.horizon.margin is None:
            return np.zeros((len(who), DRAWS))
        paid = self.spend.paid_days[who] * self.spend.mean[who]
        return (spends[:, 2] + paid[:, None]) * self.horizon.margin


def _spread(drawn: Floats, mean: Floats) -> Floats:
    """Variance (kinds, 1) of draws about their means, in squares of the means.

    Relative, as a draw of uncertain parameters may be in quite other units than the next.
    """
    apart = np.divide(drawn, mean, out=np.ones_like(drawn), where=mean > 0) - 1
    return np.asarray(np.mean(apart**2, axis=1, keepdims=True))


def _shared_bounds(values: Floats, of: Whole, p: Floats) -> Floats:
    """Bounds (2, rows) of the values (kinds, draws) of everybody's kind, at chances p."""
    ranked = np.argsort(values, axis=1)
    weights = np.take_along_axis(p, ranked[of], axis=1)
    return weighted_bounds(np.take_along_axis(values, ranked, axis=1)[of], weights, BOUNDS)


def _own_bounds(values: Floats, p: Floats) -> Floats:
    """Bounds (2, rows) of values (rows, draws) at chances p."""
    return _shared_bounds(values, np.arange(len(values)), p)


def _mean_discount(exponent: Floats) -> Floats:
    """Mean of e^-u for u uniform between 0 and the exponent."""
    small = np.abs(exponent) < 1e-8
    safe = np.where(small, 1.0, exponent)
    return np.where(small, 1.0, -np.expm1(-safe) / safe)
