"""Making the tasks of an exercise: shortcut (balanced, little overlap) or random."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.choices.coding import Floats
from analysis.choices.design.efficiency import Levels, coded
from analysis.choices.design.rules import DesignImpossible, Rules
from analysis.study import ChoiceExercise

CANDIDATES = 24
"""Arrangements of the drawn levels tried for each task; the most informative allowed one stays."""
TRIES = 60
"""Rounds of candidates before a task is called impossible; later rounds loosen the balance."""
BALANCED_TRIES = 20


def make_tasks(exercise: ChoiceExercise) -> pd.DataFrame:
    """Make the choice tasks of an exercise as its ``design`` says.

    'shortcut': within every block each level of an attribute is shown about equally often, a level
    is repeated within a task only when there are more alternatives than levels, and among several
    arrangements of the levels the one with the largest information (at equal chances, given all
    tasks before) is kept. 'random': levels are drawn freely. Both keep to the prohibitions, show
    no alternative twice in a task and, when every attribute states a ``preference``, none that is
    worse in everything. Rules may cost balance where both cannot be had.

    Returns
    -------
    A frame with the columns block (1, 2, ...), task (1 to tasks + holdouts), alternative (1, 2,
    ...; the none alternative has no row), role ('estimation' or 'holdout') and the level ids of
    each attribute. Holdouts are the same in every block, at ``holdout_positions``.

    Raises
    ------
    DesignImpossible
        When the rules leave no task, or an attribute has a range instead of levels.
    """
    for attribute in exercise.attributes:
        if attribute.range:
            raise DesignImpossible(
                f"attribute '{attribute.id}' has a range: tasks need levels. List its levels."
            )
    maker = _Maker(exercise)
    holdouts = maker.block(exercise.holdouts, balanced=exercise.design.method == "shortcut")
    maker.forget()
    shown = exercise.tasks + exercise.holdouts
    places = np.array(holdout_positions(exercise.tasks, exercise.holdouts), dtype=int) - 1
    others = np.setdiff1d(np.arange(shown), places)
    blocks = []
    for _ in range(exercise.design.blocks):
        tasks = np.empty((shown, exercise.alternatives, len(exercise.attributes)), dtype=np.intp)
        tasks[places] = holdouts
        tasks[others] = maker.block(exercise.tasks, balanced=exercise.design.method == "shortcut")
        blocks.append(tasks)
    return _frame(exercise, np.stack(blocks), places)


def holdout_positions(tasks: int, holdouts: int) -> tuple[int, ...]:
    """At which tasks (1, 2, ...) the holdouts stand: evenly spread, none at the ends if possible.

    Holdout k of H among n tasks in all stands at k (n + 1) / (H + 1), rounded down.
    """
    shown = tasks + holdouts
    return tuple((k * (shown + 1)) // (holdouts + 1) for k in range(1, holdouts + 1))


def _frame(exercise: ChoiceExercise, blocks: Levels, holdouts: Levels) -> pd.DataFrame:
    count, shown, alternatives, _ = blocks.shape
    block, task, alternative = np.indices((count, shown, alternatives)).reshape(3, -1)
    columns: dict[str, object] = {
        "block": block + 1,
        "task": task + 1,
        "alternative": alternative + 1,
        "role": np.where(np.isin(task, holdouts), "holdout", "estimation"),
    }
    for a, attribute in enumerate(exercise.attributes):
        ids = np.array([level.id for level in attribute.levels], dtype=object)
        columns[attribute.id] = ids[blocks[..., a].ravel()]
    return pd.DataFrame(columns)


class _Maker:
    """Draws tasks one after another, keeping count of levels and of the information so far."""

    def __init__(self, exercise: ChoiceExercise) -> None:
        self.exercise = exercise
        self.rules = Rules.of(exercise)
        self.counts = [len(a.levels) for a in exercise.attributes]
        self.generator = np.random.default_rng(exercise.design.seed)
        self.forget()

    def forget(self) -> None:
        """Start the information anew (a little on the diagonal, so that it has an inverse)."""
        self.inverse: Floats = np.eye(sum(self.counts) - len(self.counts)) * 1e3

    def block(self, tasks: int, *, balanced: bool) -> Levels:
        """One block of tasks, (tasks, alternatives, attributes)."""
        shape = (tasks, self.exercise.alternatives, len(self.counts))
        made = np.empty(shape, dtype=np.intp)
        used = [np.zeros(count) for count in self.counts]
        for n in range(tasks):
            made[n] = self._balanced_task(used) if balanced else self._random_task()
            for a, count in enumerate(self.counts):
                used[a] += np.bincount(made[n, :, a], minlength=count)
        return made

    def _random_task(self) -> Levels:
        for _ in range(TRIES):
            drawn = self._drawn_freely()
            allowed = np.flatnonzero(self.rules.allowed(drawn))
            if len(allowed):
                return np.asarray(drawn[allowed[0]])
        raise DesignImpossible(self.rules.why_impossible(self.exercise))

    def _balanced_task(self, used: list[Floats]) -> Levels:
        for attempt in range(TRIES):
            loose = max(0, attempt - BALANCED_TRIES)
            drawn = self._drawn_freely() if loose > 20 else self._drawn_evenly(used, loose)
            allowed = drawn[self.rules.allowed(drawn)]
            if len(allowed):
                return self._most_informative(allowed)
        raise DesignImpossible(self.rules.why_impossible(self.exercise))

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
