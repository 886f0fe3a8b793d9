"""A scoring plan from plain options, as commands and settings give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.purchases.score import ScoreRule
from analysis.purchases.scoring import ScoringPlan
from analysis.purchases.tiers import TierRule

DEFAULTS: dict[str, Any] = {
    "latest_weight": 2.0,
    "points_per_unit": 1.0,
    "tiers": "platinum=0.05,gold=0.2,silver=0.5",
    "tiers_by": "customers",
    "rest": "bronze",
    "period": "month",
}


def plan_of(options: Mapping[str, Any]) -> ScoringPlan:
    """The plan of some options; the others are ``DEFAULTS``.

    Raises
    ------
    ValueError
        With all that is wrong with the options.
    """
    unknown = sorted(set(options) - set(DEFAULTS))
    if unknown:
        known = ", ".join(DEFAULTS)
        raise ValueError(f"there are no scoring options {', '.join(unknown)}. Known: {known}")
    given = {**DEFAULTS, **options}
    faults = []
    numbers = {}
    for name in ("latest_weight", "points_per_unit"):
        try:
            numbers[name] = float(given[name])
        except (TypeError, ValueError):
            numbers[name] = -1.0
        if not 0 < numbers[name] < 1e6:
            faults.append(f"{name} is {given[name]!r}; use a number above 0")
    pairs = [part.partition("=") for part in str(given["tiers"]).split(",") if part.strip()]
    try:
        tiers = tuple((name.strip(), float(bound)) for name, _, bound in pairs)
    except ValueError:
        faults.append(f"tiers are {given['tiers']!r}; write NAME=BOUND,NAME=BOUND")
    if faults:
        raise ValueError("; ".join(faults))
    return ScoringPlan(
        rule=ScoreRule(
            points_per_unit=numbers["points_per_unit"], latest_weight=numbers["latest_weight"]
        ),
        tiers=TierRule(tiers, by=given["tiers_by"], rest=given["rest"]),
        period=given["period"],
    )
