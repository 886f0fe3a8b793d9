"""Pareto/NBD: customers buy at random at a rate of their own and drop out at a time of their own.

Schmittlein, Morrison & Colombo (1987), Management Science 33, 1-24. Rates are gamma(r, alpha),
dropout rates gamma(s, beta). With f the chance of x purchases, the last at t_x,

    L = c [ (alpha+T)^-(r+x) (beta+T)^-s + s int_{t_x}^{T} (alpha+u)^-(r+x) (beta+u)^-(s+1) du ],
    c = Gamma(r+x)/Gamma(r) alpha^r beta^s,

the first term for those still alive at T, the integral for those who dropped out at u. The
integral is taken by Gauss-Legendre points in the logarithm of u: nothing is subtracted and nothing
overflows (the usual form is a difference of two hypergeometric functions), t_x = T costs nothing,
and derivatives are means over the points.
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from analysis.purchases.lifetime_value.buying import BuyingModel, Terms
from analysis.purchases.lifetime_value.grouped import Floats, Histories

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(32)
POINTS, WEIGHTS = (_POINTS + 1) / 2, _WEIGHTS / 2
LOST = 40.0
"""Dropout so early that the integrand is below e^-40 of its largest value is left out."""
MILLION = 1e6


def terms(histories: Histories, logs: Floats) -> Terms:
    """Log-likelihood, derivatives and P(alive) of every row (see ``buying.Terms``)."""
    r, alpha, s, beta = np.exp(logs).T
    x, t_x, T = histories.x, histories.t_x, histories.T
    moments, u, weights = _points(x, t_x, T, np.exp(logs))
    first = _first_derivatives(u, x, (r, alpha, s, beta))
    mean = np.matmul(first, weights[:, :, None])[:, :, 0]
    second = np.matmul(first * weights[:, None, :], first.transpose(0, 2, 1))
    second -= mean[:, :, None] * mean[:, None, :]
    _add_curvature(second, u, weights, x, (r, alpha, s, beta))
    own = first[:, :, 0] - mean
    constant = gammaln(r + x) - gammaln(r) + r * logs[:, 1] + s * logs[:, 3]
    gradient = mean + np.stack(
        [digamma(r + x) - digamma(r) + logs[:, 1], r / alpha, logs[:, 3], s / beta], axis=1
    )
    second[:, 0, 0] += polygamma(1, r + x) - polygamma(1, r)
    second[:, 1, 1] -= r / alpha**2
    second[:, 3, 3] -= s / beta**2
    for one, other, value in ((0, 1, 1 / alpha), (2, 3, 1 / beta)):
        second[:, one, other] += value
        second[:, other, one] += value
    return Terms.of_natural(
        np.exp(logs),
        log_likelihood=constant + moments,
        gradient=gradient,
        hessian=second,
        p_alive=weights[:, 0],
        log_alive_gradient=own,
    )


def _points(x: Floats, t_x: Floats, T: Floats, parameters: Floats) -> tuple[Floats, Floats, Floats]:
    """Log of the bracket (rows,), times of dropout (rows, 1 + points), weights that sum to 1.

    The first point is T, for those still alive.
    """
    r, alpha, s, beta = parameters.T
    power = r + x
    early = (alpha + t_x) * np.exp(np.minimum(LOST / power, 50.0)) - alpha
    near = np.minimum(alpha, beta)
    span = np.log((np.minimum(T, np.maximum(early, t_x)) + near) / (t_x + near))
    u = np.empty((len(x), 1 + len(POINTS)))
    u[:, 0] = T
    u[:, 1:] = (t_x + near)[:, None] * np.exp(span[:, None] * POINTS) - near[:, None]
    logs = -power[:, None] * np.log(alpha[:, None] + u) - s[:, None] * np.log(beta[:, None] + u)
    largest = np.maximum(logs[:, 0], logs[:, 1])
    weights = np.exp(logs - largest[:, None])
    spread = (s * span)[:, None] * WEIGHTS
    weights[:, 1:] *= spread * (u[:, 1:] + near[:, None]) / (u[:, 1:] + beta[:, None])
    total = weights.sum(axis=1)
    return np.log(total) + largest, u, weights / total[:, None]


def _first_derivatives(u: Floats, x: Floats, parameters: tuple[Floats, ...]) -> Floats:
    """Derivatives of the log of each point by r, alpha, s, beta: (rows, 4, points)."""
    r, alpha, s, beta = (p[:, None] for p in parameters)
    first = np.empty((len(u), 4, u.shape[1]))
    first[:, 0] = -np.log(alpha + u)
    first[:, 1] = -(r + x[:, None]) / (alpha + u)
    first[:, 2] = -np.log(beta + u)
    first[:, 3] = -(s + 1) / (beta + u)
    first[:, 2, 1:] += 1 / s
    first[:, 3, 0] *= parameters[2] / (parameters[2] + 1)
    return first


def _add_curvature(
    second: Floats, u: Floats, weights: Floats, x: Floats, parameters: tuple[Floats, ...]
) -> None:
    """Add the mean second derivatives of the logs of the points to (rows, 4, 4)."""
    r, alpha, s, beta = parameters
    by_alpha, by_beta = weights / (alpha[:, None] + u), weights / (beta[:, None] + u)
    dead = 1 - weights[:, 0]
    second[:, 1, 1] += (r + x) * (by_alpha / (alpha[:, None] + u)).sum(axis=1)
    by_beta_twice = by_beta / (beta[:, None] + u)
    second[:, 3, 3] += s * by_beta_twice.sum(axis=1) + by_beta_twice[:, 1:].sum(axis=1)
    second[:, 2, 2] -= dead / s**2
    for one, other, value in ((0, 1, by_alpha.sum(axis=1)), (2, 3, by_beta.sum(axis=1))):
        second[:, one, other] -= value
        second[:, other, one] -= value


def rate_if_alive(histories: Histories, logs: Floats, ahead: Floats) -> Floats:
    """Expected purchases a week at weeks ``ahead`` (rows, points), given alive at T."""
    r, alpha, s, beta = (p[:, None] for p in np.exp(logs).T)
    T = histories.T[:, None]
    stays = np.exp(-s * np.log1p(ahead / (beta + T)))
    return np.asarray((r + histories.x[:, None]) / (alpha + T) * stays)


def scale(histories: Histories, logs: Floats) -> Floats:
    """Weeks (rows,) over which the rate changes."""
    return np.asarray(np.exp(logs[:, 3]) + histories.T)


def draw_if_alive(
    histories: Histories, parameters: Floats, horizon: float, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw purchases in the horizon and weeks active in it (rows,), given alive at T.

    Given alive, the rate is gamma(r + x, alpha + T) and the dropout rate gamma(s, beta + T),
    independently; ``parameters`` is (rows, 4).
    """
    r, alpha, s, beta = parameters.T
    rate = generator.standard_gamma(r + histories.x) / (alpha + histories.T)
    leaving = generator.standard_gamma(s) / (beta + histories.T)
    waits = generator.standard_exponential(len(rate))
    active = np.minimum(waits / np.maximum(leaving, 1e-300), horizon)
    return generator.poisson(np.minimum(rate * active, MILLION)).astype(float), active


PARETO_NBD = BuyingModel(
    name="pareto-nbd",
    title="Pareto/NBD",
    parameters=("r", "alpha", "s", "beta"),
    dropout_place=3,
    dropout_sign=-1,
    terms=terms,
    rate_if_alive=rate_if_alive,
    scale=scale,
    draw_if_alive=draw_if_alive,
)
