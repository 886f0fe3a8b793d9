"""What a respondent sent for a step: read and checked against the study."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.datastructures import MultiDict

from analysis.study.routing import Step
from surveyapp.questions.forms import asks, prefilled, read_form
from surveyapp.respond.state import State
from surveyapp.store.records import AnswerRecord

CHOICE = "choice"
"""The field of a choice task."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A page that was sent: what was entered, what is wrong with it, what to store."""

    entered: dict[str, list[str]]
    errors: dict[str, str]
    records: tuple[AnswerRecord, ...] = ()
    chosen: int | None = None

    def is_stored(self, state: State, step: Step) -> bool:
        """Whether the very same is stored already."""
        if self.errors or not state.has_any(step):
            return False
        if step.task:
            return state.chosen.get((step.page.exercise or "", step.task)) == self.chosen
        rows = ((state.stored.get((r.question, r.item)), r) for r in self.records)
        return all(s and (s.value, s.status) == (r.value, r.status) for s, r in rows)


def read_reply(state: State, step: Step, posted: MultiDict[str, str]) -> Reply:
    """Read what was sent for a step; unknown fields are ignored, everything else is checked."""
    if step.task:
        return _read_choice(state, step, posted)
    asked = asks(state.study, step.questions, state.respondent.language)
    filled = read_form(asked, posted)
    return Reply(filled.entered, filled.errors, filled.records)


def _read_choice(state: State, step: Step, posted: MultiDict[str, str]) -> Reply:
    exercise = state.study.choice_exercise(step.page.exercise)
    offered = exercise.alternatives + (1 if exercise.none else 0)
    values = posted.getlist(CHOICE)
    if len(values) == 1 and values[0] in {str(n + 1) for n in range(offered)}:
        return Reply({CHOICE: values}, {}, chosen=int(values[0]))
    return Reply({CHOICE: []}, {CHOICE: "Choose one of the options"})


def stored_form(state: State, step: Step) -> dict[str, list[str]]:
    """What the form of a step holds when it is opened again."""
    if step.task:
        chosen = state.chosen.get((step.page.exercise or "", step.task))
        return {CHOICE: [str(chosen)] if chosen else []}
    return prefilled(asks(state.study, step.questions, state.respondent.language), state.stored)
