"""Tasks drawn one after another: random, and shortcut (balanced, with little overlap)."""

from __future__ import annotations

import numpy as np

from analysis.choices.coding import Floats, coding_in
from analysis.choices.design.efficiency import Levels, coded
from analysis.choices.design.overlap import fill_task, tallies_of
from analysis.choices.design.rules import DesignImpossible, Mask, Rules, label_place
from analysis.choices.design.space import Integers, space_of
from analysis.study import ChoiceExercise

CANDIDATES = 24
"""Arrangements of the drawn levels tried for each task; the most informative allowed one stays."""
TRIES = 60
"""Rounds of candidates before a task is called impossible; later rounds loosen the balance."""
BALANCED_TRIES = 20
SOUGHT = 50
"""Tasks sought where drawing met none."""


class Maker:
    """Draws tasks one after another, keeping count of levels and of the information so far."""

    def __init__(self, exercise: ChoiceExercise) -> None:
        self.exercise = exercise
        self.rules = Rules.of(exercise)
        self.counts = [len(a.levels) for a in exercise.attributes]
        self.label = label_place(exercise)
        self.generator = np.random.default_rng(exercise.design.seed)
        self.taken: set[tuple[int, ...]] = set()
        self.forget()

    def take(self, tasks: Levels) -> None:
        """Remember tasks that no block shall show again, if there are others."""
        self.taken |= {tuple(row) for row in self._profiles(tasks).tolist()}

    def forget(self) -> None:
        """Start the information anew (a little on the diagonal, so that it has an inverse)."""
        self.inverse: Floats = np.eye(sum(self.counts) - len(self.counts)) * 1e3

    def block(self, tasks: int, *, balanced: bool) -> Levels:
        """One block of tasks, (tasks, alternatives, attributes)."""
        shape = (tasks, self.exercise.alternatives, len(self.counts))
        made = np.empty(shape, dtype=np.intp)
        self.seen = set(self.taken)
        used = [np.zeros(count) for count in self.counts]
        for n in range(tasks):
            constant = self._constant()
            made[n] = (
                self._balanced_task(used, constant) if balanced else self._random_task(constant)
            )
            self.seen.add(tuple(self._profiles(made[n : n + 1])[0].tolist()))
            for a, count in enumerate(self.counts):
                used[a] += np.bincount(made[n, :, a], minlength=count)
        return made

    def _profiles(self, tasks: Levels) -> Levels:
        """Numbers of the alternatives of tasks, in rising order, (tasks, J)."""
        places = tuple(tasks[..., a] for a in range(len(self.counts)))
        numbers = np.zeros(tasks.shape[:2], dtype=object)
        for place, count in zip(places, self.counts, strict=True):
            numbers = numbers * count + place
        return np.sort(numbers, axis=1)

    def _unseen(self, tasks: Levels, attempt: int) -> Mask:
        """Which tasks the block does not have yet; all, when attempts show that there is none."""
        if attempt >= BALANCED_TRIES:
            return np.ones(len(tasks), dtype=bool)
        return np.array([tuple(row) not in self.seen for row in self._profiles(tasks).tolist()])

    def _constant(self) -> Integers:
        """Places of the attributes that shall be the same throughout the next task."""
        varying, others = self.exercise.design.varying, len(self.counts)
        if varying is None:
            return np.zeros(0, dtype=np.int64)
        free = np.array([a for a in range(others) if a != self.label])
        return self.generator.permutation(free)[varying:]

    def _shaped(self, drawn: Levels, constant: Integers) -> Levels:
        """Drawn tasks with each label once, and the constant attributes the same throughout."""
        if self.label is not None:
            drawn[..., self.label] = self._labels(len(drawn))
        drawn[:, :, constant] = drawn[:, :1, constant]
        return drawn

    def _labels(self, tasks: int) -> Levels:
        assert self.label is not None
        count, alternatives = self.counts[self.label], self.exercise.alternatives
        orders = np.tile(np.arange(count), (tasks, 1))
        if count > alternatives:
            orders = np.sort(self.generator.permuted(orders, axis=1)[:, :alternatives], axis=1)
        return orders

    def _random_task(self, constant: Integers) -> Levels:
        for attempt in range(TRIES):
            drawn = self._shaped(self._drawn_freely(), constant)
            allowed = np.flatnonzero(self.rules.allowed(drawn) & self._unseen(drawn, attempt))
            if len(allowed):
                return np.asarray(drawn[allowed[0]])
        return self._sought_task(constant)

    def _balanced_task(self, used: list[Floats], constant: Integers) -> Levels:
        for attempt in range(TRIES):
            loose = max(0, attempt - BALANCED_TRIES)
            drawn = self._drawn_freely() if loose > 20 else self._drawn_evenly(used, loose)
            drawn = self._shaped(drawn, constant)
            allowed = drawn[self.rules.allowed(drawn) & self._unseen(drawn, attempt)]
            if len(allowed):
                return self._most_informative(allowed)
        return self._most_informative(self._sought_task(constant)[None])

    def _sought_task(self, constant: Integers) -> Levels:
        """A task for rules so narrow that drawing does not meet them: repaired level by level."""
        space = space_of(coding_in("", self.exercise))
        tallies = tallies_of(space.counts, np.zeros(0))
        free, strict = np.ones((2, len(self.counts)), dtype=np.uint8) * np.array([[1], [0]], "u1")
        free[constant] = 0
        if self.label is not None:
            free[self.label] = 0
        found: list[Levels] = []
        for _ in range(SOUGHT):
            task = self._shaped(self._drawn_freely()[:1], constant)[0]
            if fill_task(space, task, free, strict, tallies, 1.0, self.generator):
                found.append(task)
                if self._unseen(task[None], 0).all():
                    break
        if not found:
            raise DesignImpossible(self.rules.why_impossible(self.exercise))
        return found[-1]

    def _drawn_freely(self) -> Levels:
        shape = (CANDIDATES * 10, self.exercise.alternatives)
        drawn = [self.generator.integers(count, size=shape) for count in self.counts]
        return np.stack(drawn, axis=-1)

    def _drawn_evenly(self, used: list[Floats], loose: int) -> Levels:
        """Candidates of the levels least used so far, each attribute in random order.

        ``loose`` adds noise to the counts, so that rules can be kept at some cost of balance.
        """
        alternatives = self.exercise.alternatives
        drawn = np.empty((CANDIDATES, alternatives, len(self.counts)), dtype=np.intp)
        for a, count in enumerate(self.counts):
            ties = self.generator.random((CANDIDATES, count)) * (0.5 + loose)
            order = np.argsort(used[a] + ties, axis=1)
            repeated = np.tile(order, (1, -(-alternatives // count)))[:, :alternatives]
            drawn[..., a] = self.generator.permuted(repeated, axis=1)
        return drawn

    def _most_informative(self, candidates: Levels) -> Levels:
        """The candidate that enlarges det(information) most: det(I + Z A Z') with A its inverse."""
        x = coded(candidates, self.counts)
        z = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.shape[1])
        across = z @ self.inverse
        gains = np.linalg.slogdet(np.eye(x.shape[1]) + across @ z.transpose(0, 2, 1))[1]
        best = int(gains.argmax())
        inner = np.eye(x.shape[1]) + across[best] @ z[best].T
        self.inverse = self.inverse - across[best].T @ np.linalg.solve(inner, across[best])
        return np.asarray(candidates[best])
