"""What the ledgers of margins, acquisition, offers and contacts say as of a day."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import ibis
import pandas as pd

from analysis.ledgers.days import dated_rows, days_of
from analysis.ledgers.engine import connection
from analysis.purchases.engine import Purchases, compute, purchases_table
from analysis.purchases.rolling import WEEKS

EVENTS = ("customer", "day", "kind", "what", "detail")


def rows_of(ledgers: Path, kind: str) -> pd.DataFrame | None:
    """The rows that hold of a ledger; None where nothing was loaded."""
    paths = sorted((ledgers / kind / "current" / "rows").glob("*.parquet"))
    if not paths:
        return None
    with connection() as engine:
        found = dated_rows(engine, paths).df()
    return found if len(found) else None


def margin_of(
    margins: pd.DataFrame | None, purchases: Purchases, *, as_of: date
) -> tuple[float | None, str]:
    """The share of spend that is profit, with how it was found; None with the reason why not.

    The newest margin without product, store and channel holds for all; else those of channels
    count by their spend in 52 weeks, if they cover all of it.
    """
    if margins is None:
        return None, "unknown: no margins are loaded (surveyapp ledgers load margins FILE)"
    known = margins[days_of(margins) <= pd.Timestamp(as_of)]
    known = known[known["product"].isna() & known["store"].isna()].sort_values("time")
    general = known[known["channel"].isna()]
    if len(general):
        return _share(float(general["margin"].iloc[-1]), "the newest margin that holds for all")
    newest = known.drop_duplicates("channel", keep="last").set_index("channel")["margin"]
    spend = _spend_by_channel(purchases, as_of=as_of)
    if len(newest) and len(spend) and spend["channel"].isin(newest.index).all():
        weight = spend["spend"] / spend["spend"].sum()
        margin = float((spend["channel"].map(newest) * weight).sum())
        return _share(margin, "margins of channels by their spend in 52 weeks")
    return None, "unknown: no margin holds for all purchases; load one without product and store"


def _spend_by_channel(purchases: Purchases, *, as_of: date) -> pd.DataFrame:
    """channel, spend (cents, refunds left out) of the 52 weeks that end with a day."""
    table = purchases_table()
    day, until = table.day, ibis.date(as_of.isoformat())
    since = ibis.date((as_of - timedelta(weeks=WEEKS)).isoformat())
    paid = table.filter((day <= until) & (day > since) & (table.amount > 0))
    spend = paid.group_by("channel").agg(spend=paid.amount.sum().cast("float64"))
    return compute(spend.order_by("channel"), purchases)


def _share(margin: float, source: str) -> tuple[float | None, str]:
    if 0 < margin <= 1:
        return margin, source
    return None, f"unknown: a margin of {margin:g} is not between 0 and 1"


def costs_of(
    acquisition: pd.DataFrame | None, purchases: Purchases, *, as_of: date
) -> tuple[pd.DataFrame | None, str]:
    """Acquisition cost by channel and month, in units of currency; None with the reason.

    Costs in another currency than that of the purchases do not compare with them.
    """
    none = "unknown: no acquisition costs are loaded (surveyapp ledgers load acquisition FILE)"
    if acquisition is None:
        return None, none
    known = acquisition[days_of(acquisition) <= pd.Timestamp(as_of)]
    if known.empty:
        return None, none
    bought = compute(purchases_table().select("currency").distinct(), purchases)["currency"]
    currencies = {*known["currency"].dropna(), *bought.dropna()} - {""}
    if len(currencies) > 1:
        words = ", ".join(sorted(currencies))
        return None, f"unknown: costs and purchases are in several currencies ({words})"
    known = known.assign(cohort=days_of(known).dt.strftime("%Y-%m"))
    costs = known.groupby(["channel", "cohort"], as_index=False)["cost"].sum()
    return costs.assign(cost=costs["cost"] / 100), "the ledger of acquisition costs"


def events_of(
    offers: pd.DataFrame | None, contacts: pd.DataFrame | None, *, as_of: date
) -> pd.DataFrame:
    """Offers and service contacts of customers: columns ``EVENTS``."""
    parts = []
    for kind, table, what, detail in (
        ("offer", offers, "offer", "action"),
        ("contact", contacts, "reason", "channel"),
    ):
        if table is None:
            continue
        known = table[days_of(table) <= pd.Timestamp(as_of)]
        days = days_of(known).dt.strftime("%Y-%m-%d")
        parts.append(
            pd.DataFrame(
                {
                    "customer": known["customer"],
                    "day": days,
                    "kind": kind,
                    "what": known[what],
                    "detail": known[detail],
                }
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(EVENTS))
