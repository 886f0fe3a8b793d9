"""How customers moved between the tiers of two scoring runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from analysis.estimate import wilson
from analysis.purchases.stored_movement import comparable, movement_between
from analysis.purchases.stored_scores import FILE, StoredScores
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
    return comparable(run.record, run.every)


def moves_between(run: Chosen, earlier: Mapping[str, Any]) -> list[Move]:
    """All moves from an earlier run to this one, by tier then and now, the best first."""
    found, order = _counted(*_stamped(run.folder), *_stamped(run.folder.parent / earlier["run"]))
    sizes: dict[str, int] = {}
    for row in found:
        sizes[row["tier_then"]] = sizes.get(row["tier_then"], 0) + row["customers"]
    made = [_move(row, sizes[row["tier_then"]]) for row in found]
    return sorted(made, key=lambda move: (_place(order, move.then), _place(order, move.now)))


def _stamped(folder: Path) -> tuple[Path, int]:
    """The folder of a run, and when its scores were last written: an erasure changes them."""
    return folder, (folder / FILE).stat().st_mtime_ns


@lru_cache(maxsize=64)
def _counted(
    folder: Path, _written: int, earlier: Path, _earlier_written: int
) -> tuple[list[dict[str, Any]], list[str]]:
    """The moves and the order of tiers: counted once, for runs do not change."""
    with StoredScores(folder) as scores:
        order = [row["tier"] for row in scores.table("tiers")]
    return movement_between(earlier, folder), order


def _move(row: Mapping[str, Any], of: int) -> Move:
    share = row["customers"] / of
    low, high = wilson(share, of)
    return Move(
        row["tier_then"], row["tier_now"], row["customers"], of, share, low, high,
        row["spend_then"], row["spend_now"],
    )  # fmt: skip


def _place(order: Sequence[str], tier: str) -> int:
    return order.index(tier) if tier in order else len(order)
