"""What a win-back campaign changed: contacted customers against the control group."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
from scipy import stats

from analysis.estimate import Estimate, unavailable
from analysis.purchases.engine import (
    Purchases,
    compute,
    last_day,
    purchases_table,
)
from analysis.purchases.outcomes import bought_between
from analysis.purchases.roll_up import DAYS_A_WEEK

LEAST = 20
"""Customers in either group from which a difference is stated."""


@dataclass(frozen=True, slots=True)
class Uplift:
    """Differences a customer, contacted less control, in the weeks after the campaign began.

    Attributes
    ----------
    purchases
        Purchase days.
    spend
        Net spend, in units of currency.
    """

    contacted: int
    control: int
    weeks: int
    purchases: Estimate
    spend: Estimate


def measure_uplift(
    listed: pd.DataFrame, purchases: Purchases, *, began: date, weeks: int
) -> Uplift:
    """Measure a campaign by the customers that the lot left alone.

    Flagged customers recover in part without being contacted, so that before-and-after figures
    say nothing; the difference of the two groups does.

    Parameters
    ----------
    listed
        The list as it was exported, from ``read_list``: columns customer and group.
    began
        Day of the contact; purchases of the day itself are not counted.
    weeks
        Weeks after it that are counted; all of them must be known.

    Raises
    ------
    ValueError
        When nobody of the list is among the purchases, or they end before the weeks do.
    """
    until = began + timedelta(days=DAYS_A_WEEK * weeks)
    each = bought_between(listed["customer"], purchases, until=until, weeks=weeks)
    _refuse_others(listed, purchases, until)
    _refuse_early_end(purchases, until)
    group = listed["group"].to_numpy()
    contact, control = each[group == "contact"], each[group == "control"]
    return Uplift(
        contacted=len(contact),
        control=len(control),
        weeks=weeks,
        purchases=_difference(contact["purchase_days"], control["purchase_days"], "purchase days"),
        spend=_difference(contact["spend"], control["spend"], "units of currency"),
    )


def _refuse_others(listed: pd.DataFrame, purchases: Purchases, until: date) -> None:
    table = purchases_table()
    earlier = table.filter(table.day <= ibis.date(until.isoformat()))
    found = compute(earlier.select("customer").distinct(), purchases)
    if len(listed) and not found["customer"].isin(listed["customer"].astype(str)).any():
        raise ValueError(
            "nobody of the list is among the customers of the purchases: give the purchases that "
            "the list was made from, continued, with the same names of customers"
        )


def _refuse_early_end(purchases: Purchases, until: date) -> None:
    last = last_day(purchases)
    if last is None or last <= until - timedelta(days=DAYS_A_WEEK):
        raise ValueError(
            f"the purchases end more than a week before {until}, up to which the campaign is to be "
            "measured: give later purchases, or count fewer weeks"
        )


def _difference(contact: pd.Series, control: pd.Series, unit: str) -> Estimate:
    method = "difference of means, contacted less control by lot; 95 % interval of Welch"
    n = len(contact) + len(control)
    if min(len(contact), len(control)) < LEAST:
        reason = (
            f"{len(contact)} contacted and {len(control)} in the control group; {LEAST} of each "
            "are needed"
        )
        return unavailable(reason, n=n, method=method, unit=unit)
    value = float(contact.mean() - control.mean())
    parts = np.array([contact.var() / len(contact), control.var() / len(control)])
    if not parts.sum():
        return Estimate(value=value, low=value, high=value, n=n, method=method, unit=unit)
    freedom = parts.sum() ** 2 / (parts**2 / (np.array([len(contact), len(control)]) - 1)).sum()
    half = float(stats.t.ppf(0.975, freedom) * np.sqrt(parts.sum()))
    return Estimate(value=value, low=value - half, high=value + half, n=n, method=method, unit=unit)
