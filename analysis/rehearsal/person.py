"""A simulated respondent who answers real pages by known part-worths."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from analysis.choices.coding import Coding, Floats
from analysis.rehearsal.population import PLANTED, Population
from analysis.study import ChoiceExercise, Study
from analysis.study.questions import Question
from analysis.synthetic.generic import AnyRespondent, AnyTasks

WHEN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class PlantedPerson(AnyTasks):
    """Chooses by part-worths (K,) with Gumbel errors; everything else gets any accepted answer.

    The errors follow from the seed, the name and what is shown, so that a choice can be made
    again.
    """

    name: str
    study: Study
    coding: Coding
    worths: Floats
    seed: int

    def answer(self, question: Question, item: str) -> str | None:
        """An accepted value."""
        return self._anybody.answer(question, item)

    def choose(self, exercise: ChoiceExercise, alternatives: Sequence[Mapping[str, str]]) -> int:
        """The number of the alternative with the highest random utility."""
        if exercise.id != self.coding.exercise.id:
            return self._anybody.choose(exercise, alternatives)
        return int(np.argmax(self._noisy(exercise, alternatives)[: exercise.offered])) + 1

    def buys(self, exercise: ChoiceExercise, alternatives: Sequence[Mapping[str, str]]) -> bool:
        """Whether the best alternative beats buying none, with the errors of the choice."""
        if exercise.id != self.coding.exercise.id:
            return self._anybody.buys(exercise, alternatives)
        noisy = self._noisy(exercise, alternatives)
        return bool(max(noisy[:-1]) > noisy[-1])

    @property
    def _anybody(self) -> AnyRespondent:
        return AnyRespondent(self.name, WHEN, self.study, self.seed)

    def _noisy(
        self, exercise: ChoiceExercise, alternatives: Sequence[Mapping[str, str]]
    ) -> list[float]:
        """Utilities with Gumbel errors: of the alternatives, then of none where there is one."""
        shown = [self.coding.row(levels) @ self.worths for levels in alternatives]
        if exercise.none is not None:
            shown.append(self.coding.row(None) @ self.worths)
        draw = self._draw(repr([sorted(a.items()) for a in alternatives]))
        return [float(utility - np.log(draw.expovariate(1.0))) for utility in shown]

    def _draw(self, *about: str) -> random.Random:
        return random.Random(f"{self.seed}/{self.name}/{'/'.join(about)}")  # noqa: S311


def planted_people(
    study: Study, population: Population, n: int, *, seed: int
) -> tuple[PlantedPerson, ...]:
    """``n`` people drawn from a population."""
    drawn = population.draw(n, PLANTED, np.random.default_rng(seed))
    return tuple(
        PlantedPerson(f"bot-{k:05d}", study, population.coding, worths, seed)
        for k, worths in enumerate(drawn.worths, start=1)
    )
