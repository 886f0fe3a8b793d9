"""Making the tasks of an exercise by the method that its design names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.choices.coding import Floats, coding_in
from analysis.choices.design.blocking import divide
from analysis.choices.design.drawing import Maker
from analysis.choices.design.efficiency import Levels, burgess_street_bound, orthogonal_codes
from analysis.choices.design.orbits import shifted_design
from analysis.choices.design.overlap import Tallies, fill, tallies_of
from analysis.choices.design.priors import Priors, priors_of
from analysis.choices.design.rules import DesignImpossible, Rules, label_place
from analysis.choices.design.search import WORK, Problem, Search
from analysis.choices.design.space import (
    NO_NONE,
    Bytes,
    Space,
    allowed,
    mark_keys,
    space_of,
    task_mark,
)
from analysis.choices.design.watch import Watch
from analysis.study import ChoiceExercise

DRAWS = 512
"""Sobol draws of the priors over which bayesian-d is sought."""
LOOSE = 1 / 3
"""Share of cells (task, attribute) in which balanced-overlap may repeat a level."""
SHIFTED = 3
"""Shifted arrays tried: one may break the rules or hold a holdout where another does not."""
TEMPLATES = 200
"""Times the constant levels of a partial profile are drawn anew when the rules forbid a task."""


@dataclass(frozen=True, slots=True)
class Design:
    """Choice tasks, and how they came about.

    Attributes
    ----------
    tasks
        One row per alternative: block (1, 2, ...), task (1 to tasks + holdouts), alternative (1,
        2, ...; the none alternative has no row), role ('estimation' or 'holdout') and the level
        ids of each attribute.
    interrupted
        True when a time limit, a request to stop or Ctrl-C ended the search: another run need not
        give the same tasks.
    """

    tasks: pd.DataFrame
    interrupted: bool


def make_tasks(exercise: ChoiceExercise) -> pd.DataFrame:
    """The choice tasks of an exercise as its ``design`` says; see ``make_design``."""
    return make_design(exercise).tasks


def make_design(exercise: ChoiceExercise, watch: Watch | None = None) -> Design:
    """Make the choice tasks of an exercise as its ``design`` says (docs/methods/choice-tasks.md).

    All methods keep to the prohibitions, show no alternative twice in a task and, when the levels
    of every attribute are ordered by a ``preference`` or by prior means, none that is better in
    nothing (unless ``keep_dominated``). Rules may cost balance
    where both cannot be had. Holdouts are the same in every block, at ``holdout_positions``.

    Raises
    ------
    DesignImpossible
        When the rules leave no task, an attribute has a range instead of levels, or bayesian-d
        has no priors with a standard deviation.
    """
    for attribute in exercise.attributes:
        if attribute.range:
            raise DesignImpossible(
                f"attribute '{attribute.id}' has a range: tasks need levels. List its levels."
            )
    watch = watch or Watch(exercise.design.time_limit)
    method, given = exercise.design.method, _fixed(exercise, "estimation")
    maker = Maker(exercise)
    held = _fixed(exercise, "holdout")
    maker.take(np.concatenate([given, held]))
    made = maker.block(exercise.holdouts - len(held), balanced=method != "random")
    holdouts = np.concatenate([held, made])
    maker.take(made)
    maker.forget()
    count = exercise.tasks - len(given)
    if method in ("random", "shortcut"):
        estimation = _drawn(maker, count, watch)
    else:
        estimation = _Composer(exercise, watch, holdouts).blocks(count, given)
    if len(given):
        estimation = _inserted(estimation, given)
    shown = _inserted(estimation, holdouts)
    places = np.array(holdout_positions(exercise.tasks, exercise.holdouts), dtype=int) - 1
    return Design(_frame(exercise, shown, places), watch.interrupted)


def holdout_positions(tasks: int, holdouts: int) -> tuple[int, ...]:
    """At which tasks (1, 2, ...) the holdouts stand: evenly spread, none at the ends if possible.

    Holdout k of H among n tasks in all stands at k (n + 1) / (H + 1), rounded down.
    """
    shown = tasks + holdouts
    return tuple((k * (shown + 1)) // (holdouts + 1) for k in range(1, holdouts + 1))


def _fixed(exercise: ChoiceExercise, role: str) -> Levels:
    ids = [[level.id for level in a.levels] for a in exercise.attributes]
    tasks = [
        [
            [ids[n].index(alternative[a.id]) for n, a in enumerate(exercise.attributes)]
            for alternative in task.alternatives
        ]
        for task in exercise.fixed_tasks
        if task.role == role
    ]
    shape = (len(tasks), exercise.alternatives, len(exercise.attributes))
    return np.array(tasks, dtype=np.intp).reshape(shape)


def _drawn(maker: Maker, tasks: int, watch: Watch) -> Levels:
    """Blocks (B, tasks, J, A) drawn one after another; at the end of time, those made repeat."""
    plan = maker.exercise.design
    blocks: list[Levels] = []
    for number in range(plan.blocks):
        if blocks and watch.over():
            break
        blocks.append(maker.block(tasks, balanced=plan.method == "shortcut"))
        watch.tell((number + 1) / plan.blocks)
    return np.stack(blocks)[np.arange(plan.blocks) % len(blocks)]


def _inserted(blocks: Levels, given: Levels) -> Levels:
    """Blocks (B, T, J, A) with the given tasks spread evenly among those of each."""
    count, tasks = blocks.shape[:2]
    places = np.array(holdout_positions(tasks, len(given)), dtype=int) - 1
    shown = np.empty((count, tasks + len(given), *blocks.shape[2:]), dtype=np.intp)
    shown[:, places] = given
    shown[:, np.setdiff1d(np.arange(tasks + len(given)), places)] = blocks
    return shown


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


class _Composer:
    """Fills all blocks at once: complete enumeration, balanced overlap and efficient designs."""

    def __init__(self, exercise: ChoiceExercise, watch: Watch, holdouts: Levels) -> None:
        self.exercise = exercise
        self.watch = watch
        self.coding = coding_in("", exercise)
        self.space = space_of(self.coding)
        self.counts = tuple(len(a.levels) for a in exercise.attributes)
        self.label = label_place(exercise)
        self.generator = np.random.default_rng(exercise.design.seed)
        self.keys = mark_keys(self.space.counts)
        self.holdouts = holdouts

    def marks(self, tasks: Levels) -> Floats:
        """What tells tasks (S, J, A) apart, (S,)."""
        return np.array([task_mark(self.keys, task) for task in tasks], dtype=float)

    def blocks(self, tasks: int, given: Levels) -> Levels:
        """The made tasks of all blocks, (B, tasks, J, A)."""
        self.taken = self.marks(np.concatenate([given, self.holdouts]))
        method, blocks = self.exercise.design.method, self.exercise.design.blocks
        template, free = self._template(blocks, tasks)
        if not tasks:
            return template
        strict = np.ones_like(free)
        if method == "balanced-overlap":
            strict = self._strict(blocks, tasks)
        levels = self._filled(template, free, strict)
        if method in ("d-optimal", "bayesian-d"):
            flat = levels.reshape(-1, *levels.shape[2:])
            flat = self._efficient(flat, free.reshape(-1, free.shape[2]), given)
            order = divide(flat, self.space.counts, self.marks(flat), blocks, self.generator)
            levels = flat[order].reshape(levels.shape)
        return levels if self.label is not None else self._mixed(levels)

    def _mixed(self, levels: Levels) -> Levels:
        """The alternatives of each task in random order."""
        order = self.generator.random(levels.shape[:3]).argsort(axis=2)
        return np.take_along_axis(levels, order[..., None], axis=2)

    def _template(self, blocks: int, tasks: int) -> tuple[Levels, Bytes]:
        """Labels and the constant levels of partial profiles, and what is free (B, T, A)."""
        width, alternatives = len(self.counts), self.exercise.alternatives
        levels = np.zeros((blocks, tasks, alternatives, width), dtype=np.int64)
        free = np.ones((blocks, tasks, width), dtype=np.uint8)
        if self.label is not None:
            free[..., self.label] = 0
            chosen = self._rotated(blocks * tasks, self.counts[self.label], alternatives)
            levels[..., self.label] = np.sort(chosen, axis=1).reshape(blocks, tasks, -1)
        varying = self.exercise.design.varying
        if varying is not None:
            others = np.array([a for a in range(width) if a != self.label])
            chosen = others[self._rotated(blocks * tasks, len(others), varying)]
            constant = np.ones((blocks * tasks, width), dtype=bool)
            np.put_along_axis(constant, chosen, values=False, axis=1)
            if self.label is not None:
                constant[:, self.label] = False
            same = constant.reshape(blocks, tasks, width)
            free[same] = 0
            self._set_constants(levels, same)
        return levels, free

    def _rotated(self, rows: int, count: int, size: int) -> Levels:
        """Sets (rows, size) of distinct numbers below count, each number and pair about evenly."""
        used, pairs = np.zeros(count), np.zeros((count, count))
        found = np.empty((rows, size), dtype=np.int64)
        for n in range(rows):
            price = used + self.generator.random(count) * 0.5
            for k in range(size):
                best = int(price.argmin())
                found[n, k] = best
                price += pairs[best] * (count - 1) / max(size - 1, 1) / max(size - 1, 1)
                price[best] = np.inf
            used[found[n]] += 1
            pairs[np.ix_(found[n], found[n])] += 1
        return found

    def _set_constants(self, levels: Levels, constant: Levels) -> None:
        for a, count in enumerate(self.counts):
            where = np.argwhere(constant[..., a])
            drawn = self.generator.permutation(np.arange(len(where)) % count)
            levels[where[:, 0], where[:, 1], :, a] = drawn[:, None]

    def _strict(self, blocks: int, tasks: int) -> Bytes:
        """Cells (B, T, A) that show no level twice: all but a third, spread over each block."""
        width = len(self.counts)
        strict = np.ones((blocks, tasks * width), dtype=np.uint8)
        strict[:, : round(LOOSE * tasks * width)] = 0
        return self.generator.permuted(strict, axis=1).reshape(blocks, tasks, width)

    def _filled(self, template: Levels, free: Bytes, strict: Bytes) -> Levels:
        """All blocks filled, one after another; at the end of time, the finished ones repeat."""
        levels, tallies = template.copy(), tallies_of(self.space.counts, self.taken)
        searched = self.exercise.design.method in ("d-optimal", "bayesian-d")
        for b in range(len(levels)):
            if b and self.watch.over():
                finished = np.arange(b, len(levels)) % b
                levels[b:], free[b:] = levels[finished], free[finished]
                break
            self._fill_block(levels[b], free[b], strict[b], tallies)
            if not searched:
                self.watch.tell((b + 1) / len(levels))
        return levels

    def _fill_block(self, levels: Levels, free: Bytes, strict: Bytes, tallies: Tallies) -> None:
        """Fill a block (T, J, A) in place; the constants of a task that cannot be are redrawn."""
        template, cells = levels.copy(), (free[None], strict[None])
        for _ in range(TEMPLATES if self.exercise.design.varying is not None else 1):
            levels[:] = template
            failed = fill(self.space, levels[None], cells, True, tallies, self.generator)
            if failed < 0:
                return
            for a, count in enumerate(self.counts):
                if not free[failed, a] and a != self.label:
                    template[failed, :, a] = self.generator.integers(count)
        raise DesignImpossible(Rules.of(self.exercise).why_impossible(self.exercise))

    def _efficient(self, levels: Levels, free: Bytes, given: Levels) -> Levels:
        plan = self.exercise.design
        priors = priors_of(self.exercise, self.coding)
        if plan.method == "bayesian-d" and not priors.uncertain:
            raise DesignImpossible(
                f"exercise '{self.exercise.id}': bayesian-d needs priors with a standard "
                "deviation. Add 'priors' with 'sd', or use d-optimal."
            )
        problem = Problem(
            self.space,
            np.concatenate([levels, given]),
            np.concatenate([free, np.zeros((len(given), free.shape[1]), dtype=np.uint8)]),
            np.concatenate([np.ones(len(levels)), np.full(len(given), float(plan.blocks))]),
            np.array([plan.balance, plan.overlap]),
            plan.blocks,
            self.taken,
        )
        found = efficient(
            problem,
            priors,
            bayesian=plan.method == "bayesian-d",
            starts=plan.starts,
            generator=self.generator,
            watch=self.watch,
        )
        return found[: len(levels)]


def efficient(
    problem: Problem,
    priors: Priors,
    *,
    bayesian: bool,
    starts: int | None,
    generator: np.random.Generator,
    watch: Watch,
) -> Levels:
    """The design (S, J, A) of least D-error at the mean of the priors, or on average over them.

    Bayesian search begins at the best design for the mean. Shifted orthogonal arrays are among
    the first designs; at equal chances the search ends when the bound is reached.
    """
    seeds = _seeds(problem, generator, watch)
    enough = 0.0
    if not priors.mean.any() and not bayesian:
        enough = _least_possible(problem) * (1 + 1e-7)
    share = 0.3 if bayesian else 1.0
    search = Search(
        problem,
        priors.mean[None],
        work=share * WORK,
        generator=generator,
        watch=watch,
        enough=enough,
    )
    best = search.run(seeds, starts)
    if not bayesian or watch.interrupted:
        return best
    draws = priors.draws(DRAWS, seed=int(generator.integers(2**31)), even=True)
    final = Search(problem, draws, work=WORK, generator=generator, watch=watch)
    return final.run([best], starts)


def _seeds(problem: Problem, generator: np.random.Generator, watch: Watch) -> list[Levels]:
    tasks, alternatives, _ = problem.template.shape
    if not problem.free.all():
        return [problem.template]
    counts = tuple(int(count) for count in problem.space.counts)
    for _ in range(SHIFTED):
        seed = int(generator.integers(2**31))
        found = shifted_design(counts, alternatives, tasks, seed=seed, stop=watch.over)
        if found is None:
            break
        if _keeps_rules(problem, found):
            return [found.astype(np.int64), problem.template]
    return [problem.template]


def _keeps_rules(problem: Problem, levels: Levels) -> bool:
    keys, space = mark_keys(problem.space.counts), problem.space
    marks = np.array([task_mark(keys, task) for task in levels])
    if np.isclose(marks[:, None], problem.taken, rtol=1e-12, atol=0.0).any():
        return False
    return all(allowed(space, task, i) for task in levels for i in range(len(task)))


def _least_possible(problem: Problem) -> float:
    """The bound of Burgess and Street in the coding of the problem; 0 where it does not hold."""
    space = problem.space
    plain = (space.widths == space.counts - 1).all() and not len(space.pairs)
    if space.none != NO_NONE or not plain or problem.penalties.any():
        return 0.0
    counts = [int(count) for count in space.counts]
    tasks, alternatives, _ = problem.template.shape
    bound = burgess_street_bound(counts, alternatives, tasks)
    return bound * _between_codings(space)


def _between_codings(space: Space) -> float:
    """D-error in the space's coding over that in standardised orthogonal coding.

    Z = X T for the codes of an attribute, so that det changes by det(T)^2.
    """
    logarithm = 0.0
    for a, count in enumerate(space.counts):
        codes: Floats = space.codes[a, :count, : count - 1]
        centred = codes - codes.mean(axis=0)
        change = np.linalg.lstsq(centred, orthogonal_codes(int(count)))[0]
        logarithm += 2 * np.linalg.slogdet(change)[1]
    return float(np.exp(logarithm / space.columns))
