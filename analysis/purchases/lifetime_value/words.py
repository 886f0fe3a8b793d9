"""How lifetime values were found, and what to know before they are used, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.purchases.lifetime_value.bg_nbd import BG_NBD
from analysis.purchases.lifetime_value.buying import VAGUE, BuyingFit
from analysis.purchases.lifetime_value.calibration import Calibration
from analysis.purchases.lifetime_value.checks import NOT_ASKED, Checks
from analysis.purchases.lifetime_value.company_fit import CompanyFit
from analysis.purchases.lifetime_value.covariates import Covariates
from analysis.purchases.lifetime_value.expected import expected_purchases
from analysis.purchases.lifetime_value.gamma_gamma import SpendFit
from analysis.purchases.lifetime_value.grouped import Floats, Histories
from analysis.purchases.lifetime_value.joining import NAMES
from analysis.purchases.lifetime_value.past_forecast import YEAR, PastForecast
from analysis.purchases.lifetime_value.residual_value import Horizon, Spend
from analysis.purchases.lifetime_value.rhythm import Rhythm
from analysis.purchases.lifetime_value.season import YEARS
from analysis.purchases.roll_up import DAYS_A_WEEK

SOME = 10
"""Of fewer customers a class is not told."""
LEAVING = {
    "pareto-nbd": "leaves {:.2f} times as fast",
    "bg-nbd": "the odds to leave after a purchase are {:.2f} times as high",
}


def method_of(
    company: CompanyFit,
    histories: Histories,
    horizon: Horizon,
    *,
    spend: Spend | None,
    covariates: Covariates | None,
) -> Iterator[str]:
    """How buying and spend were estimated; priors with what they are worth in the result."""
    fit, ahead = company.buying, company.horizon(horizon)
    yield _buying(fit, histories, ahead, covariates)
    yield from _added(company)
    if spend is not None:
        yield _spending(spend, fit, histories, (ahead, covariates))
    yield (
        f"the next {horizon.weeks:g} weeks, discounted by {100 * horizon.discount:g} % a year; "
        "95 % predictive intervals"
    )


def _added(company: CompanyFit) -> Iterator[str]:
    """What was found beside the model."""
    season, joining = company.season, company.joining
    if season is not None:
        low, high = season.factors.min(), season.factors.max()
        yield (
            "a season of the year was found in what all bought (chance alone "
            f"{_chance(season.p)}): weeks count {low:.2f} to {high:.2f} times an average one, for "
            "buying and for leaving; the error of the season itself is not in the intervals, which "
            "are somewhat narrow for it"
        )
    if joining is not None:
        effects = list(company.buying.covariates.items())
        rate, dropout = (
            next(np.exp(c * YEAR / joining.deviation) for name, (c, _) in effects if name == own)
            for own in NAMES
        )
        yield (
            "customers who came later differ from those who came earlier (chance alone "
            f"{_chance(joining.p)}): who came a year later buys {rate:.2f} times as often, and "
            f"{LEAVING[company.buying.model.name].format(dropout)}"
        )


def _chance(p: float) -> str:
    return f"{p:.3f}" if p >= 0.001 else "below .001"


def _buying(
    fit: BuyingFit, histories: Histories, horizon: Horizon, covariates: Covariates | None
) -> str:
    title, n = fit.model.title, f"n = {fit.n_customers:,} customers"
    penalty = fit.penalty
    if penalty is None:
        return f"{title} by maximum likelihood, {n}"
    stated, halved, doubled = (
        expected_purchases(fit.at(at), histories, horizon.weeks, covariates=covariates).sum()
        for at in (fit.coefficients, penalty.halved, penalty.doubled)
    )
    return (
        f"{title} by penalised maximum likelihood, {n}, because {penalty.why}. Assumed before: "
        f"{'; '.join(penalty.prior.words)}. Expected purchases of all: {stated:,.0f}; with a prior "
        f"half as wide {halved:,.0f}, twice as wide {doubled:,.0f}; the intervals hold what differs"
    )


def _spending(
    spend: Spend, fit: BuyingFit, histories: Histories, ahead: tuple[Horizon, Covariates | None]
) -> str:
    fitted, penalty = spend.fit, spend.fit.penalty
    n = f"n = {fitted.n_customers:,} customers with a paid repeat purchase"
    if penalty is None:
        return f"spend by Gamma-Gamma, maximum likelihood, {n}"
    horizon, covariates = ahead
    bought = expected_purchases(fit, histories, horizon.weeks, covariates=covariates)
    stated, halved, doubled = (
        _mean_spend(fitted.at(at), spend, bought)
        for at in (fitted.coefficients, penalty.halved, penalty.doubled)
    )
    return (
        f"spend by Gamma-Gamma, penalised maximum likelihood, {n}, because {penalty.why}. Assumed "
        f"before: {'; '.join(penalty.prior.words)}. Expected spend a purchase day: {stated}; with "
        f"a prior half as wide {halved}, twice as wide {doubled}; the intervals hold what differs"
    )


def _mean_spend(fitted: SpendFit, spend: Spend, bought: Floats) -> str:
    try:
        each = fitted.expected(spend.paid_days, spend.mean)
    except ValueError:
        return "without a finite mean"
    return f"{np.average(each, weights=bought):,.2f}"


def warnings_of(
    table: pd.DataFrame,
    fit: BuyingFit,
    horizon: Horizon,
    *,
    spend: SpendFit | None,
    checks: Checks,
) -> Iterator[str]:
    """What to know before the numbers are used; ``table`` is from ``customer_histories``."""
    once = int((table["x"] == 0).sum())
    if fit.model is BG_NBD and once:
        yield (
            f"{once:,} of {len(table):,} customers have no repeat purchase; BG/NBD calls them "
            "alive for certain by its definition: read P(alive) from pareto-nbd"
        )
    if fit.vague and fit.penalty is None:
        yield (
            f"{', '.join(fit.vague)} hardly known (standard error above {VAGUE:g} of the value): "
            "the intervals are rough"
        )
    weeks = table["T_days"].max() / DAYS_A_WEEK
    if horizon.weeks > weeks + 1:
        yield (
            f"the horizon of {horizon.weeks:g} weeks is longer than the history of "
            f"{weeks:.0f} weeks: nothing like it was seen"
        )
    if spend is not None and not spend.correlation_low <= 0 <= spend.correlation_high:
        yield (
            f"frequency and spend go together (correlation {spend.correlation:.3f}, 95 % "
            f"{spend.correlation_low:.3f} to {spend.correlation_high:.3f}), which Gamma-Gamma "
            "assumes they do not"
        )
    if spend is not None and spend.dropped_days:
        yield (
            f"{spend.dropped_days:,} repeat purchase days with an amount of zero or less count "
            "as purchases but not in spend"
        )
    if weeks < YEARS * YEAR and horizon.weeks % YEAR:
        yield (
            f"the horizon is no whole year, and {weeks:.0f} weeks of history do not tell a season "
            f"({YEARS * YEAR} do): if there is one, the total depends on which part of it comes"
        )
    yield from _failed(checks)


def _failed(checks: Checks) -> Iterator[str]:
    """Forecasts of the past that did not hold, together and one by one."""
    for total in checks.off:
        yield _off(total)
    if checks.off:
        yield (
            "expect totals to be as far off now, up or down (up where what cut purchases has "
            "passed): all intervals of purchases and values are widened by that, their ends "
            f"divided and multiplied by {checks.stretch:.2f}"
        )
    yield from _misjudged(checks.misjudged)
    yield from _rhythm(checks.odd_rhythm)
    if isinstance(checks.year_ago, str) and checks.year_ago != NOT_ASKED:
        yield (
            "the history is too short to try the forecast in the same season of the last year: if "
            "purchases follow a season, total and P(alive) are off by more than their intervals say"
        )


def caution_of(checks: Checks) -> str:
    """What a table must say that is read without the warnings; empty where checks hold."""
    off = (
        f"past forecasts were off by more than chance: intervals widened {checks.stretch:.2f} times"
    )
    said = [off] if checks.off else []
    if len(checks.misjudged) or checks.odd_rhythm:
        said.append("P(alive) is wrong here: see the warnings")
    return "; ".join(said)


def _off(total: PastForecast | Calibration) -> str:
    if isinstance(total, Calibration):
        low, high = total.predicted_low, total.predicted_high
        return (
            f"the validation period saw {total.actual:,} purchases, outside the "
            f"predicted {low:,.0f} to {high:,.0f}: the forecast is off by more than chance"
        )
    ago = "a year" if total.weeks == YEAR else f"{total.weeks} weeks"
    why = (
        "a season or a change" if total.weeks == YEAR else "a change of the last months or a season"
    )
    return (
        f"the same forecast {ago} ago ({total.fitted_until}) was of {total.predicted:,.0f} "
        f"purchases in {total.weeks} weeks ({total.low:,.0f} to {total.high:,.0f}); "
        f"{total.actual:,} came, {total.ratio:.2f} times as many, off by more than chance: {why} "
        "that the model does not know"
    )


def _misjudged(classes: pd.DataFrame) -> Iterator[str]:
    """Classes of those who may have left, where these bought far more or less than predicted."""
    if classes.empty:
        return
    told = "; ".join(
        f"{row.n:,} customers at {row.low:g} to {row.high:g} bought {row.actual:.2f} times each, "
        f"{row.predicted:.2f} predicted"
        for row in classes[classes["n"] >= SOME].itertuples()
    )
    yield (
        "P(alive) is wrong here. By it, of those who may have left before the validation period: "
        f"{told}. Customers do not buy at random, or do not leave as the model says"
    )


def _rhythm(found: Rhythm | None) -> Iterator[str]:
    """Purchases in bursts, or like clockwork."""
    if found is None:
        return
    kind, then = (
        ("in bursts", "who is silent between two of them looks gone: it and totals are too low")
        if found.ratio > 1
        else ("like clockwork", "who is overdue is gone sooner than it says")
    )
    yield (
        f"P(alive) is wrong for customers who are silent: purchases come {kind} (two in one week "
        f"are {found.ratio:.2f} times as frequent as at random, n = {found.n:,} customers); {then}"
    )
