"""The registry of exercise kinds: how a task is answered on its page, and what is stored of it.

A new kind is one entry of ``TASK_KINDS`` and one macro in ``macros/tasks.html``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from analysis.study.exercises import BestWorstExercise, ChoiceExercise, Exercise, RatingsExercise
from analysis.study.texts import Text
from surveyapp.languages import Said, gettext
from surveyapp.questions.typed import whole_number
from surveyapp.store.records import TaskAnswer

Say = Callable[[Text | None], Said]

CHOICE, BOUGHT, BEST, WORST, RATING = "choice", "bought", "best", "worst", "rating"
"""The fields of tasks."""
LETTERS = "ABCDEFGHIJ"
MOST_RADIOS = 11


@dataclass(frozen=True, slots=True)
class TaskReply:
    """A task that was sent: what was entered, what is wrong by field, what to store."""

    entered: dict[str, list[str]]
    errors: dict[str, str]
    answer: TaskAnswer | None


@dataclass(frozen=True, slots=True)
class TaskKind:
    """How the tasks of one kind of exercise travel through a form."""

    macro: str
    """The macro of ``macros/tasks.html`` that draws a task."""
    place: Callable[[int, int], str]
    """Where a task stands, in words: 'Choice 3 of 10'."""
    read: Callable[[Any, MultiDict[str, str], Say], TaskReply]
    fields: Callable[[Any, TaskAnswer], dict[str, str]]
    """The fields that give a stored answer."""
    said: Callable[[Any, TaskAnswer, Sequence[int]], str]
    """The answer in words for the page that follows; the numbers are the order on its page."""


def kind_of(exercise: Exercise) -> TaskKind:
    """The registry entry of an exercise."""
    return TASK_KINDS[exercise.kind]


def rating_values(exercise: RatingsExercise) -> list[str]:
    """The values of a rating that are few enough for radios; empty when one is typed."""
    values = range(exercise.least, exercise.greatest + 1)
    return [str(n) for n in values] if len(values) <= MOST_RADIOS else []


def _one(posted: MultiDict[str, str], name: str, least: int, greatest: int) -> int | None:
    """The only value of a field, when it is a whole number of a range."""
    values = posted.getlist(name)
    text = whole_number(values[0].strip()) if len(values) == 1 else ""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        return None
    number = int(text)
    return number if text == str(number) and least <= number <= greatest else None


def _entered(**numbers: int | None) -> dict[str, list[str]]:
    return {name: [] if n is None else [str(n)] for name, n in numbers.items()}


def _read_choice(exercise: ChoiceExercise, posted: MultiDict[str, str], _say: Say) -> TaskReply:
    chosen = _one(posted, CHOICE, 1, exercise.offered)
    errors = {} if chosen else {CHOICE: gettext("Choose one of the options")}
    if not exercise.is_dual:
        answer = TaskAnswer(chosen) if chosen else None
        return TaskReply(_entered(choice=chosen), errors, answer)
    bought = _one(posted, BOUGHT, 0, 1)
    if bought is None:
        errors[BOUGHT] = gettext("Say whether you would buy it")
    answer = TaskAnswer(chosen, bought) if chosen and not errors else None
    return TaskReply(_entered(choice=chosen, bought=bought), errors, answer)


def _choice_fields(exercise: ChoiceExercise, answer: TaskAnswer) -> dict[str, str]:
    second = {BOUGHT: str(answer.second)} if exercise.is_dual else {}
    return {CHOICE: str(answer.chosen), **second}


def _said_choice(exercise: ChoiceExercise, answer: TaskAnswer, order: Sequence[int]) -> str:
    if answer.chosen > exercise.alternatives:
        return gettext("You chose none of them.")
    letter = LETTERS[order.index(answer.chosen - 1)]
    if not exercise.is_dual:
        return gettext("You chose %(letter)s.", letter=letter)
    if answer.second:
        return gettext("You chose %(letter)s, and would buy it.", letter=letter)
    return gettext("You chose %(letter)s, but would not buy it.", letter=letter)


def _read_best_worst(
    exercise: BestWorstExercise, posted: MultiDict[str, str], say: Say
) -> TaskReply:
    best = _one(posted, BEST, 1, exercise.set_size)
    worst = _one(posted, WORST, 1, exercise.set_size)
    labels = {BEST: say(exercise.best_label), WORST: say(exercise.worst_label)}
    errors = {
        name: gettext("Choose one under “%(label)s”", label=labels[name])
        for name, number in ((BEST, best), (WORST, worst))
        if number is None
    }
    if best and best == worst:
        errors[WORST] = gettext("Choose two different ones as “%(best)s” and “%(worst)s”", **labels)
    answer = TaskAnswer(best, worst) if best and not errors else None
    return TaskReply(_entered(best=best, worst=worst), errors, answer)


def _best_worst_fields(_exercise: BestWorstExercise, answer: TaskAnswer) -> dict[str, str]:
    return {BEST: str(answer.chosen), WORST: str(answer.second)}


def _said_best_worst(_exercise: object, _answer: TaskAnswer, _order: Sequence[int]) -> str:
    return gettext("Your last answer is stored.")


def _read_rating(exercise: RatingsExercise, posted: MultiDict[str, str], _say: Say) -> TaskReply:
    low, high = exercise.least, exercise.greatest
    rating = _one(posted, RATING, low, high)
    if rating is not None:
        return TaskReply(_entered(rating=rating), {}, TaskAnswer(rating))
    if rating_values(exercise):
        act = gettext("Choose a number from %(low)s to %(high)s", low=low, high=high)
    else:
        act = gettext("Enter a whole number from %(low)s to %(high)s", low=low, high=high)
    typed = [] if rating_values(exercise) else [v[:40] for v in posted.getlist(RATING)[:1]]
    return TaskReply({RATING: typed}, {RATING: act}, None)


def _rating_fields(_exercise: RatingsExercise, answer: TaskAnswer) -> dict[str, str]:
    return {RATING: str(answer.chosen)}


def _said_rating(_exercise: object, answer: TaskAnswer, _order: Sequence[int]) -> str:
    return gettext("You rated the last one %(rating)s.", rating=answer.chosen)


def _choice_place(task: int, of: int) -> str:
    return gettext("Choice %(number)s of %(total)s", number=task, total=of)


def _set_place(task: int, of: int) -> str:
    return gettext("Set %(number)s of %(total)s", number=task, total=of)


def _rating_place(task: int, of: int) -> str:
    return gettext("Rating %(number)s of %(total)s", number=task, total=of)


TASK_KINDS: dict[str, TaskKind] = {
    "choice": TaskKind("choice", _choice_place, _read_choice, _choice_fields, _said_choice),
    "best_worst": TaskKind(
        "best_worst", _set_place, _read_best_worst, _best_worst_fields, _said_best_worst
    ),
    "ratings": TaskKind("rating", _rating_place, _read_rating, _rating_fields, _said_rating),
}
