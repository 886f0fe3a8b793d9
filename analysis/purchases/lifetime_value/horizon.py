"""What a forecast of customers is asked: how far ahead, their spend, and whose values add up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.purchases.lifetime_value.gamma_gamma import SpendFit
from analysis.purchases.lifetime_value.grouped import Floats

MOST_WEEKS = 2_600
"""The longest horizon: beyond 50 years neither dropout nor the drawn intervals mean anything."""
BOUNDS = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far ahead, and what money is worth there.

    ``discount`` is a year's (0.10: 10 %), ``margin`` the share of spend that is profit; None:
    unknown, and so is every value.
    """

    weeks: float
    discount: float = 0.10
    margin: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.weeks <= MOST_WEEKS:
            raise ValueError(
                f"a horizon of {self.weeks:g} weeks: write more than 0, at most {MOST_WEEKS:,} "
                f"({MOST_WEEKS // 52} years)"
            )
        if not -0.5 < self.discount < 10:
            raise ValueError(f"a discount of {self.discount:g} a year: write 0.10 for 10 %")
        if self.margin is not None and not 0 < self.margin <= 1:
            raise ValueError(
                f"a margin of {self.margin:g}: write the share of spend, 0.35 for 35 %"
            )


@dataclass(frozen=True, slots=True)
class Spend:
    """Spend of customers on a purchase day: ``fit``, and (n,) paid repeat days and their mean."""

    fit: SpendFit
    paid_days: Floats
    mean: Floats


@dataclass(frozen=True, slots=True)
class Groups:
    """Whose values are added up.

    ``of`` is (rows,) whole numbers from 0; ``factor`` (rows,) multiplies a customer's value (a
    discount back to the first purchase).
    """

    of: NDArray[np.int64]
    factor: Floats
