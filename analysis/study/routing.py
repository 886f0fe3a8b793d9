"""Which pages, tasks and questions a respondent is asked, given the answers so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from analysis.study.expressions import Lookup, Value, answers_lookup, parse
from analysis.study.questions import NUMERIC_KINDS, Question
from analysis.study.types import Page, Study

Answers = Mapping[tuple[str, str], str]
"""Stored answers of one respondent: (question, item) to value."""


@dataclass(frozen=True, slots=True)
class Step:
    """One screen: a page with the questions shown on it, or one task of an exercise."""

    page: Page
    questions: tuple[Question, ...] = ()
    task: int = 0
    """1, 2, ... for a task of the page's exercise; 0 for a page of questions."""

    @property
    def id(self) -> str:
        return f"{self.page.id}.{self.task}" if self.task else self.page.id


def tasks_shown(study: Study, page: Page) -> int:
    """How many tasks the exercise of a page shows, holdouts included (0 without exercise)."""
    if page.exercise is None:
        return 0
    return study.exercise(page.exercise).shown


def steps(study: Study, answers: Answers, respondent: Mapping[str, str]) -> tuple[Step, ...]:
    """The screens a respondent passes, given what is answered so far, in order.

    Conditions see only the answers of questions that are themselves on the way: what somebody
    answered before going back and taking another way no longer counts.
    """
    found: list[Step] = []
    counted: dict[tuple[str, str], str] = {}
    lookup = answers_lookup(counted, *_kinds(study), respondent)
    for page in study.pages:
        if not _holds(study, page.show_if, lookup):
            continue
        if page.exercise:
            found.extend(Step(page, task=n + 1) for n in range(tasks_shown(study, page)))
            continue
        shown = tuple(q for q in page.questions if _holds(study, q.show_if, lookup))
        if shown or not page.questions:
            found.append(Step(page, shown))
        for question in shown:
            keys = ((question.id, item) for item in question.storable())
            counted.update({key: answers[key] for key in keys if key in answers})
    return tuple(found)


def asked_questions(
    study: Study, answers: Answers, respondent: Mapping[str, str]
) -> frozenset[str]:
    """Ids of all questions on the respondent's way: the rest were not asked."""
    return frozenset(q.id for step in steps(study, answers, respondent) for q in step.questions)


def step_after(
    study: Study, step_id: str, answers: Answers, respondent: Mapping[str, str]
) -> Step | None:
    """The screen that follows one that was just answered; None at the end."""
    order = {page.id: n for n, page in enumerate(study.pages)}
    page_id, _, task = step_id.partition(".")
    here = (order[page_id], int(task or 0))
    for step in steps(study, answers, respondent):
        if (order[step.page.id], step.task) > here:
            return step
    return None


def step_before(
    study: Study, step_id: str, answers: Answers, respondent: Mapping[str, str]
) -> Step | None:
    """The screen before one; None at the start."""
    way = steps(study, answers, respondent)
    place = next((n for n, step in enumerate(way) if step.id == step_id), 0)
    return way[place - 1] if place > 0 else None


def screened_out(study: Study, page: Page, answers: Answers, respondent: Mapping[str, str]) -> bool:
    """Whether the answers up to and with a page end the survey for this respondent."""
    if page.screen_out_if is None:
        return False
    asked = asked_questions(study, answers, respondent)
    counted = {key: value for key, value in answers.items() if key[0] in asked}
    lookup = answers_lookup(counted, *_kinds(study), respondent)
    return _holds(study, page.screen_out_if, lookup)


def declined(study: Study, answers: Answers) -> bool:
    """Whether consent to take part was refused."""
    return any(
        q.kind == "consent" and q.purpose == "participation" and answers.get((q.id, "")) == "no"
        for q in study.questions()
    )


def _holds(study: Study, source: str | None, lookup: Lookup) -> bool:
    if source is None:
        return True
    return _parsed(source).holds(lookup, lambda construct: _mean(study, construct, lookup))


def _mean(study: Study, construct: str, lookup: Lookup) -> Value:
    values: list[float] = []
    for question_id, item in study.items_of(construct):
        value = lookup(f"{question_id}.{item.id}" if item.id else question_id)
        if isinstance(value, float):
            low, high = study.points(study.question(question_id))
            values.append(low + high - value if item.reversed else value)
    return sum(values) / len(values) if values else None


_parsed = lru_cache(maxsize=4096)(parse)


def _kinds(study: Study) -> tuple[frozenset[str], dict[str, tuple[str, ...]]]:
    questions = study.questions()
    numeric = frozenset(q.id for q in questions if q.kind in NUMERIC_KINDS)
    multiple = {q.id: q.storable() for q in questions if q.kind == "multiple_choice"}
    return numeric, multiple
