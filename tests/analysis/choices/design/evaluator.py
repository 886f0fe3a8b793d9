"""An evaluator of designs that shares no code with the engine."""

import numpy as np

from analysis.study import ChoiceExercise


def effects(count):
    return np.vstack([np.eye(count - 1), -np.ones(count - 1)])


def information(levels, tables, beta, *, none=None):
    """M of tasks (S, J, A) by its definition; none: None, 'single' or 'dual' (last column)."""
    x = np.concatenate([t[levels[..., a]] for a, t in enumerate(tables)], axis=-1)
    width = x.shape[2] + (none is not None)
    total = np.zeros((width, width))
    for task in x:
        rows = np.hstack([task, np.zeros((len(task), 1))]) if none else task
        outside = np.eye(width)[-1]
        if none == "single":
            rows = np.vstack([rows, outside])
        u = np.exp(rows @ beta)
        p = u / u.sum()
        total += rows.T @ (np.diag(p) - np.outer(p, p)) @ rows
        if none == "dual":
            buy = u.sum() / (u.sum() + np.exp(beta[-1]))
            gap = rows.T @ p - outside
            total += buy * (1 - buy) * np.outer(gap, gap)
    return total


def error(levels, tables, beta, **more):
    sign, logarithm = np.linalg.slogdet(information(levels, tables, beta, **more))
    return np.exp(-logarithm / len(beta)) if sign > 0 else np.inf


def exercise(counts, *, alternatives=3, tasks=12, method="shortcut", blocks=2, seed=1, **more):
    """An exercise of attributes a0, a1, ... with levels l0, l1, ..."""
    design = {"method": method, "blocks": blocks, "seed": seed} | more.pop("design", {})
    preference = more.pop("preference", None)
    attributes = [
        {
            "id": f"a{n}",
            "label": f"A{n}",
            "levels": [{"id": f"l{k}", "label": f"L{k}"} for k in range(count)],
            "preference": preference,
        }
        for n, count in enumerate(counts)
    ]
    parts = {"id": "e", "question": "?", "attributes": attributes, "alternatives": alternatives}
    return ChoiceExercise.model_validate(parts | {"tasks": tasks, "design": design} | more)


def places(frame, exercise):
    names = [a.id for a in exercise.attributes]
    levels = frame[names].apply(lambda column: column.str[1:].astype(int)).to_numpy()
    return levels.reshape(-1, exercise.alternatives, len(names))
