"""What a randomised test changed: the difference of the groups, as the lot parted them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy import stats

from analysis.estimate import Estimate, unavailable
from analysis.purchases.engine import (
    Purchases,
    last_day,
)
from analysis.purchases.outcomes import bought_between
from analysis.purchases.roll_up import DAYS_A_WEEK

LEAST = 20
"""Customers in either group from which a difference is stated."""
UNITS = {"buyers": "share", "spend": "", "purchase_days": "purchase days"}


@dataclass(frozen=True, slots=True)
class Span:
    """The day of the contact, not counted itself, and the weeks after it that are."""

    began: date
    weeks: int

    @property
    def until(self) -> date:
        """The last day counted."""
        return self.began + timedelta(days=DAYS_A_WEEK * self.weeks)


def known_until(purchases: Purchases) -> date:
    """The last day of purchases; ValueError without any."""
    last = last_day(purchases)
    if last is None:
        raise ValueError("there are no purchases")
    return last


def measured_effect(
    listed: pd.DataFrame, purchases: Purchases, span: Span, *, outcome: str, adjusted: bool
) -> Estimate:
    """The difference a customer, contact less control, by intention to treat.

    Everybody counts in the group of the lot, whether the offer arrived or not. ``adjusted`` takes
    away what the same weeks before the contact explain (CUPED; Deng, Xu, Kohavi and Walker 2013):
    least squares with the earlier outcome centred and its product with the group (Lin 2013), with
    errors robust to unequal variances (HC2, which without adjustment is Welch's). Decide on it
    before the outcome is seen.

    Parameters
    ----------
    listed
        Columns customer and group ('contact', 'control'; others do not count).
    purchases
        Those of the ledger, up to the end of the span at least.

    Raises
    ------
    ValueError
        When purchases end more than a week before the span does, or nobody listed is in them.
    """
    groups = listed[listed["group"].isin(["contact", "control"])]
    last = known_until(purchases)
    if last <= span.until - timedelta(days=DAYS_A_WEEK):
        raise ValueError(
            f"purchases are known up to {last}, and the test runs up to {span.until}: measure it "
            "when they are there"
        )
    names = groups["customer"].astype(str)
    after = bought_between(names, purchases, until=span.until, weeks=span.weeks)
    # The day of the contact may already show it, and counts on neither side.
    eve = span.began - timedelta(days=1)
    before = bought_between(names, purchases, until=eve, weeks=span.weeks)
    if not (after["purchase_days"].any() or before["purchase_days"].any()):
        raise ValueError(
            "nobody of the list bought in the weeks of the test or as many before: are these the "
            "purchases that the list was made from, with the same names of customers?"
        )
    treated = (groups["group"] == "contact").to_numpy()
    covariate = before[outcome].to_numpy() if adjusted else None
    return difference(after[outcome].to_numpy(), treated, covariate, unit=UNITS[outcome])


def difference(
    after: np.ndarray, treated: np.ndarray, before: np.ndarray | None, *, unit: str
) -> Estimate:
    """Mean of the treated less that of the others, (people,) each, with a 95 % interval."""
    n, contact = len(after), int(treated.sum())
    control = n - contact
    how = "adjusted for the weeks before (CUPED, Lin 2013)" if before is not None else "unadjusted"
    method = f"contact less control by lot, intention to treat, {how}; 95 %, HC2 errors, t"
    if min(contact, control) < LEAST:
        reason = f"{contact} contacted and {control} left alone; {LEAST} of each are needed"
        return unavailable(reason, n=n, method=method, unit=unit)
    columns = [np.ones(n), treated.astype(float)]
    if before is not None and np.ptp(before) > 0:
        centred = before - before.mean()
        columns += [centred, centred * treated]
    design = np.column_stack(columns)
    inverse = np.linalg.pinv(design.T @ design)
    slope = inverse @ design.T @ after
    leverage = np.clip((design @ inverse * design).sum(axis=1), 0, 1 - 1e-9)
    squares = (after - design @ slope) ** 2 / (1 - leverage)
    error = float(np.sqrt((inverse @ (design.T * squares) @ design @ inverse)[1, 1]))
    parts = [squares[treated].sum() / contact**2, squares[~treated].sum() / control**2]
    total = sum(parts)
    lost = parts[0] ** 2 / (contact - 1) + parts[1] ** 2 / (control - 1)
    freedom = total**2 / lost if lost else float(n - 2)
    half = float(stats.t.ppf(0.975, freedom)) * error
    value = float(slope[1])
    return Estimate(value=value, low=value - half, high=value + half, n=n, method=method, unit=unit)
