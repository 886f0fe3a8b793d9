"""The win-back list: open alarms, ranked by what is at risk, with a control group by lot."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from analysis.estimate import Estimate, unavailable
from analysis.purchases.engine import Purchases
from analysis.purchases.roll_up import DAYS_A_WEEK
from analysis.purchases.winback.placebo import LOOKS, Calibration, calibrate
from analysis.purchases.winback.predictive import Prior, Windows, chances, rates, windows
from analysis.purchases.winback.weeks import QUARTER, YEAR, Floats, Weeks, Whole, customer_weeks

RECOVERED = 0.5
"""An episode ends when the last 13 weeks are no longer fewer than expected."""
COLUMNS = (
    "rank",
    "customer",
    "group",
    "alarmed_on",
    "new",
    "chance",
    "days_last_13_weeks",
    "expected_13_weeks",
    "days_before",
    "weeks_before",
    "rate_before",
    "rate_now",
    "spend_a_purchase",
    "spend_at_risk",
    "value_at_risk",
    "reason",
)


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is wanted of a win-back list.

    Attributes
    ----------
    false_alarms
        Share of unchanged customers alarmed at least once in 26 weekly looks.
    margin
        Share of spend that is profit; None: unknown, and so is value at risk.
    capacity
        How many customers can be contacted; None: all.
    control_share
        Share of the list left alone by lot, so that the campaign can be measured.
    seed
        Of the lot: a customer's draw depends on seed and name alone and stays from run to run.
    """

    false_alarms: float = 0.05
    margin: float | None = None
    capacity: int | None = None
    control_share: float = 0.2
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.false_alarms < 0.5:
            raise ValueError("the share of false alarms must be between 0 and 0.5: write 0.05")
        if self.margin is not None and not 0 < self.margin <= 1:
            raise ValueError("the margin is a share of spend: write 0.35 for 35 %")
        if not 0 <= self.control_share < 1:
            raise ValueError("the control share must be at least 0 and below 1: write 0.2")
        if self.capacity is not None and self.capacity < 1:
            raise ValueError("the capacity must be 1 customer or more")


@dataclass(frozen=True, slots=True)
class WinBack:
    """A win-back list and how far it can be trusted.

    Attributes
    ----------
    customers
        Columns ``COLUMNS``, ranked by spend at risk.
    monitored, too_few
        Customers with a purchase in the 52 weeks before, and those of them with too few to
        tell: even none in 13 weeks would be no alarm.
    true_alarms
        Share of the list beyond what placebo dates list: real declines of that time make it a
        lower bound.
    common_change
        Purchases of all monitored customers in the last 13 weeks over those expected: below 1 is
        a decline that customers share, people who leave included.
    season
        What was allowed for, in words.
    """

    customers: pd.DataFrame
    calibration: Calibration
    monitored: int
    too_few: int
    true_alarms: Estimate
    common_change: float
    season: str


def win_back(purchases: Purchases, *, as_of: date, campaign: Campaign) -> WinBack:
    """List the customers whose purchases fell, as of a day, itself included.

    Parameters
    ----------
    purchases
        A table with the ledger's columns, or the folder of a ledger.

    Raises
    ------
    NotEnoughHistory
        When the alarm cannot be calibrated on earlier dates.
    ValueError
        When purchases are in several currencies, or columns are missing.
    """
    weeks = customer_weeks(purchases, as_of=as_of)
    calibration = calibrate(weeks, false_alarms=campaign.false_alarms, seed=campaign.seed)
    seen = windows(weeks, ago=0)
    chance, none = chances(seen, calibration.prior)
    monitored = seen.watched & (seen.before > 0)
    since = open_episodes(weeks, calibration, ago=0)
    listed = monitored & (since >= 0)
    table = _table(weeks, seen, calibration.prior, (since, chance, listed))
    ranked = _ranked(table, campaign, as_of)
    expected = rates(seen, calibration.prior)[0][monitored].sum() * seen.weeks_latest
    return WinBack(
        customers=ranked,
        calibration=calibration,
        monitored=int(monitored.sum()),
        too_few=int((monitored & (none >= calibration.threshold)).sum()),
        true_alarms=_true_alarms(weeks, calibration, int(listed.sum()), int(monitored.sum())),
        common_change=float(seen.latest[monitored].sum() / expected) if expected > 0 else 1.0,
        season=weeks.season_source,
    )


