"""The search for efficient designs: many starts, exchange, and kicks of the best one.

Effort is counted in work, not in seconds: the same seed gives the same design on any machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from analysis.choices.coding import Floats
from analysis.choices.design.efficiency import Levels
from analysis.choices.design.exchange import RIDGE, State, exchange, informations
from analysis.choices.design.overlap import fill, tallies_of
from analysis.choices.design.space import Bytes, Space, mark_keys, task_mark
from analysis.choices.design.watch import Watch

WORK = 5e7
"""Candidates x (25 + draws / 4) x rows a default search may spend: some seconds on one core."""
PASSES = 60
ALIKE = 1e-9
"""Relative gain below which a pass counts as the last."""
REFRESH = 4
"""Passes after which inverses are computed anew."""
START = 4e4
"""Work that making a start counts as."""
CHUNK = 4e4
"""Work between two looks at the watch."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is searched: the tasks to fill, and what counts.

    Attributes
    ----------
    space
        Codes and rules.
    template
        (S, J, A) levels that are given; the others are overwritten.
    free
        (S, A) 1 where levels may be chosen; tasks without a free attribute are given.
    weight
        (S,) how often each task counts.
    penalties
        (2,) weights of imbalance and overlap.
    copies
        How often the same task may occur.
    taken
        (N,) marks of tasks that may not be made: they stand in every block already.
    """

    space: Space
    template: Levels
    free: Bytes
    weight: Floats
    penalties: Floats
    copies: int
    taken: Floats = field(default_factory=lambda: np.zeros(0))

    def candidates(self) -> float:
        """Levels tried in one pass."""
        others = self.free * (self.space.counts - 1)
        return float(others.sum() * self.template.shape[1])


def d_errors(space: Space, levels: Levels, weight: Floats, betas: Floats) -> Floats:
    """D-errors (R,) of a design for draws (R, K); infinite where the information is singular."""
    found = informations(space, levels, weight, np.ascontiguousarray(betas.T))
    return errors_of(found)


def errors_of(information: Floats) -> Floats:
    """det(M)^(-1/K) of informations (R, K, K), infinite where singular to working precision."""
    scale = np.sqrt(np.maximum(np.einsum("rkk->rk", information), 1e-300))
    scaled = information / (scale[:, :, None] * scale[:, None, :])
    values = np.linalg.eigvalsh(scaled)
    logs = np.log(np.maximum(values, 1e-300)).sum(axis=1) + 2 * np.log(scale).sum(axis=1)
    told = values[:, 0] > 1e-11
    errors: Floats = np.exp(np.where(told, -logs / scale.shape[1], np.inf))
    return errors


def random_design(problem: Problem, strictness: float, generator: np.random.Generator) -> Levels:
    """Tasks that keep to the rules, with even levels; strict cells show no level twice.

    The template again when rules so narrow that chance does not meet them leave no other.
    """
    levels = problem.template.copy()
    strict = (generator.random(problem.free.shape) < strictness).astype(np.uint8)
    cells = problem.free[None], strict[None]
    tallies = tallies_of(problem.space.counts, problem.taken)
    failed = fill(problem.space, levels[None], cells, problem.copies == 1, tallies, generator)
    return levels if failed < 0 else problem.template.copy()


class Search:
    """A search under one criterion: the mean D-error over draws (R, K)."""

    def __init__(
        self,
        problem: Problem,
        betas: Floats,
        *,
        work: float,
        generator: np.random.Generator,
        watch: Watch,
        enough: float = 0.0,
    ) -> None:
        self.problem = problem
        self.betas = np.ascontiguousarray(betas.T)
        self.generator = generator
        self.watch = watch
        self.enough = enough
        self.work, self.spent = work, 0.0
        self.best: Levels | None = None
        self.least = np.inf
        draws, rows = len(betas), problem.template.shape[1] + (problem.space.none > 0)
        self.cost = (25 + draws / 4) * rows
        self.keys = mark_keys(problem.space.counts)

    def run(self, seeds: list[Levels], starts: int | None) -> Levels:
        """The best design of ``starts`` random starts and as many kicks, or of what work allows."""
        try:
            for n, levels in enumerate(self._designs(seeds, starts)):
                self._keep(self._improved(levels))
                self.watch.tell(n / (2 * starts) if starts else self.spent / max(self.work, 1.0))
                if self.least <= self.enough or self.watch.over():
                    break
        except KeyboardInterrupt:
            self.watch.interrupted = True
            if self.best is None:
                raise
        assert self.best is not None
        return self.best

    def _designs(self, seeds: list[Levels], starts: int | None) -> Iterator[Levels]:
        """Where to start: the seeds, then random designs, then the best one, kicked."""
        yield from seeds
        fresh = 0
        while self._goes_on(fresh, starts, 0.5) or self.best is None:
            fresh += 1
            yield random_design(self.problem, (1.0, 0.9, 0.6)[fresh % 3], self.generator)
        kicks = 0
        while self._goes_on(kicks, starts, 1.0):
            kicks += 1
            yield self._kicked()

    def _goes_on(self, done: int, wanted: int | None, share: float) -> bool:
        if wanted is not None:
            return done < wanted
        return self.spent < share * self.work

    def _kicked(self) -> Levels:
        assert self.best is not None
        donor = random_design(self.problem, 0.9, self.generator)
        share = self.generator.choice((0.05, 0.15, 0.3))
        chosen = self.generator.random(len(donor)) < share
        chosen[self.generator.integers(len(donor))] = True
        levels = self.best.copy()
        levels[chosen] = donor[chosen]
        return levels

    def _improved(self, levels: Levels) -> Levels:
        """Exchange until nothing is gained; at Ctrl-C or the end of time, as far as it came."""
        problem, before = self.problem, np.inf
        self.spent += START
        tasks = len(levels)
        step = max(1, int(CHUNK / max(1.0, problem.candidates() / tasks * self.cost)))
        for number in range(PASSES):
            if number % REFRESH == 0:
                state = self._state(levels)
            order, changed = self.generator.permutation(tasks), 0
            for first in range(0, tasks, step):
                last = min(first + step, tasks)
                try:
                    changed += exchange(problem.space, state, order, first, last)
                except KeyboardInterrupt:
                    self.watch.interrupted = True
                if self.watch.over():
                    return levels
            self.spent += problem.candidates() * self.cost
            value = self._value(levels, state)
            if not changed or value > before * (1 - ALIKE) or self._too_long(number):
                break
            before = value
        return levels

    def _too_long(self, number: int) -> bool:
        return number >= 3 and self.spent > self.work

    def _value(self, levels: Levels, state: State) -> float:
        return float(state.errors.mean()) * self._penalty(levels)

    def _keep(self, levels: Levels) -> None:
        weight = self.problem.weight
        errors = errors_of(informations(self.problem.space, levels, weight, self.betas))
        value = float(errors.mean()) * self._penalty(levels)
        if self.best is None or value < self.least:
            self.best, self.least = levels.copy(), value

    def _state(self, levels: Levels) -> State:
        """What exchange works on; ``levels`` is changed in place by it."""
        problem, counts = self.problem, self.problem.space.counts
        information = informations(problem.space, levels, problem.weight, self.betas)
        width = information.shape[1]
        mean = np.maximum(np.einsum("rkk->r", information) / width, 1e-12)
        information += (RIDGE * mean)[:, None, None] * np.eye(width)
        log_det = np.linalg.slogdet(information)[1]
        inverse = np.ascontiguousarray(np.linalg.inv(information).transpose(1, 2, 0))
        shown = np.zeros_like(problem.space.goodness)
        for a in range(len(counts)):
            shown[a] = np.bincount(levels[..., a].ravel(), minlength=shown.shape[1])
        return State(
            levels,
            problem.free,
            problem.weight,
            self.betas,
            inverse,
            log_det,
            np.exp(-log_det / width),
            shown,
            np.array([overlaps(levels).sum()]),
            problem.penalties,
            self.keys,
            np.concatenate(
                [
                    [task_mark(self.keys, task) for task in levels],
                    np.repeat(problem.taken, problem.copies),
                ]
            ),
            problem.copies,
        )

    def _penalty(self, levels: Levels) -> float:
        uneven, overlap = self.problem.penalties
        total, counts = 1.0, self.problem.space.counts
        if uneven:
            shares = [
                np.bincount(levels[..., a].ravel(), minlength=count) * count / levels[..., a].size
                for a, count in enumerate(counts)
            ]
            total += uneven * np.mean([((share - 1) ** 2).mean() for share in shares])
        if overlap:
            concepts = levels.shape[1]
            pairs = len(levels) * len(counts) * concepts * (concepts - 1) / 2
            total += overlap * overlaps(levels).sum() / pairs
        return float(total)


def overlaps(levels: Levels) -> Levels:
    """Pairs of equal levels within each task and attribute, (S, A)."""
    concepts = levels.shape[1]
    found = np.zeros((len(levels), levels.shape[2]), dtype=np.intp)
    for i in range(concepts):
        for j in range(i):
            found += levels[:, i] == levels[:, j]
    return found
