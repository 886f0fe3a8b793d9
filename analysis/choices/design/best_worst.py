"""Sets of best-worst exercises (MaxDiff): balanced incomplete blocks, else as near as can be.

Every block (version) shows each item and each pair of items as evenly as possible; over all blocks
positions are evened out too. Planes over Galois fields and cyclic difference families give exactly
balanced sets where they fit (Fisher & Yates; Bose 1939); annealed swaps do the rest.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.choices.compiled import compiled
from analysis.choices.design.arrays import field, prime_powers
from analysis.choices.design.rules import DesignImpossible
from analysis.study.exercises import BestWorstExercise

Sets = NDArray[np.int64]
FAMILY_TRIES = 3000
SWEEPS = 400


def make_sets(exercise: BestWorstExercise) -> pd.DataFrame:
    """The sets of a best-worst exercise: columns block, task, position, item.

    Raises
    ------
    DesignImpossible
        When a set would need more items than there are, or some items never meet the others, even
        through third ones.
    """
    items, size, sets = len(exercise.items), exercise.set_size, exercise.sets
    if size > items:
        raise DesignImpossible(
            f"exercise '{exercise.id}': sets of {size} items, but there are {items}. Use "
            f"'set_size: {items}' or less, or add items."
        )
    generator = np.random.default_rng(exercise.design.seed)
    exact = balanced_sets(items, size, sets, generator)
    pairs, places = np.zeros((items, items)), np.zeros((items, size))
    made = []
    for _ in range(exercise.design.blocks):
        if exact is None:
            chosen = _even_start(items, size, sets, generator)
            even_pairs(chosen, pairs, SWEEPS * sets * size, generator)
        else:
            chosen = generator.permutation(items)[exact][generator.permutation(sets)]
        for task in chosen:
            pairs[np.ix_(task, task)] += 1
        even_places(chosen, places, generator)
        made.append(chosen)
    _check_connected(exercise, np.concatenate(made))
    block, task, place = np.indices((len(made), sets, size)).reshape(3, -1)
    ids = np.array([item.id for item in exercise.items], dtype=object)
    return pd.DataFrame(
        {
            "block": block + 1,
            "task": task + 1,
            "position": place + 1,
            "item": ids[np.stack(made).ravel()],
        }
    )


def _check_connected(exercise: BestWorstExercise, sets: Sets) -> None:
    group = _groups(sets, len(exercise.items))
    apart = [f"'{exercise.items[n].id}'" for n in np.flatnonzero(group != group[0])]
    if apart:
        raise DesignImpossible(
            f"exercise '{exercise.id}': {len(apart)} of {len(group)} items are never compared with "
            f"the others: {', '.join(apart[:10])}. Show more sets, or make more blocks."
        )


def balanced_sets(items: int, size: int, sets: int, generator: np.random.Generator) -> Sets | None:
    """Sets (sets, size) in which every item and every pair stands equally often, if known here."""
    shown = sets * size
    if size >= items or shown % items or (shown // items) * (size - 1) % (items - 1):
        return None
    if items == size * size and sets == size * (size + 1) and len(prime_powers(size)) == 1:
        return _affine_plane(size)
    if sets % items == 0:
        return _difference_family(items, size, sets // items, generator)
    return None


def _affine_plane(order: int) -> Sets:
    """The lines of the plane over the field of ``order`` elements."""
    ((prime, power),) = prime_powers(order).items()
    plus, times = field(prime, power)
    x = np.arange(order)
    lines = [x * order + plus[times[slope], cut] for slope in range(order) for cut in range(order)]
    lines += [at * order + x for at in range(order)]
    return np.array(lines)


def _difference_family(
    items: int, size: int, bases: int, generator: np.random.Generator
) -> Sets | None:
    """All shifts of base sets whose differences cover every number equally often."""
    share = bases * size * (size - 1) // (items - 1)
    for _ in range(FAMILY_TRIES):
        found = np.array([generator.permutation(items)[:size] for _ in range(bases)])
        differences = (found[:, :, None] - found[:, None, :]) % items
        counts = np.bincount(differences.ravel(), minlength=items)
        if (counts[1:] == share).all():
            shifts = (found[None] + np.arange(items)[:, None, None]) % items
            return np.asarray(shifts.reshape(-1, size))
    return None


def _even_start(items: int, size: int, sets: int, generator: np.random.Generator) -> Sets:
    """Sets of distinct items, each shown equally often but for one."""
    used = np.zeros(items)
    chosen = np.empty((sets, size), dtype=np.int64)
    for n in range(sets):
        chosen[n] = np.argsort(used + generator.random(items) * 0.5)[:size]
        used[chosen[n]] += 1
    return chosen


@compiled
def even_pairs(sets: Any, before: Any, tries: int, generator: Any) -> None:
    """Swap items between sets while pairs become more even, first in these sets, then in all.

    ``before`` (items, items) counts pairs of other blocks. Worse swaps are taken with a chance
    that falls to nothing (annealing), the best sets are kept.
    """
    count, size = sets.shape
    pairs = np.zeros_like(before)
    for s in range(count):
        for i in range(size):
            for j in range(size):
                if i != j:
                    pairs[sets[s, i], sets[s, j]] += 1.0
    value, least, best = 0.0, 0.0, sets.copy()
    for n in range(tries):
        heat = 1.5 * (1.0 - n / tries) ** 2
        a, b = generator.integers(0, count), generator.integers(0, count)
        i, j = generator.integers(0, size), generator.integers(0, size)
        x, y = sets[a, i], sets[b, j]
        if a == b or x == y or (sets[a] == y).any() or (sets[b] == x).any():
            continue
        change = swap_price(sets[a], i, y, pairs, before) + swap_price(sets[b], j, x, pairs, before)
        for k in range(size):
            if k != i and (sets[b] == sets[a, k]).any():
                change -= 2.0
        if change <= 0 or generator.random() < np.exp(-change / max(heat, 1e-9)):
            move(sets[a], i, y, pairs)
            move(sets[b], j, x, pairs)
            value += change
            if value < least - 1e-9:
                least = value
                best[:] = sets
    sets[:] = best


@compiled
def swap_price(task: Any, i: int, new: int, pairs: Any, before: Any) -> Any:
    """What the sum of squared pair counts gains when ``new`` replaces item i of a set."""
    total = 0.0
    for k in range(len(task)):
        if k != i:
            other, old = task[k], task[i]
            total += pairs[new, other] - pairs[old, other] + 1.0
            total += 0.02 * (before[new, other] - before[old, other])
    return total


@compiled
def move(task: Any, i: int, new: int, pairs: Any) -> None:
    """Replace item i of a set and keep count of pairs."""
    for k in range(len(task)):
        if k != i:
            pairs[task[i], task[k]] -= 1.0
            pairs[task[k], task[i]] -= 1.0
            pairs[new, task[k]] += 1.0
            pairs[task[k], new] += 1.0
    task[i] = new


@compiled
def even_places(sets: Any, before: Any, generator: Any) -> None:
    """Order the items of each set so that every item stands in every position about equally often.

    ``before`` (items, size) counts positions of other blocks and is brought up to date.
    """
    count, size = sets.shape
    own = np.zeros_like(before)
    for s in range(count):
        for i in range(size):
            own[sets[s, i], i] += 1.0
    for _ in range(20):
        for s in range(count):
            for i in range(size):
                for j in range(i):
                    x, y = sets[s, i], sets[s, j]
                    gain = own[x, i] + own[y, j] - own[x, j] - own[y, i] - 2.0
                    gain += 0.1 * (before[x, i] + before[y, j] - before[x, j] - before[y, i])
                    if gain > 1e-9:
                        own[x, i] -= 1.0
                        own[y, j] -= 1.0
                        own[x, j] += 1.0
                        own[y, i] += 1.0
                        sets[s, i], sets[s, j] = y, x
    before += own


def inspect_sets(exercise: BestWorstExercise, frame: pd.DataFrame) -> dict[str, Any]:
    """How even items, pairs and positions are, in all and in the worst block, and connectivity.

    'most_less_least' is the count of the most less that of the least often shown. Connected: no
    group of items is never compared with the rest, in every block taken alone.
    """
    order = {item.id: n for n, item in enumerate(exercise.items)}
    place = frame["item"].map(order).to_numpy(np.int64)
    sets = place.reshape(-1, exercise.set_size)
    blocks = frame["block"].to_numpy()[:: exercise.set_size]
    items = len(order)
    each = [_evenness(sets[blocks == b], items) for b in np.unique(blocks)]
    total = _evenness(sets, items)
    positions = np.zeros((items, exercise.set_size), dtype=int)
    np.add.at(positions, (place, np.tile(np.arange(exercise.set_size), len(sets))), 1)
    return {
        "exercise": exercise.id,
        "blocks": len(each),
        "items": items,
        "item_most_less_least": total[0],
        "item_most_less_least_in_worst_block": max(e[0] for e in each),
        "pair_most_less_least": total[1],
        "pair_most_less_least_in_worst_block": max(e[1] for e in each),
        "position_most_less_least": int(np.ptp(positions, axis=1).max()),
        "repeated_items": int(sum(len(set(s)) < len(s) for s in sets.tolist())),
        "unconnected_blocks": sum(not e[2] for e in each),
    }


def _groups(sets: NDArray[Any], items: int) -> NDArray[np.int_]:
    """A number for each item, the same for items that are compared, if only through others."""
    group = np.arange(items)
    for task in sets:
        group[np.isin(group, group[task])] = group[task].min()
    return group


def _evenness(sets: NDArray[Any], items: int) -> tuple[int, int, bool]:
    pairs, group = np.zeros((items, items), dtype=int), _groups(sets, items)
    for task in sets:
        for a, b in combinations(sorted(task.tolist()), 2):
            pairs[a, b] += 1
    shown = np.bincount(sets.ravel(), minlength=items)
    above = pairs[np.triu_indices(items, 1)]
    return int(np.ptp(shown)), int(np.ptp(above)), len(np.unique(group)) == 1
