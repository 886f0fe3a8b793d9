"""A forecast held against purchases it did not see: fit early, predict the validation period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from analysis.purchases.lifetime_value.best_fit import best_fit
from analysis.purchases.lifetime_value.buying import BuyingFit, BuyingModel
from analysis.purchases.lifetime_value.customer_days import Bought
from analysis.purchases.lifetime_value.expected import expected_of_new
from analysis.purchases.lifetime_value.gate import NotEnoughHistory, gate_of
from analysis.purchases.lifetime_value.grouped import (
    Floats,
    customer_histories,
    grouped_histories,
    histories_of,
    later_purchases,
    repeats_by_week,
    weeks_before,
)
from analysis.purchases.lifetime_value.residual_value import Horizon, forecast
from analysis.purchases.roll_up import DAYS_A_WEEK

TOP_CLASS = 7
ALIVE = (0.0, 0.2, 0.5, 0.8, 1.0)
"""P(alive) that parts the classes in which it is held against purchases."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Predicted against actual purchases of a validation period.

    Attributes
    ----------
    fitted_until, weeks
        Last day of the fit, and the weeks predicted after it.
    predicted, predicted_low, predicted_high, actual
        Purchases of all n customers in these weeks, with the 95 % predictive interval.
    correlation
        Of predicted and actual over customers; None when one does not vary.
    coverage
        Share of customers whose actual purchases lie in their 95 % predictive interval. Counts
        are whole numbers, so that more than 95 % are expected to.
    classes
        By repeat purchases before: repeats, n, predicted, actual (means), coverage.
    by_alive
        By P(alive): low, high, n, predicted, actual (means), apart (actual less predicted, in
        standard errors by chance): who is taken for gone, or not, buys accordingly.
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
    correlation: float | None
    coverage: float
    classes: pd.DataFrame
    by_alive: pd.DataFrame
    tracking: pd.DataFrame


def calibrate(
    model: BuyingModel, purchases: Bought, *, as_of: date, weeks: int, seed: int
) -> Calibration:
    """Fit on purchases up to ``weeks`` before a day, and predict those weeks.

    Raises
    ------
    NotEnoughHistory
        When the time before the validation period does not pass the gate.
    """
    cut = weeks_before(as_of, weeks)
    table = customer_histories(purchases, as_of=cut)
    gate = gate_of(table, as_of=cut)
    if not gate.passed:
        raise NotEnoughHistory(gate)
    fit = best_fit(model, grouped_histories(purchases, as_of=cut))
    found = forecast(fit, histories_of(table), Horizon(weeks), seed=seed)
    later = later_purchases(purchases, since=cut, until=as_of).set_index("customer")["later"]
    each = found.customers.assign(
        actual=table["customer"].map(later).fillna(0).to_numpy(dtype=int),
        repeats=table["x"].clip(upper=TOP_CLASS),
    )
    each["covered"] = each["actual"].between(each["purchases_low"], each["purchases_high"])
    low, high = np.quantile(found.purchases, (0.025, 0.975))
    varies = each["actual"].nunique() > 1 and each["expected_purchases"].nunique() > 1
    return Calibration(
        fitted_until=cut,
        weeks=weeks,
        n=len(each),
        predicted=float(each["expected_purchases"].sum()),
        predicted_low=float(low),
        predicted_high=float(high),
        actual=int(each["actual"].sum()),
        correlation=float(each["expected_purchases"].corr(each["actual"])) if varies else None,
        coverage=float(each["covered"].mean()),
        classes=_classes(each),
        by_alive=_by_alive(each),
        tracking=_tracking(fit, purchases, cut=cut, as_of=as_of),
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


def _by_alive(each: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for low, high in pairwise(ALIVE):
        top = each["p_alive"] <= high if high == ALIVE[-1] else each["p_alive"] < high
        mine = each[(each["p_alive"] >= low) & top]
        bought, alive = mine["expected_purchases"].sum(), mine["p_alive"].mean()
        # Of customers alive by chance: all of what these buy, or nothing.
        error = float(np.sqrt(bought * (1 + bought / len(mine) / alive))) if bought > 0 else 0.0
        rows.append(
            {
                "low": low,
                "high": high,
                "n": len(mine),
                "predicted": float(mine["expected_purchases"].mean()) if len(mine) else 0.0,
                "actual": float(mine["actual"].mean()) if len(mine) else 0.0,
                "apart": float(mine["actual"].sum() - bought) / error if error else 0.0,
            }
        )
    return pd.DataFrame(rows)


def _tracking(fit: BuyingFit, purchases: Bought, *, cut: date, as_of: date) -> pd.DataFrame:
    """Cumulative repeat purchases of the customers known at the cut, week by week."""
    days = repeats_by_week(purchases, known_by=cut, until=as_of)
    first = pd.Timestamp(days["day"].iloc[0])
    offset = (pd.to_datetime(days["day"]) - first).dt.days.to_numpy()
    last = (pd.Timestamp(as_of) - first).days
    ends = np.arange(DAYS_A_WEEK - 1, last + 1, DAYS_A_WEEK)
    by_age = expected_of_new(fit, np.arange(last + 1) / DAYS_A_WEEK)
    newcomers = np.bincount(offset, weights=days["newcomers"], minlength=last + 1)
    predicted: Floats = np.convolve(newcomers, by_age)[: last + 1]
    actual = np.bincount(offset, weights=days["repeats"], minlength=last + 1).cumsum()
    return pd.DataFrame(
        {
            "week": np.arange(1, len(ends) + 1),
            "predicted": predicted[ends],
            "actual": actual[ends].astype(int),
            "validation": ends > (pd.Timestamp(cut) - first).days,
        }
    )
