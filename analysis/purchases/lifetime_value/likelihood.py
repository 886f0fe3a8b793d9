"""Maximum likelihood by damped Newton steps on logarithms of positive parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.purchases.lifetime_value.grouped import Floats

TOLERANCE = 1e-12
"""Newton decrement g'H^-1 g at which the optimum is reached (log-likelihood units)."""
MAX_STEPS = 100
LONGEST = 1.5
"""Longest step, in units of the logarithm of a parameter."""
RUNAWAY = 12.0
"""A parameter that has changed by e^12 since the start has no finite estimate."""


class NotConverged(ArithmeticError):
    """The optimum was not reached; there is no result."""


class NotIdentified(ValueError):
    """The purchases do not tell ``names``: they run to zero or to infinity."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        super().__init__(
            f"these purchases do not tell {', '.join(names)}: no finite estimate. A longer "
            "history, or customers who stop (or go on) buying, would tell"
        )


@dataclass(frozen=True, slots=True)
class Surface:
    """A log-likelihood at some point: its value, gradient (P,) and Hessian (P, P)."""

    value: float
    gradient: Floats
    hessian: Floats


@dataclass(frozen=True, slots=True)
class Optimum:
    """Where a log-likelihood is largest.

    ``at`` is (P,), ``covariance`` (P, P) the inverse of the negative Hessian there, both in the
    coordinates of the maximisation.
    """

    at: Floats
    covariance: Floats
    log_likelihood: float
    iterations: int


def maximise(
    surface: Callable[[Floats], Surface],
    start: Floats,
    *,
    names: tuple[str, ...],
    tolerance: float = TOLERANCE,
) -> Optimum:
    """Climb to the maximum of a log-likelihood with exact derivatives.

    Where the Hessian is not negative definite its eigenvalues are reflected, so that every step
    goes up; steps are halved until the likelihood rises.

    Parameters
    ----------
    surface
        Value, gradient and Hessian at (P,).
    names
        What the coordinates are, for messages.

    Raises
    ------
    NotIdentified
        When a coordinate runs away or the Hessian is singular at the optimum.
    NotConverged
        When the optimum is not reached in ``MAX_STEPS`` steps.
    """
    at, here = start, surface(start)
    for iteration in range(1, MAX_STEPS + 1):
        step, certain = _step(here)
        decrement = float(here.gradient @ step)
        if decrement < tolerance and certain:
            covariance = np.linalg.inv(-here.hessian)
            return Optimum(at, (covariance + covariance.T) / 2, here.value, iteration)
        at, here = _climb(surface, at, here, step)
        away = np.abs(at - start) > RUNAWAY
        if away.any():
            raise NotIdentified(tuple(name for name, far in zip(names, away, strict=True) if far))
    raise NotConverged(
        f"no maximum of the likelihood in {MAX_STEPS} steps (gradient "
        f"{np.abs(here.gradient).max():.3g}): the purchases tell too little about "
        f"{', '.join(names)}"
    )


def _step(here: Surface) -> tuple[Floats, bool]:
    """The step up, and whether the surface curves down in all directions."""
    values, vectors = np.linalg.eigh(-here.hessian)
    largest = float(np.abs(values).max())
    certain = bool(values.min() > 1e-10 * largest)
    steep = np.maximum(np.abs(values), 1e-8 * largest + 1e-300)
    step = vectors @ ((vectors.T @ here.gradient) / steep)
    length = float(np.abs(step).max())
    return step * min(1.0, LONGEST / length) if length > 0 else step, certain


def _climb(
    surface: Callable[[Floats], Surface], at: Floats, here: Surface, step: Floats
) -> tuple[Floats, Surface]:
    for _ in range(40):
        there = surface(at + step)
        if np.isfinite(there.value) and there.value >= here.value - 1e-10 * abs(here.value):
            return at + step, there
        step = step / 2
    raise NotConverged("the likelihood rises in no direction although the maximum is not reached")
