"""The design of a study laid out for simulation: who sees what, chooses what, and is fitted how."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from analysis.choices.coding import Coding, Floats
from analysis.choices.mnl import maximise
from analysis.choices.sets import ChoiceSets, SizeGroup
from analysis.rehearsal.population import REFUSAL, People, numbers_of
from analysis.tables import Choices, check_choices

Places = NDArray[np.intp]
AT_ONCE = 2_000_000
"""Utilities (people x tasks x alternatives) simulated at once."""


class RehearsalFault(ValueError):
    """A study that cannot be rehearsed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Chosen alternative (n, T) and, with a dual-response none, whether it is bought (n, T)."""

    chosen: Places
    bought: NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True, eq=False)
class LaidOut:
    """The tasks of an exercise, coded.

    Attributes
    ----------
    frame
        The design: block, task, alternative, role and the attributes.
    x
        (B, T, J, K); a none among the alternatives comes last.
    price
        (B, T, J) price of each alternative; -inf without one.
    estimation
        (B, T), False for holdouts.
    """

    coding: Coding
    frame: pd.DataFrame
    x: Floats
    price: Floats
    estimation: NDArray[np.bool_]

    @property
    def blocks(self) -> int:
        return int(self.x.shape[0])

    def block_of(self, n: int) -> Places:
        """Blocks of respondents 1 to n, as the app gives them out: in turn."""
        return np.arange(n) % self.blocks

    def utilities(self, people: People, block: Places, tasks: slice = slice(None)) -> Floats:
        """Utilities (n, T, J) of people, each in a block."""
        found = np.matmul(self.x[block, tasks], people.worths[:, None, :, None])[..., 0]
        if np.isfinite(people.limits).any():
            found -= REFUSAL * (self.price[block, tasks] > people.limits[:, None, None])
        out: Floats = found
        return out

    def answers(self, people: People, rng: np.random.Generator) -> Answers:
        """What people choose in the tasks of their blocks."""
        utilities = self.utilities(people, self.block_of(len(people.worths)))
        chosen = (utilities + rng.gumbel(size=utilities.shape)).argmax(axis=2)
        if not self.coding.exercise.is_dual:
            return Answers(chosen, None)
        worth = np.logaddexp.reduce(utilities, axis=2) - self._none(people)[:, None]
        return Answers(chosen, rng.random(worth.shape) < expit(worth))

    def _none(self, people: People) -> Floats:
        none: Floats = people.worths @ self.coding.row(None)
        return none

    def sets(self, answers: Answers) -> ChoiceSets:
        """The estimation tasks with their answers, as the estimators read them."""
        n = len(answers.chosen)
        block = self.block_of(n)
        person, task = np.nonzero(self.estimation[block])
        size = self.x.shape[2]
        first = (block[person] * self.x.shape[1] + task) * size
        codes = (first[:, None] + np.arange(size)).ravel().astype(np.int32)
        bought = answers.bought
        return ChoiceSets(
            self.coding,
            (self.x.reshape(-1, self.coding.width),),
            (SizeGroup(size, 0, answers.chosen[person, task], (codes,)),),
            tuple(f"r{number:05d}" for number in range(1, n + 1)),
            person.astype(np.intp),
            np.ones(len(person)),
            None if bought is None else bought[person, task].astype(float),
        )

    def expected(self, people: People, n: int) -> ChoiceSets:
        """Every estimation task with every answer, weighted by how likely people give it.

        Blocks count as often as among ``n`` respondents. The logit that fits these is the limit
        of one fitted to very many answers.
        """
        used = np.bincount(self.block_of(n), minlength=self.blocks) / n
        block, task = np.nonzero(self.estimation & (used > 0)[:, None])
        size = self.x.shape[2]
        shares = self._shares(people, block, task) * used[block][:, None]
        answers = shares.shape[1]
        first = np.repeat((block * self.x.shape[1] + task) * size, answers)
        codes = (first[:, None] + np.arange(size)).ravel().astype(np.int32)
        picked = np.tile(np.arange(answers), len(block))
        dual = self.coding.exercise.is_dual
        return ChoiceSets(
            self.coding,
            (self.x.reshape(-1, self.coding.width),),
            (SizeGroup(size, 0, picked % size, (codes,)),),
            ("everybody",),
            np.zeros(len(picked), dtype=np.intp),
            shares.ravel(),
            (picked < size).astype(float) if dual else None,
        )

    def _shares(self, people: People, block: Places, task: Places) -> Floats:
        """Mean chance of each answer (tasks, answers): chosen, or bought and then not bought."""
        size, n = self.x.shape[2], len(people.worths)
        dual = self.coding.exercise.is_dual
        found = np.empty((len(block), size * (2 if dual else 1)))
        step = max(1, AT_ONCE // (size * n))
        for start in range(0, len(block), step):
            b, t = block[start : start + step], task[start : start + step]
            utility = np.einsum("sjk,nk->snj", self.x[b, t], people.worths, optimize=True)
            if np.isfinite(people.limits).any():
                utility -= REFUSAL * (self.price[b, t][:, None, :] > people.limits[None, :, None])
            top = utility.max(axis=2, keepdims=True)
            chance = np.exp(utility - top)
            total = chance.sum(axis=2, keepdims=True)
            chance /= total
            if dual:
                worth = (top + np.log(total))[..., 0] - self._none(people)
                buys = expit(worth)[..., None]
                chance = np.concatenate([chance * buys, chance * (1 - buys)], axis=2)
            found[start : start + step] = chance.mean(axis=1)
        return found

    def limit(self, people: People, n: int) -> Floats:
        """What an aggregate logit tends to, (K,)."""
        found: Floats = maximise(self.expected(people, n), np.zeros(self.coding.width))[0]
        return found

    def choices(self, answers: Answers) -> Choices:
        """The answers as a checked table, for estimators that read one."""
        exercise = self.coding.exercise
        names = [a.id for a in exercise.attributes]
        n, tasks, size = len(answers.chosen), self.x.shape[1], self.x.shape[2]
        block = self.block_of(n)
        concepts = self.frame.groupby(["block", "task"], sort=False).ngroups
        levels = self.frame[names].to_numpy(object).reshape(self.blocks, tasks, -1, len(names))
        if size > levels.shape[2]:
            none = np.full((self.blocks, tasks, 1, len(names)), None, dtype=object)
            levels = np.concatenate([levels, none], axis=2)
        assert concepts == self.blocks * tasks
        person, task, alternative = np.indices((n, tasks, size)).reshape(3, -1)
        columns: dict[str, object] = {
            "respondent": [f"r{number + 1:05d}" for number in person],
            "task": task + 1,
            "alternative": alternative + 1,
            "chosen": (answers.chosen[person, task] == alternative).astype(int),
            "role": np.where(self.estimation[block[person], task], "estimation", "holdout"),
        }
        if answers.bought is not None:
            columns["bought"] = answers.bought[person, task].astype(int)
        shown = levels[block[person], task, alternative]
        columns |= {name: shown[:, k] for k, name in enumerate(names)}
        return check_choices(pd.DataFrame(columns), exercise)


def lay_out(coding: Coding, design: pd.DataFrame) -> LaidOut:
    """Lay out a design: block, task, alternative, role (optional) and level ids, no none rows.

    Raises
    ------
    RehearsalFault
        When blocks differ in their number of tasks, or tasks in their alternatives.
    """
    exercise = coding.exercise
    frame = design.sort_values(["block", "task", "alternative"], kind="stable")
    frame = frame.reset_index(drop=True)
    sizes = frame.groupby(["block", "task"]).size()
    tasks = sizes.groupby("block").size()
    if sizes.nunique() > 1 or tasks.nunique() > 1:
        raise RehearsalFault(
            f"the blocks of the design have {tasks.min()} to {tasks.max()} tasks of {sizes.min()} "
            f"to {sizes.max()} alternatives. Give every block as many tasks, and every task as "
            "many alternatives."
        )
    shape = (len(tasks), int(tasks.iloc[0]), int(sizes.iloc[0]))
    parts = [table[codes] for table, codes in _concepts(coding, frame)]
    x = np.hstack(parts).reshape(*shape, -1)
    price = _prices(coding, frame).reshape(shape)
    roles = frame["role"].to_numpy() if "role" in frame else np.full(len(frame), "estimation")
    estimation = (roles == "estimation").reshape(shape)[..., 0]
    if exercise.none is not None:
        x = np.concatenate([x, np.zeros((*shape, 1))], axis=-1)
        if not exercise.is_dual:
            none = np.broadcast_to(coding.row(None), (*shape[:2], 1, coding.width))
            x = np.concatenate([x, none], axis=2)
            price = np.concatenate([price, np.full((*shape[:2], 1), -np.inf)], axis=2)
    if x.shape[-1] != coding.width:
        raise RehearsalFault("an exercise with covariates cannot be rehearsed")
    return LaidOut(coding, frame, np.ascontiguousarray(x), price, estimation)


def _concepts(coding: Coding, frame: pd.DataFrame) -> list[tuple[Floats, Places]]:
    """Tables of codes of the attributes and their interactions, and each row's place in them."""
    none = coding.exercise.none
    parts = coding.parts(frame)
    return parts if none is None else parts[:-1]


def _prices(coding: Coding, frame: pd.DataFrame) -> Floats:
    """The price (rows,) of each alternative; -inf without a price in numbers."""
    price = coding.exercise.price
    if price is None:
        return np.full(len(frame), -np.inf)
    ids = [level.id for level in price.levels]
    numbers = np.nan_to_num(np.array(list(numbers_of(price))), nan=-np.inf)
    found: Floats = numbers[pd.Categorical(frame[price.id], categories=ids).codes]
    return found
