"""What is known of every customer on a day, as columns that a regression can use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd

from analysis.ledgers.days import days_of
from analysis.purchases.breadth import customer_breadth
from analysis.purchases.engine import Purchases, purchases_table
from analysis.purchases.engines import frame, offer_purchases, open_engine
from analysis.purchases.roll_up import weekly
from analysis.purchases.rolling import WEEKS
from analysis.purchases.score import ScoreRule, customer_totals, scored

RFM = ("recency", "frequency", "spend")
"""Logarithms of days since the last purchase, purchase days, and net spend of 52 weeks."""
BEHAVIOURS = (
    *RFM,
    "recent_frequency",
    "trend",
    "tenure",
    "lateness",
    "products",
    "channels",
    "sale_share",
    "sale_unknown",
)
"""RFM; log purchase days of 52 weeks; (spend of 13 weeks less before) over their sum, -1 to 1;
log weeks since the first purchase; log of recency over the average gap; log of products and
channels bought in 52 weeks; share bought on sale (0 where unknown) and whether it is unknown."""
MOST_CLASSES = 12


@dataclass(frozen=True, slots=True)
class Beyond:
    """What is known beyond purchases: events (customer, time) and attributes (customer, ...).

    Attributes are taken as given, whatever day they are from: only what cannot depend on later
    purchases belongs there.
    """

    events: pd.DataFrame | None = None
    attributes: pd.DataFrame | None = None


def behaviours(
    purchases: Purchases, *, on: date, rule: ScoreRule, beyond: Beyond
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The columns of all customers who bought up to a day, itself included; nothing later is read.

    Returns
    -------
    DataFrame
        customer (index, sorted), log points ('points'), ``BEHAVIOURS``, 'events' where there
        are events, and the columns of attributes; beside them plain_points, recency_days,
        days_52_weeks, spend_52_weeks.
    tuple
        The names of the attribute columns.
    """
    with open_engine() as engine:
        offer_purchases(engine, purchases)
        table = purchases_table()
        weeks = engine.keep("weeks", weekly(table, as_of=on))
        scores = scored(customer_totals(weeks, rule=rule), as_of=on, rule=rule)
        known = frame(engine, scores.drop("first_day", "last_day").order_by("customer"))
        breadth = frame(engine, customer_breadth(table, as_of=on)).set_index("customer")
    known = known[known["frequency"] > 0].set_index("customer")
    breadth = breadth.reindex(known.index).fillna(0)
    first = pd.to_datetime(known["first_purchase"])
    tenure = (pd.Timestamp(on) - first).dt.days
    recency = known["recency_days"].astype(float)
    gap = known["average_gap_days"].fillna(tenure + 7.0).clip(lower=1.0)
    around = known["last_13_weeks"] + known["before_13_weeks"]
    trend = (known["last_13_weeks"] - known["before_13_weeks"]) / around.where(around > 0)
    found = pd.DataFrame(
        {
            "points": np.log1p(known["points"]),
            "recency": np.log1p(recency),
            "frequency": np.log1p(known["frequency"]),
            "spend": np.log1p(known["spend_52_weeks"].clip(lower=0)),
            "recent_frequency": np.log1p(known["days_52_weeks"]),
            "trend": trend.fillna(0.0).clip(-1, 1),
            "tenure": np.log1p(tenure / 7),
            "lateness": np.log1p(recency / gap),
            "products": np.log1p(breadth["products"].astype(float)),
            "channels": np.log1p(breadth["channels"].astype(float)),
            "sale_share": known["sale_share"].fillna(0.0),
            "sale_unknown": known["sale_share"].isna().astype(float),
        }
    )
    for name in ("recency_days", "days_52_weeks", "spend_52_weeks"):
        found[name] = known[name].astype(float)
    found["plain_points"] = known["points"]
    if beyond.events is not None:
        found["events"] = np.log1p(_events(beyond.events, on).reindex(found.index).fillna(0.0))
    named: tuple[str, ...] = ()
    if beyond.attributes is not None:
        columns = attribute_columns(beyond.attributes).reindex(found.index)
        columns = columns.fillna(columns.mean())
        named = tuple(columns.columns)
        found = found.join(columns)
    return found, named


def later_value(purchases: Purchases, *, after: date, until: date) -> pd.Series:
    """Net spend after a day up to another, itself included, at least zero; by customer."""
    table = purchases_table()
    day = table.day
    inside = table.filter(
        (day > ibis.date(after.isoformat())) & (day <= ibis.date(until.isoformat()))
    )
    spend = inside.group_by("customer").agg(
        value=inside.amount.sum().cast("int64").cast("float64") / 100
    )
    with open_engine() as engine:
        offer_purchases(engine, purchases)
        found = frame(engine, spend)
    return found.set_index("customer")["value"].clip(lower=0.0)


def attribute_columns(attributes: pd.DataFrame) -> pd.DataFrame:
    """Numeric attributes as they are, others as one column a class but for the commonest.

    Raises
    ------
    ValueError
        With every column that cannot be used.
    """
    faults = []
    if "customer" not in attributes.columns:
        raise ValueError("attributes lack the column 'customer'")
    if attributes["customer"].duplicated().any():
        faults.append("a customer stands twice in the attributes: keep one row of each")
    table = attributes.assign(customer=attributes["customer"].astype(str)).set_index("customer")
    parts = []
    for name in table.columns:
        column = table[name]
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            parts.append(column.astype(float).rename(f"attribute:{name}"))
            continue
        classes = column.astype("string").fillna("unknown")
        counts = classes.value_counts()
        if len(counts) > MOST_CLASSES:
            faults.append(f"attribute '{name}' has {len(counts)} classes, at most {MOST_CLASSES}")
            continue
        dummies = [
            (classes == each).astype(float).rename(f"attribute:{name}={each}")
            for each in sorted(counts.index[1:])
        ]
        parts += dummies
    if faults:
        raise ValueError("; ".join(faults))
    return pd.concat(parts, axis=1) if parts else pd.DataFrame(index=table.index)


def _events(events: pd.DataFrame, on: date) -> pd.Series:
    """Events of the 52 weeks that end with a day, by customer."""
    absent = [name for name in ("customer", "time") if name not in events.columns]
    if absent:
        raise ValueError(f"events lack the column(s) {', '.join(absent)}")
    day, last = days_of(events), pd.Timestamp(on)
    inside = (day <= last) & (day > last - pd.Timedelta(weeks=WEEKS))
    return events.loc[inside, "customer"].astype(str).value_counts().astype(float)
