"""Expected purchases: of a customer with a history, and of a new one."""

from __future__ import annotations

import numpy as np

from analysis.purchases.lifetime_value.alike import alike
from analysis.purchases.lifetime_value.buying import CHUNK, BuyingFit
from analysis.purchases.lifetime_value.covariates import Covariates
from analysis.purchases.lifetime_value.grouped import Floats, Histories

WEEKS_A_YEAR = 365.25 / 7
FINE, COARSE = np.polynomial.legendre.leggauss(24), np.polynomial.legendre.leggauss(8)
"""Points and weights between -1 and 1; the coarse ones are 0.01 % off at most."""


def weekly_discount(yearly: float) -> float:
    """The continuous discount a week that makes ``yearly`` (0.10: 10 %) a year."""
    return float(np.log1p(yearly)) / WEEKS_A_YEAR


def p_alive(
    fit: BuyingFit, histories: Histories, covariates: Covariates | None = None
) -> tuple[Floats, Floats, Floats]:
    """Chance (rows,) to be still a customer at T, with the 95 % interval of its estimation error.

    The interval is a delta interval of the log odds. With BG/NBD customers without a repeat
    purchase have 1, by the model's definition and not because of what they did.
    """
    return alive_bounds(fit, alive_terms(fit, histories, covariates))


def alive_bounds(fit: BuyingFit, found: tuple[Floats, Floats]) -> tuple[Floats, Floats, Floats]:
    """``p_alive`` of what ``alive_terms`` found."""
    p, gradient = found
    error = np.sqrt(np.einsum("np,pq,nq->n", gradient, fit.covariance, gradient))
    odds = log_odds(p)
    bounds = [1 / (1 + np.exp(-np.clip(odds + z * error, -700, 700))) for z in (-1.96, 1.96)]
    certain = p == 1
    return p, np.where(certain, 1.0, bounds[0]), np.where(certain, 1.0, bounds[1])


def log_odds(p: Floats) -> Floats:
    """Of chances; without end at 0 and 1."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(p) - np.log1p(-p))


def alive_terms(
    fit: BuyingFit, histories: Histories, covariates: Covariates | None = None
) -> tuple[Floats, Floats]:
    """P(alive) (rows,), and the derivatives of its log odds by the coefficients (rows, 4 + C)."""
    alive = np.empty(len(histories))
    gradient = np.empty((len(histories), len(fit.coefficients)))
    for start in range(0, len(histories), CHUNK):
        part = slice(start, start + CHUNK)
        some = None if covariates is None else covariates.rows(part)
        rows = histories.rows(part)
        found = fit.model.terms(rows, fit.logs(len(rows), some))
        alive[part] = np.clip(found.p_alive, 0.0, 1.0)
        gradient[part] = _by_coefficients(fit, found.logit_alive_gradient, some)
    return alive, gradient


def expected_purchases(
    fit: BuyingFit,
    histories: Histories,
    weeks: float,
    *,
    discount: float = 0.0,
    covariates: Covariates | None = None,
    alive: Floats | None = None,
) -> Floats:
    """Expected purchases (rows,) in the ``weeks`` after T, given the history.

    The integral over the weeks of the expected rate, times P(alive): for Pareto/NBD and
    undiscounted it equals Schmittlein, Morrison & Colombo (1987), for BG/NBD equation (10) of
    Fader, Hardie & Lee (2005).

    Parameters
    ----------
    discount
        Continuous, a week (``weekly_discount``): purchases later count for less.
    alive
        P(alive) (rows,) where it is known already.
    """
    found = expected_curve(
        fit, histories, np.array([weeks]), discount=discount, covariates=covariates, alive=alive
    )
    return found[:, 0]


def expected_curve(
    fit: BuyingFit,
    histories: Histories,
    weeks: Floats,
    *,
    discount: float = 0.0,
    covariates: Covariates | None = None,
    alive: Floats | None = None,
) -> Floats:
    """``expected_purchases`` within several horizons, ``weeks`` (K,): (rows, K)."""
    if alive is None:
        alive = alive_terms(fit, histories, covariates)[0]
    shared = alike(histories, covariates)
    some = None if covariates is None else covariates.rows(shared.first)
    kinds, logs = histories.rows(shared.first), fit.logs(len(shared.first), some)
    bought = np.empty((len(kinds), len(weeks)))
    for start in range(0, len(kinds), CHUNK):
        part = slice(start, start + CHUNK)
        for place, until in enumerate(weeks):
            ahead = (float(until), discount)
            bought[part, place] = if_alive(fit, kinds.rows(part), logs[part], ahead)
    return np.asarray(alive[:, None] * bought[shared.of])


def if_alive(
    fit: BuyingFit,
    histories: Histories,
    logs: Floats,
    ahead: tuple[float | Floats, float],
    rule: tuple[Floats, Floats] = FINE,
) -> Floats:
    """Expected purchases (rows,) within (weeks, at a discount), given alive at T."""
    weeks, discount = ahead
    points, weights = (rule[0] + 1) / 2, rule[1] / 2
    scale = fit.model.scale(histories, logs)
    span = np.log1p(weeks / scale)
    grown = np.exp(span[:, None] * points)
    u = scale[:, None] * (grown - 1)
    rate = fit.model.rate_if_alive(histories, logs, u)
    if discount:
        rate = rate * np.exp(-discount * u)
    return np.asarray((rate * grown) @ weights * span * scale)


def expected_of_new(fit: BuyingFit, weeks: Floats, covariates: Covariates | None = None) -> Floats:
    """Expected repeat purchases of new customers in the given (n,) weeks after the first."""
    none = np.zeros(len(weeks))
    new = Histories(none, none, none, none + 1)
    return if_alive(fit, new, fit.logs(len(weeks), covariates), (weeks, 0.0))


def _by_coefficients(fit: BuyingFit, by_logs: Floats, covariates: Covariates | None) -> Floats:
    """Derivatives by the rows' log parameters (rows, 4) as ones by the coefficients."""
    if covariates is None:
        return by_logs
    return np.asarray(np.einsum("nkp,nk->np", fit.model.lever(covariates), by_logs))
