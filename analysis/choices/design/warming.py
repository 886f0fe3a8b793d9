"""Compiles the kernels of designs once, so that no researcher waits for it."""

from __future__ import annotations

from analysis.choices.design.best_worst import make_sets
from analysis.choices.design.tasks import make_tasks
from analysis.study.exercises import BestWorstExercise, ChoiceExercise


def warm_up() -> None:
    """Make a small design of each kind; compiled kernels stay on disk."""
    attributes = [
        {"id": f"a{n}", "label": "A", "levels": [{"id": f"l{k}", "label": "L"} for k in range(3)]}
        for n in range(3)
    ]
    design = {"method": "bayesian-d", "blocks": 2, "starts": 1}
    given = {"id": "e", "question": "?", "attributes": attributes, "tasks": 3, "design": design}
    make_tasks(ChoiceExercise.model_validate(given | {"priors": {"a0": {"sd": 0.1}}}))
    items = [{"id": f"i{n}", "label": "I"} for n in range(5)]
    sets = {"id": "m", "kind": "best_worst", "question": "?", "items": items, "sets": 4}
    make_sets(BestWorstExercise.model_validate(sets | {"design": {"blocks": 1}}))
