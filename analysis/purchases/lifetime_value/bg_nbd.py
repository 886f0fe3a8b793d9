"""BG/NBD: customers buy at random and may drop out after each purchase.

Fader, Hardie & Lee (2005), Marketing Science 24, 275-284. Rates are gamma(r, alpha), the chance to
drop out after a repeat purchase beta(a, b):

    L = B(a, b+x)/B(a, b) Gamma(r+x)/Gamma(r) alpha^r
        [ (alpha+T)^-(r+x) + 1{x>0} a/(b+x-1) (alpha+t_x)^-(r+x) ].

Nobody drops out before a repeat purchase, so that customers without one are alive for certain.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaln, digamma, expit, gammaln, hyp2f1, polygamma

from analysis.purchases.lifetime_value.buying import BuyingModel, Terms
from analysis.purchases.lifetime_value.grouped import Floats, Histories

MILLION = 1e6


def terms(histories: Histories, logs: Floats) -> Terms:
    """Log-likelihood, derivatives and P(alive) of every row (see ``buying.Terms``)."""
    r, alpha, a, b = np.exp(logs).T
    x, t_x, T = histories.x, histories.t_x, histories.T
    repeats = x > 0
    after = np.where(repeats, b + x - 1, 1.0)
    alive = -(r + x) * np.log(alpha + T)
    gone = np.where(repeats, logs[:, 2] - np.log(after) - (r + x) * np.log(alpha + t_x), -np.inf)
    p_alive = expit(alive - gone)
    of_alive = np.stack(
        [-np.log(alpha + T), -(r + x) / (alpha + T), np.zeros_like(r), np.zeros_like(r)], axis=1
    )
    of_gone = np.stack([-np.log(alpha + t_x), -(r + x) / (alpha + t_x), 1 / a, -1 / after], axis=1)
    p, q = p_alive[:, None], 1 - p_alive[:, None]
    apart = of_alive - of_gone
    hessian = (p * q)[:, :, None] * apart[:, :, None] * apart[:, None, :]
    _add_curvature(hessian, histories, p_alive, after, (r, alpha, a, b))
    constant = betaln(a, b + x) - betaln(a, b) + gammaln(r + x) - gammaln(r) + r * logs[:, 1]
    return Terms.of_natural(
        np.exp(logs),
        log_likelihood=constant + np.logaddexp(alive, gone),
        gradient=p * of_alive + q * of_gone + _constant_gradient(x, logs),
        hessian=hessian,
        p_alive=p_alive,
        log_alive_gradient=q * apart,
    )


def _constant_gradient(x: Floats, logs: Floats) -> Floats:
    r, alpha, a, b = np.exp(logs).T
    total = digamma(a + b) - digamma(a + b + x)
    return np.stack(
        [
            digamma(r + x) - digamma(r) + logs[:, 1],
            r / alpha,
            total,
            digamma(b + x) - digamma(b) + total,
        ],
        axis=1,
    )


def _add_curvature(
    hessian: Floats,
    histories: Histories,
    p_alive: Floats,
    after: Floats,
    parameters: tuple[Floats, ...],
) -> None:
    """Add mean second derivatives of the two terms, and those of the constant."""
    r, alpha, a, b = parameters
    x, p, q = histories.x, p_alive, 1 - p_alive
    later, last = alpha + histories.T, alpha + histories.t_x
    hessian[:, 0, 0] += polygamma(1, r + x) - polygamma(1, r)
    hessian[:, 1, 1] += (r + x) * (p / later**2 + q / last**2) - r / alpha**2
    cross = 1 / alpha - p / later - q / last
    hessian[:, 0, 1] += cross
    hessian[:, 1, 0] += cross
    total = polygamma(1, a + b) - polygamma(1, a + b + x)
    hessian[:, 2:, 2:] += total[:, None, None]
    hessian[:, 2, 2] -= q / a**2
    hessian[:, 3, 3] += q / after**2 + polygamma(1, b + x) - polygamma(1, b)


def rate_if_alive(histories: Histories, logs: Floats, ahead: Floats) -> Floats:
    """Expected purchases a week at weeks ``ahead`` (rows, points), given alive at T."""
    r, alpha, a, b = (p[:, None] for p in np.exp(logs).T)
    x, since = histories.x[:, None], alpha + histories.T[:, None]
    z = ahead / since
    # Euler's transformation: an argument in [0, 1) and terms of one sign.
    stays = hyp2f1(a, a + b - r - 1, a + b + x, z / (1 + z)) * (1 + z) ** -a
    return np.asarray((r + x) / since * stays)


def scale(histories: Histories, logs: Floats) -> Floats:
    """Weeks (rows,) over which the rate changes."""
    return np.asarray(np.exp(logs[:, 1]) + histories.T)


def draw_if_alive(
    histories: Histories, parameters: Floats, horizon: float, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw purchases in the horizon and weeks active in it (rows,), given alive at T.

    Given alive, the rate is gamma(r + x, alpha + T) and the chance to drop out after a purchase
    beta(a, b + x), independently; the weeks active end with the purchase after which the customer
    drops out. ``parameters`` is (rows, 4).
    """
    r, alpha, a, b = parameters.T
    rate = generator.standard_gamma(r + histories.x) / (alpha + histories.T)
    chance = generator.beta(a, b + histories.x)
    until = generator.geometric(np.clip(chance, 1e-9, 1.0)).astype(float)
    if_staying = generator.poisson(np.minimum(rate * horizon, MILLION)).astype(float)
    bought = np.minimum(if_staying, until)
    active = np.where(if_staying > until, horizon * until / (if_staying + 1), horizon)
    return bought, active


BG_NBD = BuyingModel(
    name="bg-nbd",
    title="BG/NBD",
    parameters=("r", "alpha", "a", "b"),
    dropout_place=2,
    dropout_sign=1,
    terms=terms,
    rate_if_alive=rate_if_alive,
    scale=scale,
    draw_if_alive=draw_if_alive,
)
