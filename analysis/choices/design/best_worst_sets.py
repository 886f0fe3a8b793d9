"""Making the sets of a best-worst exercise: items and pairs of items shown equally often."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.choices.design.rules import DesignImpossible
from analysis.study.exercises import BestWorstExercise

Sets = NDArray[np.intp]


def make_sets(exercise: BestWorstExercise) -> pd.DataFrame:
    """Make the sets of items of an exercise, as many blocks as its ``design`` says.

    Set after set is filled with the items least shown in the block so far; among those, with the
    ones that met the items of the set least often in all blocks. Within a block the items are
    shown equally often, give or take one.

    Returns
    -------
    A frame with the columns block, task, alternative (1, 2, ...), role ('estimation') and item.

    Raises
    ------
    DesignImpossible
        When an item is in no set, or some items never meet the others, even through third ones.
    """
    made = _filled(exercise)
    together = _meetings(made, len(exercise.items))
    apart = _unreached(together)
    if apart:
        names = ", ".join(f"'{exercise.items[n].id}'" for n in apart[:10])
        raise DesignImpossible(
            f"{len(apart)} of {len(exercise.items)} items of '{exercise.id}' are never compared "
            f"with the others: {names}. Show more sets, or make more blocks."
        )
    block, task, alternative = np.indices(made.shape).reshape(3, -1) + 1
    ids = np.array([item.id for item in exercise.items], dtype=object)
    return pd.DataFrame(
        {
            "block": block,
            "task": task,
            "alternative": alternative,
            "role": "estimation",
            "item": ids[made.ravel()],
        }
    )


def _filled(exercise: BestWorstExercise) -> Sets:
    """The items of each set, (blocks, sets, set size)."""
    generator = np.random.default_rng(exercise.design.seed)
    count, size = len(exercise.items), exercise.set_size
    together = np.zeros((count, count))
    made = np.empty((exercise.design.blocks, exercise.sets, size), dtype=np.intp)
    for block in made:
        shown = np.zeros(count)
        for chosen in block:
            met = np.zeros(count)
            taken = np.zeros(count, dtype=bool)
            for place in range(size):
                order = np.lexsort((generator.random(count), met, shown, taken))
                chosen[place] = order[0]
                taken[order[0]] = True
                met += together[order[0]]
            shown[chosen] += 1
            together[np.ix_(chosen, chosen)] += 1
    return made


def _meetings(made: Sets, count: int) -> NDArray[np.bool_]:
    """Which items are in a set together, (items, items)."""
    together = np.zeros((count, count), dtype=bool)
    for chosen in made.reshape(-1, made.shape[-1]):
        together[np.ix_(chosen, chosen)] = True
    return together


def _unreached(together: NDArray[np.bool_]) -> list[int]:
    """Items that no chain of sets joins with the first one."""
    reached = together[0].copy()
    reached[0] = True
    for _ in range(len(together)):
        more = reached | together[reached].any(axis=0)
        if (more == reached).all():
            break
        reached = more
    return [int(n) for n in np.flatnonzero(~reached)]
