"""What respondents had done before they answered: bought, taken part, been heard of."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from analysis.ledgers.days import days_of
from analysis.tables import BEHAVIOUR_COLUMNS

PERIOD, PERIODS = 91, 4
"""Days of a period (13 weeks), and how many of them are looked back on."""
TAKING_PART = ("earned", "redeemed")
"""What members of a loyalty programme do; joining and changes of tier are not taking part."""


def behaviour(
    answered_on: pd.DataFrame,
    *,
    purchases: pd.DataFrame,
    points: pd.Series,
    events: pd.DataFrame,
    loyalty: pd.DataFrame,
    as_of: date | None,
) -> pd.DataFrame:
    """Behaviour of linked respondents in the four periods of 13 weeks before they answered.

    The periods end with the day before the answer, or with the as-of day where that is earlier:
    nothing of the outcome weeks is in it.

    Parameters
    ----------
    answered_on
        Columns respondent (each once), customer, answered_on (ISO day).
    purchases
        Columns customer, time, amount (whole cents), day where it is known; no rows: no ledger.
    points
        Points of all customers of the ledger, which places are taken among.
    events, loyalty
        Columns customer, time, day where it is known, and action of loyalty; no rows: no ledger.
    as_of
        The last day that the ledgers are known for; None: every row is known.

    Returns
    -------
    DataFrame
        ``BEHAVIOUR_COLUMNS``: respondent, customer, until (the last day counted), points (spend of
        the 364 days, of the last 91 twice, never below zero), points_place (0 to 100: share of all
        customers with fewer points, ties half), retention (share of the periods since the first
        purchase, at most four, with a purchase), event_periods and loyalty_periods (of four, those
        with a social event, and with points earned or redeemed). Missing where there is no
        ledger, and figures of purchases before anything was bought.
    """
    found = answered_on[["respondent", "customer"]].reset_index(drop=True)
    last = pd.to_datetime(answered_on["answered_on"]).reset_index(drop=True)
    last = last - pd.Timedelta(days=1)
    if as_of is not None:
        last = last.where(last <= pd.Timestamp(as_of), pd.Timestamp(as_of))
    found["until"] = last.dt.strftime("%Y-%m-%d")
    people = found[["respondent", "customer"]].assign(last=last)
    found = found.merge(_bought(people, purchases, points), on="respondent", how="left")
    acted = loyalty[loyalty["action"].isin(TAKING_PART)] if len(loyalty) else loyalty
    found["event_periods"] = _periods(people, events, known=len(events) > 0)
    found["loyalty_periods"] = _periods(people, acted, known=len(loyalty) > 0)
    return found[list(BEHAVIOUR_COLUMNS)]


def _before(people: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of these people up to their last day, with ``ago``: whole days before it."""
    known = rows[rows["customer"].isin(people["customer"])]
    joined = known.assign(day=days_of(known)).merge(people, on="customer")
    joined["ago"] = (joined["last"] - joined["day"]).dt.days
    return joined[joined["ago"] >= 0]


def _periods(people: pd.DataFrame, rows: pd.DataFrame, *, known: bool) -> np.ndarray:
    if not known:
        return np.full(len(people), np.nan)
    before = _before(people, rows)
    inside = before[before["ago"] < PERIOD * PERIODS]
    counts = (inside["ago"] // PERIOD).groupby(inside["respondent"]).nunique()
    return people["respondent"].map(counts).fillna(0).to_numpy(dtype=float)


def _bought(people: pd.DataFrame, purchases: pd.DataFrame, points: pd.Series) -> pd.DataFrame:
    columns = ["respondent", "points", "points_place", "retention"]
    if purchases.empty:
        return pd.DataFrame(columns=columns)
    before = _before(people, purchases.filter(items=["customer", "time", "day", "amount"]))
    bought = before[before["amount"] > 0].groupby("respondent")["ago"]
    since = (bought.max() // PERIOD + 1).clip(upper=PERIODS)
    year = before[before["ago"] < PERIOD * PERIODS]
    twice = year["amount"].where(year["ago"] >= PERIOD, 2 * year["amount"])
    cents = twice.groupby(year["respondent"]).sum().reindex(since.index, fill_value=0)
    paid = year[year["amount"] > 0]
    seen = (paid["ago"] // PERIOD).groupby(paid["respondent"]).nunique()
    own = np.maximum(cents.to_numpy(dtype=float) / 100, 0.0)
    return pd.DataFrame(
        {
            "respondent": since.index,
            "points": own,
            "points_place": _place(own, points.to_numpy(dtype=float)),
            "retention": seen.reindex(since.index, fill_value=0).to_numpy() / since.to_numpy(),
        },
        columns=columns,
    )


def _place(own: np.ndarray, everybody: np.ndarray) -> np.ndarray:
    ordered = np.sort(everybody)
    if not len(ordered):
        return np.full(len(own), np.nan)
    below, up_to = (np.searchsorted(ordered, own, side) for side in ("left", "right"))
    return np.asarray(50.0 * (below + up_to) / len(ordered))
