"""Expected purchases: of a customer with a history, and of a new one."""

from __future__ import annotations

import numpy as np

from analysis.purchases.lifetime_value.buying import CHUNK, BuyingFit
from analysis.purchases.lifetime_value.covariates import Covariates
from analysis.purchases.lifetime_value.grouped import Floats, Histories

WEEKS_A_YEAR = 365.25 / 7
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(24)
POINTS, WEIGHTS = (_POINTS + 1) / 2, _WEIGHTS / 2


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
    logs = fit.logs(len(histories), covariates)
    found = fit.model.terms(histories, logs)
    gradient = _by_coefficients(fit, found.logit_alive_gradient, covariates)
    error = np.sqrt(np.einsum("np,pq,nq->n", gradient, fit.covariance, gradient))
    p = np.clip(found.p_alive, 0.0, 1.0)
    with np.errstate(divide="ignore"):
        odds = np.log(p) - np.log1p(-p)
    bounds = [1 / (1 + np.exp(-np.clip(odds + z * error, -700, 700))) for z in (-1.96, 1.96)]
    certain = p == 1
    return p, np.where(certain, 1.0, bounds[0]), np.where(certain, 1.0, bounds[1])


def expected_purchases(
    fit: BuyingFit,
    histories: Histories,
    weeks: float,
    *,
    discount: float = 0.0,
    covariates: Covariates | None = None,
) -> Floats:
    """Expected purchases (rows,) in the ``weeks`` after T, given the history.

    The integral over the weeks of the expected rate, times P(alive): for Pareto/NBD and
    undiscounted it equals Schmittlein, Morrison & Colombo (1987), for BG/NBD equation (10) of
    Fader, Hardie & Lee (2005).

    Parameters
    ----------
    discount
        Continuous, a week (``weekly_discount``): purchases later count for less.
    """
    ahead = np.array([weeks])
    return expected_curve(fit, histories, ahead, discount=discount, covariates=covariates)[:, 0]


def expected_curve(
    fit: BuyingFit,
    histories: Histories,
    weeks: Floats,
    *,
    discount: float = 0.0,
    covariates: Covariates | None = None,
) -> Floats:
    """``expected_purchases`` within several horizons, ``weeks`` (K,): (rows, K)."""
    logs = fit.logs(len(histories), covariates)
    found = np.empty((len(histories), len(weeks)))
    for start in range(0, len(histories), CHUNK):
        part = slice(start, start + CHUNK)
        rows, own = histories.rows(part), logs[part]
        alive = fit.model.terms(rows, own).p_alive
        for place, until in enumerate(weeks):
            found[part, place] = alive * if_alive(fit, rows, own, (float(until), discount))
    return found


def if_alive(
    fit: BuyingFit, histories: Histories, logs: Floats, ahead: tuple[float | Floats, float]
) -> Floats:
    """Expected purchases (rows,) within (weeks, at a discount), given alive at T."""
    weeks, discount = ahead
    scale = fit.model.scale(histories, logs)
    span = np.log1p(weeks / scale)
    grown = np.exp(span[:, None] * POINTS)
    u = scale[:, None] * (grown - 1)
    rate = fit.model.rate_if_alive(histories, logs, u) * np.exp(-discount * u)
    return np.asarray((rate * grown) @ WEIGHTS * span * scale)


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
