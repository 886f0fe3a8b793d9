"""Movement between the tiers of runs, counted when a run is made: standard library only.

Counting half a million customers of two runs takes half a second, too long for a page. Where an
erasure has changed a run since, or the run is of an earlier build, it is counted again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.purchases.stored_scores import FILE as LOOKUP
from analysis.purchases.stored_scores import StoredScores, runs

FILE = "movement.json"
MOST = 13
"""So many earlier runs are counted: a quarter of weekly ones."""


def comparable(
    record: Mapping[str, Any], every: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Runs of ``every`` as of an earlier day whose tiers compare with those of a run."""
    return [
        other
        for other in every
        if other["as_of"] < record["as_of"] and other["configuration"] == record["configuration"]
    ]


def write_movement(run: Path) -> None:
    """Count the movement to a run from the newest ``MOST`` earlier ones, into its folder."""
    every = list(reversed(runs(run.parent)))
    mine = next(record for record in every if record["run"] == run.name)
    known = _stored(run)
    found = {
        other["run"]: _counted(run.parent / other["run"], run, known)
        for other in comparable(mine, every)[:MOST]
    }
    draft = run / f"{FILE}.{os.getpid()}"
    draft.write_text(json.dumps(found), encoding="utf-8")
    draft.replace(run / FILE)


def movement_between(earlier: Path, run: Path) -> list[dict[str, Any]]:
    """``StoredScores.movement_since`` of two runs' folders, as counted before where that holds."""
    return list(_counted(earlier, run, _stored(run))["moves"])


def _counted(earlier: Path, run: Path, known: Mapping[str, Any]) -> dict[str, Any]:
    """The moves, and when both runs' scores were last written: an erasure changes them."""
    stamps = [(folder / LOOKUP).stat().st_mtime_ns for folder in (earlier, run)]
    held = known.get(earlier.name)
    if held is not None and held["stamps"] == stamps:
        return dict(held)
    with StoredScores(run) as scores:
        return {"stamps": stamps, "moves": scores.movement_since(earlier)}


def _stored(run: Path) -> dict[str, Any]:
    path = run / FILE
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
