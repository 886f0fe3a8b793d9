"""What existing customers will still bring: purchases x spend x margin, with intervals.

Acquisition cost is sunk for existing customers and not part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.purchases.lifetime_value.buying import BuyingFit
from analysis.purchases.lifetime_value.covariates import Covariates
from analysis.purchases.lifetime_value.draws import DRAWS, Drawing
from analysis.purchases.lifetime_value.expected import (
    alive_bounds,
    alive_terms,
    expected_purchases,
    weekly_discount,
)
from analysis.purchases.lifetime_value.grouped import Floats, Histories
from analysis.purchases.lifetime_value.horizon import BOUNDS, Groups, Horizon, Spend

__all__ = ["BOUNDS", "DRAWS", "Forecast", "Groups", "Horizon", "Spend", "forecast"]


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
    Customers with the same future if alive share its draws (``draws``).

    Parameters
    ----------
    histories
        One row a customer (n = 1).
    groups
        Default: all in one.
    """
    groups = groups or Groups(np.zeros(len(histories), dtype=np.int64), np.ones(len(histories)))
    known = spend is not None and horizon.margin is not None
    of_alive = alive_terms(fit, histories, covariates)
    alive, low, high = alive_bounds(fit, of_alive)
    table = {"p_alive": alive, "p_alive_low": low, "p_alive_high": high}
    table["expected_purchases"] = expected_purchases(
        fit, histories, horizon.weeks, covariates=covariates, alive=alive
    )
    drawing = Drawing(fit, histories, covariates, horizon, spend if known else None)
    drawn = drawing.all(groups, of_alive, seed=seed)
    bounds = drawn.bounds
    table["purchases_low"], table["purchases_high"] = bounds[:2]
    unknown = np.full(len(histories), np.nan)
    mean_spend = unknown if spend is None else spend.fit.expected(spend.paid_days, spend.mean)
    table["expected_spend"] = mean_spend
    if known:
        discounted = expected_purchases(
            fit,
            histories,
            horizon.weeks,
            discount=weekly_discount(horizon.discount),
            covariates=covariates,
            alive=alive,
        )
        table["residual_value"] = discounted * mean_spend * float(horizon.margin or 0)
    else:
        table["residual_value"] = unknown
    table["value_low"], table["value_high"] = bounds[2:] if known else (unknown, unknown)
    return Forecast(pd.DataFrame(table), drawn.purchases, drawn.value, drawn.group_values)
