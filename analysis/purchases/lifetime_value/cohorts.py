"""Cohorts: everybody whose first purchase came through one channel in one month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analysis.purchases.engine import Purchases, compute, purchases_table
from analysis.purchases.lifetime_value.buying import BuyingFit
from analysis.purchases.lifetime_value.covariates import Covariates
from analysis.purchases.lifetime_value.customer_days import NEVER, Bought, customer_days
from analysis.purchases.lifetime_value.expected import expected_curve, weekly_discount
from analysis.purchases.lifetime_value.grouped import Floats, Histories
from analysis.purchases.lifetime_value.residual_value import Forecast, Groups, Horizon

ALL, UNKNOWN = "all", "unknown"


@dataclass(frozen=True, slots=True)
class Residual:
    """What cohorts will bring, discounted to the first purchase.

    ``draws`` is (cohorts, draws), ``mean`` (cohorts,); ``curve`` (cohorts, points) is the mean
    within the first ``weeks`` (points,), rising to the horizon.
    """

    draws: Floats
    mean: Floats
    weeks: Floats
    curve: Floats


def customer_cohorts(purchases: Purchases, *, as_of: date) -> pd.DataFrame:
    """Channel and month of everybody's first purchase: customer, channel, cohort, sorted.

    Of several channels on the first day, the first in the alphabet; 'unknown' where none is given.
    """
    return compute(_first_days(purchases_table(), as_of=as_of).order_by("customer"), purchases)


def realised(purchases: Bought, *, as_of: date, cohorts: pd.DataFrame) -> pd.DataFrame:
    """Net spend of cohorts by days since the first purchase: channel, cohort, age, spend.

    ``cohorts`` is from ``customer_cohorts`` as of the same day.
    """
    days = customer_days(purchases, as_of=as_of)
    first = days.ends()[0]
    by = cohorts.groupby(["channel", "cohort"])
    of = np.full(len(first), -1)
    of[first < NEVER] = by.ngroup()
    age = days.day - first[days.customer]
    rows = age >= 0
    width = int(age.max(initial=0)) + 1
    key, place = np.unique(of[days.customer[rows]] * width + age[rows], return_inverse=True)
    names = by.size().index.to_frame(index=False).iloc[key // width].reset_index(drop=True)
    spend = np.bincount(place, days.cents[rows], minlength=len(key)) / 100
    return names.assign(age=key % width, spend=spend)


def _first_days(purchases: ir.Table, *, as_of: date) -> ir.Table:
    until = ibis.date(as_of.isoformat())
    bought = purchases.filter((purchases.amount >= 0) & (purchases.day <= until))
    mine = ibis.window(group_by="customer")
    first = bought.mutate(first=bought.day.min().over(mine))
    first = first.filter(first.day == first["first"])
    each = first.group_by("customer", "first").agg(channel=first.channel.min().fill_null(UNKNOWN))
    return each.select("customer", "channel", cohort=each["first"].strftime("%Y-%m"))


def cohort_sizes(cohorts: pd.DataFrame, histories: Histories) -> pd.DataFrame:
    """Cohorts in the order of ``groups_of``, then whole channels (cohort 'all').

    Returns
    -------
    DataFrame
        channel, cohort, n, least_age and mean_age (weeks since the first purchase, of the
        youngest customer and on average).
    """
    aged = cohorts.assign(age=histories.T)
    single = _sizes(aged, ["channel", "cohort"])
    whole = _sizes(aged, ["channel"]).assign(cohort=ALL)
    return pd.concat([single, whole], ignore_index=True)


def _sizes(aged: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    return aged.groupby(by, as_index=False).agg(
        n=("age", "size"), least_age=("age", "min"), mean_age=("age", "mean")
    )


def groups_of(cohorts: pd.DataFrame, histories: Histories, horizon: Horizon) -> Groups:
    """Customers by cohort; the factor discounts their value back to the first purchase."""
    places = cohorts.groupby(["channel", "cohort"]).ngroup().to_numpy()
    return Groups(places.astype(np.int64), np.exp(-weekly_discount(horizon.discount) * histories.T))


def residual_of(
    found: Forecast,
    sizes: pd.DataFrame,
    groups: Groups,
    horizon: Horizon,
    source: tuple[BuyingFit, Histories, Covariates | None],
    *,
    weeks: tuple[Floats, Floats],
) -> Residual | None:
    """What cohorts and whole channels will bring; None where values are unknown.

    Parameters
    ----------
    sizes
        From ``cohort_sizes``.
    horizon, source
        What ``found`` was forecast from.
    weeks
        (points,) weeks of the curve up to the horizon: of the calendar, and as they count.
    """
    if found.group_values is None or horizon.margin is None:
        return None
    fit, histories, covariates = source
    calendar, counted = weeks
    worth = found.customers["expected_spend"].to_numpy() * horizon.margin * groups.factor
    single = sizes[sizes["cohort"] != ALL]
    bought = expected_curve(
        fit,
        histories,
        counted,
        discount=weekly_discount(horizon.discount),
        covariates=covariates,
    )
    curve = np.empty((len(single), len(counted)))
    for place in range(len(counted)):
        curve[:, place] = np.bincount(
            groups.of, weights=bought[:, place] * worth, minlength=len(single)
        )
    whole = sizes.loc[sizes["cohort"] == ALL, "channel"].to_numpy()
    members = (whole[:, None] == single["channel"].to_numpy()).astype(float)
    adds = np.vstack([np.eye(len(single)), members])
    curve = adds @ curve
    return Residual(adds @ found.group_values, curve[:, -1], calendar, curve)
