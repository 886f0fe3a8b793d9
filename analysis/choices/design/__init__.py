"""Choice tasks: made block by block from an exercise, the same for the same seed."""

from __future__ import annotations

from analysis.choices.design.efficiency import burgess_street_bound, d_error
from analysis.choices.design.rules import DesignImpossible
from analysis.choices.design.tasks import Design, holdout_positions, make_design, make_tasks
from analysis.choices.design.watch import Watch

__all__ = [
    "Design",
    "DesignImpossible",
    "Watch",
    "burgess_street_bound",
    "d_error",
    "holdout_positions",
    "make_design",
    "make_tasks",
]