def open_episodes(weeks: Weeks, calibration: Calibration, *, ago: int) -> Whole:
    """Weeks ago (N,) at which the alarm of a customer's open episode was raised, else -1.

    Looked at weekly, 26 times. One alarm an episode; it ends with recovery, after which a
    customer can be alarmed again.
    """
    since = np.full(len(weeks.first), -1)
    for look in range(ago + LOOKS - 1, ago - 1, -1):
        chance = chances(windows(weeks, ago=look), calibration.prior)[0]
        since[chance >= RECOVERED] = -1
        since[(since < 0) & (chance < calibration.threshold)] = look
    return since


def _table(
    weeks: Weeks,
    seen: Windows,
    prior: Prior,
    alarms: tuple[Whole, Floats, np.ndarray],
) -> pd.DataFrame:
    since, chance, listed = alarms
    rate, _ = rates(seen, prior)
    now = (prior.shape + seen.latest) / (prior.rate + seen.weeks_latest)
    lost = np.maximum(rate - np.minimum(now, rate), 0.0)
    table = pd.DataFrame(
        {
            "customer": weeks.customers,
            "since": since,
            "chance": chance,
            "days_last_13_weeks": seen.latest,
            "expected_13_weeks": rate * seen.weeks_latest,
            "days_before": seen.before,
            "weeks_before": np.minimum(np.maximum(weeks.first - QUARTER, 0), YEAR),
            "rate_before": rate,
            "rate_now": np.minimum(now, rate),
            "spend_a_purchase": weeks.spend,
            "spend_at_risk": lost * YEAR * weeks.spend,
        }
    )
    return table[listed]


def _ranked(table: pd.DataFrame, campaign: Campaign, as_of: date) -> pd.DataFrame:
    found = table.sort_values(
        ["spend_at_risk", "chance", "customer"], ascending=[False, True, True]
    ).reset_index(drop=True)
    found["rank"] = np.arange(1, len(found) + 1)
    found["group"] = _groups(found["customer"], campaign)
    found["alarmed_on"] = [
        (as_of - timedelta(days=DAYS_A_WEEK * int(ago))).isoformat() for ago in found["since"]
    ]
    found["new"] = found["since"] == 0
    margin = np.nan if campaign.margin is None else campaign.margin
    found["value_at_risk"] = found["spend_at_risk"] * margin
    found["reason"] = [
        f"{row.days_last_13_weeks} purchase days in 13 weeks, {row.expected_13_weeks:.1f} expected "
        f"from {row.days_before} in the {row.weeks_before} weeks before"
        for row in found.itertuples()
    ]
    return found[list(COLUMNS)]


def _groups(customers: pd.Series, campaign: Campaign) -> list[str]:
    """'contact' down to the capacity, 'control' by lot among them, then 'beyond_capacity'."""
    groups, contacts = [], 0
    for customer in customers:
        if campaign.capacity is not None and contacts == campaign.capacity:
            groups.append("beyond_capacity")
        elif lot(str(customer), campaign.seed) < campaign.control_share:
            groups.append("control")
        else:
            groups.append("contact")
            contacts += 1
    return groups


def lot(customer: str, seed: int) -> float:
    """A customer's draw between 0 and 1, the same in every run with the same seed."""
    digest = hashlib.blake2b(f"{seed}|{customer}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _true_alarms(weeks: Weeks, calibration: Calibration, listed: int, monitored: int) -> Estimate:
    method = (
        "1 - alarms open at a placebo date 13 weeks ago / alarms open now, at equal numbers of "
        "customers; 95 % by the Poisson variance of both; a lower bound"
    )
    if not listed:
        return unavailable("nobody is on the list", n=0, method=method, unit="share")
    seen = windows(weeks, ago=QUARTER)
    then = seen.watched & (seen.before > 0)
    false = int((open_episodes(weeks, calibration, ago=QUARTER)[then] >= 0).sum())
    ratio = false / max(int(then.sum()), 1) * monitored / listed
    error = 1.96 * ratio * np.sqrt(1 / max(false, 1) + 1 / listed)
    value, low, high = (min(max(1 - r, 0.0), 1.0) for r in (ratio, ratio + error, ratio - error))
    return Estimate(value=value, low=low, high=high, n=listed, method=method, unit="share")
