"""How lifetime values were found, and what to know before they are used, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.purchases.lifetime_value.bg_nbd import BG_NBD
from analysis.purchases.lifetime_value.buying import VAGUE, BuyingFit
from analysis.purchases.lifetime_value.calibration import Calibration
from analysis.purchases.lifetime_value.covariates import Covariates
from analysis.purchases.lifetime_value.expected import expected_purchases
from analysis.purchases.lifetime_value.gamma_gamma import SpendFit
from analysis.purchases.lifetime_value.grouped import Floats, Histories
from analysis.purchases.lifetime_value.residual_value import Horizon, Spend
from analysis.purchases.lifetime_value.year_ago import YearAgo
from analysis.purchases.roll_up import DAYS_A_WEEK

NOT_ASKED = "not asked for"
FAR, SURE, SOME = 1.5, 2.5, 10
"""P(alive) is called wrong where purchases are so many times off, and so many standard errors, of
so many customers at least."""


def method_of(
    fit: BuyingFit,
    histories: Histories,
    horizon: Horizon,
    *,
    spend: Spend | None,
    covariates: Covariates | None,
) -> Iterator[str]:
    """How buying and spend were estimated; priors with what they are worth in the result."""
    yield _buying(fit, histories, horizon, covariates)
    if spend is not None:
        yield _spending(spend, fit, histories, (horizon, covariates))
    yield (
        f"the next {horizon.weeks:g} weeks, discounted by {100 * horizon.discount:g} % a year; "
        "95 % predictive intervals"
    )


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
    checks: tuple[Calibration | str, YearAgo | str],
) -> Iterator[str]:
    """What to know before the numbers are used; ``table`` is from ``customer_histories``.

    ``checks``: the validation period, and the forecast of a year ago.
    """
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
    yield from _failed(*checks)


def _failed(calibration: Calibration | str, then: YearAgo | str) -> Iterator[str]:
    """Forecasts of the past that did not hold."""
    if isinstance(calibration, Calibration):
        low, high = calibration.predicted_low, calibration.predicted_high
        if not low <= calibration.actual <= high:
            yield (
                f"the validation period saw {calibration.actual:,} purchases, outside the "
                f"predicted {low:,.0f} to {high:,.0f}: the forecast is off by more than chance"
            )
        yield from _misjudged(calibration)
    if isinstance(then, YearAgo) and then.failed:
        yield (
            f"the same forecast a year ago ({then.fitted_until}) was of {then.predicted:,.0f} "
            f"purchases in 52 weeks ({then.low:,.0f} to {then.high:,.0f}); {then.actual:,} came, "
            f"{then.ratio:.2f} times as many: a season or a change that the model does not know. "
            "Expect the total to be as far off now, and P(alive) with it"
        )
    if isinstance(then, str) and then != NOT_ASKED:
        yield (
            "the history is too short to try the forecast in the same season of the last year: if "
            "purchases follow a season, total and P(alive) are off by more than their intervals say"
        )


def _misjudged(calibration: Calibration) -> Iterator[str]:
    """Classes of P(alive) that bought far more or less than they were predicted to."""
    found = calibration.by_alive
    times = found["actual"] / found["predicted"].where(found["predicted"] > 0)
    wrong = (
        ((times < 1 / FAR) | (times > FAR)) & (found["apart"].abs() > SURE) & (found["n"] >= SOME)
    )
    if not wrong.any():
        return
    told = "; ".join(
        f"{row.n:,} customers at {row.low:g} to {row.high:g} bought {row.actual:.2f} times each, "
        f"{row.predicted:.2f} predicted"
        for row in found[wrong].itertuples()
    )
    yield (
        f"P(alive) is wrong here. By it, before the validation period: {told}. Customers do not "
        "buy at random, or do not leave as the model says"
    )
