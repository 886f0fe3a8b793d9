"""Social events and a loyalty programme of a synthetic company, with a known truth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TakingPartTruth:
    """Who is heard of, and who belongs to the programme."""

    weeks: int = 78
    heard_of: float = 0.03
    """Social events a week of a customer of average liking."""
    loading: float = 0.6
    """Log ratio of this rate per standard deviation of liking."""
    members: float = 0.45
    redeem_every: int = 10
    """Every tenth purchase of a member redeems points; all others earn some."""
    kinds: tuple[tuple[str, float], ...] = (
        ("like", 0.6),
        ("comment", 0.2),
        ("share", 0.15),
        ("review", 0.05),
    )


def draw_events(
    truth: TakingPartTruth,
    names: tuple[str, ...],
    liking: Floats,
    *,
    today: date,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Social events: customer, time, event, id; in the order of time."""
    rate = truth.heard_of * truth.weeks * np.exp(truth.loading * liking)
    who = np.repeat(np.arange(len(names)), rng.poisson(rate))
    ago = rng.integers(0, truth.weeks * 7 * 24 * 60, size=len(who))
    kinds, shares = zip(*truth.kinds, strict=True)
    frame = pd.DataFrame(
        {
            "customer": np.array(names, dtype=object)[who],
            "time": pd.Timestamp(today) - pd.to_timedelta(ago, unit="m"),
            "event": rng.choice(np.array(kinds, dtype=object), p=shares, size=len(who)),
        }
    )
    return _numbered(frame, "event")


def draw_loyalty(
    truth: TakingPartTruth, purchases: pd.DataFrame, *, rng: np.random.Generator
) -> pd.DataFrame:
    """Loyalty programme: customer, time, action, id; members join with their first purchase."""
    customers = np.array(sorted(purchases["customer"].unique()), dtype=object)
    members = customers[rng.random(len(customers)) < truth.members]
    bought = purchases[purchases["customer"].isin(members)].sort_values("time", kind="stable")
    bought = bought[["customer", "time"]].reset_index(drop=True)
    nth = bought.groupby("customer").cumcount()
    redeems = nth % truth.redeem_every == truth.redeem_every - 1
    action = redeems.map({True: "redeemed", False: "earned"})
    joined = bought[nth == 0].assign(action="joined")
    acted = bought.assign(action=action)
    return _numbered(pd.concat([joined, acted], ignore_index=True), "loyalty")


def _numbered(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    ordered = frame.sort_values(["time", "customer"], kind="stable", ignore_index=True)
    return ordered.assign(id=[f"{what}-{number:07d}" for number in range(1, len(ordered) + 1)])
