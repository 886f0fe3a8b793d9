"""What existing customers will still bring: purchases x spend x margin, with intervals.

Acquisition cost is sunk for existing customers and not part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.purchases.lifetime_value.buying import BuyingFit
from analysis.purchases.lifetime_value.covariates import Covariates
from analysis.purchases.lifetime_value.expected import expected_purchases, p_alive, weekly_discount
from analysis.purchases.lifetime_value.gamma_gamma import SpendFit
from analysis.purchases.lifetime_value.grouped import Floats, Histories

MOST_WEEKS = 2_600
"""The longest horizon: beyond 50 years neither dropout nor the drawn intervals mean anything."""
DRAWS = 400
BLOCK = 2_000
"""Customers drawn for at a time."""
BOUNDS = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far ahead, and what money is worth there.

    ``discount`` is a year's (0.10: 10 %), ``margin`` the share of spend that is profit; None:
    unknown, and so is every value.
    """

    weeks: float
    discount: float = 0.10
    margin: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.weeks <= MOST_WEEKS:
            raise ValueError(
                f"a horizon of {self.weeks:g} weeks: write more than 0, at most {MOST_WEEKS:,} "
                f"({MOST_WEEKS // 52} years)"
            )
        if not -0.5 < self.discount < 10:
            raise ValueError(f"a discount of {self.discount:g} a year: write 0.10 for 10 %")
        if self.margin is not None and not 0 < self.margin <= 1:
            raise ValueError(
                f"a margin of {self.margin:g}: write the share of spend, 0.35 for 35 %"
            )


@dataclass(frozen=True, slots=True)
class Spend:
    """Spend of customers on a purchase day: ``fit``, and (n,) paid repeat days and their mean."""

    fit: SpendFit
    paid_days: Floats
    mean: Floats


@dataclass(frozen=True, slots=True)
class Groups:
    """Whose values are added up.

    ``of`` is (rows,) whole numbers from 0; ``factor`` (rows,) multiplies a customer's value (a
    discount back to the first purchase).
    """

    of: NDArray[np.int64]
    factor: Floats


@dataclass(frozen=True, slots=True)
class Forecast:
    """Expectations and predictive intervals of customers.

    Attributes
    ----------
    customers
        One row each: p_alive, expected_purchases, expected_spend (a purchase day), residual_value,
        with _low and _high; value columns are missing where unknown.
    purchases, value
        (draws,) totals of all customers in every draw, whose quantiles are their interval: the
        error of the parameters is common to all customers. Value is None where unknown.
    group_values
        (groups, draws) values of the groups, times their factor; None where unknown.
    """

    customers: pd.DataFrame
    purchases: Floats
    value: Floats | None
    group_values: Floats | None


def forecast(
    fit: BuyingFit,
    histories: Histories,
    horizon: Horizon,
    *,
    seed: int,
    spend: Spend | None = None,
    covariates: Covariates | None = None,
    groups: Groups | None = None,
) -> Forecast:
    """Forecast every customer.

    Intervals of purchases and value are predictive, 95 %: each draw takes parameters from their
    sampling distribution, a rate and a dropout of the customer given the history, purchases at
    random, and amounts. The interval of P(alive) holds the error of the parameters alone. In a
    draw all purchases carry the mean discount over the weeks in which the customer is active.

    Parameters
    ----------
    histories
        One row a customer (n = 1).
    groups
        Default: all in one.
    """
    groups = groups or Groups(np.zeros(len(histories), dtype=np.int64), np.ones(len(histories)))
    alive, low, high = p_alive(fit, histories, covariates)
    table = {"p_alive": alive, "p_alive_low": low, "p_alive_high": high}
    table["expected_purchases"] = expected_purchases(
        fit, histories, horizon.weeks, covariates=covariates
    )
    drawn = _Drawn(fit, histories, covariates, horizon, spend, seed)
    bounds, bought, values, by_group = drawn.all(groups)
    table["purchases_low"], table["purchases_high"] = bounds[:2]
    unknown = np.full(len(histories), np.nan)
    mean_spend = unknown if spend is None else spend.fit.expected(spend.paid_days, spend.mean)
    table["expected_spend"] = mean_spend
    known = spend is not None and horizon.margin is not None
    if known:
        discounted = expected_purchases(
            fit,
            histories,
            horizon.weeks,
            discount=weekly_discount(horizon.discount),
            covariates=covariates,
        )
        table["residual_value"] = discounted * mean_spend * float(horizon.margin or 0)
    else:
        table["residual_value"] = unknown
    table["value_low"], table["value_high"] = bounds[2:] if known else (unknown, unknown)
    return Forecast(
        pd.DataFrame(table), bought, values if known else None, by_group if known else None
    )


