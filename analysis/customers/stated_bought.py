"""What customers' part-worths say they would buy, against what they bought when it was on offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize

from analysis.customers.occasions import LEAST_OCCASIONS, CannotCompare, Occasions
from analysis.estimate import Estimate, unavailable

Floats = NDArray[np.float64]
Loss = Callable[[Floats], tuple[float, Floats]]
LEAST_CUSTOMERS = 30
SAMPLES = 500
RIDGE = 0.01
"""Prior precision of the constants: a product bought never has a finite one all the same."""
CALIBRATED, STATED = "calibrated part-worths", "part-worths as stated"
GUESSES = ("constants alone", "earlier shares of the products", "even chances")
"""Predictions without part-worths, the baselines."""
BANDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


@dataclass(frozen=True, slots=True)
class Judged:
    """One prediction on the later period; ``gain``: log-loss less than that of even chances."""

    prediction: str
    log_loss: Estimate
    hit_rate: Estimate
    gain: Estimate


@dataclass(frozen=True, slots=True)
class Band:
    """Products predicted within a band of chances, and how often they were bought."""

    low: float
    high: float
    predicted: float
    bought: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class StatedBought:
    """The calibration, fitted on the earlier period, and how it did on the later one.

    Attributes
    ----------
    scale
        Multiplies all utilities.
    constants
        Added to the utility of each product; mean zero. exp of it is the factor of a simulator.
    judged
        Calibrated part-worths first, then part-worths as stated, and the baselines.
    bands
        Of the calibrated part-worths in the later period.
    supported
        Whether the calibrated part-worths beat the best baseline, the interval clear of zero.
    over_stated, over_guess
        By how much their log-loss is less than that of the part-worths as stated, and than that of
        ``hardest``, the baseline that they beat least surely (paired by purchase).
    drawn
        (2000, 1 + J) draws of the scale and of the constants.
    """

    split: str
    fitted_on: int
    judged_on: int
    scale: Estimate
    constants: Mapping[str, Estimate]
    judged: tuple[Judged, ...]
    bands: tuple[Band, ...]
    supported: bool
    over_stated: Estimate
    over_guess: Estimate
    hardest: str
    drawn: Floats
    left_out: Mapping[str, int]

    @property
    def useful(self) -> bool:
        """Whether a simulator should use it: it beats every baseline and the uncalibrated."""
        return self.supported and (self.over_stated.low or 0.0) > 0


def compare(found: Occasions, *, split: pd.Timestamp, seed: int) -> StatedBought:
    """Fit scale and constants on purchases before ``split``; judge them on those from it on.

    The chance of a product is the mean over draws of the logit of scale x utility + constant, so
    that the uncertainty of the part-worths is in it. Intervals: bootstrap of customers. None of
    the products was bought is not seen: nothing here calibrates a none.

    Raises
    ------
    CannotCompare
        When either period has fewer than 100 purchases or 30 customers.
    """
    earlier = found.time < np.datetime64(split, "ns")
    for words, rows in (("before", earlier), ("from", ~earlier)):
        n, people = int(rows.sum()), len(np.unique(found.customer[rows]))
        if n < LEAST_OCCASIONS or people < LEAST_CUSTOMERS:
            raise CannotCompare(
                f"{n} purchases of {people} customers {words} {split.date()}; {LEAST_OCCASIONS} of "
                f"{LEAST_CUSTOMERS} are needed in each of the two periods"
            )
    rng = np.random.default_rng(seed)
    point, draws = _fitted(found, np.flatnonzero(earlier), rng)
    n = int(earlier.sum())
    late = np.flatnonzero(~earlier)
    there = np.isfinite(found.utility[0, late])
    commonest = np.bincount(found.chosen[earlier], minlength=len(found.products)) + 0.5
    shares = there * commonest
    nothing = np.concatenate([[1.0], np.zeros(len(found.products))])
    constants = _constants_only(found, np.flatnonzero(earlier))
    chances = {
        CALIBRATED: _chances(found, late, point),
        STATED: _chances(found, late, nothing),
        "constants alone": constants(late),
        "earlier shares of the products": shares / shares.sum(axis=1, keepdims=True),
        "even chances": there / there.sum(axis=1, keepdims=True),
    }
    samples = _resampled(found.customer[late], rng)
    judged = tuple(
        _judge(name, c, chances, found.chosen[late], samples) for name, c in chances.items()
    )
    gains = {name: _gain(chances, name, found.chosen[late], samples) for name in chances}
    hardest = min(GUESSES, key=lambda name: gains[name].low or 0.0)
    return StatedBought(
        split=str(split.date()),
        fitted_on=n,
        judged_on=len(late),
        scale=_spread(point[0], draws[:, 0], n, "scale"),
        constants={
            name: _spread(point[k + 1], draws[:, k + 1], n, "logit")
            for k, name in enumerate(found.products)
        },
        judged=judged,
        bands=_bands(chances[CALIBRATED], there, found.chosen[late], samples),
        supported=(gains[hardest].low or 0.0) > 0,
        over_stated=gains[STATED],
        over_guess=gains[hardest],
        hardest=hardest,
        drawn=draws,
        left_out=found.left_out,
    )


def _chances(found: Occasions, rows: NDArray[np.intp], at: Floats) -> Floats:
    """Chances (n, J) at (scale, constants), over draws."""
    v = at[0] * np.where(np.isfinite(u := found.utility[:, rows]), u, 0.0) + at[1:]
    v = np.where(np.isfinite(u), v, -np.inf)
    v -= v.max(axis=2, keepdims=True)
    e = np.exp(v)
    chances: Floats = (e / e.sum(axis=2, keepdims=True)).mean(axis=0)
    return chances


def _loss(found: Occasions, rows: NDArray[np.intp], weight: Floats) -> Loss:
    u = found.utility[:, rows]
    there = np.isfinite(u)
    u = np.where(there, u, 0.0)
    chosen, at = found.chosen[rows], np.arange(len(rows))

    def loss(point: Floats) -> tuple[float, Floats]:
        v = np.where(there, point[0] * u + point[1:], -np.inf)
        v -= v.max(axis=2, keepdims=True)
        p = np.exp(v)
        p /= p.sum(axis=2, keepdims=True)
        own = p[:, at, chosen]
        mean = np.maximum(own.mean(axis=0), 1e-300)
        share = own / mean / len(own) * weight
        to_scale = (share * (u[:, at, chosen] - (p * u).sum(axis=2))).sum()
        to_constants = np.bincount(chosen, share.sum(axis=0), minlength=p.shape[2])
        to_constants = to_constants - np.einsum("dn,dnj->j", share, p)
        value = -(weight * np.log(mean)).sum() + RIDGE / 2 * (point[1:] ** 2).sum()
        return float(value), -np.concatenate([[to_scale], to_constants]) + RIDGE * np.concatenate(
            [[0.0], point[1:]]
        )

    return loss


def _minimised(loss: Loss, start: Floats) -> Floats:
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    if not found.success:
        raise CannotCompare(f"the calibration did not converge ({found.message})")
    point = np.asarray(found.x, dtype=float)
    point[1:] -= point[1:].mean()
    return point


def _fitted(
    found: Occasions, rows: NDArray[np.intp], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """The point, and draws of it: normal, with the sandwich covariance by customer."""
    start = np.concatenate([[1.0], np.zeros(len(found.products))])
    loss = _loss(found, rows, np.ones(len(rows)))
    point = _minimised(loss, start)
    step = 1e-4
    eye = np.eye(len(point)) * step
    hessian = np.array([(loss(point + e)[1] - loss(point - e)[1]) / (2 * step) for e in eye])
    people = np.unique(found.customer[rows])
    scores = np.array(
        [
            _loss(found, own, np.ones(len(own)))(point)[1]
            - RIDGE * np.concatenate([[0.0], point[1:]])
            for person in people
            if len(own := rows[found.customer[rows] == person])
        ]
    )
    inverse = np.linalg.pinv((hessian + hessian.T) / 2)
    covariance = inverse @ (scores.T @ scores) @ inverse * len(people) / (len(people) - 1)
    turn = np.eye(len(point))
    turn[1:, 1:] -= 1 / (len(point) - 1)
    covariance = turn @ covariance @ turn.T
    return point, rng.multivariate_normal(point, covariance, size=2_000, method="eigh")


def _constants_only(
    found: Occasions, rows: NDArray[np.intp]
) -> Callable[[NDArray[np.intp]], Floats]:
    """Chances from constants fitted without part-worths."""
    flat = np.where(np.isfinite(found.utility[:1]), 0.0, -np.inf)
    plain = Occasions(found.products, flat, found.chosen, found.customer, found.time, {})
    start = np.concatenate([[1.0], np.zeros(len(found.products))])
    point = _minimised(_loss(plain, rows, np.ones(len(rows))), start)
    return lambda late: _chances(plain, late, point)


def _resampled(customer: NDArray[np.intp], rng: np.random.Generator) -> Floats:
    """How often each purchase counts in samples of customers, (samples, n)."""
    people, place = np.unique(customer, return_inverse=True)
    counts = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), size=SAMPLES)
    found: Floats = counts[:, place].astype(float)
    return found


def _mean(values: Floats, samples: Floats, method: str, unit: str) -> Estimate:
    drawn = samples @ values / samples.sum(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    value = float(values.mean())
    low, high = min(float(low), value), max(float(high), value)
    return Estimate(value=value, low=low, high=high, n=len(values), method=method, unit=unit)


def _judge(
    name: str, own: Floats, every: Mapping[str, Floats], chosen: NDArray[np.intp], samples: Floats
) -> Judged:
    method = "later purchases; bootstrap of customers"
    even = every["even chances"]
    best = own == own.max(axis=1, keepdims=True)
    at = np.arange(len(chosen))
    hits = best[at, chosen] / best.sum(axis=1)
    return Judged(
        name,
        _mean(_log(own, chosen), samples, method, "nats"),
        _mean(hits, samples, method, "share"),
        _mean(_log(even, chosen) - _log(own, chosen), samples, method, "nats"),
    )


def _log(chances: Floats, chosen: NDArray[np.intp]) -> Floats:
    own = chances[np.arange(len(chosen)), chosen]
    found: Floats = -np.log(np.maximum(own, 1e-12))
    return found


def _gain(
    chances: Mapping[str, Floats], other: str, chosen: NDArray[np.intp], samples: Floats
) -> Estimate:
    """Log-loss of another prediction less that of the calibrated part-worths, paired."""
    less = _log(chances[other], chosen) - _log(chances[CALIBRATED], chosen)
    return _mean(less, samples, "later purchases, paired; bootstrap of customers", "nats")


def _bands(
    chances: Floats, there: NDArray[np.bool_], chosen: NDArray[np.intp], samples: Floats
) -> tuple[Band, ...]:
    bought = np.zeros(chances.shape)
    bought[np.arange(len(chosen)), chosen] = 1
    found = []
    for low, high in pairwise(BANDS):
        last = high == BANDS[-1]
        inside = there & (chances >= low) & ((chances < high) | last)
        count = int(inside.sum())
        if not count:
            continue
        method = "share bought of the offers in the band; bootstrap of customers"
        small = unavailable("fewer than 10 offers", n=count, method=method, unit="share")
        estimate = small if count < 10 else _share(inside, bought, samples, method)
        found.append(Band(low, high, float(chances[inside].mean()), estimate))
    return tuple(found)


def _share(inside: NDArray[np.bool_], bought: Floats, samples: Floats, method: str) -> Estimate:
    offered, sold = inside.sum(axis=1).astype(float), (inside * bought).sum(axis=1)
    total = samples @ offered
    drawn = (samples @ sold)[total > 0] / total[total > 0]
    value = float(sold.sum() / offered.sum())
    low, high = (float(x) for x in np.quantile(drawn, [0.025, 0.975]))
    low, high = min(low, value), max(high, value)
    return Estimate(
        value=value, low=low, high=high, n=int(offered.sum()), method=method, unit="share"
    )


def _spread(value: float, draws: Floats, n: int, unit: str) -> Estimate:
    low, high = (float(x) for x in np.quantile(draws, [0.025, 0.975]))
    method = "earlier purchases; sandwich over customers"
    return Estimate(value=float(value), low=low, high=high, n=n, method=method, unit=unit)
