"""Dividing tasks into blocks: levels as even as possible in each, no task twice in one."""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.choices.compiled import compiled

TWICE = 1e6
SWAPS = 300
"""Swaps tried for each task."""


@compiled
def divide(levels: Any, counts: Any, marks: Any, blocks: int, generator: Any) -> Any:
    """The order of tasks (S,) in which block b holds places b S/B to (b + 1) S/B.

    Pairs of tasks of different blocks are swapped while that makes the counts of levels within
    blocks more even; a task twice in a block counts most.
    """
    tasks, _, width = levels.shape
    size = tasks // blocks
    order = generator.permutation(tasks)
    shown = np.zeros((blocks, width, counts.max()))
    for place in range(tasks):
        tally(shown[place // size], levels[order[place]], 1.0)
    if blocks == 1:
        return order
    for _ in range(SWAPS * tasks):
        p, q = generator.integers(0, tasks), generator.integers(0, tasks)
        a, b = p // size, q // size
        if a == b:
            continue
        first, second = order[p], order[q]
        before = uneven(shown[a]) + uneven(shown[b])
        before += TWICE * (twice(marks, order, a, size, p) + twice(marks, order, b, size, q))
        swap(shown, levels, a, b, first, second)
        order[p], order[q] = second, first
        after = uneven(shown[a]) + uneven(shown[b])
        after += TWICE * (twice(marks, order, a, size, p) + twice(marks, order, b, size, q))
        if after > before:
            swap(shown, levels, a, b, second, first)
            order[p], order[q] = first, second
    return order


@compiled
def swap(shown: Any, levels: Any, a: int, b: int, first: int, second: int) -> None:
    """Task ``first`` leaves block a for b, ``second`` the other way."""
    tally(shown[a], levels[first], -1.0)
    tally(shown[a], levels[second], 1.0)
    tally(shown[b], levels[second], -1.0)
    tally(shown[b], levels[first], 1.0)


@compiled
def tally(shown: Any, task: Any, step: float) -> None:
    """Add a task (J, A) to counts (A, L), or take it away."""
    for j in range(task.shape[0]):
        for a in range(task.shape[1]):
            shown[a, task[j, a]] += step


@compiled
def uneven(shown: Any) -> float:
    """Sum of squares: least when levels are even."""
    total = 0.0
    for a in range(shown.shape[0]):
        for level in range(shown.shape[1]):
            total += shown[a, level] ** 2
    return total


@compiled
def twice(marks: Any, order: Any, block: int, size: int, place: int) -> int:
    """How many other tasks of a block are like the one at a place."""
    found = 0
    for other in range(block * size, (block + 1) * size):
        if other != place and abs(marks[order[other]] - marks[order[place]]) < 1e-9:
            found += 1
    return found
