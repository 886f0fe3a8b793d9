"""Lifetime values of all customers of a ledger: gate, fit, forecast, calibration, acquisition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from analysis.purchases.engine import Purchases
from analysis.purchases.lifetime_value.acquisition import acquisition, check_costs
from analysis.purchases.lifetime_value.buying import BuyingFit, BuyingModel
from analysis.purchases.lifetime_value.checks import Checks, checks_of, stretched
from analysis.purchases.lifetime_value.cohorts import (
    Residual,
    cohort_sizes,
    customer_cohorts,
    groups_of,
    realised,
    residual_of,
)
from analysis.purchases.lifetime_value.company_fit import CompanyFit, fit_company
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
from analysis.purchases.lifetime_value.season import Season
from analysis.purchases.lifetime_value.words import caution_of, method_of, warnings_of
from analysis.purchases.roll_up import DAYS_A_WEEK

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
    season
        None: there is none to be told.
    customers
        One row each: customer, repeats, weeks_since_first, weeks_since_last, and ``FIGURES``,
        missing where unknown.
    totals
        expected_purchases and residual_value of all customers: value, low, high.
    checks
        Forecasts of the past held against what came since.
    reasons
        By 'lifetime_value', 'spend', 'residual_value': why a number is missing.
    method
        How the numbers were found, priors and what they are worth in the result included.
    warnings
        What to know before the numbers are used.
    """

    gate: Gate
    fit: BuyingFit | None
    season: Season | None
    spend: SpendFit | None
    customers: pd.DataFrame
    totals: dict[str, tuple[float, float, float]]
    checks: Checks
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
    plain = histories_of(table)
    costs = None if plan.costs is None else check_costs(plan.costs)
    covariates = _covariates(plan, table)
    gate = gate_of(table, as_of=as_of)
    reasons: dict[str, str] = {}
    company = _fit(days, as_of, plan, (plain, covariates, gate, reasons))
    spend = _spend(table, plan.horizon, reasons) if company else None
    checks = Checks.none("there is no forecast to check")
    if company:
        weeks = plan.validation_weeks
        checks = checks_of(company.form, days, as_of=as_of, weeks=weeks, seed=plan.seed)
    cohorts = customer_cohorts(purchases, as_of=as_of)
    groups, sizes = groups_of(cohorts, plain, plan.horizon), cohort_sizes(cohorts, plain)
    ahead = None
    if company:
        histories = company.histories(plain)
        known = (histories, company.covariates(histories, covariates))
        ahead = _ahead(company, plan, known, (spend, groups, checks))
    return Valuation(
        gate=gate,
        fit=None if company is None else company.buying,
        season=None if company is None else company.season,
        spend=None if spend is None else spend.fit,
        customers=_customers(table, None if ahead is None else ahead.found),
        totals={} if ahead is None else _totals(ahead.found),
        checks=checks,
        acquisition=acquisition(
            sizes,
            spend=realised(days, as_of=as_of, cohorts=cohorts),
            costs=costs,
            horizon=plan.horizon,
            residual=(None if ahead is None else ahead.residual(sizes, groups, plan))
            or reasons.get("lifetime_value", reasons.get("residual_value", "")),
        ).assign(caution=caution_of(checks)),
        reasons=reasons,
        method=() if ahead is None else tuple(ahead.method(plan, spend)),
        warnings=()
        if company is None
        else tuple(
            warnings_of(
                table,
                company.buying,
                plan.horizon,
                spend=None if spend is None else spend.fit,
                checks=checks,
            )
        ),
    )


@dataclass(frozen=True, slots=True)
class _Ahead:
    """A forecast and what it was made from, in weeks as they count."""

    company: CompanyFit
    found: Forecast
    histories: Histories
    covariates: Covariates | None

    def residual(self, sizes: pd.DataFrame, groups: Groups, plan: Plan) -> Residual | None:
        """What cohorts will bring; its weeks are those of the calendar."""
        steps = PAYBACK_STEPS if plan.costs is not None else 1
        weeks = np.linspace(0, plan.horizon.weeks, steps + 1)[1:]
        return residual_of(
            self.found,
            sizes,
            groups,
            self.company.horizon(plan.horizon),
            (self.company.buying, self.histories, self.covariates),
            weeks=(weeks, self.company.ahead(weeks)),
        )

    def method(self, plan: Plan, spend: Spend | None) -> Iterator[str]:
        """How it was found, in sentences."""
        return method_of(
            self.company, self.histories, plan.horizon, spend=spend, covariates=self.covariates
        )


def _ahead(
    company: CompanyFit,
    plan: Plan,
    known: tuple[Histories, Covariates | None],
    beside: tuple[Spend | None, Groups, Checks],
) -> _Ahead:
    histories, covariates = known
    spend, groups, checks = beside
    found = forecast(
        company.buying,
        histories,
        company.horizon(plan.horizon),
        seed=plan.seed,
        spend=spend,
        covariates=covariates,
        groups=groups,
    )
    return _Ahead(company, stretched(found, checks.stretch), histories, covariates)


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
) -> CompanyFit | None:
    histories, covariates, gate, reasons = known
    if not gate.passed:
        reasons["lifetime_value"] = str(NotEnoughHistory(gate))
        return None
    if covariates is None:
        histories = grouped_histories(purchases, as_of=as_of)
    try:
        return fit_company(plan.model, histories, purchases, as_of=as_of, given=covariates)
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
