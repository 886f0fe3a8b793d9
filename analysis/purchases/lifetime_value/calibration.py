"""A forecast held against purchases it did not see: fit early, predict the validation period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from analysis.purchases.lifetime_value.company_fit import CompanyFit, Form
from analysis.purchases.lifetime_value.customer_days import Bought
from analysis.purchases.lifetime_value.expected import p_alive
from analysis.purchases.lifetime_value.grouped import (
    Floats,
    Histories,
    histories_of,
)
from analysis.purchases.lifetime_value.past_forecast import (
    bought_since,
    chance_of,
    fitted_before,
)
from analysis.purchases.lifetime_value.residual_value import BOUNDS, DRAWS, Horizon, forecast
from analysis.purchases.lifetime_value.tracking import expected_repeats, purchase_days
from analysis.purchases.roll_up import DAYS_A_WEEK

TOP_CLASS = 7
SURE = 0.8
ALIVE = (0.0, 0.2, 0.5, SURE, 1.0)
"""P(alive) that parts the classes in which it is held against purchases."""
SURE_CLASS = ALIVE.index(SURE)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Predicted against actual purchases of a validation period.

    Attributes
    ----------
    fitted_until, weeks
        Last day of the fit, and the weeks predicted after it.
    predicted, predicted_low, predicted_high, actual
        Purchases of all n customers in these weeks, with the 95 % predictive interval.
    p, p_doubtful
        Chance of a total as far off, were the customers as the model says: of all, and of those
        with P(alive) below ``SURE``.
    correlation
        Of predicted and actual over customers; None when one does not vary.
    coverage
        Share of customers whose actual purchases lie in their 95 % predictive interval. Counts
        are whole numbers, so that more than 95 % are expected to.
    classes
        By repeat purchases before: repeats, n, predicted, actual (means), coverage.
    by_alive
        By P(alive): low, high, n, predicted, actual (means), p (chance of a total as far off):
        who is taken for gone, or not, buys accordingly.
    tracking
        By week since the first purchase of all: week, predicted and actual repeat purchases so
        far, validation (True after the fit).
    """

    fitted_until: date
    weeks: int
    n: int
    predicted: float
    predicted_low: float
    predicted_high: float
    actual: int
    p: float
    p_doubtful: float
    correlation: float | None
    coverage: float
    classes: pd.DataFrame
    by_alive: pd.DataFrame
    tracking: pd.DataFrame


def calibrate(form: Form, purchases: Bought, *, as_of: date, weeks: int, seed: int) -> Calibration:
    """Fit on purchases up to ``weeks`` before a day, and predict those weeks.

    Raises
    ------
    NotEnoughHistory
        When the time before the validation period does not pass the gate.
    """
    cut, table, then = fitted_before(form, purchases, as_of=as_of, weeks=weeks)
    predicted, drawn = _by_class(then, histories_of(table), weeks=weeks, seed=seed)
    total, doubtful = drawn.sum(axis=0), drawn[:SURE_CLASS].sum(axis=0)
    each = predicted.assign(
        actual=bought_since(table["customer"], purchases, cut=cut, as_of=as_of),
        repeats=table["x"].clip(upper=TOP_CLASS),
    )
    each["covered"] = each["actual"].between(each["purchases_low"], each["purchases_high"])
    low, high = np.quantile(total, BOUNDS)
    varies = each["actual"].nunique() > 1 and each["expected_purchases"].nunique() > 1
    return Calibration(
        fitted_until=cut,
        weeks=weeks,
        n=len(each),
        predicted=float(each["expected_purchases"].sum()),
        predicted_low=float(low),
        predicted_high=float(high),
        actual=int(each["actual"].sum()),
        p=chance_of(int(each["actual"].sum()), total),
        p_doubtful=chance_of(int(each.loc[each["of"] < SURE_CLASS, "actual"].sum()), doubtful),
        correlation=float(each["expected_purchases"].corr(each["actual"])) if varies else None,
        coverage=float(each["covered"].mean()),
        classes=_classes(each),
        by_alive=_by_alive(each, drawn),
        tracking=_tracking(then, purchases, cut=cut, as_of=as_of),
    )


def _classes(each: pd.DataFrame) -> pd.DataFrame:
    found = each.groupby("repeats", as_index=False).agg(
        n=("actual", "size"),
        predicted=("expected_purchases", "mean"),
        actual=("actual", "mean"),
        coverage=("covered", "mean"),
    )
    found["repeats"] = [f"{r}" if r < TOP_CLASS else f"{TOP_CLASS}+" for r in found["repeats"]]
    return found


def _by_class(
    then: CompanyFit, plain: Histories, *, weeks: int, seed: int
) -> tuple[pd.DataFrame, Floats]:
    """Forecast customer by customer with their class of P(alive), and totals (classes, draws).

    With one seed a draw has the same parameters in all classes, so that their sum is a total.
    """
    histories = then.histories(plain)
    covariates = then.covariates(histories, None)
    alive = p_alive(then.buying, histories, covariates)[0]
    of = np.digitize(alive, ALIVE[1:-1])
    drawn, parts = np.zeros((len(ALIVE) - 1, DRAWS)), []
    for place in np.unique(of):
        rows = np.flatnonzero(of == place)
        found = forecast(
            then.buying,
            histories.rows(rows),
            then.horizon(Horizon(weeks)),
            seed=seed,
            covariates=None if covariates is None else covariates.rows(rows),
        )
        drawn[place] = found.purchases
        parts.append(found.customers.set_index(rows))
    return pd.concat(parts).sort_index().assign(of=of), drawn


def _by_alive(each: pd.DataFrame, drawn: Floats) -> pd.DataFrame:
    rows = []
    for place, (low, high) in enumerate(pairwise(ALIVE)):
        mine = each[each["of"] == place]
        bought = int(mine["actual"].sum())
        rows.append(
            {
                "low": low,
                "high": high,
                "n": len(mine),
                "predicted": float(mine["expected_purchases"].mean()) if len(mine) else 0.0,
                "actual": bought / len(mine) if len(mine) else 0.0,
                "p": chance_of(bought, drawn[place]) if len(mine) else 1.0,
            }
        )
    return pd.DataFrame(rows)


def _tracking(then: CompanyFit, purchases: Bought, *, cut: date, as_of: date) -> pd.DataFrame:
    """Cumulative repeat purchases of the customers known at the cut, week by week."""
    days = purchase_days(purchases, known_by=cut, until=as_of)
    last = len(days.repeats) - 1
    fitted_on = last - (as_of - cut).days
    ends = np.arange(DAYS_A_WEEK - 1, last + 1, DAYS_A_WEEK)
    predicted = expected_repeats(
        then.buying, days, ends, fitted_on=fitted_on, season=then.season, joining=then.joining
    )
    return pd.DataFrame(
        {
            "week": np.arange(1, len(ends) + 1),
            "predicted": predicted,
            "actual": days.repeats.cumsum()[ends].astype(int),
            "validation": ends > fitted_on,
        }
    )
