"""How customers moved between the tiers of two scoring runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.estimate import wilson
from surveyapp.customers.runs import Chosen


@dataclass(frozen=True, slots=True)
class Move:
    """Customers of one tier then who are in one tier now; spend is that of 52 weeks, all together.

    ``share`` is that of the ``of`` customers of the tier then, ``low`` and ``high`` Wilson's 95 %.
    """

    then: str
    now: str
    customers: int
    of: int
    share: float
    low: float
    high: float
    spend_then: float
    spend_now: float


def earlier_runs(run: Chosen) -> list[Mapping[str, Any]]:
    """Runs as of an earlier day whose tiers compare with those of a run, the newest first."""
    mine = run.record
    return [
        other
        for other in run.every
        if other["as_of"] < mine["as_of"] and other["configuration"] == mine["configuration"]
    ]


def moves_between(run: Chosen, earlier: Mapping[str, Any]) -> list[Move]:
    """All moves from an earlier run to this one, by tier then and now, the best first."""
    with run.scores() as scores:
        found = scores.movement_since(run.folder.parent / str(earlier["run"]))
        order = [row["tier"] for row in scores.table("tiers")]
    sizes: dict[str, int] = {}
    for row in found:
        sizes[row["tier_then"]] = sizes.get(row["tier_then"], 0) + row["customers"]
    made = [_move(row, sizes[row["tier_then"]]) for row in found]
    return sorted(made, key=lambda move: (_place(order, move.then), _place(order, move.now)))


def _move(row: Mapping[str, Any], of: int) -> Move:
    share = row["customers"] / of
    low, high = wilson(share, of)
    return Move(
        row["tier_then"], row["tier_now"], row["customers"], of, share, low, high,
        row["spend_then"], row["spend_now"],
    )  # fmt: skip


def _place(order: Sequence[str], tier: str) -> int:
    return order.index(tier) if tier in order else len(order)
