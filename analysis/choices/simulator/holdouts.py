"""How far a simulation can be trusted: what its part-worths made of tasks that were kept out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NONE_ASKED = (
    "No holdout tasks: nobody knows how well these part-worths predict choices that they have not "
    "seen. Ask holdouts next time ('holdouts: 2' in the exercise)."
)


@dataclass(frozen=True, slots=True)
class Record:
    """One way of predicting the holdout tasks; None where it is not known."""

    name: str
    hit_rate: float | None
    hit_low: float | None
    hit_high: float | None
    mae: float | None


@dataclass(frozen=True, slots=True)
class Holdouts:
    """What became of the holdout tasks.

    The first record is the fit itself, then baselines. ``noise`` is the error of shares that
    sampling alone would make, ``noise_high`` its 97.5 %; ``ceiling`` how often the same task got
    the same answer again. ``note`` says what is not known.
    """

    respondents: int
    tasks: int
    records: tuple[Record, ...]
    noise: float | None
    noise_high: float | None
    ceiling: float | None
    note: str

    def sentences(self) -> tuple[str, ...]:
        """The same in words, for every page and output."""
        if not self.records:
            return (self.note,)
        own, *others = self.records
        said = [
            f"Of {self.tasks:,} answers of {self.respondents:,} respondents to tasks kept out of "
            f"the fit, {_per_cent(own.hit_rate)} were hit "
            f"({_per_cent(own.hit_low)} to {_per_cent(own.hit_high)})."
        ]
        known = [f"{o.name.lower()} {_per_cent(o.hit_rate)}" for o in others if o.hit_rate]
        if known:
            said.append(f"Baselines: {', '.join(known)}.")
        said.append(
            f"Ceiling: the same task got the same answer again in {_per_cent(self.ceiling)}."
            if self.ceiling is not None
            else f"Ceiling: not known ({self.note or 'no task was repeated'})."
        )
        if own.mae is not None:
            said.append(
                f"Shares were wrong by {_points(own.mae)} points on average; sampling alone makes "
                f"{_points(self.noise)} (up to {_points(self.noise_high)})."
            )
        else:
            said.append("Error of shares: not known, holdouts were not the same for everybody.")
        return tuple(said)


def read_holdouts(folder: Path) -> Holdouts:
    """Of a folder of ``partworths`` (summary.json) or of an analysis (diagnostics-page.json)."""
    for name, read in (("summary.json", _of_summary), ("diagnostics-page.json", of_page)):
        try:
            content = json.loads((folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(content, dict):
            return read(content)
    return Holdouts(0, 0, (), None, None, None, NONE_ASKED)


def _of_summary(summary: Mapping[str, Any]) -> Holdouts:
    held = summary.get("holdout")
    if not held:
        return Holdouts(0, 0, (), None, None, None, NONE_ASKED)
    own = {**held, "prediction": "these part-worths"}
    records = tuple(
        Record(
            lines["prediction"],
            lines["hit_rate"],
            lines["hit_rate_low"],
            lines["hit_rate_high"],
            lines["share_mae"],
        )
        for lines in (own, *held["others"])
    )
    agreement = held["agreement"]
    return Holdouts(
        held["respondents"],
        held["tasks"],
        records,
        held["share_mae_of_sampling"],
        held["share_mae_of_sampling_high"],
        agreement["value"],
        agreement["unavailable"].removeprefix("unknown: "),
    )


def of_page(page: Mapping[str, Any]) -> Holdouts:
    """Of the stored diagnostics of an analysis."""
    found = page.get("diagnostics", page).get("prediction")
    if not found:
        return Holdouts(0, 0, (), None, None, None, NONE_ASKED)
    records = []
    for one in (found["fit"] | {"name": "these part-worths"}, *found["others"]):
        hit, shares = one["hit_rate"], one.get("shares") or {}
        records.append(
            Record(one["name"], hit["value"], hit["low"], hit["high"], shares.get("mae"))
        )
    own = found["fit"].get("shares") or {}
    return Holdouts(
        found["respondents"],
        found["tasks"],
        tuple(records),
        own.get("noise"),
        own.get("noise_high"),
        found["repeated"]["value"],
        (found["repeated"]["reason"] or "").removeprefix("unknown: "),
    )


def _per_cent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _points(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"
