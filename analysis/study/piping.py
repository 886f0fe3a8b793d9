"""Answers in texts: ``${id}`` stands for what was answered, ``${id|text}`` says what otherwise.

A text with such places is never a template: it is read once, and what was answered is put in as
plain text, after Markdown was made safe (``surveyapp.texts``) or where a page escapes it.
``$${`` is a plain ``${``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from analysis.study.expressions import RESPONDENT_FACTS
from analysis.study.functions import Value
from analysis.study.questions import MultipleChoice, Question
from analysis.study.seen import Seen
from analysis.study.texts import Text
from analysis.study.types import Study

_PLACE = re.compile(
    r"\$(?P<escaped>\$\{)|\$\{(?P<name>[a-z][a-z0-9_]*(?:\.[A-Za-z0-9_+-]+)?)"
    r"(?:\|(?P<otherwise>[^{}]*))?\}|(?P<wrong>\$\{[^}]{0,40}\}?)"
)
UNANSWERED = "…"
"""What stands where nothing was answered and the text says nothing else."""


@dataclass(frozen=True, slots=True)
class Pipe:
    """A place in a text: whose value stands there, and what otherwise."""

    name: str
    otherwise: str = UNANSWERED


class Piped(str):
    """A text as it is read, with what was answered in it.

    ``parts`` are its plain texts and, between them, the answers (always one fewer): for Markdown,
    which must not see the answers.
    """

    __slots__ = ("answers", "parts")
    parts: tuple[str, ...]
    answers: tuple[str, ...]

    def __new__(cls, parts: tuple[str, ...], answers: tuple[str, ...]) -> Piped:
        """Join parts and answers."""
        mixed = [part for pair in zip(parts, (*answers, ""), strict=True) for part in pair]
        made = super().__new__(cls, "".join(mixed))
        made.parts, made.answers = parts, answers
        return made


@lru_cache(maxsize=4096)
def pieces(text: str) -> tuple[str | Pipe, ...]:
    """A text in pieces: plain texts, and pipes between them; ``malformed`` places are plain."""
    found: list[str | Pipe] = []
    end = 0
    for place in _PLACE.finditer(text):
        found.append(text[end : place.start()])
        end = place.end()
        if place["escaped"] or place["wrong"]:
            found.append(place["escaped"] or place["wrong"])
        else:
            otherwise = place["otherwise"]
            found.append(Pipe(place["name"], UNANSWERED if otherwise is None else otherwise))
    return tuple(part for part in (*found, text[end:]) if part)


def pipes(text: Text) -> list[Pipe]:
    """The places of a text in all its languages."""
    return [part for one in _said(text) for part in pieces(one) if isinstance(part, Pipe)]


def malformed(text: Text) -> list[str]:
    """What looks like a place in a text but cannot be understood."""
    return [
        place["wrong"] for one in _said(text) for place in _PLACE.finditer(one) if place["wrong"]
    ]


def _said(text: Text) -> tuple[str, ...]:
    return (text.root,) if isinstance(text.root, str) else tuple(text.root.values())


def filled(text: str, answer: Callable[[Pipe], str]) -> str:
    """A text with the answers in it: a ``Piped``, or the text itself where there are no places."""
    if "${" not in text:
        return text
    parts, answers = [""], []
    for piece in pieces(text):
        if isinstance(piece, str):
            parts[-1] += piece
        else:
            answers.append(answer(piece))
            parts.append("")
    return Piped(tuple(parts), tuple(answers))


def words_of(study: Study, question: Question) -> str:
    """The words of a question as tables of all answers have them: no respondent's answers in them.

    In a loop they name the entry that the question is about.
    """

    def entry_of(pipe: Pipe) -> str:
        first, _, second = pipe.name.partition(".")
        entry = study.entries.get((first, second))
        return entry.say() if entry else pipe.otherwise

    words = str(filled(question.text.say(), entry_of))
    found = study.looped.get(question.id)
    entry = found.entry.label.say() if found else ""
    return words if entry in words else f"{words} ({entry})"


class Piping:
    """What stands at the places of texts for one respondent, in a language."""

    def __init__(self, seen: Seen, respondent: Mapping[str, str], language: str) -> None:
        self._seen, self._study = seen, seen.study
        self._respondent, self._language = respondent, language

    def fill(self, text: str) -> str:
        """A text with what this respondent answered in it."""
        return filled(text, lambda pipe: self._answer(pipe.name) or pipe.otherwise)

    def _answer(self, name: str) -> str:
        """The answer in words; empty when there is none."""
        first, _, second = name.partition(".")
        if first == "respondent":
            return self._respondent.get(second, "") if second in RESPONDENT_FACTS else ""
        if first in self._study.names.computed:
            return worded(self._seen.lookup(first))
        entry = self._study.entries.get((first, second))
        if entry is not None:
            return self._say(entry)
        question = self._study.question(first)
        if isinstance(question, MultipleChoice):
            chosen = [o for o in question.options if self._seen.answer(first, o.id) == "1"]
            return ", ".join(self._say(option.label) for option in chosen)
        value = self._seen.answer(first, second)
        return "" if value is None else self._in_words(question, value)

    def _in_words(self, question: Question, value: str) -> str:
        if question.kind == "single_choice":
            labels = {option.id: option.label for option in question.options}
        elif question.kind == "consent":
            labels = {"yes": question.agree_label, "no": question.decline_label}
        else:
            scale = self._study.scale(question)
            labels = {str(n): label for n, label in enumerate(scale, start=1)}
        return self._say(labels[value]) if value in labels else value

    def _say(self, text: Text) -> str:
        return str(self.fill(text.say(self._language, self._study.default_language)))


def worded(value: Value) -> str:
    """A computed value as it is written: numbers without needless digits."""
    if value is None or isinstance(value, frozenset | tuple):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.10g}" if isinstance(value, int | float) else value
