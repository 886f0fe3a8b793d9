"""Everybody's answer from the alarm: declining, not declining, or too few purchases to tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from analysis.estimate import Estimate, unavailable
from analysis.purchases.engine import Purchases
from analysis.purchases.roll_up import DAYS_A_WEEK
from analysis.purchases.winback.placebo import (
    LOOKS,
    SECOND_STRETCH,
    Calibration,
    NotEnoughHistory,
    calibrate,
)
from analysis.purchases.winback.predictive import chances, rates, windows
from analysis.purchases.winback.shared import looked_at, shared_change
from analysis.purchases.winback.weeks import QUARTER, YEAR, Weeks, Whole, customer_weeks
from analysis.tables import ALARM_COLUMNS

FALSE_ALARMS = 0.05
RECOVERED = 0.5
"""An episode ends when the last 13 weeks are no longer fewer than expected."""
TOLD, OWN, UNLIKE = 0.1, 0.2, 3
"""So large a shared change, own seasons, and ratio of thresholds in two parts of the year are told.
"""


@dataclass(frozen=True, slots=True)
class Alarms:
    """What the alarm says of every customer as of a day, and how it was set.

    Attributes
    ----------
    customers
        One row per customer, sorted, with the columns ``ALARM_COLUMNS``: alarm (declining: an
        episode is open; not_declining; too_few: even no purchase in 13 weeks would be no alarm;
        not_watched: known for less than 13 weeks before the last 13, or without a purchase in the
        52 weeks before them), chance (mid-p, of so few purchase days if nothing changed), the
        purchase days it rests on, rates a week, spend_at_risk (a year, in units of currency),
        alarmed_on (ISO day; empty without an open episode) and alarm_13_weeks_ago: the answer at a
        placebo date.
    common_change
        Purchases of all monitored customers in the last 13 weeks over those expected.
    shared_change
        The same of those who go on: allowed for, so that nobody is listed for it.
    season
        What was allowed for, in words.
    weeks
        Weeks of history.
    caveats
        What was found that limits what is stated.
    """

    customers: pd.DataFrame
    calibration: Calibration
    common_change: float
    shared_change: float
    season: str
    weeks: int
    caveats: tuple[str, ...]


def alarms(
    purchases: Purchases, *, as_of: date, false_alarms: float = FALSE_ALARMS, seed: int = 1
) -> Alarms:
    """Ask the calibrated alarm of every customer, as of a day, itself included.

    Raises
    ------
    NotEnoughHistory
        When the alarm cannot be calibrated on earlier dates.
    ValueError
        When purchases are in several currencies, or columns are missing.
    """
    weeks = customer_weeks(purchases, as_of=as_of)
    calibration = calibrate(weeks, false_alarms=false_alarms, seed=seed)
    seen = windows(weeks, ago=0)
    monitored = seen.watched & (seen.before > 0)
    expected = rates(seen, calibration.prior)[0][monitored].sum() * seen.weeks_latest
    shared = shared_change(seen, calibration.prior)
    return Alarms(
        customers=_customers(weeks, calibration, as_of),
        calibration=calibration,
        common_change=float(seen.latest[monitored].sum() / expected) if expected > 0 else 1.0,
        shared_change=shared,
        season=weeks.season_source,
        weeks=weeks.n_weeks,
        caveats=tuple(_caveats(calibration, shared)),
    )


def _caveats(calibration: Calibration, shared: float) -> Iterator[str]:
    """What to know of a list, from what was found."""
    if abs(shared - 1) >= TOLD:
        yield (
            f"customers who go on bought {shared:.0%} of what was expected in the last 13 weeks "
            "(a price, a season, a shut shop): everybody is compared with that, and nobody is "
            "listed for it"
        )
    own = calibration.own_seasons
    if calibration.attained_year_ago is None:
        yield (
            f"the alarm was tried in one part of the year only ({SECOND_STRETCH} weeks of history "
            "are needed for the coming one): where customers have seasons of their own, false "
            "alarms can be more, and power other, than stated"
        )
    elif own is None:
        yield (
            "whether customers have seasons of their own cannot be told (two years and a quarter "
            "of frequent customers are needed): where they have, false alarms can be more than "
            "stated"
        )
    elif own >= OWN or calibration.stricter_by > UNLIKE:
        yield (
            "customers have seasons of their own (the share of a quarter in a customer's year is "
            f"typically {own:.0%} off that of all; in one part of the year the alarm had to be "
            f"{calibration.stricter_by:.1f} times as strict as in another): false alarms can be "
            "more than stated, and power changes with the season"
        )


def frozen_alarms(
    purchases: Purchases, *, as_of: date | None
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The table of answers and the facts of its calibration, as an archive keeps them.

    Without a calibrated alarm the table is empty, and the fact 'alarm' holds the reason.
    ``as_of`` is None where there are no purchases.
    """
    none = pd.DataFrame(columns=list(ALARM_COLUMNS))
    if as_of is None:
        return none, {"alarm": "there are no purchases"}
    try:
        found = alarms(purchases, as_of=as_of)
    except NotEnoughHistory as reason:
        return none, {"alarm": str(reason)}
    return found.customers, _facts(found)


