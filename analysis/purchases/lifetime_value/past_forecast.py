"""The same forecast some weeks ago, held against what has come since.

A quarter ago it shows a change of the last months; a year ago, a season that the history is too
short to tell, which a validation period in another season does not show.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from analysis.purchases.lifetime_value.company_fit import CompanyFit, Form, fit_again
from analysis.purchases.lifetime_value.customer_days import Bought
from analysis.purchases.lifetime_value.gate import NotEnoughHistory, gate_of
from analysis.purchases.lifetime_value.grouped import (
    Floats,
    customer_histories,
    grouped_histories,
    histories_of,
    later_purchases,
    weeks_before,
)
from analysis.purchases.lifetime_value.residual_value import BOUNDS, Horizon, forecast

QUARTER, YEAR = 13, 52
MOST = 20_000
"""Of more customers every second, third ... is forecast: the fit is of all."""


@dataclass(frozen=True, slots=True)
class PastForecast:
    """What n customers were predicted to buy in some weeks (95 % predictive), and what they did.

    ``p``: chance to be as far off, were the customers as the model says.
    """

    fitted_until: date
    weeks: int
    n: int
    predicted: float
    low: float
    high: float
    actual: int
    p: float

    @property
    def ratio(self) -> float:
        """Purchases for each that was predicted."""
        return self.actual / self.predicted


def past_forecast(
    form: Form, purchases: Bought, *, as_of: date, weeks: int, seed: int
) -> PastForecast:
    """Fit on purchases up to some weeks before a day, and predict these weeks.

    Raises
    ------
    NotEnoughHistory
        When the time before them does not pass the gate.
    NotConverged
        When the likelihood has no maximum.
    """
    cut, table, then = fitted_before(form, purchases, as_of=as_of, weeks=weeks)
    some = table.iloc[:: -(-len(table) // MOST)]
    histories = then.histories(histories_of(some))
    found = forecast(
        then.buying,
        histories,
        then.horizon(Horizon(weeks)),
        seed=seed,
        covariates=then.covariates(histories, None),
    )
    actual = int(bought_since(some["customer"], purchases, cut=cut, as_of=as_of).sum())
    low, high = np.quantile(found.purchases, BOUNDS)
    return PastForecast(
        fitted_until=cut,
        weeks=weeks,
        n=len(some),
        predicted=float(found.customers["expected_purchases"].sum()),
        low=float(low),
        high=float(high),
        actual=actual,
        p=chance_of(actual, found.purchases),
    )


def fitted_before(
    form: Form, purchases: Bought, *, as_of: date, weeks: int
) -> tuple[date, pd.DataFrame, CompanyFit]:
    """A day so many weeks earlier, the histories of customers then, and the fit to them.

    Raises
    ------
    NotEnoughHistory
        When the time before them does not pass the gate.
    NotConverged
        When the likelihood has no maximum.
    """
    cut = weeks_before(as_of, weeks)
    table = customer_histories(purchases, as_of=cut)
    gate = gate_of(table, as_of=cut)
    if not gate.passed:
        raise NotEnoughHistory(gate)
    return cut, table, fit_again(form, grouped_histories(purchases, as_of=cut), weeks=weeks)


def bought_since(
    customers: pd.Series, purchases: Bought, *, cut: date, as_of: date
) -> NDArray[np.int64]:
    """Purchases of each customer (n,) after one day, up to another."""
    later = later_purchases(purchases, since=cut, until=as_of).set_index("customer")["later"]
    return customers.map(later).fillna(0).to_numpy(dtype=np.int64)


def chance_of(actual: int, drawn: Floats) -> float:
    """Chance of a total as far from the (draws,) drawn ones, whose roots are about normal."""
    roots = np.sqrt(drawn)
    spread = max(float(roots.std(ddof=1)), 1e-9)
    return float(2 * norm.sf(abs(np.sqrt(actual) - roots.mean()) / spread))
