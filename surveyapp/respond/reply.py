"""What a respondent sent for a step: read and checked against the study."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from analysis.study.routing import Step
from surveyapp.questions.forms import asks, prefilled, read_form, retyped
from surveyapp.questions.kinds import Ask
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
    asked = _asked(state, step)
    filled = read_form(asked, posted)
    if filled.errors:
        return Reply(filled.entered, filled.errors)
    after = state.with_answers(filled.records)
    errors = failed_checks(after, step)
    return Reply(filled.entered, errors, () if errors else filled.records)


def failed_checks(state: State, step: Step) -> dict[str, str]:
    """What the study's own checks say to the stored answers of a step, by field name."""
    errors: dict[str, str] = {}
    if not (step.page.checks or any(question.checks for question in step.questions)):
        return errors
    asked = {ask.question.id: ask for ask in _asked(state, step)}
    for failed in state.walked.failed(step):
        names = {item: name for name, item, _ in asked[failed.question].fields()}
        name = names.get(failed.item) or next(iter(names.values()))
        said = str(state.say(failed.message))
        errors[name] = f"{errors[name]} {said}" if name in errors else said
    return errors


def _asked(state: State, step: Step) -> tuple[Ask, ...]:
    return asks(state.study, step.questions, state.respondent.language, state.piping.fill)


def retyped_reply(
    state: State, step: Step, posted: MultiDict[str, str], language: str
) -> dict[str, list[str]]:
    """What stands in the form of a step, as another language writes it."""
    entered = read_reply(state, step, posted).entered
    return retyped(_asked(state, step), entered, language)


def stored_form(state: State, step: Step) -> dict[str, list[str]]:
    """What the form of a step holds when it is opened again."""
    if step.task:
        exercise, given = state.study.exercise(step.page.exercise), state.given(step)
        fields = kind_of(exercise).fields(exercise, given) if given else {}
        return {name: [value] for name, value in fields.items()}
    return prefilled(_asked(state, step), state.stored)
