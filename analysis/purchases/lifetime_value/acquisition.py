"""Acquisition cost against the value of a cohort from its first purchase.

A cohort is everybody whose first purchase came through one channel in one month. Its value is what
it has brought (net spend x margin) and will bring within the horizon (residual value), all
discounted to each customer's first purchase. What is not known is unknown, never zero.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from analysis.purchases.lifetime_value.cohorts import ALL, Residual
from analysis.purchases.lifetime_value.expected import weekly_discount
from analysis.purchases.lifetime_value.grouped import Floats
from analysis.purchases.lifetime_value.residual_value import Horizon
from analysis.purchases.lifetime_value.small_cohorts import without_small_cohorts
from analysis.purchases.roll_up import DAYS_A_WEEK

LATEST = "observed, at the latest"
"""The cost is covered, but not all customers have been watched for so long."""


def check_costs(costs: pd.DataFrame) -> pd.DataFrame:
    """Acquisition costs as channel, cohort ('2026-03', or 'all' where blank), cost in units.

    Raises
    ------
    ValueError
        With everything that is wrong, rows counted from 1 below the header.
    """
    absent = [name for name in ("channel", "cost") if name not in costs]
    if absent:
        raise ValueError(
            f"acquisition costs lack the column(s) {', '.join(absent)}. "
            f"They have: {', '.join(map(str, costs.columns))}"
        )
    cohort = costs["cohort"] if "cohort" in costs else pd.Series("", index=costs.index)
    found = pd.DataFrame(
        {
            "channel": costs["channel"].fillna("").astype(str).str.strip(),
            "cohort": cohort.fillna("").astype(str).str.strip().replace("", ALL),
            "cost": pd.to_numeric(costs["cost"], errors="coerce"),
        }
    ).reset_index(drop=True)
    month = found["cohort"].str.fullmatch(r"\d{4}-(0[1-9]|1[0-2])") | (found["cohort"] == ALL)
    faults = {
        "the channel is missing. Write one": found["channel"] == "",
        "the cohort is no month. Write YYYY-MM, or nothing for all months": ~month,
        "the cost is not zero or more. Write a number such as 1250.50": ~(
            (found["cost"] >= 0) & np.isfinite(found["cost"])
        ),
        "channel and cohort stand twice. Add them up": found.duplicated(["channel", "cohort"]),
    }
    words = [
        f"row {row + 1}: {words}" for words, bad in faults.items() for row in np.flatnonzero(bad)
    ]
    if words:
        raise ValueError("acquisition costs: " + "; ".join(words))
    return found


def acquisition(
    cohorts: pd.DataFrame,
    *,
    spend: pd.DataFrame,
    costs: pd.DataFrame | None,
    horizon: Horizon,
    residual: Residual | str,
) -> pd.DataFrame:
    """Cost, value and payback of every cohort and of every channel.

    Parameters
    ----------
    cohorts
        One row each, in the order of ``residual``: channel, cohort ('all': the whole channel), n,
        least_age and mean_age (weeks since the first purchase, of the youngest and on average).
    spend
        From ``realised``.
    costs
        From ``check_costs``; None: unknown.
    residual
        What is still to come, or why that is unknown.

    Returns
    -------
    DataFrame
        channel, cohort, n; per customer: acquisition_cost, realised_value, residual_value,
        lifetime_value and clv_to_cac with _low and _high (95 %, of what is still to come);
        payback_weeks and payback ('observed', ``LATEST``, 'expected' or in words why not);
        unknown (why a number is missing). Costs of cohorts without a customer have a row with
        n = 0. Those of fewer than ten customers have no figures (``small_cohorts``).
    """
    rows = [
        _cohort_row(place, cohort, spend, (costs, horizon, residual))
        for place, cohort in enumerate(cohorts.to_dict("records"))
    ]
    if costs is not None:
        known = set(zip(cohorts["channel"], cohorts["cohort"], strict=True))
        rows += [
            {
                "channel": cost["channel"],
                "cohort": cost["cohort"],
                "n": 0,
                "unknown": f"cost {cost['cost']:,.2f} but no customer came",
            }
            for cost in costs.to_dict("records")
            if (cost["channel"], cost["cohort"]) not in known
        ]
    return without_small_cohorts(pd.DataFrame(rows, columns=list(COLUMNS)))


COLUMNS = (
    "channel",
    "cohort",
    "n",
    "acquisition_cost",
    "realised_value",
    "residual_value",
    "residual_value_low",
    "residual_value_high",
    "lifetime_value",
    "lifetime_value_low",
    "lifetime_value_high",
    "clv_to_cac",
    "clv_to_cac_low",
    "clv_to_cac_high",
    "payback_weeks",
    "payback",
    "unknown",
)


def _cohort_row(
    place: int,
    cohort: dict[Hashable, Any],
    spend: pd.DataFrame,
    known: tuple[pd.DataFrame | None, Horizon, Residual | str],
) -> dict[str, Any]:
    costs, horizon, residual = known
    n = int(cohort["n"])
    row: dict[str, Any] = {key: cohort[key] for key in ("channel", "cohort", "n")}
    cost, why = _cost(
        costs,
        cohort["channel"],
        cohort["cohort"],
        set(spend["cohort"][spend["channel"] == cohort["channel"]]),
    )
    reasons = [why] if cost is None else []
    cac = None if cost is None else cost / n
    row["acquisition_cost"] = cac
    if horizon.margin is None:
        reasons.append("value unknown: no margin given")
        return row | {"unknown": "; ".join(reasons), "payback": "unknown"}
    so_far = _so_far(spend, cohort, horizon) / n
    row["realised_value"] = float(so_far[-1])
    if isinstance(residual, str):
        reasons.append(f"what is still to come is unknown: {residual}")
    else:
        row |= _values(float(so_far[-1]), residual.mean[place] / n, residual.draws[place] / n, cac)
    row |= {"payback": "unknown"} if cac is None else _payback(so_far, cac, place, cohort, residual)
    return row | {"unknown": "; ".join(reasons)}


def _cost(
    costs: pd.DataFrame | None, channel: str, cohort: str, months: set[str]
) -> tuple[float | None, str]:
    """Cost of a cohort, or of a whole channel (all its months), or why it is unknown."""
    if costs is None:
        return None, "acquisition cost unknown: no costs given"
    mine = costs[costs["channel"] == channel].set_index("cohort")["cost"]
    if cohort in mine:
        return float(mine[cohort]), ""
    if cohort == ALL and months <= set(mine.index):
        return float(mine.sum()), ""
    return None, f"acquisition cost unknown: no cost of {channel}, {cohort}"


def _so_far(spend: pd.DataFrame, cohort: dict[Hashable, Any], horizon: Horizon) -> Floats:
    """Cumulative discounted margin by days since the first purchase."""
    mine = spend[spend["channel"] == cohort["channel"]]
    if cohort["cohort"] != ALL:
        mine = mine[mine["cohort"] == cohort["cohort"]]
    age = mine["age"].to_numpy()
    worth = np.exp(-weekly_discount(horizon.discount) / DAYS_A_WEEK * age)
    return np.bincount(age, weights=mine["spend"] * worth).cumsum() * float(horizon.margin or 0)


def _values(so_far: float, mean: float, draws: Floats, cac: float | None) -> dict[str, Any]:
    low, high = (float(v) for v in np.quantile(draws, (0.025, 0.975)))
    found: dict[str, float] = {}
    for end, value in (("", float(mean)), ("_low", low), ("_high", high)):
        found["residual_value" + end] = value
        found["lifetime_value" + end] = so_far + value
        if cac:
            found["clv_to_cac" + end] = (so_far + value) / cac
    return found


def _payback(
    so_far: Floats,
    cac: float,
    place: int,
    cohort: dict[Hashable, Any],
    residual: Residual | str,
) -> dict[str, Any]:
    """When the margin reaches the cost: seen, or expected, or not.

    Beyond the age of the youngest customer the mean still lacks what the young will bring at that
    age, so that the true week is earlier.
    """
    seen = round(cohort["least_age"] * DAYS_A_WEEK)
    reached = np.flatnonzero(so_far >= cac)
    if len(reached):
        words = "observed" if reached[0] <= seen else LATEST
        return {"payback_weeks": int(reached[0]) / DAYS_A_WEEK, "payback": words}
    if isinstance(residual, str):
        return {"payback": f"not within the {seen / DAYS_A_WEEK:.0f} weeks seen of all customers"}
    n, age = int(cohort["n"]), float(cohort["mean_age"])
    paid_back = np.flatnonzero(so_far[-1] + residual.curve[place] / n >= cac)
    if len(paid_back):
        return {"payback_weeks": age + float(residual.weeks[paid_back[0]]), "payback": "expected"}
    return {"payback": "not within the horizon"}
