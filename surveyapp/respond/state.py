"""Where a respondent is: what is stored, the way through the study, the current step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from flask import current_app

from analysis.study import routing
from analysis.study.fielding import Quota
from analysis.study.load import parse_study
from analysis.study.piping import Piping
from analysis.study.routing import Step, Way
from analysis.study.texts import Text
from analysis.study.types import Study
from surveyapp import languages
from surveyapp.languages import Said
from surveyapp.store import Connection, answers, respondents, studies
from surveyapp.store.records import (
    AnswerRecord,
    LinkRecord,
    RespondentRecord,
    StudyRecord,
    TaskAnswer,
    TaskRecord,
)

ChoiceKey = tuple[str, int]
"""Exercise and task."""


@dataclass(frozen=True)
class State:
    """A respondent and everything stored of the way so far."""

    study: Study
    respondent: RespondentRecord
    stored: Mapping[tuple[str, str], AnswerRecord]
    chosen: Mapping[ChoiceKey, TaskAnswer]
    sent: frozenset[str]
    invitation: tuple[LinkRecord, StudyRecord] | None = None
    """The link and study with which the respondent started, as they are now."""

    @cached_property
    def answered(self) -> dict[tuple[str, str], str]:
        """The values of what was answered."""
        return {key: row.value for key, row in self.stored.items() if row.value is not None}

    @cached_property
    def walked(self) -> Way:
        """The way of this respondent."""
        return Way(self.study, self.answered, self.respondent.facts())

    @cached_property
    def way(self) -> tuple[Step, ...]:
        """The steps of this respondent, in order."""
        return tuple(self.walked.steps)

    @property
    def piping(self) -> Piping:
        """What this respondent answered, for texts."""
        return self.piping_in(self.respondent.language)

    def piping_in(self, language: str) -> Piping:
        """What this respondent answered, in another language."""
        return Piping(self.walked.seen, self.respondent.facts(), language)

    @cached_property
    def current(self) -> Step | None:
        """The first step on the way that is not answered; None at the end."""
        return next((step for step in self.way if not self._is_answered(step)), None)

    @cached_property
    def counted(self) -> dict[tuple[str, str], str]:
        """The values of what was answered on the way."""
        on_way = {q.id for step in self.way for q in step.questions}
        return {key: value for key, value in self.answered.items() if key[0] in on_way}

    @property
    def reachable(self) -> tuple[Step, ...]:
        """The steps up to the current one."""
        if self.current is None:
            return self.way
        return self.way[: self.way.index(self.current) + 1]

    def step(self, step_id: str) -> Step | None:
        """A step that may be opened, or None."""
        return next((step for step in self.reachable if step.id == step_id), None)

    def before(self, step: Step) -> Step | None:
        """The step before another."""
        place = self.way.index(step)
        return self.way[place - 1] if place else None

    def after(self, step: Step) -> Step | None:
        """The step to show when one was sent: the following one; None at the end."""
        if self.current is None:
            return None
        following = self.reachable[self.reachable.index(step) + 1 :] if step in self.way else ()
        return following[0] if following else self.current

    def ending(self) -> str | None:
        """How the survey ends with what is stored, or None when it goes on."""
        counted = self.counted
        if routing.declined(self.study, counted):
            return "declined"
        unanswered = {step.page.id for step in self.way if not self._is_answered(step)}
        for page in {step.page.id: step.page for step in self.way}.values():
            if page.id in unanswered:
                return None
            if self.walked.screened_out(page):
                return "screened_out"
            if self.walked.failed_quality(page):
                return "quality_out"
        return "complete"

    def quotas(self) -> tuple[Quota, ...]:
        """The quotas that this respondent is known to fall under."""
        pages = [page.id for page in self.study.pages]
        to_come = self.way[self.way.index(self.current) :] if self.current else ()
        passed = {step.page.id for step in self.way} - {step.page.id for step in to_come}
        here = min((pages.index(step.page.id) for step in to_come), default=len(pages))
        left = (page for page in self.study.pages[here:] if page.id not in passed)
        return routing.quotas_met(self.walked, frozenset(q.id for p in left for q in p.questions))

    def with_answers(self, rows: Iterable[AnswerRecord]) -> State:
        """The same respondent, were these answers stored."""
        stored = {**self.stored, **{(row.question, row.item): row for row in rows}}
        return replace(self, stored=stored)

    def given(self, step: Step) -> TaskAnswer | None:
        """What is stored of a task."""
        return self.chosen.get((step.page.exercise or "", step.task))

    def say(self, text: Text | None) -> Said:
        """A text in the respondent's language, with earlier answers in it."""
        default = self.study.default_language
        return languages.say(text, self.respondent.language, default, self.piping.fill)

    def has_any(self, step: Step) -> bool:
        """Whether anything of a step is stored."""
        if step.task:
            return self.given(step) is not None
        if not step.questions:
            return step.id in self.sent
        return any((q.id, item) in self.stored for q in step.questions for item in q.storable())

    def _is_answered(self, step: Step) -> bool:
        if step.task:
            return self.given(step) is not None
        if not step.questions:
            return step.id in self.sent
        asked = ((q.id, item) for q in step.questions for item in q.storable())
        if step.stale or not all(key in self.stored for key in asked):
            return False
        return not self.walked.failed(step)


def load_state(c: Connection, respondent: RespondentRecord) -> State:
    """Read everything stored of a respondent; tables that the study cannot fill are not asked."""
    study, name = published(c, respondent.study, respondent.version), respondent.respondent
    return State(
        study,
        respondent,
        answers.stored(c, name) if study.all_questions else {},
        answers.stored_choices(c, name) if study.exercises else {},
        respondents.steps_sent(c, name) if study.has_pages_of_text else frozenset(),
    )


def published(c: Connection, study: str, version: int) -> Study:
    """A published version, parsed once per process: versions never change."""
    parsed: dict[tuple[str, int], Study] = current_app.extensions.setdefault(
        "surveyapp.published", {}
    )
    if (study, version) not in parsed:
        record = studies.version(c, study, version)
        if record is None:
            raise LookupError(f"study '{study}' has no version {version}")
        parsed[study, version] = parse_study(record.definition)
    return parsed[study, version]


def block_of(c: Connection, respondent: RespondentRecord, exercise: str) -> int:
    """The block of choice tasks that a respondent gets."""
    made = studies.blocks(c, respondent.study, respondent.version, exercise)
    if not made:
        raise LookupError(f"exercise '{exercise}' of '{respondent.study}' has no choice tasks")
    return respondent.sequence % made + 1


def task_of(c: Connection, respondent: RespondentRecord, step: Step) -> TaskRecord | None:
    """The choice task that a step shows; None for a page of questions."""
    if not step.task or step.page.exercise is None:
        return None
    exercise = step.page.exercise
    block = block_of(c, respondent, exercise)
    found = studies.task(c, respondent.study, respondent.version, exercise, block, step.task)
    if found is None:
        raise LookupError(f"task {step.task} of block {block} of '{exercise}' is missing")
    return found