def _facts(found: Alarms) -> dict[str, str]:
    calibration, share = found.calibration, true_alarms(found.customers)
    numbers: dict[str, object] = {
        "wanted": calibration.wanted,
        "attained": calibration.attained,
        "attained_of_testable": calibration.attained_of_testable,
        "calibrated_on": calibration.n,
        "threshold": calibration.threshold,
        "bursts": calibration.prior.bursts,
        "common_change": found.common_change,
        "shared_change": found.shared_change,
        "by_chance": by_chance(found.customers),
        "true_share": share.value if share.available else "",
        "season": found.season,
        "weeks": found.weeks,
    }
    return {"alarm": "calibrated", **{f"alarm_{name}": str(n) for name, n in numbers.items()}}


def by_chance(customers: pd.DataFrame) -> float:
    """How many of some customers the alarm would list if nobody had changed.

    Those whose alarm was open at the placebo date 13 weeks ago, at equal numbers of monitored
    customers; who really left then is among them, so that it is an upper bound.
    """
    now = int((customers["alarm"] != "not_watched").sum())
    then = int((customers["alarm_13_weeks_ago"] != "not_watched").sum())
    false = int((customers["alarm_13_weeks_ago"] == "declining").sum())
    return false * now / then if then else float("nan")


def true_alarms(customers: pd.DataFrame) -> Estimate:
    """Share of the open alarms of some customers beyond what a placebo date lists."""
    method = (
        "1 - alarms open at a placebo date 13 weeks ago / alarms open now, at equal numbers of "
        "customers; 95 % by the Poisson variance of both; a lower bound"
    )
    listed = int((customers["alarm"] == "declining").sum())
    false = int((customers["alarm_13_weeks_ago"] == "declining").sum())
    expected = by_chance(customers)
    if not listed or np.isnan(expected):
        reason = "nobody is on the list" if not listed else "nobody was watched 13 weeks ago"
        return unavailable(reason, n=listed, method=method, unit="share")
    ratio = expected / listed
    # Where the placebo date lists nobody, the error is that of one: among few, none proves nothing.
    error = 1.96 * (ratio if false else 1 / listed) * np.sqrt(1 / max(false, 1) + 1 / listed)
    value, low, high = (min(max(1 - r, 0.0), 1.0) for r in (ratio, ratio + error, ratio - error))
    return Estimate(value=value, low=low, high=high, n=listed, method=method, unit="share")


def open_episodes(weeks: Weeks, calibration: Calibration, *, ago: tuple[int, ...]) -> list[Whole]:
    """Weeks ago (N,) at which the alarm of a customer's open episode was raised, else -1.

    As of each of the weeks ``ago``, looked at weekly, 26 times. One alarm an episode; it ends with
    recovery, after which a customer can be alarmed again.
    """
    found = [np.full(len(weeks.first), -1) for _ in ago]
    for look in range(max(ago) + LOOKS - 1, min(ago) - 1, -1):
        seen = looked_at(weeks, calibration.prior, ago=look)
        chance = chances(seen, calibration.prior)[0]
        for first, since in zip(ago, found, strict=True):
            if first <= look < first + LOOKS:
                since[chance >= RECOVERED] = -1
                since[(since < 0) & (chance < calibration.threshold)] = look
    return found


def _customers(weeks: Weeks, calibration: Calibration, as_of: date) -> pd.DataFrame:
    prior = calibration.prior
    seen = looked_at(weeks, prior, ago=0)
    since, then = open_episodes(weeks, calibration, ago=(0, QUARTER))
    answer = _answers(weeks, calibration, since, ago=0)
    rate, _ = rates(seen, prior)
    now = (prior.shape + seen.latest) / (prior.rate + seen.weeks_latest)
    declining = answer == "declining"
    days = {ago: (as_of - timedelta(days=DAYS_A_WEEK * ago)).isoformat() for ago in range(LOOKS)}
    return pd.DataFrame(
        {
            "customer": weeks.customers,
            "alarm": answer,
            "chance": chances(seen, prior)[0],
            "days_last_13_weeks": seen.latest,
            "expected_13_weeks": rate * seen.weeks_latest,
            "days_before": seen.before,
            "weeks_before": np.clip(weeks.first - QUARTER, 0, YEAR),
            "rate_before": rate,
            "rate_now": np.minimum(now, rate),
            "spend_a_purchase": weeks.spend,
            "spend_at_risk": (rate - np.minimum(now, rate)) * YEAR * weeks.spend,
            "alarmed_on": [
                days[ago] if open_ else "" for ago, open_ in zip(since, declining, strict=True)
            ],
            "alarm_13_weeks_ago": _answers(weeks, calibration, then, ago=QUARTER),
        }
    )[list(ALARM_COLUMNS)]


def _answers(weeks: Weeks, calibration: Calibration, since: Whole, *, ago: int) -> np.ndarray:
    """The answer (N,) at a look, given the open episodes."""
    seen = looked_at(weeks, calibration.prior, ago=ago)
    none = chances(seen, calibration.prior)[1]
    monitored = seen.watched & (seen.before > 0)
    return np.select(
        [~monitored, since >= 0, none >= calibration.threshold],
        ["not_watched", "declining", "too_few"],
        "not_declining",
    )
