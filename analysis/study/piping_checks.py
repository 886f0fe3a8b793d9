"""What must hold of the places ``${...}`` in texts: known names, asked before, where they fill."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from analysis.study.expression_checks import Expressions, unknown
from analysis.study.expressions import RESPONDENT_FACTS
from analysis.study.faults import Catalogue, Fault
from analysis.study.flow import ENTRY
from analysis.study.piping import malformed, pipes
from analysis.study.questions import MultipleChoice
from analysis.study.texts import Text
from analysis.study.types import Study

OF_TASKS = ("question", "help")
"""The texts of an exercise in which answers may stand."""


def piping_faults(study: Study) -> list[Fault]:
    """All faults of places in texts."""
    check = _Check(Expressions(study), study)
    return [*check.pages(), *check.exercises(), *check.elsewhere()]


class _Check:
    def __init__(self, expressions: Expressions, study: Study) -> None:
        self.expressions, self.study = expressions, study

    def pages(self) -> Iterator[Fault]:
        for placed in self.study.placed:
            if placed.repeated:
                continue
            page = placed.page
            for path, text in texts_in(page, placed.path):
                own = path.endswith(".message")
                yield from self._text(path, text, page.id, own=own)

    def exercises(self) -> Iterator[Fault]:
        shown_on = {page.exercise: page.id for page in self.study.pages if page.exercise}
        for n, exercise in enumerate(self.study.exercises):
            start = f"exercises[{n}]"
            for path, text in texts_in(exercise, start):
                if path.removeprefix(f"{start}.") in OF_TASKS:
                    page = shown_on.get(exercise.id)
                    if page:
                        yield from self._text(path, text, page, own=False)
                else:
                    yield from _plain(path, text)

    def elsewhere(self) -> Iterator[Fault]:
        for path, text in texts_in(self.study.ends, "ends"):
            yield from self._text(path, text, None, own=True)
        for name in type(self.study).model_fields:
            if name not in ("outline", "exercises", "ends", "mails"):
                for path, text in texts_in(getattr(self.study, name), name):
                    yield from _plain(path, text)

    def _text(self, path: str, text: Text, page: str | None, *, own: bool) -> Iterator[Fault]:
        for place in malformed(text):
            yield Catalogue.PIPE.at(path, place=place)
        for name in dict.fromkeys(pipe.name for pipe in pipes(text)):
            yield from self._name(path, name, page, own=own)

    def _name(self, path: str, name: str, page: str | None, *, own: bool) -> Iterator[Fault]:
        study, (first, _, second) = self.study, name.partition(".")
        questions = self.expressions.places.questions
        if first == "respondent":
            if second not in RESPONDENT_FACTS:
                yield unknown(path, "fact of the respondent", second, RESPONDENT_FACTS)
        elif (first, second) in study.entries:
            return
        elif first in study.names.computed and not second:
            yield from self.expressions.order(path, [first], page, own=own)
        elif first in questions:
            question = questions[first]
            items = set() if isinstance(question, MultipleChoice) else {*question.storable()}
            items = items - {""}
            if (second or items) and second not in items:
                yield unknown(path, f"item of '{first}' called", second, items)
            else:
                yield from self.expressions.order(path, [first], page, own=own)
        elif first in study.names.several:
            known = ", ".join(study.names.several[first][:8])
            yield Catalogue.LOOPED_NAME.at(path, name=name, known=known)
        else:
            known_names = {*questions, *study.names.computed}
            known_names |= {ENTRY} if name == ENTRY else set()
            yield unknown(path, "question or computed variable", name, known_names - {ENTRY})


def texts_in(part: object, path: str) -> Iterator[tuple[str, Text]]:
    """All texts of a part of a study, with their places."""
    if isinstance(part, Text):
        yield path, part
    elif isinstance(part, BaseModel):
        for name, field in type(part).model_fields.items():
            yield from texts_in(getattr(part, name), f"{path}.{field.alias or name}".lstrip("."))
    elif isinstance(part, tuple):
        for n, element in enumerate(part):
            yield from texts_in(element, f"{path}[{n}]")
    elif isinstance(part, dict):
        for name, element in part.items():
            yield from texts_in(element, f"{path}.{name}")


def _plain(path: str, text: Text) -> Iterator[Fault]:
    for place in [*(f"${{{pipe.name}}}" for pipe in pipes(text)), *malformed(text)][:1]:
        yield Catalogue.PIPE_HERE.at(path, place=place)
