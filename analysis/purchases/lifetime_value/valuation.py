"""Lifetime values of all customers of a ledger: gate, fit, forecast, calibration, acquisition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np
import pandas as pd

from analysis.purchases.engine import Purchases
from analysis.purchases.lifetime_value.acquisition import acquisition, check_costs
from analysis.purchases.lifetime_value.best_fit import best_fit
from analysis.purchases.lifetime_value.buying import BuyingFit, BuyingModel
from analysis.purchases.lifetime_value.calibration import Calibration, calibrate
from analysis.purchases.lifetime_value.cohorts import (
    Residual,
    cohort_sizes,
    customer_cohorts,
    groups_of,
    realised,
    residual_of,
)
from analysis.purchases.lifetime_value.covariates import Covariates, covariates_of
from analysis.purchases.lifetime_value.customer_days import CustomerDays, customer_days
from analysis.purchases.lifetime_value.gamma_gamma import SpendFit, fit_gamma_gamma
from analysis.purchases.lifetime_value.gate import Gate, NotEnoughHistory, gate_of
from analysis.purchases.lifetime_value.grouped import (
    Histories,
    customer_histories,
    grouped_histories,
    histories_of,
)
from analysis.purchases.lifetime_value.likelihood import NotConverged, NotIdentified
from analysis.purchases.lifetime_value.residual_value import (
    BOUNDS,
    Forecast,
    Groups,
    Horizon,
    Spend,
    forecast,
)
from analysis.purchases.lifetime_value.words import NOT_ASKED, method_of, warnings_of
from analysis.purchases.lifetime_value.year_ago import YearAgo, year_ago
from analysis.purchases.roll_up import DAYS_A_WEEK

Check = TypeVar("Check")
PAYBACK_STEPS = 26
"""In so many steps to the horizon an expected payback is looked for."""

FIGURES = (
    "p_alive",
    "p_alive_low",
    "p_alive_high",
    "expected_purchases",
    "purchases_low",
    "purchases_high",
    "expected_spend",
    "residual_value",
    "value_low",
    "value_high",
)


@dataclass(frozen=True, slots=True)
class CovariateChoice:
    """A table of customers' numbers and which of them go with rate and dropout."""

    table: pd.DataFrame
    rate: tuple[str, ...] = ()
    dropout: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted of a valuation.

    Attributes
    ----------
    validation_weeks
        The last weeks, predicted from the time before; 0: none.
    costs
        Acquisition costs: channel, cohort (month, may be blank), cost; None: unknown.
    """

    model: BuyingModel
    horizon: Horizon
    validation_weeks: int = 26
    costs: pd.DataFrame | None = None
    covariates: CovariateChoice | None = None
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Valuation:
    """Lifetime values, or the reasons why there are none.

    Attributes
    ----------
    fit, spend
        None where the purchases do not tell them; ``reasons`` then says why.
    customers
        One row each: customer, repeats, weeks_since_first, weeks_since_last, and ``FIGURES``,
        missing where unknown.
    totals
        expected_purchases and residual_value of all customers: value, low, high.
    calibration, year_ago
        Or why there is none.
    reasons
        By 'lifetime_value', 'spend', 'residual_value': why a number is missing.
    method
        How the numbers were found, priors and what they are worth in the result included.
    warnings
        What to know before the numbers are used.
    """

    gate: Gate
    fit: BuyingFit | None
    spend: SpendFit | None
    customers: pd.DataFrame
    totals: dict[str, tuple[float, float, float]]
    calibration: Calibration | str
    year_ago: YearAgo | str
    acquisition: pd.DataFrame
    reasons: dict[str, str]
    method: tuple[str, ...]
    warnings: tuple[str, ...]


def value_customers(purchases: Purchases, *, as_of: date, plan: Plan) -> Valuation:
    """Value every customer who bought up to a day, itself included.

    Nothing is estimated where the gate does not pass: the result then holds its reasons, and what
    cohorts have brought so far.

    Parameters
    ----------
    purchases
        A table with the ledger's columns, or the folder of a ledger.

    Raises
    ------
    ValueError
        When purchases are in several currencies, or costs or covariates are faulty.
    """
    days = customer_days(purchases, as_of=as_of)
    table = customer_histories(days, as_of=as_of)
    histories = histories_of(table)
    costs = None if plan.costs is None else check_costs(plan.costs)
    covariates = _covariates(plan, table)
    gate = gate_of(table, as_of=as_of)
    reasons: dict[str, str] = {}
    fit = _fit(days, as_of, plan, (histories, covariates, gate, reasons))
    spend = _spend(table, plan.horizon, reasons) if fit else None
    cohorts = customer_cohorts(purchases, as_of=as_of)
    groups, sizes = groups_of(cohorts, histories, plan.horizon), cohort_sizes(cohorts, histories)
    found = None
    if fit:
        found = forecast(
            fit,
            histories,
            plan.horizon,
            seed=plan.seed,
            spend=spend,
            covariates=covariates,
            groups=groups,
        )
    spend_fit, weeks = None if spend is None else spend.fit, plan.validation_weeks
    calibration = _checked(
        lambda: calibrate(plan.model, days, as_of=as_of, weeks=weeks, seed=plan.seed),
        f"the last {weeks} weeks",
        (plan, fit),
    )
    then = _checked(
        lambda: year_ago(plan.model, days, as_of=as_of, seed=plan.seed),
        "the last year",
        (plan, fit),
    )
    return Valuation(
        gate=gate,
        fit=fit,
        spend=spend_fit,
        customers=_customers(table, found),
        totals={} if found is None else _totals(found),
        calibration=calibration,
        year_ago=then,
        acquisition=acquisition(
            sizes,
            spend=realised(days, as_of=as_of, cohorts=cohorts),
            costs=costs,
            horizon=plan.horizon,
            residual=_residual(found, sizes, groups, plan, (fit, histories, covariates))
            or reasons.get("lifetime_value", reasons.get("residual_value", "")),
        ),
        reasons=reasons,
        method=()
        if fit is None
        else tuple(method_of(fit, histories, plan.horizon, spend=spend, covariates=covariates)),
        warnings=()
        if fit is None
        else tuple(
            warnings_of(table, fit, plan.horizon, spend=spend_fit, checks=(calibration, then))
        ),
    )


def _covariates(plan: Plan, table: pd.DataFrame) -> Covariates | None:
    chosen = plan.covariates
    if chosen is None or not (chosen.rate or chosen.dropout):
        return None
    return covariates_of(chosen.table, table["customer"], rate=chosen.rate, dropout=chosen.dropout)


def _fit(
    purchases: CustomerDays,
    as_of: date,
    plan: Plan,
    known: tuple[Histories, Covariates | None, Gate, dict[str, str]],
) -> BuyingFit | None:
    histories, covariates, gate, reasons = known
    if not gate.passed:
        reasons["lifetime_value"] = str(NotEnoughHistory(gate))
        return None
    try:
        if covariates is not None:
            return best_fit(plan.model, histories, covariates=covariates)
        return best_fit(plan.model, grouped_histories(purchases, as_of=as_of))
    except (NotIdentified, NotConverged) as error:
        reasons["lifetime_value"] = f"not enough history: {error}"
        return None


def _spend(table: pd.DataFrame, horizon: Horizon, reasons: dict[str, str]) -> Spend | None:
    """Fitted spend; where it or the margin is unknown, ``reasons`` gets why."""
    days = table["paid_days"].to_numpy(dtype=float)
    mean = (table["paid"] / table["paid_days"].where(table["paid_days"] > 0)).fillna(0.0)
    if horizon.margin is None:
        reasons["residual_value"] = "unknown: no margin given"
    try:
        fit = fit_gamma_gamma(
            days, mean.to_numpy(dtype=float), dropped_days=int(table["unpaid_days"].sum())
        )
        fit.expected(np.zeros(1), np.zeros(1))
    except (ValueError, NotConverged) as error:
        reasons["spend"] = str(error)
        reasons["residual_value"] = f"unknown: {error}"
        return None
    return Spend(fit, days, mean.to_numpy(dtype=float))


def _residual(
    found: Forecast | None,
    sizes: pd.DataFrame,
    groups: Groups,
    plan: Plan,
    source: tuple[BuyingFit | None, Histories, Covariates | None],
) -> Residual | None:
    fit, histories, covariates = source
    if found is None or fit is None:
        return None
    steps = PAYBACK_STEPS if plan.costs is not None else 1
    return residual_of(
        found, sizes, groups, plan.horizon, (fit, histories, covariates), steps=steps
    )


def _checked(
    check: Callable[[], Check], span: str, made: tuple[Plan, BuyingFit | None]
) -> Check | str:
    """A forecast of some past span, or why there is none.

    Of the model without covariates, whose figures are those of the end.
    """
    plan, fit = made
    if fit is None:
        return "there is no forecast to check"
    if not plan.validation_weeks:
        return NOT_ASKED
    try:
        return check()
    except (NotEnoughHistory, NotIdentified, NotConverged) as error:
        return f"the time before {span} is too short: {error}"


def _customers(table: pd.DataFrame, found: Forecast | None) -> pd.DataFrame:
    known = pd.DataFrame(
        {
            "customer": table["customer"],
            "repeats": table["x"],
            "weeks_since_first": table["T_days"] / DAYS_A_WEEK,
            "weeks_since_last": (table["T_days"] - table["t_x_days"]) / DAYS_A_WEEK,
        }
    )
    if found is None:
        return known.assign(**dict.fromkeys(FIGURES, np.nan))
    return pd.concat([known, found.customers[list(FIGURES)]], axis=1)


def _totals(found: Forecast) -> dict[str, tuple[float, float, float]]:
    totals = {"expected_purchases": found.purchases}
    if found.value is not None:
        totals["residual_value"] = found.value
    bounds = {name: np.quantile(draws, BOUNDS) for name, draws in totals.items()}
    return {
        name: (float(found.customers[name].sum()), float(low), float(high))
        for name, (low, high) in bounds.items()
    }
