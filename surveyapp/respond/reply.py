"""What a respondent sent for a step: read and checked against the study."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from analysis.study.routing import Step
from surveyapp.questions.forms import asks, prefilled, read_form, retyped
from surveyapp.questions.tasks import kind_of
from surveyapp.respond.state import State
from surveyapp.store.records import AnswerRecord, TaskAnswer


@dataclass(frozen=True, slots=True)
class Reply:
    """A page that was sent: what was entered, what is wrong with it, what to store."""

    entered: dict[str, list[str]]
    errors: dict[str, str]
    records: tuple[AnswerRecord, ...] = ()
    answer: TaskAnswer | None = None
    """Of a task."""

    def is_stored(self, state: State, step: Step) -> bool:
        """Whether the very same is stored already."""
        if self.errors or not state.has_any(step):
            return False
        if step.task:
            return state.given(step) == self.answer
        rows = ((state.stored.get((r.question, r.item)), r) for r in self.records)
        return all(s and (s.value, s.status) == (r.value, r.status) for s, r in rows)


def read_reply(state: State, step: Step, posted: MultiDict[str, str]) -> Reply:
    """Read what was sent for a step; unknown fields are ignored, everything else is checked."""
    if step.task:
        exercise = state.study.exercise(step.page.exercise)
        found = kind_of(exercise).read(exercise, posted, state.say)
        return Reply(found.entered, found.errors, answer=found.answer)
    asked = asks(state.study, step.questions, state.respondent.language)
    filled = read_form(asked, posted)
    return Reply(filled.entered, filled.errors, filled.records)


def retyped_reply(
    state: State, step: Step, posted: MultiDict[str, str], language: str
) -> dict[str, list[str]]:
    """What stands in the form of a step, as another language writes it."""
    entered = read_reply(state, step, posted).entered
    asked = asks(state.study, step.questions, state.respondent.language)
    return retyped(asked, entered, language)


def stored_form(state: State, step: Step) -> dict[str, list[str]]:
    """What the form of a step holds when it is opened again."""
    if step.task:
        exercise, given = state.study.exercise(step.page.exercise), state.given(step)
        fields = kind_of(exercise).fields(exercise, given) if given else {}
        return {name: [value] for name, value in fields.items()}
    return prefilled(asks(state.study, step.questions, state.respondent.language), state.stored)
