"""Plausible random answers to any study: previews, rehearsals and tests."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pandas as pd

from analysis.study import ChoiceExercise, Study
from analysis.study.exercises import BestWorstExercise, RatingsExercise
from analysis.study.questions import Question
from analysis.synthetic.company import Company

LEDGER = ("customer", "time", "amount", "currency", "store", "product", "channel", "on_sale")


class AnyTasks(ABC):
    """Answers sets of items and profiles at random, by ``_draw``."""

    @abstractmethod
    def _draw(self, *about: str) -> random.Random:
        """The random numbers for what is asked: the same every time."""

    def best_and_worst(self, exercise: BestWorstExercise, items: Sequence[str]) -> tuple[int, int]:
        """Any two items."""
        best, worst = self._draw(exercise.id, *items).sample(range(1, len(items) + 1), 2)
        return best, worst

    def rate(self, exercise: RatingsExercise, levels: Mapping[str, str]) -> int:
        """Any rating."""
        draw = self._draw(exercise.id, repr(sorted(levels.items())))
        return draw.randint(exercise.least, exercise.greatest)


@dataclass(frozen=True, slots=True, eq=False)
class AnyRespondent(AnyTasks):
    """Consents, and otherwise gives any accepted answer; a liking colours the ratings."""

    customer: str
    answered_on: datetime
    study: Study
    seed: int
    stops_after: int | None = None

    def answer(self, question: Question, item: str) -> str | None:
        """An accepted value."""
        draw = self._draw(question.id, item)
        if question.kind == "consent":
            return "yes"
        if question.kind == "single_choice":
            return draw.choice(question.options).id
        if question.kind == "multiple_choice":
            return "1" if item == question.options[0].id else "0"
        if question.kind == "ranking":
            place = question.storable().index(item) + 1
            return str(place if place <= question.places else 0)
        if question.kind == "constant_sum":
            return str(question.total if item == question.options[0].id else 0)
        if question.kind == "number":
            known = [x for x in (question.least, question.greatest) if x is not None]
            return f"{known[0] if known else 1.0:g}"
        if question.kind == "date":
            day = question.earliest or question.latest or date(2020, 2, 29)
            return day.isoformat()
        if question.kind in ("short_text", "long_text"):
            return "A word"
        low, high = self.study.points(question)
        liking = self._draw("liking", "").random()
        return str(round(low + (high - low) * (liking + draw.random()) / 2))

    def choose(self, exercise: ChoiceExercise, alternatives: Sequence[Mapping[str, str]]) -> int:
        """Any alternative, or none where that is offered."""
        draw = self._draw(exercise.id, repr([sorted(a.items()) for a in alternatives]))
        return draw.randint(1, len(alternatives) + exercise.offered - exercise.alternatives)

    def buys(self, exercise: ChoiceExercise, alternatives: Sequence[Mapping[str, str]]) -> bool:
        """As often as not."""
        draw = self._draw(exercise.id, "buys", repr([sorted(a.items()) for a in alternatives]))
        return draw.random() < 0.5

    def _draw(self, *about: str) -> random.Random:
        return random.Random(f"{self.seed}/{self.customer}/{'/'.join(about)}")  # noqa: S311


def any_company(study: Study, *, seed: int, today: date, respondents: int = 50) -> Company:
    """A company without purchases whose customers answer any study at random."""
    when = datetime.combine(today, datetime.min.time(), UTC)
    people = tuple(
        AnyRespondent(f"guest-{number:04d}", when, study, seed)
        for number in range(1, respondents + 1)
    )
    return Company(pd.DataFrame(columns=list(LEDGER)), people, None, today)
