"""Past forecasts judged together: which do not hold, and what that does to the intervals.

Three totals (a quarter, the validation period and a year ago), that of those who may have left
(P(alive) below .8) and the rhythm of purchases test one question, whether customers buy as the
model says; by Holm's adjustment a company whose customers do is warned of in one case of twenty at
most. Where a total fails, the error seen then may be made again now, and the intervals are widened
by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

import numpy as np
import pandas as pd

from analysis.purchases.lifetime_value.calibration import SURE, Calibration, calibrate
from analysis.purchases.lifetime_value.company_fit import Form
from analysis.purchases.lifetime_value.customer_days import Bought
from analysis.purchases.lifetime_value.gate import NotEnoughHistory
from analysis.purchases.lifetime_value.grouped import Floats
from analysis.purchases.lifetime_value.likelihood import NotConverged, NotIdentified
from analysis.purchases.lifetime_value.past_forecast import (
    QUARTER,
    YEAR,
    PastForecast,
    past_forecast,
)
from analysis.purchases.lifetime_value.residual_value import Forecast
from analysis.purchases.lifetime_value.rhythm import Rhythm, rhythm_of

Check = TypeVar("Check")
NOT_ASKED = "not asked for"
FALSE_WARNINGS = 0.05
"""Share of companies warned of whose customers buy as the model says, over all checks."""
FAR = 1.2
"""P(alive) is called wrong where those who may have left bought so many times more or less."""

ODD = 1.5
"""Purchases come in bursts, or like clockwork, from so many times the pairs in a week on."""


@dataclass(frozen=True, slots=True)
class Checks:
    """Forecasts of the past, or why there is none, the latest first; and the rhythm of purchases.

    ``rhythm``: None where nobody tells it.
    """

    quarter_ago: PastForecast | str
    calibration: Calibration | str
    year_ago: PastForecast | str
    rhythm: Rhythm | None = None

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
        """Classes of those who may have left, where these bought far more or less than predicted.

        Empty where P(alive) holds.
        """
        if isinstance(self.calibration, str):
            return pd.DataFrame()
        found = self.calibration.by_alive
        found = found[found["high"] <= SURE]
        predicted, actual = ((found["n"] * found[name]).sum() for name in ("predicted", "actual"))
        far = actual > FAR * predicted or actual < predicted / FAR
        return found if far and self.calibration.p_doubtful <= self._bound() else found.iloc[:0]

    @property
    def odd_rhythm(self) -> Rhythm | None:
        """Where customers clearly do not buy at random in time."""
        found = self.rhythm
        if found is None or 1 / ODD < found.ratio < ODD or found.p > self._bound():
            return None
        return found

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

    def _bound(self) -> float:
        """The largest chance that is rejected by Holm's adjustment; below 0: none."""
        chances = [total.p for total in self._totals()]
        if not isinstance(self.calibration, str):
            chances.append(self.calibration.p_doubtful)
        if self.rhythm is not None:
            chances.append(self.rhythm.p)
        every = np.sort(chances)
        allowed = FALSE_WARNINGS / np.arange(len(every), 0, -1)
        rejected = every[np.cumprod(every <= allowed).astype(bool)]
        return float(rejected.max(initial=-1.0))


def checks_of(form: Form, purchases: Bought, *, as_of: date, weeks: int, seed: int) -> Checks:
    """Try what is fitted at the end on the past: of the model without covariates.

    Parameters
    ----------
    weeks
        Of the validation period; 0: no check is asked for.
    """
    if not weeks:
        return Checks.none(NOT_ASKED)

    def then(ago: int) -> PastForecast | str:
        return _tried(
            lambda: past_forecast(form, purchases, as_of=as_of, weeks=ago, seed=seed),
            "the last year" if ago == YEAR else f"the last {ago} weeks",
        )

    return Checks(
        quarter_ago=then(QUARTER),
        calibration=_tried(
            lambda: calibrate(form, purchases, as_of=as_of, weeks=weeks, seed=seed),
            f"the last {weeks} weeks",
        ),
        year_ago=then(YEAR),
        rhythm=rhythm_of(purchases, as_of=as_of, season=form.season),
    )


def _tried(check: Callable[[], Check], span: str) -> Check | str:
    """A forecast of some past span, or why there is none."""
    try:
        return check()
    except (NotEnoughHistory, NotIdentified, NotConverged) as error:
        return f"the time before {span} is too short: {error}"


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
