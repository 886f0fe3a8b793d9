"""Estimate: a number with its interval, its n and its method, or the reason why there is none."""

from __future__ import annotations

from statistics import NormalDist
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator


class Estimate(BaseModel):
    """One number that may be shown.

    Attributes
    ----------
    value, low, high
        The estimate and its 95 % interval, in ``unit``. All None when unavailable. One bound may
        be infinite (a one-sided or unbounded interval), which ``method`` then says.
    low_50, high_50
        The 50 % interval where it is known.
    n
        How many respondents, customers or answers the number rests on.
    method
        How it was made, in a few words, with the kind of interval.
    unit
        'points', 'USD', 'logit', 'share' ...
    reason
        Why there is no number; None when there is one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    value: float | None = None
    low: float | None = None
    high: float | None = None
    low_50: float | None = None
    high_50: float | None = None
    n: int
    method: str
    unit: str = ""
    reason: str | None = None

    @model_validator(mode="after")
    def _number_or_reason(self) -> Self:
        numbers = (self.value, self.low, self.high)
        if self.reason is None and None in numbers:
            raise ValueError("an estimate needs value, low and high, or a reason why there is none")
        if self.reason is not None and numbers != (None, None, None):
            raise ValueError("an unavailable estimate has no numbers")
        if self.reason is None and any(x != x for x in numbers):
            raise ValueError("an estimate is never NaN; say why it is unavailable")
        return self

    @property
    def available(self) -> bool:
        """Whether there is a number."""
        return self.reason is None

    @property
    def clear_of_zero(self) -> bool:
        """Whether the 95 % interval excludes zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def unavailable(reason: str, *, n: int, method: str, unit: str = "") -> Estimate:
    """An estimate that cannot be had honestly, with the reason."""
    return Estimate(n=n, method=method, unit=unit, reason=reason)


def wilson(share: float, n: float, *, quantile: float = 0.975) -> tuple[float, float]:
    """Wilson's (1927) score interval of a share of 0 to 1 at an (effective) n.

    ``quantile`` .975 gives 95 %, .75 gives 50 %. The interval holds the share, and stays within
    0 and 1.
    """
    z = NormalDist().inv_cdf(quantile)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share)
