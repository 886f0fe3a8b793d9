"""The win-back list: open alarms, ranked by what is at risk, with a control group by lot."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.estimate import Estimate
from analysis.purchases.engine import Purchases
from analysis.purchases.winback.alarms import FALSE_ALARMS, alarms, true_alarms
from analysis.purchases.winback.placebo import Calibration

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
GROUPS = ("contact", "control", "beyond_capacity")
FORMULA = r"[=+\-@\t\r]"


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

    false_alarms: float = FALSE_ALARMS
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
        tell: without an open alarm, and even none in 13 weeks would be no alarm.
    true_alarms
        Share of the list beyond what placebo dates list: real declines of that time make it a
        lower bound.
    common_change
        Purchases of all monitored customers in the last 13 weeks over those expected: below 1 is
        a decline that customers share, people who leave included.
    shared_change
        The same of those who go on: allowed for, so that nobody is listed for it.
    season
        What was allowed for, in words.
    caveats
        What was found that limits what is stated.
    """

    customers: pd.DataFrame
    calibration: Calibration
    monitored: int
    too_few: int
    true_alarms: Estimate
    common_change: float
    shared_change: float
    season: str
    caveats: tuple[str, ...]


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
    found = alarms(purchases, as_of=as_of, false_alarms=campaign.false_alarms, seed=campaign.seed)
    answers = found.customers["alarm"]
    return WinBack(
        customers=campaign_list(found.customers, campaign, as_of=as_of),
        calibration=found.calibration,
        monitored=int((answers != "not_watched").sum()),
        too_few=int((answers == "too_few").sum()),
        true_alarms=true_alarms(found.customers),
        common_change=found.common_change,
        shared_change=found.shared_change,
        season=found.season,
        caveats=found.caveats,
    )


def campaign_list(customers: pd.DataFrame, campaign: Campaign, *, as_of: date) -> pd.DataFrame:
    """The declining of some customers, ranked and parted by lot; columns ``COLUMNS``.

    Parameters
    ----------
    customers
        With the columns of ``Alarms.customers``.
    as_of
        The day as of which they were asked.
    """
    found = customers[customers["alarm"] == "declining"].sort_values(
        ["spend_at_risk", "chance", "customer"], ascending=[False, True, True], ignore_index=True
    )
    found["rank"] = np.arange(1, len(found) + 1)
    found["group"] = _groups(found["customer"], campaign)
    found["new"] = found["alarmed_on"] == as_of.isoformat()
    margin = np.nan if campaign.margin is None else campaign.margin
    found["value_at_risk"] = found["spend_at_risk"] * margin
    # An archive keeps numbers of weeks as real numbers.
    found["weeks_before"] = found["weeks_before"].astype("int64")
    reasons = [
        f"{row.days_last_13_weeks} purchase {'day' if row.days_last_13_weeks == 1 else 'days'} in "
        f"13 weeks, {row.expected_13_weeks:.1f} expected from {row.days_before} in the "
        f"{row.weeks_before} weeks before"
        for row in found.itertuples()
    ]
    found["reason"] = pd.Series(reasons, index=found.index, dtype=str)
    return found[list(COLUMNS)]


def write_list(listed: pd.DataFrame, out: Path) -> None:
    """Write a win-back list, CSV or Parquet by the ending of the file."""
    if out.suffix == ".parquet":
        listed.to_parquet(out, index=False)
        return
    text = listed["customer"].astype(str)
    # A spreadsheet would run a name that begins like a formula.
    formula = text.str.match(FORMULA)
    listed.assign(customer=text.mask(formula, "'" + text)).to_csv(out, index=False)


def read_list(path: Path) -> pd.DataFrame:
    """Read a list that was exported: customer as text, group, and whatever else is there.

    Raises
    ------
    ValueError
        When it is no list, customers stand twice or are missing, or groups have other names.
    """
    if path.suffix == ".parquet":
        listed = pd.read_parquet(path)
    else:
        listed = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    absent = [name for name in ("customer", "group") if name not in listed]
    if absent:
        raise ValueError(f"the list lacks the column(s) {', '.join(absent)}: give it as exported")
    listed = listed.assign(customer=as_written(listed["customer"].astype(str)))
    faults = []
    if twice := int(listed["customer"].duplicated().sum()):
        faults.append(f"{twice} customer(s) stand twice in the list: keep one row each")
    if others := sorted(set(listed["group"].astype(str)) - set(GROUPS)):
        faults.append(f"the list has groups {', '.join(others)}: known are {', '.join(GROUPS)}")
    if faults:
        raise ValueError("; ".join(faults))
    return listed


def as_written(customers: pd.Series) -> pd.Series:
    """Names of customers without the quote that ``write_list`` puts before formulas."""
    quoted = customers.str.match("'" + FORMULA)
    return customers.mask(quoted, customers.str[1:])


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
