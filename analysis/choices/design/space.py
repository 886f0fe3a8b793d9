"""What designs are searched in: coded levels and rules as plain arrays that kernels read."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.choices.coding import NONE, Coding, Floats, joined
from analysis.choices.compiled import compiled
from analysis.choices.design.rules import Rules

Integers = NDArray[np.int64]
Bytes = NDArray[np.uint8]

NO_NONE, SINGLE_NONE, DUAL_NONE = 0, 1, 2


class Space(NamedTuple):
    """Attributes, their codes and the rules of tasks, for A attributes of at most L levels.

    Attributes
    ----------
    counts
        (A,) number of levels.
    codes
        (A, L, W) columns of each level, zero-padded.
    starts, widths
        (A,) first column and number of columns of each attribute.
    pairs
        (P, 3) the two attributes of each interaction and its first column.
    none
        0: no none alternative; 1: one among the alternatives; 2: asked after the choice.
    columns
        K, the number of columns; with none, its column is the last.
    forbidden
        (N, A, L) 1 where a level belongs to a prohibition; all levels of attributes it leaves out.
    goodness
        (A, L) how good a level is, when ``ordered``.
    ordered
        1 when the levels of every attribute have an order: an alternative better in nothing is not
        shown.
    """

    counts: Integers
    codes: Floats
    starts: Integers
    widths: Integers
    pairs: Integers
    none: int
    columns: int
    forbidden: Bytes
    goodness: Integers
    ordered: int


def space_of(coding: Coding) -> Space:
    """The space of an exercise in its own coding (covariates play no part)."""
    exercise = coding.exercise
    tables = [coding.table(attribute) for attribute in exercise.attributes]
    counts = np.array([len(table) for table in tables], dtype=np.int64)
    widths = np.array([table.shape[1] for table in tables], dtype=np.int64)
    codes = np.zeros((len(tables), counts.max(), widths.max()))
    for a, table in enumerate(tables):
        codes[a, : counts[a], : widths[a]] = table
    places = {attribute.id: a for a, attribute in enumerate(exercise.attributes)}
    pairs = [
        (places[first], places[second], coding.places(joined(first, second)).start)
        for first, second in exercise.interactions
    ]
    starts = [coding.places(attribute.id).start for attribute in exercise.attributes]
    none = NO_NONE
    if exercise.none is not None:
        none = DUAL_NONE if exercise.none.response == "dual" else SINGLE_NONE
        assert coding.columns[-1].attribute == NONE
    forbidden, goodness, ordered = _rules(Rules.of(exercise), counts)
    return Space(
        counts,
        codes,
        np.array(starts, dtype=np.int64),
        widths,
        np.array(pairs, dtype=np.int64).reshape(-1, 3),
        none,
        coding.width,
        forbidden,
        goodness,
        ordered,
    )


def plain_space(tables: list[Floats]) -> Space:
    """A space of coded attributes without none, interactions or rules; tables are (levels, W)."""
    counts = np.array([len(table) for table in tables], dtype=np.int64)
    widths = np.array([table.shape[1] for table in tables], dtype=np.int64)
    codes = np.zeros((len(tables), counts.max(), widths.max()))
    for a, table in enumerate(tables):
        codes[a, : counts[a], : widths[a]] = table
    forbidden, goodness, ordered = _rules(Rules((), None), counts)
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]]).astype(np.int64)
    pairs = np.zeros((0, 3), dtype=np.int64)
    columns = int(widths.sum())
    return Space(
        counts, codes, starts, widths, pairs, NO_NONE, columns, forbidden, goodness, ordered
    )


def _rules(rules: Rules, counts: Integers) -> tuple[Bytes, Integers, int]:
    shape = (len(counts), int(counts.max()))
    forbidden = np.ones((len(rules.prohibited), *shape), dtype=np.uint8)
    for n, prohibition in enumerate(rules.prohibited):
        for attribute, levels in prohibition.items():
            forbidden[n, attribute] = 0
            forbidden[n, attribute, list(levels)] = 1
    goodness = np.zeros(shape, dtype=np.int64)
    if rules.ranks is not None:
        for a, rank in enumerate(rules.ranks):
            goodness[a, : len(rank)] = rank
    return forbidden, goodness, int(rules.ranks is not None)


def mark_keys(counts: Integers) -> Floats:
    """Random numbers (A, L) by which ``task_mark`` tells tasks apart, the same at every call."""
    return np.random.default_rng(7).uniform(1, 2, (len(counts), int(counts.max())))


@compiled
def fill_row(space: Any, levels: Any, x: Any) -> None:
    """Write the columns of one alternative into ``x`` (K,)."""
    x[:] = 0.0
    for a in range(len(space.counts)):
        for w in range(space.widths[a]):
            x[space.starts[a] + w] = space.codes[a, levels[a], w]
    for n in range(len(space.pairs)):
        first, second, place = space.pairs[n]
        for v in range(space.widths[first]):
            for w in range(space.widths[second]):
                x[place] = (
                    space.codes[first, levels[first], v] * space.codes[second, levels[second], w]
                )
                place += 1


@compiled
def allowed(space: Any, task: Any, i: int) -> bool:
    """Whether alternative i of a task (J, A) may stand beside the others."""
    width = task.shape[1]
    for n in range(len(space.forbidden)):
        hit = True
        for a in range(width):
            if space.forbidden[n, a, task[i, a]] == 0:
                hit = False
                break
        if hit:
            return False
    for j in range(len(task)):
        if j == i:
            continue
        better, worse = False, False
        for a in range(width):
            if space.ordered:
                gap = space.goodness[a, task[i, a]] - space.goodness[a, task[j, a]]
            else:
                gap = 0
                if task[i, a] != task[j, a]:
                    better = worse = True
            if gap > 0:
                better = True
            elif gap < 0:
                worse = True
        if not (better and worse):
            return False
    return True


@compiled
def task_mark(keys: Any, task: Any) -> float:
    """A number that is the same for tasks with the same alternatives in any order."""
    total = 0.0
    for i in range(len(task)):
        product = 1.0
        for a in range(task.shape[1]):
            product *= keys[a, task[i, a]]
        total += product
    return total
