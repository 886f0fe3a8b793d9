"""The same forecast a year ago: what a season, which the models do not know, does to it.

After a quiet season many customers look as if they had left; a forecast made in another season does
not show it. The one made on the same day of the last year does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from analysis.purchases.lifetime_value.best_fit import best_fit
from analysis.purchases.lifetime_value.buying import BuyingModel
from analysis.purchases.lifetime_value.customer_days import Bought
from analysis.purchases.lifetime_value.gate import NotEnoughHistory, gate_of
from analysis.purchases.lifetime_value.grouped import (
    customer_histories,
    grouped_histories,
    histories_of,
    later_purchases,
    weeks_before,
)
from analysis.purchases.lifetime_value.residual_value import BOUNDS, Horizon, forecast

YEAR = 52
MOST = 20_000
"""Of more customers every second, third ... is forecast: the fit is of all."""


MATTERS = 0.1


@dataclass(frozen=True, slots=True)
class YearAgo:
    """What n customers were predicted to buy in 52 weeks (95 % predictive), and what they did."""

    fitted_until: date
    n: int
    predicted: float
    low: float
    high: float
    actual: int

    @property
    def ratio(self) -> float:
        """Purchases for each that was predicted."""
        return self.actual / self.predicted

    @property
    def failed(self) -> bool:
        """Whether what came was outside what was predicted, by a tenth at least."""
        return not self.low <= self.actual <= self.high and abs(self.ratio - 1) >= MATTERS


def year_ago(model: BuyingModel, purchases: Bought, *, as_of: date, seed: int) -> YearAgo:
    """Fit on purchases up to 52 weeks before a day, and predict these weeks.

    Raises
    ------
    NotEnoughHistory
        When the time before them does not pass the gate.
    NotConverged
        When the likelihood has no maximum.
    """
    cut = weeks_before(as_of, YEAR)
    table = customer_histories(purchases, as_of=cut)
    gate = gate_of(table, as_of=cut)
    if not gate.passed:
        raise NotEnoughHistory(gate)
    fit = best_fit(model, grouped_histories(purchases, as_of=cut))
    some = table.iloc[:: max(len(table) // MOST, 1)]
    found = forecast(fit, histories_of(some), Horizon(YEAR), seed=seed)
    later = later_purchases(purchases, since=cut, until=as_of).set_index("customer")["later"]
    low, high = np.quantile(found.purchases, BOUNDS)
    return YearAgo(
        fitted_until=cut,
        n=len(some),
        predicted=float(found.customers["expected_purchases"].sum()),
        low=float(low),
        high=float(high),
        actual=int(some["customer"].map(later).fillna(0).sum()),
    )
