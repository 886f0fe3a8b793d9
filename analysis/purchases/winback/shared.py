"""What customers who go on change together: a season not foreseen, a promotion, a shut shop.

A price rise makes everybody buy a third less, a holiday that moves a third more; neither tells one
customer from another. The purchases of the last 13 weeks are a mixture: most customers go on and
buy a common multiple of what was expected of them, others stop, fall or rise beside that.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import gammaln

from analysis.purchases.winback.predictive import Prior, Windows, alike, predictive, windows
from analysis.purchases.winback.weeks import Floats, Weeks

STEP = np.log(1.05)
LEAST, LARGEST, COARSE = -40, 32, 4
"""Common multiples tried: 1.05 to the power of whole numbers, .14 to 4.8."""
BESIDE = (0, -13, -25, -47, 12)
"""Steps of those who go on, fell to .53, to .30, to .10, and rose to 1.8; a last group stops."""
ENOUGH, MOST = 1.0, 20_000
"""Customers of whom so many purchases were expected tell; of very many a part will do."""
SCEPTIC = 0.25
"""Standard deviation of the logarithm of the multiple, before the purchases are seen."""
GO_ON, MAJORITY, ROUNDS = 0.8, 0.5, 8
"""Share of those who go on: at first, and at least."""


def looked_at(weeks: Weeks, prior: Prior, *, ago: int, gap: int = 0) -> Windows:
    """``windows``, with what customers who go on change together allowed for."""
    seen = windows(weeks, ago=ago, gap=gap)
    return replace(seen, weeks_latest=seen.weeks_latest * shared_change(seen, prior))


def shared_change(seen: Windows, prior: Prior) -> float:
    """Common multiple of the expected purchases of those who go on; 1 where nobody tells.

    The most probable multiple of a mixture of negative binomials, whose shares are found by
    expectation and maximisation, with a normal prior on its logarithm.
    """
    some, place = alike(seen)
    size, mean = predictive(some, prior)
    every = max(int((mean[place] >= ENOUGH).sum()) // MOST, 1)
    n = np.bincount(place[::every], minlength=len(size)).astype(float)
    telling = some.watched & (some.before > 0) & (mean >= ENOUGH) & (n > 0)
    if not telling.any():
        return 1.0
    powers = np.arange(LEAST + min(BESIDE), LARGEST + max(BESIDE) + 1)
    chance = _chances(some.latest[telling], size[telling], mean[telling], np.exp(STEP * powers))
    nothing = (some.latest[telling] == 0).astype(float)

    def worth(multiple: int) -> float:
        columns = [multiple + by - powers[0] for by in BESIDE]
        parts = np.column_stack([chance[:, columns], nothing])
        return _mixture(parts, n[telling]) - 0.5 * float(multiple * STEP / SCEPTIC) ** 2

    found = {multiple: worth(multiple) for multiple in range(LEAST, LARGEST + 1, COARSE)}
    top = max(found, key=lambda at: found[at])
    near = range(max(top - COARSE + 1, LEAST), min(top + COARSE, LARGEST + 1))
    found |= {multiple: worth(multiple) for multiple in near}
    return float(np.exp(STEP * _peak(found)))


def _chances(latest: np.ndarray, size: Floats, mean: Floats, factors: Floats) -> Floats:
    """Chance (rows, factors) of what was bought at multiples of what was expected."""
    x, r, m = latest[:, None], size[:, None], mean[:, None] * factors
    fixed = gammaln(r + x) - gammaln(r) - gammaln(x + 1.0)
    return np.asarray(
        np.exp(fixed + r * np.log(r / (r + m)) + x * np.log(m / (r + m))), dtype=float
    )


def _mixture(parts: Floats, n: Floats) -> float:
    """Log-likelihood of a mixture of the columns, after some rounds for its shares."""
    shares = np.full(parts.shape[1], (1 - GO_ON) / (parts.shape[1] - 1))
    shares[0] = GO_ON
    for _ in range(ROUNDS):
        each = parts * shares
        shares = n @ (each / np.maximum(each.sum(axis=1, keepdims=True), 1e-300)) / n.sum()
        if shares[0] < MAJORITY:
            shares[1:] *= (1 - MAJORITY) / (1 - shares[0])
            shares[0] = MAJORITY
    return float(n @ np.log(np.maximum(parts @ shares, 1e-300)))


def _peak(found: dict[int, float]) -> float:
    """Where a parabola through the best and its neighbours is highest."""
    top = max(found, key=lambda at: found[at])
    if top - 1 not in found or top + 1 not in found:
        return float(top)
    left, right = found[top - 1] - found[top], found[top + 1] - found[top]
    return top + 0.5 * (left - right) / (left + right) if left + right < 0 else float(top)
