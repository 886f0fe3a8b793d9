"""The calibration of a simulator, out of what was fitted and judged on purchases."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from analysis.choices.simulator.calibration import FILE, Calibrated, Calibration, Sold, Source
from analysis.choices.simulator.products import Levels
from analysis.customers.stated_bought import CALIBRATED, StatedBought
from analysis.estimate import Estimate

DRAWS = 1_000
"""Of scale and constants, kept for the ranges of the simulator."""


def calibration_of(
    made: StatedBought, products: Mapping[str, Levels], *, source: Source
) -> Calibration:
    """The calibration with the levels of its products, in the order of its constants."""
    sold = tuple(
        Sold(name=name, levels=dict(products[name]), factor=_factor(constant))
        for name, constant in made.constants.items()
    )
    judged = next(one for one in made.judged if one.prediction == CALIBRATED)
    return Calibration(
        found=Calibrated(
            scale=made.scale,
            sold=sold,
            drawn=tuple(tuple(round(float(x), 4) for x in row) for row in made.drawn[:DRAWS]),
            split=made.split,
            fitted_on=made.fitted_on,
            judged_on=made.judged_on,
            hit_rate=judged.hit_rate,
            over_stated=made.over_stated,
            over_guess=made.over_guess,
            guess=made.hardest,
            source=source,
        )
    )


def last_prices(offered: pd.DataFrame) -> dict[str, float]:
    """The price at which every product was last on offer, from a table ``on_offer``."""
    last = offered.sort_values("time", kind="stable").drop_duplicates("product", keep="last")
    return {str(name): float(p) for name, p in zip(last["product"], last["price"], strict=True)}


def write_calibration(folder: Path, made: Calibration) -> None:
    """Write calibration.json beside the draws of a fit."""
    (folder / FILE).write_text(made.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _factor(constant: Estimate) -> Estimate:
    """exp of a constant, which multiplies the odds of its product."""
    ends = {name: getattr(constant, name) for name in ("value", "low", "high")}
    raised = {name: None if x is None else math.exp(x) for name, x in ends.items()}
    return constant.model_copy(update={**raised, "unit": "ratio"})
