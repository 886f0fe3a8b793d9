"""Complete enumeration and balanced overlap: concepts chosen one by one by counts of levels.

Every concept takes the levels that keep one-way and two-way frequencies most even, first within its
block, then over all blocks; where a cell is *strict*, no level is repeated within the task as long
as another is left. Afterwards every concept of a block is chosen anew, given all others.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from analysis.choices.coding import Floats
from analysis.choices.compiled import compiled
from analysis.choices.design.space import Integers, allowed, mark_keys, task_mark

RESTARTS = 200
PASSES = 3
STRICT = 1e7
PATIENCE = 60
"""Attempts after which a task that a block already has is accepted: there may be no other."""
REPAIR = 1e9


def tallies_of(counts: Integers, taken: Floats) -> Tallies:
    """Empty tallies for attributes of so many levels; ``taken`` are marks of tasks not to make."""
    shape = (len(counts), int(counts.max()))
    one, two = np.zeros(shape), np.zeros(shape * 2)
    return Tallies(one, two, one.copy(), two.copy(), mark_keys(counts), taken)


class Tallies(NamedTuple):
    """How often levels (A, L) and pairs of levels (A, L, A, L) stand in a block, and in all."""

    one: Any
    two: Any
    one_all: Any
    two_all: Any
    keys: Any
    """(A, L) random numbers whose products mark alternatives."""
    taken: Any
    """(N,) marks of tasks that stand in every block already (holdouts, given tasks)."""


@compiled
def fill(space: Any, levels: Any, cells: Any, unlike: bool, tallies: Any, generator: Any) -> Any:
    """Choose the free levels of all blocks in place; returns -1, or the task that is impossible.

    ``levels`` (B, T, J, A) holds what is not free; ``cells`` are free and strict ones, (B, T, A).
    No task is one of those taken and, with ``unlike``, none stands twice in a block, if there are
    others.
    """
    blocks, tasks, concepts, width = levels.shape
    free, strict = cells
    marks, kept = np.zeros(tasks + len(tallies.taken)), np.zeros(width, np.int64)
    marks[tasks:] = tallies.taken
    for b in range(blocks):
        tallies.one[:] = 0.0
        tallies.two[:] = 0.0
        marks[:tasks] = 0.0
        for t in range(tasks):
            found, noise = False, 0.5
            for attempt in range(RESTARTS):
                found = fill_task(
                    space, levels[b, t], free[b, t], strict[b, t], tallies, noise, generator
                )
                mark = task_mark(tallies.keys, levels[b, t])
                if found and (attempt >= PATIENCE or fresh(marks, t, mark)):
                    break
                noise *= 1.15
            if not found:
                return b * tasks + t
            if unlike:
                marks[t] = mark
            for j in range(concepts):
                count(levels[b, t, j], tallies, 1.0)
        for _ in range(PASSES):
            for t in range(tasks):
                for j in range(concepts):
                    kept[:] = levels[b, t, j]
                    count(kept, tallies, -1.0)
                    own = free[b, t], strict[b, t]
                    descend(space, levels[b, t], j, concepts, own, tallies, 0.5, generator)
                    mark = task_mark(tallies.keys, levels[b, t])
                    if not fresh(marks, t, mark):
                        levels[b, t, j] = kept
                    elif unlike:
                        marks[t] = mark
                    count(levels[b, t, j], tallies, 1.0)
        for a in range(tallies.one.shape[0]):
            tallies.one_all[a] += tallies.one[a]
            tallies.two_all[a] += tallies.two[a]
    return -1


@compiled
def fresh(marks: Any, t: int, mark: float) -> bool:
    """Whether no task but t has the mark."""
    for other in range(len(marks)):
        if other != t and abs(marks[other] - mark) <= 1e-12 * abs(mark):
            return False
    return True


@compiled
def fill_task(
    space: Any, task: Any, free: Any, strict: Any, tallies: Any, noise: float, generator: Any
) -> bool:
    """Choose the concepts of one task (J, A); False when the rules leave none."""
    concepts, width = task.shape
    for j in range(concepts):
        good = False
        for _ in range(30):
            for a in range(width):
                if free[a]:
                    task[j, a] = generator.integers(0, space.counts[a])
            for _ in range(2):
                descend(space, task, j, j + 1, (free, strict), tallies, noise, generator)
            if allowed(space, task[: j + 1], j):
                good = True
                break
        if not good:
            return False
    return True


@compiled
def descend(
    space: Any,
    task: Any,
    j: int,
    shown: int,
    cells: Any,
    tallies: Any,
    noise: float,
    generator: Any,
) -> None:
    """Take the cheapest level of each free attribute of concept j in turn, in random order.

    A level that takes an allowed task out of the rules is passed over; of a prohibited concept, a
    level that breaks fewer prohibitions goes before any other.
    """
    free, strict = cells
    keep = allowed(space, task[:shown], j)
    for a in generator.permutation(task.shape[1]):
        if not free[a]:
            continue
        best, best_level = np.inf, task[j, a]
        for level in range(space.counts[a]):
            task[j, a] = level
            if keep and not allowed(space, task[:shown], j):
                continue
            price = cost(space.counts, task, j, a, tallies.one, tallies.two)
            price += 0.3 * cost(space.counts, task, j, a, tallies.one_all, tallies.two_all)
            for i in range(shown):
                if i != j and task[i, a] == level:
                    price += STRICT if strict[a] else 0.0
            if not keep:
                price += REPAIR * broken(space, task[j])
            price += noise * generator.random()
            if price < best:
                best, best_level = price, level
        task[j, a] = best_level


@compiled
def broken(space: Any, concept: Any) -> int:
    """How many prohibitions a concept (A,) breaks."""
    found = 0
    for n in range(len(space.forbidden)):
        hit = 1
        for a in range(len(concept)):
            if space.forbidden[n, a, concept[a]] == 0:
                hit = 0
                break
        found += hit
    return found


@compiled
def cost(counts: Any, task: Any, j: int, a: int, one: Any, two: Any) -> Any:
    """How uneven frequencies grow when concept j is added, as far as attribute a matters."""
    level, width = task[j, a], task.shape[1]
    total = 6.0 * one[a, level] * counts[a]
    for b in range(width):
        if b != a:
            total += two[a, level, b, task[j, b]] * counts[a] * counts[b] / (width - 1)
    return total


@compiled
def count(concept: Any, tallies: Any, step: float) -> None:
    """Add a concept (A,) to the frequencies of its block, or take it away."""
    for a in range(len(concept)):
        tallies.one[a, concept[a]] += step
        for b in range(len(concept)):
            if b != a:
                tallies.two[a, concept[a], b, concept[b]] += step
