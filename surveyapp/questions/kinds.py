"""The registry of question kinds: how each is entered, read and complained about.

Which values are accepted is the study's rule (``Question.fault``); here is only how they travel
through a form. A new kind is one entry of ``KINDS`` and one macro in ``macros/questions.html``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from analysis.study.questions import (
    ONE,
    ConstantSum,
    Date,
    LongText,
    Matrix,
    MultipleChoice,
    Number,
    Question,
    Ranking,
    SemanticDifferential,
    ShortText,
)
from analysis.study.texts import Text
from analysis.study.types import Study
from surveyapp import languages
from surveyapp.languages import Said, gettext, ngettext
from surveyapp.questions.typed import any_number, whole_number, written
from surveyapp.store.records import AnswerRecord

REFUSED = "~refused"
"""The radio or tick of 'prefer not to answer'; no option id can hold a tilde."""
SKIPPED = "~skipped"
"""The radio of 'no answer', so that an optional choice can be taken back."""

Entered = Mapping[str, list[str]]
"""What stands in a form: field name to values."""


def as_it_is(text: str) -> str:
    """A text in which no answers stand."""
    return text


@dataclass(frozen=True, slots=True)
class Ask:
    """A question as it is asked in a language."""

    study: Study
    question: Question
    language: str
    fill: Callable[[str], str] = as_it_is
    """Puts earlier answers into a text."""

    @property
    def kind(self) -> Kind:
        """The registry entry of the question's kind."""
        return KINDS[self.question.kind]

    def say(self, text: Text | None) -> Said:
        """A text in the language."""
        return languages.say(text, self.language, self.study.default_language, self.fill)

    def name(self, item: str = ONE) -> str:
        """The field of an item."""
        return f"{self.question.id}.{item}" if item else self.question.id

    @property
    def refuse_name(self) -> str:
        """The field of the tick 'prefer not to answer'."""
        return f"{self.question.id}.{REFUSED}"

    def fields(self) -> tuple[tuple[str, str, str], ...]:
        """The fields to fill in, as (name, item, what is asked)."""
        question = self.question
        if isinstance(question, Matrix):
            return self._by_item((row.id, self.say(row.text)) for row in question.items)
        if isinstance(question, SemanticDifferential):
            poles = (
                (p.id, Said(f"{(left := self.say(p.left))} – {self.say(p.right)}", left.language))
                for p in question.items
            )
            return self._by_item(poles)
        if isinstance(question, Ranking | ConstantSum):
            return self._by_item((o.id, self.say(o.label)) for o in question.options)
        return ((self.name(), ONE, self.say(self.question.text)),)

    def _by_item(self, texts: Iterable[tuple[str, str]]) -> tuple[tuple[str, str, str], ...]:
        return tuple((self.name(item), item, text) for item, text in texts)

    def labels(self) -> list[tuple[str, str]]:
        """Values and labels of a labelled scale."""
        scale = self.study.scale(self.question)
        return [(str(n), self.say(label)) for n, label in enumerate(scale, start=1)]

    def numbers(self) -> list[str]:
        """Values of a scale of numbers."""
        low, high = self.study.points(self.question)
        return [str(n) for n in range(low, high + 1)]

    def extras(self) -> list[tuple[str, str]]:
        """Further radios: refusing, or no answer."""
        if self.question.refusable:
            return [(REFUSED, gettext("Prefer not to answer"))]
        return [] if self.question.required else [(SKIPPED, gettext("No answer"))]

    def fault(self, item: str, value: str) -> str | None:
        """Why a value is not an answer, by the study's own rule."""
        points = len(self.study.scale(self.question))
        return self.question.fault(item, value, scale_points=points)


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of question travels through a form."""

    macro: str
    """The macro of ``macros/questions.html`` that draws it."""
    about: str
    """One line for the documentation."""
    act: Callable[[Ask], str]
    """What the respondent has to do, as an error says it."""
    radios: bool = False
    """True: refusing is a radio among the answers, else a tick of its own."""
    together: Callable[[Ask, Mapping[str, str]], tuple[str, str] | None] | None = None
    """Where the fields make one answer: the item that is wrong, and what to do; None when fine."""
    clean: Callable[[Ask, str], str] = lambda _, typed: typed.strip()
    """What is stored of what was typed; ``Unclear`` when that can be read in two ways."""
    typed: Callable[[Ask, str], str] = lambda _, value: value
    """What stands in the field for a stored value."""


def _choose(ask: Ask) -> str:
    return gettext("Choose an answer")


def _agree(ask: Ask) -> str:
    most = ask.study.scale(ask.question)[-1].say("en", ask.study.default_language).lower()
    return gettext("Choose how much you agree") if "agree" in most else _choose(ask)


def _number_of(ask: Ask) -> str:
    low, high = ask.study.points(ask.question)
    return gettext("Choose a number from %(low)s to %(high)s", low=low, high=high)


def _several(ask: Ask) -> str:
    question = ask.question
    assert isinstance(question, MultipleChoice)
    if question.most is None:
        least = max(question.least, 1)
        return ngettext("Choose at least one answer", "Choose at least %(count)s answers", least)
    least = max(question.least, 1 if question.required else 0)
    if least and least < question.most:
        most = question.most
        return gettext("Choose %(least)s to %(most)s answers", least=least, most=most)
    if least:
        return ngettext("Choose one answer", "Choose %(count)s answers", least)
    return ngettext("Choose at most one answer", "Choose at most %(count)s answers", question.most)


def _steps(ask: Ask) -> str:
    return gettext("Choose one of the steps")


def _slide(ask: Ask) -> str:
    return _whole(*ask.study.points(ask.question))


def _whole(low: int, high: int) -> str:
    return gettext("Enter a whole number from %(low)s to %(high)s", low=low, high=high)


def _place(ask: Ask) -> str:
    question = ask.question
    assert isinstance(question, Ranking)
    return gettext("Choose a place from 1 to %(most)s", most=question.places)


def _places(ask: Ask, values: Mapping[str, str]) -> tuple[str, str] | None:
    found = ask.question.fault_together(values)
    assert isinstance(ask.question, Ranking)
    if found is None:
        return None
    most = ask.question.places
    return found[0], gettext("Give each place from 1 to %(most)s to exactly one", most=most)


def _share(ask: Ask) -> str:
    question = ask.question
    assert isinstance(question, ConstantSum)
    return _whole(0, question.total)


def _shares(ask: Ask, values: Mapping[str, str]) -> tuple[str, str] | None:
    found = ask.question.fault_together(values)
    assert isinstance(ask.question, ConstantSum)
    if found is None:
        return None
    total, given = ask.question.total, sum(int(value) for value in values.values())
    facts = {"total": total, "given": given, "rest": abs(total - given)}
    if given < total:
        return found[0], gettext(
            "Let the numbers add up to %(total)s: now they make %(given)s, %(rest)s are left",
            **facts,
        )
    return found[0], gettext(
        "Let the numbers add up to %(total)s: now they make %(given)s, %(rest)s are too many",
        **facts,
    )


def _enter_number(ask: Ask) -> str:
    question = ask.question
    assert isinstance(question, Number)
    ends = (question.least, question.greatest)
    low, high = (languages.number(x, ask.language) if x is not None else "" for x in ends)
    if question.whole:
        return _bounded(
            low,
            high,
            gettext("Enter a whole number from %(low)s to %(high)s"),
            gettext("Enter a whole number from %(low)s"),
            gettext("Enter a whole number up to %(high)s"),
            gettext("Enter a whole number"),
        )
    return _bounded(
        low,
        high,
        gettext("Enter a number from %(low)s to %(high)s"),
        gettext("Enter a number from %(low)s"),
        gettext("Enter a number up to %(high)s"),
        gettext("Enter a number"),
    )


def _enter_date(ask: Ask) -> str:
    question = ask.question
    assert isinstance(question, Date)
    ends = (question.earliest, question.latest)
    low, high = (languages.day(x, ask.language) if x else "" for x in ends)
    return _bounded(
        low,
        high,
        gettext("Enter a date from %(low)s to %(high)s"),
        gettext("Enter a date from %(low)s"),
        gettext("Enter a date up to %(high)s"),
        gettext("Enter a date"),
    )


def _bounded(low: str, high: str, both: str, least: str, most: str, none: str) -> str:
    chosen = both if low and high else least if low else most if high else none
    return chosen % {"low": low, "high": high}


def _write(ask: Ask) -> str:
    question = ask.question
    assert isinstance(question, ShortText | LongText)
    most = question.longest
    return ngettext(
        "Write an answer of at most one character",
        "Write an answer of at most %(count)s characters",
        most,
    )


def _yes_or_no(ask: Ask) -> str:
    return gettext("Choose yes or no")


def _read_number(ask: Ask, typed: str) -> str:
    question = ask.question
    assert isinstance(question, Number)
    return any_number(typed.strip(), language=ask.language, whole=question.whole)


def _write_number(ask: Ask, value: str) -> str:
    return written(value, ask.language)


def _read_whole(ask: Ask, typed: str) -> str:
    return whole_number(typed.strip())


def _lines(ask: Ask, typed: str) -> str:
    return typed.replace("\r\n", "\n").replace("\r", "\n").strip()


KINDS: dict[str, Kind] = {
    "single_choice": Kind("options", "One answer out of several.", _choose, radios=True),
    "multiple_choice": Kind("ticks", "Any number of answers out of several.", _several),
    "likert": Kind("labelled", "One statement on a labelled scale.", _agree, radios=True),
    "matrix": Kind("matrix", "Several statements on one labelled scale.", _agree, radios=True),
    "nps": Kind("numbers", "Likelihood to recommend, 0 to 10.", _number_of, radios=True),
    "rating": Kind("numbers", "A number between two labelled ends.", _number_of, radios=True),
    "slider": Kind("slider", "A number on a long scale, typed.", _slide, clean=_read_whole),
    "semantic_differential": Kind(
        "poles", "Steps between pairs of opposites.", _steps, radios=True
    ),
    "ranking": Kind("ranking", "Options put in order.", _place, together=_places),
    "constant_sum": Kind(
        "shares", "A total divided among options.", _share, together=_shares, clean=_read_whole
    ),
    "number": Kind(
        "number", "A number to type.", _enter_number, clean=_read_number, typed=_write_number
    ),
    "short_text": Kind("line", "A line of text.", _write),
    "long_text": Kind("lines", "Several lines of text.", _write, clean=_lines),
    "consent": Kind("consent", "Yes or no, never preset.", _yes_or_no, radios=True),
    "date": Kind("day", "A calendar date.", _enter_date),
}


def records(ask: Ask, entered: Entered) -> list[AnswerRecord]:
    """What is stored of a valid form: one record an item, answered, skipped or refused."""
    question = ask.question
    if REFUSED in entered.get(ask.refuse_name, []):
        return [AnswerRecord(question.id, item, None, "refused") for item in question.storable()]
    if isinstance(question, MultipleChoice):
        ticked = entered.get(ask.name(), [])
        if not ticked:
            return [AnswerRecord(question.id, o.id, None, "skipped") for o in question.options]
        return [
            AnswerRecord(question.id, o.id, "1" if o.id in ticked else "0", "answered")
            for o in question.options
        ]
    given = {name: entered.get(name, []) for name, _, _ in ask.fields()}
    if ask.kind.together and any(given.values()):
        given = {name: values or ["0"] for name, values in given.items()}
    return [_record(ask, item, given[name]) for name, item, _ in ask.fields()]


def _record(ask: Ask, item: str, values: list[str]) -> AnswerRecord:
    value = values[0] if values else ""
    if value == REFUSED:
        return AnswerRecord(ask.question.id, item, None, "refused")
    if value in ("", SKIPPED):
        return AnswerRecord(ask.question.id, item, None, "skipped")
    return AnswerRecord(ask.question.id, item, value, "answered")


def entered(ask: Ask, stored: Mapping[tuple[str, str], AnswerRecord]) -> dict[str, list[str]]:
    """The form that gives the stored answers: what a page is prefilled with."""
    question = ask.question
    rows = [stored[key] for item in question.storable() if (key := (question.id, item)) in stored]
    if not ask.kind.radios and any(row.status == "refused" for row in rows):
        return {ask.refuse_name: [REFUSED]}
    if isinstance(question, MultipleChoice):
        return {ask.name(): [row.item for row in rows if row.value == "1"]}
    skipped = dict((*ask.extras(), ("", ""))) if ask.kind.radios else {}
    filled = {}
    for row in rows:
        mark = {"refused": REFUSED, "skipped": SKIPPED}.get(row.status, "")
        value = ask.kind.typed(ask, row.value or "")
        filled[ask.name(row.item)] = [value] if row.status == "answered" else [mark]
    return {
        name: v for name, v in filled.items() if v[0] not in (REFUSED, SKIPPED) or v[0] in skipped
    }
