"""Response to offers: what was redeemed, bought without redeeming, and bought before it was sent.

A description of what happened, not an effect: who gets an offer is chosen, and regular buyers buy
within any four weeks. Only a control group drawn by lot tells what an offer brings.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from analysis.estimate import Estimate, unavailable, wilson
from analysis.ledgers.days import days_as_numpy
from analysis.ledgers.kinds import DAY
from analysis.purchases.engines import Engine, frame
from analysis.purchases.parquet import parquet_files_with
from analysis.purchases.retention import Z, with_shares
from analysis.purchases.roll_up import DAYS_A_WEEK
from analysis.purchases.rolling import WEEKS

Offers = pd.DataFrame | Path
"""Offers as a table with the columns of ``TYPES``, a Parquet file of it, or a ledger's folder."""

TYPES = {
    "customer": "string",
    "time": "timestamp",
    "offer": "string",
    "action": "string",
    "day": "date",
}
"""The columns of offers: time in UTC without zone; action 'sent', 'redeemed', or others.

Where the day is not given it is that of the time."""
WINDOW_DAYS = 28
"""Days in which an offer is answered, the day of sending the first of them."""
NO_LEDGER = "no offers ledger"
RESPONSE = ("offers_sent", "offers_redeemed", "offers_bought", "offers_bought_before")
RESPONSE_COLUMNS = (*RESPONSE, "offer_share", "offer_low", "offer_high")
"""Of the offers sent in 52 weeks whose 28 days have ended: how many; redeemed within them; not
redeemed, but something was bought within them; something was bought in the 28 days before; the
share redeemed with its 95 % interval (Wilson, offers taken as independent)."""
OFFER_COLUMNS = ("offer", "sent", "redeemed", "bought", "bought_before", "share", "low", "high")
_COUNTED = ("redeemed", "bought", "bought_before")


def offers_table() -> ir.Table:
    """The offers that expressions are written on."""
    return ibis.table(TYPES, name="offers")


def offer_offers(engine: Engine, offers: Offers) -> None:
    """Make offers known to an engine under the name 'offers'.

    Raises
    ------
    ValueError
        When a column is missing, or a customer, time, offer or action.
    """
    if isinstance(offers, Path):
        files = parquet_files_with(offers, TYPES, what="offers")
        if files:
            engine.offer("offers", files)
            return
        offers = pd.DataFrame(columns=list(TYPES))
    named = [name for name in TYPES if name != DAY]
    absent = [name for name in named if name not in offers.columns]
    if absent:
        raise ValueError(f"offers lack the column(s) {', '.join(absent)}")
    empty = [name for name in named if offers[name].isna().any()]
    if empty:
        raise ValueError(f"offers have missing values in {', '.join(empty)}")
    schema = pa.schema(
        [(name, pa.timestamp("us") if name == "time" else pa.string()) for name in named]
    )
    rows = pa.Table.from_pandas(offers[named], schema=schema, preserve_index=False)
    days = pa.array(days_as_numpy(offers), pa.date32())
    engine.offer("offers", rows.append_column(DAY, days))


def answered(offers: ir.Table, purchases: ir.Table, *, as_of: date) -> ir.Table:
    """What became of every offer sent in the 52 weeks whose 28 days have ended by a day.

    An offer that a customer gets again within the 52 weeks is one, from its first sending on.
    Days are those of ``roll_up.weekly``; a purchase day has a line of zero or more.

    Returns
    -------
    Table
        customer, offer, sent (days ago), and 0 or 1 each: redeemed (on one of the 28 days),
        bought (on one of them, when not redeemed), bought_before (in the 28 days before).
    """
    until, year = ibis.date(as_of.isoformat()), WEEKS * DAYS_A_WEEK
    dated = offers.mutate(ago=until.delta(offers.day, unit="day").cast("int64"))
    first = dated.filter(
        (dated.action == "sent") & (dated.ago >= WINDOW_DAYS - 1) & (dated.ago < year)
    )
    sent = first.group_by("customer", "offer").agg(sent=first.ago.max())
    done = dated.filter((dated.action == "redeemed") & (dated.ago >= 0))
    done = done.select("customer", "offer", at=done.ago).inner_join(sent, ["customer", "offer"])
    done = done.filter((done.at <= done.sent) & (done.at > done.sent - WINDOW_DAYS))
    used = done.select("customer", "offer").distinct().mutate(used=ibis.literal(1, "int64"))
    near = _bought_near(purchases, sent, as_of=as_of)
    pairs = sent.left_join(used, ["customer", "offer"]).drop("customer_right", "offer_right")
    pairs = pairs.left_join(near, ["customer", "offer"]).drop("customer_right", "offer_right")
    redeemed = pairs.used.fill_null(0)
    return pairs.select(
        "customer",
        "offer",
        "sent",
        redeemed=redeemed,
        bought=(pairs.after.fill_null(0) * (1 - redeemed)).cast("int64"),
        bought_before=pairs.before.fill_null(0),
    )


