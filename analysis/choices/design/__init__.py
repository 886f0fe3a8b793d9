"""Choice tasks: made block by block from an exercise, the same for the same seed."""

from __future__ import annotations

from analysis.choices.design.efficiency import burgess_street_bound, d_error
from analysis.choices.design.rules import DesignImpossible
from analysis.choices.design.tasks import holdout_positions, make_tasks

__all__ = [
    "DesignImpossible",
    "burgess_street_bound",
    "d_error",
    "holdout_positions",
    "make_tasks",
]
