"""Cohorts by first purchase, and who of them still buys: exact counts with intervals."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.purchases.bits import bit, has, united
from analysis.purchases.engines import Engine, frame

PERIODS = {"month": 1, "quarter": 3, "year": 12}
"""Calendar periods, in months."""
MOST = 60
"""So many periods back from the as-of day are kept: one bit each."""
Z = 1.959963984540054

Floats = NDArray[np.float64]


def period_totals(weeks: ir.Table, *, as_of: date, period: str) -> dict[str, ir.Scalar]:
    """Aggregates of ``roll_up.weekly``: bought_bits and first_period of a customer.

    bought_bits has bit b set when the customer bought b periods before the as-of day's (0 to 59;
    bit 60: earlier); first_period is how many periods ago the first purchase was. A week touches
    two calendar periods at most, those of its first and its last purchase day.
    """
    first = _ago(weeks.first_day, as_of=as_of, period=period)
    last = _ago(weeks.last_day, as_of=as_of, period=period)
    sets = [bit(ibis.least(ago, MOST)) for ago in (first, last)]
    bits = united(sets[0] | sets[1], where=weeks.days > 0).fill_null(0)
    return {"bought_bits": bits, "first_period": first.max()}


def triangle(engine: Engine, scores: ir.Table, *, as_of: date, period: str) -> pd.DataFrame:
    """The cohort triangle: of the customers who first bought in a period, who bought later.

    ``scores`` has the columns of ``period_totals``.

    Returns
    -------
    DataFrame
        cohort ('2026-03', '2026-Q1' or '2026'), age (periods since the first), customers, active
        (bought in that period), share with its 95 % interval (Wilson) low and high, complete
        (False for a period that has not ended by the as-of day). Cohorts of the last 60 periods.
    """
    known = scores.filter((scores.first_period >= 0) & (scores.first_period < MOST))
    bits = known.bought_bits
    active = {
        f"ago_{ago}": has(bits, ibis.literal(ago)).sum().fill_null(0).cast("int64")
        for ago in range(MOST)
    }
    wide = known.group_by("first_period").agg(customers=known.count().cast("int64"), **active)
    found = frame(engine, wide.order_by(ibis.desc("first_period")))
    rows = [
        {
            "cohort": period_name(as_of, ago, period),
            "age": age,
            "customers": int(row["customers"]),
            "active": int(row[f"ago_{ago - age}"]),
            "complete": age < ago or _ends(as_of, period),
        }
        for row in found.to_dict("records")
        for ago in [int(row["first_period"])]
        for age in range(ago + 1)
    ]
    columns = ["cohort", "age", "customers", "active", "complete"]
    return with_shares(pd.DataFrame(rows, columns=columns), "active", "customers")


def retention_rates(engine: Engine, scores: ir.Table, *, as_of: date, period: str) -> pd.DataFrame:
    """Of the customers who bought in a period, the share that bought in the next one too.

    Returns
    -------
    DataFrame
        period (the earlier one), customers, retained, share, low, high (95 %, Wilson), complete
        (False when the next period has not ended by the as-of day); oldest first.
    """
    bits = scores.bought_bits
    counts = {}
    for ago in range(1, MOST):
        here, later = has(bits, ibis.literal(ago)), has(bits, ibis.literal(ago - 1))
        counts[f"n_{ago}"] = here.sum().fill_null(0).cast("int64")
        counts[f"both_{ago}"] = (here * later).sum().fill_null(0).cast("int64")
    row = frame(engine, scores.agg(**counts)).iloc[0]
    rows = [
        {
            "period": period_name(as_of, ago, period),
            "customers": int(row[f"n_{ago}"]),
            "retained": int(row[f"both_{ago}"]),
            "complete": ago > 1 or _ends(as_of, period),
        }
        for ago in range(MOST - 1, 0, -1)
        if row[f"n_{ago}"]
    ]
    table = pd.DataFrame(rows, columns=["period", "customers", "retained", "complete"])
    return with_shares(table, "retained", "customers")


def with_shares(table: pd.DataFrame, of: str, n: str) -> pd.DataFrame:
    """Add share, low and high (95 %, Wilson) of one whole column in another."""
    share, low, high = wilson(table[of].to_numpy(dtype=float), table[n].to_numpy(dtype=float))
    return table.assign(share=share, low=low, high=high)


def wilson(k: Floats, n: Floats) -> tuple[Floats, Floats, Floats]:
    """Share k/n with its 95 % interval (Wilson 1927); missing where n is zero."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share = k / n
        centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
        half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return share, np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def period_name(as_of: date, ago: int, period: str) -> str:
    """The name of the period some periods before the as-of day's."""
    length = PERIODS[period]
    index = (as_of.year * 12 + as_of.month - 1) // length - ago
    year, place = divmod(index, 12 // length)
    return {"month": f"{year}-{place + 1:02}", "quarter": f"{year}-Q{place + 1}"}.get(
        period, f"{year}"
    )


def _ends(as_of: date, period: str) -> bool:
    """Whether a day is the last of its period."""
    tomorrow, length = as_of + timedelta(days=1), PERIODS[period]
    return (tomorrow.year * 12 + tomorrow.month - 1) // length > (
        as_of.year * 12 + as_of.month - 1
    ) // length


def _ago(day: Any, *, as_of: date, period: str) -> ir.IntegerColumn:
    length = PERIODS[period]
    here = (as_of.year * 12 + as_of.month - 1) // length
    months = day.year().cast("int64") * 12 + day.month().cast("int64") - 1
    return (ibis.literal(here, "int64") - months // length).cast("int64")
