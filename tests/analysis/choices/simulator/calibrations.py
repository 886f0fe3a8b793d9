"""Calibrations on purchases as an analysis leaves them, with what is to be known in a test."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analysis.choices.simulator.calibration import Calibrated, Sold, Source
from analysis.choices.simulator.products import Levels
from analysis.estimate import Estimate


def estimate(value, half=0.05):
    return Estimate(value=value, low=value - half, high=value + half, n=900, method="m")


def calibration(
    sold: Mapping[str, Levels], *, scale=0.5, constant=0.7, spread=0.0, gain=0.1, other=0.1
) -> Calibrated:
    """The first product has the constant, the others none; ``spread`` is that of all draws.

    ``gain`` is what it predicts better than the part-worths as stated, ``other`` than a guess.
    """
    rng = np.random.default_rng(1)
    constants = [constant] + [0.0] * (len(sold) - 1)
    draws = rng.normal([scale, *constants], spread, (400, 1 + len(sold)))
    return Calibrated(
        scale=estimate(scale),
        sold=tuple(
            Sold(name=name, levels=dict(levels), factor=estimate(float(np.exp(own))))
            for (name, levels), own in zip(sold.items(), constants, strict=True)
        ),
        drawn=tuple(map(tuple, draws.tolist())),
        split="2026-05-27",
        fitted_on=1_800,
        judged_on=900,
        hit_rate=estimate(0.4),
        over_stated=estimate(gain),
        over_guess=estimate(other),
        guess="constants alone",
        source=Source(study="mugs", version=3, first="2025-06-01", last="2026-11-22"),
    )
