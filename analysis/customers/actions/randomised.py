"""Randomised tests: how many customers, and who is left alone by lot."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import get_args

import numpy as np
import pandas as pd
from scipy import stats

from analysis.customers.actions.families import Outcome
from analysis.purchases.winback.campaign import lot

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
SKEWED = 25
"""Sugden, Smith and Jones (2000): a mean of skewed amounts is near enough to normal from
28 + 25 skewness^2 customers on."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a test is to find.

    Attributes
    ----------
    smallest
        The smallest difference a customer that matters: a difference of shares for buyers, units
        of currency for spend, days for purchase days.
    control_share
        Share left alone.
    power, error
        Chance of finding the smallest difference where it is there; of finding one where there is
        none, both sides together.
    """

    outcome: Outcome
    smallest: float
    control_share: float = 0.5
    power: float = 0.8
    error: float = 0.05

    def __post_init__(self) -> None:
        faults = []
        if self.outcome not in OUTCOMES:
            faults.append(f"the outcome '{self.outcome}' is not one of {', '.join(OUTCOMES)}")
        if not np.isfinite(self.smallest) or self.smallest <= 0:
            faults.append("the smallest difference that matters is a number above 0")
        if self.outcome == "buyers" and self.smallest >= 1:
            faults.append("the smallest difference of shares is below 1: write 0.05 for 5 %")
        if not 0 < self.control_share < 1:
            faults.append("the control share lies between 0 and 1: write 0.5")
        if not 0.5 < self.power < 1:
            faults.append("the power lies between 0.5 and 1: write 0.8")
        if not 0 < self.error < 0.5:
            faults.append("the error lies between 0 and 0.5: write 0.05")
        if faults:
            raise ValueError("; ".join(faults))


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Customers needed in both groups, and how that was reckoned."""

    contact: int
    control: int
    method: str

    @property
    def total(self) -> int:
        return self.contact + self.control


def sample_size(wanted: Wanted, before: pd.Series) -> SampleSize:
    """How many customers a test needs.

    Shares: the normal approximation with the variance of the pooled share under no difference
    (Fleiss, Levin and Paik 2003, eq. 4.14 for unequal groups, without continuity correction).
    Means: the normal approximation with the spread of the earlier period in both groups; where
    amounts are skewed the smaller group is enlarged to 28 + 25 skewness^2 (Sugden et al. 2000).

    Parameters
    ----------
    wanted
        Outcome, smallest difference and split.
    before
        The outcome of the customers in an earlier period as long as the horizon; for buyers 0 or
        1.

    Raises
    ------
    ValueError
        When the earlier outcome does not vary, or the difference leads beyond a share of 1.
    """
    known = before.dropna().astype(float)
    if len(known) < 2 or known.var() == 0:
        raise ValueError(
            f"the outcome '{wanted.outcome}' of the earlier period is the same for all "
            f"{len(known)} customers: without its spread no size can be reckoned; take a longer "
            "horizon or more customers"
        )
    low, high = stats.norm.ppf(1 - wanted.error / 2), stats.norm.ppf(wanted.power)
    ratio = (1 - wanted.control_share) / wanted.control_share
    if wanted.outcome == "buyers":
        share, then = float(known.mean()), float(known.mean()) + wanted.smallest
        if then >= 1:
            raise ValueError(
                f"{share:.0%} bought in the earlier period; {wanted.smallest:.0%} more is not "
                "possible: give a smaller difference"
            )
        pooled = (share + ratio * then) / (1 + ratio)
        spread = low * sqrt((1 + 1 / ratio) * pooled * (1 - pooled))
        spread += high * sqrt(share * (1 - share) + then * (1 - then) / ratio)
        control = ceil((spread / wanted.smallest) ** 2)
        method = f"two shares, {share:.1%} before"
    else:
        deviation = float(known.std())
        control = ceil((1 + 1 / ratio) * ((low + high) * deviation / wanted.smallest) ** 2)
        method = f"two means, standard deviation {deviation:.2f} before"
        skew = float(stats.skew(known))
        least = ceil((28 + SKEWED * skew**2) / min(1, ratio))
        if control < least:
            control = least
            method += f"; enlarged for skewness {skew:.1f} (28 + 25 skewness^2 in each group)"
    power = f"power {wanted.power:.0%}, error {wanted.error:.0%} on both sides"
    return SampleSize(ceil(ratio * control), control, f"{method}; {power}")


def drawn_groups(customers: pd.Series, *, control_share: float, seed: int) -> pd.Series:
    """'contact' or 'control' for every customer, exactly the share by lot.

    The customers with the lowest draws of ``winback.campaign.lot`` are left alone; same names and
    seed, same groups, whatever the order of the list.
    """
    draws = customers.astype(str).map(lambda name: (lot(name, seed), name))
    count = min(max(round(control_share * len(customers)), 1), len(customers) - 1)
    left = set(sorted(draws)[:count])
    return draws.map(lambda draw: "control" if draw in left else "contact")
