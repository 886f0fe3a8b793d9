"""Gamma-Gamma: what customers spend on a purchase day.

Fader & Hardie (2013), "The Gamma-Gamma model of monetary value": a customer's amounts are
gamma(p, nu), and nu is gamma(q, v) over customers. It assumes that spend does not go with
frequency, which is tested and reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import digamma, gammaln, polygamma
from scipy.stats import norm

from analysis.purchases.lifetime_value.grouped import Floats
from analysis.purchases.lifetime_value.likelihood import (
    NotConverged,
    NotIdentified,
    Optimum,
    Surface,
    maximise,
)
from analysis.purchases.lifetime_value.prior import Penalty, Prior, penalised, untold

START = np.log([3.0, 3.0, 3.0])
PRIOR = Prior(
    axes=np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, -1.0, 1.0]]),
    mean=np.array([np.log(3.0), np.log(3.0), 0.0]),
    deviation=np.ones(3),
    words=(
        "a customer's amounts differ by a gamma shape of about 3 (.42 to 21)",
        "customers differ in their mean spend by a gamma shape of about 3 (.42 to 21)",
        "the mean of customers is about the mean amount seen (.14 to 7.1 times it)",
    ),
)
"""Used where the amounts do not tell p, q and v (everybody spends alike); words give 95 %."""
VAGUE = 1.0
PARAMETERS = ("p", "q", "v")
ENOUGH = 30
"""Customers with repeat purchases from which spend is estimated."""


@dataclass(frozen=True, slots=True)
class SpendFit:
    """A fitted Gamma-Gamma.

    Attributes
    ----------
    coefficients, covariance
        (3,) logarithms of p, q, v; (3, 3).
    n_customers
        Customers with at least one paid repeat purchase.
    dropped_days
        Repeat purchase days with an amount of zero or less, which no gamma can have.
    correlation, correlation_low, correlation_high
        Of frequency and mean spend, with Fisher's 95 % interval.
    penalty
        The prior, where the fit has one; None: maximum likelihood.
    """

    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    n_customers: int
    dropped_days: int
    correlation: float
    correlation_low: float
    correlation_high: float
    penalty: Penalty | None = None

    def at(self, coefficients: Floats) -> SpendFit:
        """The same fit at other coefficients."""
        return replace(self, coefficients=coefficients)

    @property
    def parameters(self) -> dict[str, float]:
        """p, q, v."""
        return dict(zip(PARAMETERS, map(float, np.exp(self.coefficients)), strict=True))

    @property
    def standard_errors(self) -> dict[str, float]:
        """Of p, q, v (delta method from their logarithms)."""
        errors = np.sqrt(np.diag(self.covariance)) * np.exp(self.coefficients)
        return dict(zip(PARAMETERS, map(float, errors), strict=True))

    def expected(self, paid_days: Floats, mean: Floats) -> Floats:
        """Expected spend on a purchase day of customers (n,) with such a history.

        Raises
        ------
        ValueError
            When q <= 1: customers without a repeat purchase then have no finite expectation.
        """
        p, q, v = np.exp(self.coefficients)
        if q <= 1:
            raise ValueError(
                f"spend has no finite mean (q = {q:.3g}, needed above 1): a few customers spend "
                "without bound. Cap the amounts, or split off wholesale customers"
            )
        return np.asarray(p * (v + paid_days * mean) / (p * paid_days + q - 1))


def fit_gamma_gamma(paid_days: Floats, mean: Floats, *, dropped_days: int = 0) -> SpendFit:
    """Fit the Gamma-Gamma by maximum likelihood; where that is flat, with ``PRIOR``.

    Parameters
    ----------
    paid_days, mean
        (n,) purchase days with an amount above zero, and their mean amount; customers with none
        are left out.
    dropped_days
        How many days were left out, for the record.

    Raises
    ------
    ValueError
        With fewer than ``ENOUGH`` customers who paid on a repeat purchase.
    NotConverged
        When the maximum is not reached with the prior either.
    """
    paying = (paid_days > 0) & (mean > 0)
    x, m = paid_days[paying], mean[paying]
    if len(x) < ENOUGH:
        raise ValueError(f"only {len(x)} customers paid on a repeat purchase; spend needs {ENOUGH}")
    unit = float(m.mean())
    found, penalty = _best(lambda at: _surface(x, m / unit, at))
    r, low, high = _correlation(x, m)
    return SpendFit(
        coefficients=found.at + np.log([1.0, 1.0, unit]),
        covariance=found.covariance,
        log_likelihood=found.log_likelihood - len(x) * float(np.log(unit)),
        n_customers=len(x),
        dropped_days=dropped_days,
        correlation=r,
        correlation_low=low,
        correlation_high=high,
        penalty=None if penalty is None else penalty.moved(np.log([1.0, 1.0, unit])),
    )


def _best(surface: Callable[[Floats], Surface]) -> tuple[Optimum, Penalty | None]:
    try:
        found = maximise(surface, START, names=PARAMETERS)
        vague = np.sqrt(np.diag(found.covariance)) > VAGUE
        names = tuple(name for name, v in zip(PARAMETERS, vague, strict=True) if v)
        if not names:
            return found, None
    except NotIdentified as error:
        names = error.names
    except NotConverged:
        names = PARAMETERS
    why = untold(names)
    return penalised(surface, START, PRIOR, names=PARAMETERS, why=why)


def _surface(x: Floats, m: Floats, logs: Floats) -> Surface:
    p, q, v = np.exp(logs)
    px, total = p * x, v + x * m
    log_total, log_spend = np.log(total), np.log(m * x)
    value = gammaln(px + q) - gammaln(px) - gammaln(q) + q * logs[2] - np.log(m)
    value = value + px * log_spend - (px + q) * log_total
    first = np.array(
        [
            (x * (digamma(px + q) - digamma(px) + log_spend - log_total)).sum(),
            (digamma(px + q) - digamma(q) + logs[2] - log_total).sum(),
            (q / v - (px + q) / total).sum(),
        ]
    )
    both = polygamma(1, px + q)
    pp = (x**2 * (both - polygamma(1, px))).sum()
    pq, pv = (x * both).sum(), -(x / total).sum()
    qq = (both - polygamma(1, q)).sum()
    qv, vv = (1 / v - 1 / total).sum(), (-q / v**2 + (px + q) / total**2).sum()
    second = np.array([[pp, pq, pv], [pq, qq, qv], [pv, qv, vv]])
    at = np.array([p, q, v])
    return Surface(float(value.sum()), first * at, second * np.outer(at, at) + np.diag(first * at))


def _correlation(x: Floats, m: Floats) -> tuple[float, float, float]:
    if np.ptp(x) == 0 or np.ptp(m) == 0:
        return 0.0, -1.0, 1.0
    r = float(np.corrcoef(x, m)[0, 1])
    half = float(norm.ppf(0.975)) / np.sqrt(len(x) - 3)
    centre = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
    return r, float(np.tanh(centre - half)), float(np.tanh(centre + half))
