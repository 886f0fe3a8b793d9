"""The form of a page: WTForms fields whose validators ask the study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from werkzeug.datastructures import MultiDict
from wtforms import Field
from wtforms.form import BaseForm
from wtforms.validators import ValidationError

from analysis.study.questions import MultipleChoice, Question
from analysis.study.types import Study
from surveyapp.languages import gettext
from surveyapp.questions.kinds import REFUSED, SKIPPED, Ask, as_it_is, entered, records
from surveyapp.store.records import AnswerRecord

Check = Callable[[BaseForm, Field], None]


@dataclass(frozen=True, slots=True)
class Filled:
    """A form that was sent.

    ``entered`` is what to show again; ``errors`` say by field name, in the order of the page,
    what the respondent has to do; ``records`` is what to store (empty when there are errors).
    """

    entered: dict[str, list[str]]
    errors: dict[str, str]
    records: tuple[AnswerRecord, ...]


class Values(Field):  # type: ignore[misc]
    """All values sent under a name: as typed, and cleaned."""

    def __init__(self, clean: Callable[[str], str], check: Check, **more: object) -> None:
        super().__init__(validators=[check], **more)
        self.clean = clean
        self.typed: list[str] = []

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Keep each value once; what can be read in two ways is an error of its own."""
        self.typed = [v for v in dict.fromkeys(value.strip() for value in valuelist) if v]
        self.data = self.typed
        self.data = [v for v in dict.fromkeys(self.clean(value) for value in valuelist) if v]


def asks(
    study: Study,
    questions: Iterable[Question],
    language: str,
    fill: Callable[[str], str] = as_it_is,
) -> tuple[Ask, ...]:
    """Questions as they are asked in a language, with earlier answers in their texts (``fill``)."""
    return tuple(Ask(study, question, language, fill) for question in questions)


def prefilled(
    asked: Iterable[Ask], stored: Mapping[tuple[str, str], AnswerRecord]
) -> dict[str, list[str]]:
    """What the form of a page holds when the page is opened again."""
    return {name: values for ask in asked for name, values in entered(ask, stored).items()}


def read_form(asked: Sequence[Ask], posted: MultiDict[str, str]) -> Filled:
    """Read and check what was sent; fields that the page does not have are ignored."""
    fields = {}
    for ask in asked:
        for name, item, _ in ask.fields():
            fields[name] = Values(partial(ask.kind.clean, ask), _check(ask, item))
        if ask.question.refusable and not ask.kind.radios:
            fields[ask.refuse_name] = Values(str.strip, _refuse_check)
    form = BaseForm(fields)
    form.process(posted)
    form.validate()
    values = {name: list(form[name].data or []) for name in fields}
    errors = {name: form[name].errors[0] for name in fields if form[name].errors}
    for ask in asked:
        errors |= _wrong_together(ask, values, errors)
    found = () if errors else tuple(r for ask in asked for r in records(ask, values))
    return Filled({name: form[name].typed for name in fields}, errors, found)


def retyped(
    asked: Sequence[Ask], typed: Mapping[str, list[str]], language: str
) -> dict[str, list[str]]:
    """What was typed in the language of the questions, as another language writes it."""
    found = dict(typed)
    for ask in asked:
        there = replace(ask, language=language)
        for name in (name for name, _, _ in ask.fields()):
            with suppress(ValueError):
                found[name] = [
                    there.kind.typed(there, ask.kind.clean(ask, v)) for v in typed.get(name, [])
                ]
    return found


def _wrong_together(
    ask: Ask, values: Mapping[str, list[str]], errors: Mapping[str, str]
) -> dict[str, str]:
    """The error of fields that are right alone; none filled in: that of the first."""
    names = {item: name for name, item, _ in ask.fields()}
    if not ask.kind.together or any(name in errors for name in names.values()):
        return {}
    if values.get(ask.refuse_name):
        return {}
    if not any(values[name] for name in names.values()) and not ask.question.required:
        return {}
    given = {item: (values[name] or ["0"])[0] for item, name in names.items()}
    wrong = ask.kind.together(ask, given)
    return {names[wrong[0]]: wrong[1]} if wrong else {}


def _refuse_check(form: BaseForm, field: Field) -> None:
    if field.data not in (None, [], [REFUSED]):
        raise ValidationError(gettext("Tick the box or leave it empty"))


def _check(ask: Ask, item: str) -> Check:
    check = _several_fault if isinstance(ask.question, MultipleChoice) else _one_fault

    def validate(form: BaseForm, field: Field) -> None:
        values = field.data or []
        refused = ask.refuse_name in form and bool(form[ask.refuse_name].data)
        if refused:
            if values:
                raise ValidationError(gettext("Answer, or tick “Prefer not to answer”, not both"))
            return
        if not values and ask.kind.together:
            return
        act = check(ask, item, values)
        if act:
            raise ValidationError(act)

    return validate


def _one_fault(ask: Ask, item: str, values: list[str]) -> str | None:
    if not values:
        return ask.kind.act(ask) if ask.question.required else None
    value = values[0]
    marks = dict(ask.extras()) if ask.kind.radios else {}
    if value in (REFUSED, SKIPPED):
        return None if value in marks else ask.kind.act(ask)
    return ask.kind.act(ask) if len(values) > 1 or ask.fault(item, value) else None


def _several_fault(ask: Ask, item: str, values: list[str]) -> str | None:
    question = ask.question
    assert isinstance(question, MultipleChoice)
    known = {option.id: option for option in question.options}
    if not values:
        return ask.kind.act(ask) if question.required or question.least else None
    if any(value not in known for value in values):
        return ask.kind.act(ask)
    alone = next((known[v] for v in values if known[v].exclusive), None)
    if alone and len(values) > 1:
        chosen = ask.say(alone.label)
        return gettext("Choose “%(answer)s” alone, or take it away", answer=chosen)
    too_few = len(values) < question.least and not alone
    too_many = question.most is not None and len(values) > question.most
    return ask.kind.act(ask) if too_few or too_many else None