@dataclass(frozen=True, slots=True)
class _Drawn:
    fit: BuyingFit
    histories: Histories
    covariates: Covariates | None
    horizon: Horizon
    spend: Spend | None
    seed: int

    def all(self, groups: Groups) -> tuple[Floats, Floats, Floats, Floats]:
        """Bounds (4, rows); purchases and value (draws,); values of groups (groups, draws)."""
        generator = np.random.default_rng(self.seed)
        width = len(self.fit.coefficients)
        root = np.linalg.cholesky(self.fit.covariance)
        moves = generator.standard_normal((DRAWS, width)) @ root.T
        spends = None
        if self.spend is not None:
            own = np.linalg.cholesky(self.spend.fit.covariance)
            spends = np.exp(
                self.spend.fit.coefficients + generator.standard_normal((DRAWS, 3)) @ own.T
            )
        bounds = np.zeros((4, len(self.histories)))
        purchases, total = np.zeros(DRAWS), np.zeros(DRAWS)
        by_group = np.zeros((int(groups.of.max(initial=0)) + 1, DRAWS))
        for start in range(0, len(self.histories), BLOCK):
            part = slice(start, start + BLOCK)
            bought, value = self._block(part, moves, spends, generator)
            bounds[:2, part] = np.quantile(bought, BOUNDS, axis=1, method="inverted_cdf")
            bounds[2:, part] = np.quantile(value, BOUNDS, axis=1)
            purchases += bought.sum(axis=0)
            total += value.sum(axis=0)
            np.add.at(by_group, groups.of[part], value * groups.factor[part, None])
        return bounds, purchases, total, by_group

    def _block(
        self, part: slice, moves: Floats, spends: Floats | None, generator: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """Purchases and value (rows, draws) of some customers."""
        rows = self.histories.rows(part)
        some = None if self.covariates is None else self.covariates.rows(part)
        logs = self.fit.logs(len(rows), some)
        found = self.fit.model.terms(rows, logs)
        lever = np.eye(4)[None] if some is None else self.fit.model.lever(some)
        shift = np.einsum("nkp,dp->ndk", lever, moves)
        shift = np.broadcast_to(shift, (len(rows), *shift.shape[1:]))
        with np.errstate(divide="ignore"):
            odds = np.log(found.p_alive) - np.log1p(-found.p_alive)
        odds = odds[:, None] + np.einsum("ndk,nk->nd", shift, found.logit_alive_gradient)
        alive = generator.random(odds.shape) < 1 / (1 + np.exp(-np.clip(odds, -700, 700)))
        who, draw = np.nonzero(alive)
        parameters = np.exp(logs[who] + shift[who, draw])
        bought, active = np.zeros(alive.shape), np.zeros(alive.shape)
        bought[who, draw], active[who, draw] = self.fit.model.draw_if_alive(
            rows.rows(who), parameters, self.horizon.weeks, generator
        )
        return bought, self._value(part, bought, active, (spends, generator))

    def _value(
        self,
        part: slice,
        bought: Floats,
        active: Floats,
        source: tuple[Floats | None, np.random.Generator],
    ) -> Floats:
        """Discounted margin of the purchases: (rows, draws)."""
        spends, generator = source
        value = np.zeros_like(bought)
        if spends is None or self.spend is None or self.horizon.margin is None:
            return value
        at = np.nonzero(bought)
        days, mean = self.spend.paid_days[part][at[0]], self.spend.mean[part][at[0]]
        p, q, v = spends[at[1]].T
        inverse_scale = generator.standard_gamma(p * days + q) / (v + days * mean)
        money = generator.standard_gamma(p * bought[at]) / np.maximum(inverse_scale, 1e-12)
        delta = weekly_discount(self.horizon.discount)
        worth = _mean_discount(delta * active[at])
        value[at] = money * worth * self.horizon.margin
        return value


def _mean_discount(exponent: Floats) -> Floats:
    """Mean of e^-u for u uniform between 0 and the exponent."""
    small = np.abs(exponent) < 1e-8
    safe = np.where(small, 1.0, exponent)
    return np.where(small, 1.0, -np.expm1(-safe) / safe)
