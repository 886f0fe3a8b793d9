"""In which order things are shown: shuffled by a stored seed, the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from analysis.study.exercises import BestWorstExercise, ChoiceExercise, Exercise


def shuffled(count: int, seed: int | None, *place: object) -> tuple[int, ...]:
    """An order of 0, 1, ... count - 1; without a seed, as they are.

    Number n is sorted by the SHA-256 of "SEED/PLACE/.../n": every order is equally likely, orders
    at different places are independent, and none depends on a library's generator.
    """
    if seed is None:
        return tuple(range(count))
    start = "/".join(str(part) for part in (seed, *place))
    keys = [hashlib.sha256(f"{start}/{n}".encode()).digest() for n in range(count)]
    return tuple(sorted(range(count), key=keys.__getitem__))


Shown = TypeVar("Shown")


def arranged(
    parts: Sequence[Shown], fixed: Sequence[bool], seed: int | None, *place: object
) -> tuple[Shown, ...]:
    """Parts in random order, but the fixed ones at their own places."""
    order = iter([n for n in shuffled(len(parts), seed, *place) if not fixed[n]])
    return tuple(parts[n if stays else next(order)] for n, stays in enumerate(fixed))


def alternative_order(
    exercise: Exercise, task: int, count: int, seed: int | None
) -> tuple[int, ...]:
    """The order in which the ``count`` alternatives or items of a task stand on its page."""
    random = isinstance(exercise, BestWorstExercise) or (
        isinstance(exercise, ChoiceExercise) and exercise.alternative_order == "random"
    )
    return shuffled(count, seed if random else None, exercise.id, task)


def attribute_order(exercise: Exercise, seed: int | None) -> tuple[int, ...]:
    """The order of the attributes, the same in all tasks of a respondent."""
    random = getattr(exercise, "attribute_order", "fixed") == "random"
    return shuffled(len(exercise.columns), seed if random else None, exercise.id)
