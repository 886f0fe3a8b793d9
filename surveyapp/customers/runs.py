"""Which scoring run a page shows, and the drawing of a customer's score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import abort, request

from analysis.purchases.stored_outlook import StoredOutlook
from analysis.purchases.stored_scores import StoredScores, Week, runs
from surveyapp import current

LEAST = 10
"""Groups with fewer customers are not shown."""
WIDTH, HEIGHT, EDGE = 560, 200, 12


@dataclass(frozen=True, slots=True)
class Chosen:
    """The run of a page, and all runs, the newest first."""

    record: dict[str, Any]
    every: tuple[dict[str, Any], ...]
    folder: Path

    @property
    def name(self) -> str:
        return str(self.record["run"])

    def scores(self) -> StoredScores:
        """Its scores, to be used in a ``with`` block."""
        return StoredScores(self.folder)

    def outlook(self) -> StoredOutlook | None:
        """What goes beyond scores; None for a run of an earlier build."""
        try:
            return StoredOutlook(self.folder)
        except FileNotFoundError:
            return None


def chosen() -> Chosen | None:
    """The run that the address names (``?run=``), else the newest; None when there is none.

    An address that names no run of this installation is not found.
    """
    folder = current.settings().files / "scores"
    every = tuple(reversed(runs(folder))) if folder.is_dir() else ()
    wanted = request.args.get("run", "")
    if not every:
        return abort(404) if wanted else None
    record = next((r for r in every if r["run"] == wanted), None) if wanted else every[0]
    if record is None:
        abort(404)
    return Chosen(record, every, folder / record["run"])


@dataclass(frozen=True, slots=True)
class Drawing:
    """A line of weeks in pixels: points of the line, and where mean and limits stand."""

    line: str
    mean: float
    lower: float
    upper: float
    words: str


def drawing(weeks: Sequence[Week], score: dict[str, Any]) -> Drawing | None:
    """The rolling score of the last 52 weeks with its mean and limits; None without weeks."""
    if not weeks:
        return None
    values = [week.rolling for week in weeks]
    mean, lower, upper = (float(score[f"rolling_{name}"]) for name in ("mean", "lower", "upper"))
    high = float(max(*values, upper, 1.0))

    def y(value: float) -> float:
        return round(HEIGHT - EDGE - max(value, 0.0) / high * (HEIGHT - 2 * EDGE), 1)

    step = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)
    line = " ".join(f"{EDGE + n * step:.1f},{y(value)}" for n, value in enumerate(values))
    words = (
        f"Rolling score over 52 weeks: {values[0]:,.0f} points at first, {values[-1]:,.0f} now; "
        f"mean {mean:,.0f}, limits {lower:,.0f} to {upper:,.0f}."
    )
    return Drawing(line, y(mean), y(lower), y(upper), words)
