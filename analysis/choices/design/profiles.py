"""Making the profiles of a ratings exercise: levels balanced, attributes told apart."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.choices.design.rules import DesignImpossible
from analysis.study.exercises import RatingsExercise

CANDIDATES = 300
"""Arrangements tried for each block; the most informative one stays."""

Levels = NDArray[np.intp]


def make_profiles(exercise: RatingsExercise) -> pd.DataFrame:
    """Make the profiles of an exercise, as many blocks as its ``design`` says.

    Within a block every level of an attribute is shown equally often, give or take one, no profile
    twice, and of ``CANDIDATES`` arrangements the one with the largest determinant of the
    information of main effects (with an intercept) is taken.

    Returns
    -------
    A frame with the columns block, task (1 to ``profiles``), alternative (1), role ('estimation')
    and the level ids of each attribute.

    Raises
    ------
    DesignImpossible
        When an attribute has a range, there are fewer different profiles than are to be rated, or
        all blocks together cannot tell the levels apart.
    """
    for attribute in exercise.attributes:
        if attribute.range:
            raise DesignImpossible(
                f"attribute '{attribute.id}' has a range: profiles need levels. List its levels."
            )
    counts = [len(attribute.levels) for attribute in exercise.attributes]
    different = math.prod(counts)
    if different < exercise.profiles:
        raise DesignImpossible(
            f"'{exercise.id}' asks for {exercise.profiles} profiles, but there are only "
            f"{different} different ones. Lower 'profiles'."
        )
    generator = np.random.default_rng(exercise.design.seed)
    blocks = exercise.design.blocks
    made = np.stack([_block(generator, exercise.profiles, counts) for _ in range(blocks)])
    x = _coded(made.reshape(-1, len(counts)), counts)
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise DesignImpossible(
            f"{len(x)} profiles of '{exercise.id}' cannot tell {x.shape[1]} part-worths apart. "
            "Show more profiles, or make more blocks."
        )
    block, task = np.indices(made.shape[:2]).reshape(2, -1) + 1
    columns: dict[str, object] = {
        "block": block,
        "task": task,
        "alternative": 1,
        "role": "estimation",
    }
    for a, attribute in enumerate(exercise.attributes):
        ids = np.array([level.id for level in attribute.levels], dtype=object)
        columns[attribute.id] = ids[made[..., a].ravel()]
    return pd.DataFrame(columns)


def _block(generator: np.random.Generator, profiles: int, counts: list[int]) -> Levels:
    """The most informative of some balanced arrangements, (profiles, attributes)."""
    best, most = None, -np.inf
    for _ in range(CANDIDATES):
        drawn = np.column_stack([_balanced(generator, profiles, count) for count in counts])
        if len(np.unique(drawn, axis=0)) < profiles:
            continue
        x = _coded(drawn, counts)
        # A little on the diagonal: a block alone may have fewer profiles than part-worths.
        gain = float(np.linalg.slogdet(x.T @ x + 1e-6 * np.eye(x.shape[1]))[1])
        if gain > most:
            best, most = drawn, gain
    return _without_twins(generator, profiles, counts) if best is None else best


def _balanced(generator: np.random.Generator, profiles: int, count: int) -> Levels:
    """A column with every level equally often, give or take one, in random order."""
    levels = generator.permutation(count)
    return generator.permutation(np.tile(levels, -(-profiles // count))[:profiles])


def _without_twins(generator: np.random.Generator, profiles: int, counts: list[int]) -> Levels:
    """Different profiles, where nearly all there are must be shown: balance comes by itself."""
    places = generator.permutation(math.prod(counts))[:profiles]
    return np.column_stack(np.unravel_index(places, counts)).astype(np.intp)


def _coded(levels: Levels, counts: list[int]) -> NDArray[np.float64]:
    """An intercept, and each attribute by its levels but the last (effects)."""
    parts = [np.ones((len(levels), 1))]
    for a, count in enumerate(counts):
        table = np.vstack([np.eye(count - 1), -np.ones(count - 1)])
        parts.append(table[levels[:, a]])
    return np.hstack(parts)
