"""Past forecasts judged together: which do not hold, and what that does to the intervals.

Three totals (a quarter, the validation period and a year ago) and the classes of P(alive) test one
question, whether customers buy as the model says; by Holm's adjustment a company whose customers do
is warned of in one case of twenty at most. Where a total fails, the error seen then may be made
again now, and the intervals are widened by it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis.purchases.lifetime_value.calibration import Calibration
from analysis.purchases.lifetime_value.grouped import Floats
from analysis.purchases.lifetime_value.past_forecast import PastForecast
from analysis.purchases.lifetime_value.residual_value import Forecast

FALSE_WARNINGS = 0.05
"""Share of companies warned of whose customers buy as the model says, over all checks."""
FAR, SOME = 1.5, 10
"""P(alive) is called wrong where purchases are so many times off, of so many customers at least."""


@dataclass(frozen=True, slots=True)
class Checks:
    """Forecasts of the past, or why there is none, the latest first."""

    quarter_ago: PastForecast | str
    calibration: Calibration | str
    year_ago: PastForecast | str

    @classmethod
    def none(cls, why: str) -> Checks:
        """Without any forecast of the past, for one reason."""
        return cls(why, why, why)

    @property
    def off(self) -> tuple[PastForecast | Calibration, ...]:
        """Whose total was off by more than chance."""
        bound = self._bound()
        return tuple(total for total in self._totals() if total.p <= bound)

    @property
    def misjudged(self) -> pd.DataFrame:
        """Classes of P(alive) that bought far more or less than they were predicted to."""
        found = self._classes()
        times = found["actual"] / found["predicted"].where(found["predicted"] > 0)
        far = (times < 1 / FAR) | (times > FAR)
        return found[far & (found["p"] <= self._bound())]

    @property
    def stretch(self) -> float:
        """What the ends of intervals are divided and multiplied by: the largest error seen.

        In both directions: where a price rise cut what was bought, a forecast from before was too
        high; where a shop was shut and opens again, one from now is too low.
        """
        ratios = [max(total.actual, 1) / total.predicted for total in self.off]
        return max([1.0, *ratios, *(1 / ratio for ratio in ratios)])

    def _totals(self) -> list[PastForecast | Calibration]:
        every = (self.quarter_ago, self.calibration, self.year_ago)
        return [total for total in every if not isinstance(total, str)]

    def _classes(self) -> pd.DataFrame:
        if isinstance(self.calibration, str):
            return pd.DataFrame(columns=["n", "predicted", "actual", "p"], dtype=float)
        found = self.calibration.by_alive
        return found[found["n"] >= SOME]

    def _bound(self) -> float:
        """The largest chance that is rejected by Holm's adjustment; below 0: none."""
        totals = [total.p for total in self._totals()]
        every = np.sort(np.r_[totals, self._classes()["p"]])
        allowed = FALSE_WARNINGS / np.arange(len(every), 0, -1)
        rejected = every[np.cumprod(every <= allowed).astype(bool)]
        return float(rejected.max(initial=-1.0))


def stretched(found: Forecast, by: float) -> Forecast:
    """A forecast with the ends of its intervals of purchases and value divided and multiplied.

    Drawn totals below their mean are divided, those above multiplied, so that every interval made
    of them is widened alike.
    """
    if by == 1:
        return found
    each = found.customers.assign(
        purchases_low=np.floor(found.customers["purchases_low"] / by),
        purchases_high=np.ceil(found.customers["purchases_high"] * by),
        value_low=found.customers["value_low"] / by,
        value_high=found.customers["value_high"] * by,
    )
    return replace(
        found,
        customers=each,
        purchases=_wider(found.purchases, by),
        value=None if found.value is None else _wider(found.value, by),
        group_values=None if found.group_values is None else _wider(found.group_values, by),
    )


def _wider(draws: Floats, by: float) -> Floats:
    below = draws < draws.mean(axis=-1, keepdims=True)
    return np.asarray(draws * np.where(below, 1 / by, by))