def _bought_near(purchases: ir.Table, sent: ir.Table, *, as_of: date) -> ir.Table:
    """customer, offer, after and before: bought in the 28 days from the sending, or before it."""
    until = ibis.date(as_of.isoformat())
    days = purchases.mutate(at=until.delta(purchases.day, unit="day").cast("int64"))
    days = days.filter(
        (days.amount >= 0) & (days.at >= 0) & (days.at < WEEKS * DAYS_A_WEEK + WINDOW_DAYS)
    )
    days = days.select("customer", "at").distinct().inner_join(sent, "customer")
    days = days.filter((days.at > days.sent - WINDOW_DAYS) & (days.at <= days.sent + WINDOW_DAYS))
    return days.group_by("customer", "offer").agg(
        after=(days.at <= days.sent).cast("int64").max(),
        before=(days.at > days.sent).cast("int64").max(),
    )


def with_response(scores: ir.Table, pairs: ir.Table | None) -> ir.Table:
    """Add ``RESPONSE_COLUMNS`` to scores; all missing without offers (``pairs`` of ``answered``).

    A customer to whom nothing was sent has counts of zero and no share.
    """
    if pairs is None:
        counts = {name: ibis.null("int64") for name in RESPONSE}
        return scores.mutate(
            **counts, **{name: ibis.null("float64") for name in RESPONSE_COLUMNS[len(RESPONSE) :]}
        )
    each = _by_customer(pairs)
    joined = scores.left_join(each, "customer").drop("customer_right")
    joined = joined.mutate(**{name: joined[name].fill_null(0) for name in RESPONSE})
    n = joined.offers_sent.nullif(0).cast("float64")
    share, z2 = joined.offers_redeemed.cast("float64") / n, Z * Z
    middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n)
    half = Z / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt()
    low = ibis.ifelse(joined.offers_redeemed == 0, 0.0, middle - half)
    high = ibis.ifelse(joined.offers_redeemed == joined.offers_sent, 1.0, middle + half)
    sent = joined.offers_sent > 0
    nothing = ibis.null("float64")
    return joined.mutate(
        offer_share=share,
        offer_low=ibis.ifelse(sent, low, nothing),
        offer_high=ibis.ifelse(sent, high, nothing),
    )


def _by_customer(pairs: ir.Table) -> ir.Table:
    return pairs.group_by("customer").agg(
        offers_sent=pairs.count().cast("int64"),
        **{f"offers_{name}": pairs[name].sum().cast("int64") for name in _COUNTED},
    )


def by_offer(engine: Engine, pairs: ir.Table | None) -> pd.DataFrame:
    """``OFFER_COLUMNS`` by offer, sorted: customers it was sent to, and what they did.

    share is that of the customers who redeemed it within 28 days, with its 95 % interval (Wilson).
    """
    if pairs is None:
        return pd.DataFrame(columns=list(OFFER_COLUMNS))
    counted = pairs.group_by("offer").agg(
        sent=pairs.count().cast("int64"),
        **{name: pairs[name].sum().cast("int64") for name in _COUNTED},
    )
    found = frame(engine, counted).sort_values("offer", ignore_index=True)
    return with_shares(found, "redeemed", "sent")[list(OFFER_COLUMNS)]


def overall_response(engine: Engine, pairs: ir.Table | None) -> Estimate:
    """The share of all offers that was redeemed within 28 days, whoever got them.

    Offers to one customer are not independent: Wilson's interval at the effective number, from the
    spread between customers (at most all offers; one a customer where all or none were redeemed).
    """
    method, unit = f"share of offers redeemed within {WINDOW_DAYS} days", "share"
    if pairs is None:
        return unavailable(NO_LEDGER, n=0, method=method, unit=unit)
    got = _by_customer(pairs)
    n, k = got.offers_sent, got.offers_redeemed
    sums = {"n": n, "k": k, "nn": n * n, "nk": n * k, "kk": k * k}
    row = frame(
        engine,
        got.agg(
            customers=got.count().cast("int64"),
            **{name: x.sum().fill_null(0).cast("int64") for name, x in sums.items()},
        ),
    ).iloc[0]
    total, customers = int(row["n"]), int(row["customers"])
    if total == 0:
        reason = f"no offer whose {WINDOW_DAYS} days have ended was sent in {WEEKS} weeks"
        return unavailable(reason, n=0, method=method, unit=unit)
    p = int(row["k"]) / total
    effective = float(customers)
    spread = float(row["kk"]) - 2 * p * float(row["nk"]) + p * p * float(row["nn"])
    if customers > 1 and spread > 0:
        variance = customers / (customers - 1) * spread / total**2
        effective = min(p * (1 - p) / variance, float(total))
    low, high = wilson(p, effective)
    words = f"{method}, to {customers} customers; Wilson interval by the spread between customers"
    return Estimate(value=p, low=low, high=high, n=total, method=words, unit=unit)
