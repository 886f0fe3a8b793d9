"""What must hold of an expression at its place: known names, asked before, kinds that fit."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from analysis.study.expression_kinds import WORDS, kind_of_expression
from analysis.study.expressions import RESPONDENT_FACTS, Condition, ExpressionFault, parsed
from analysis.study.faults import Catalogue, Fault
from analysis.study.functions import Kind
from analysis.study.places import Places
from analysis.study.questions import NUMERIC_KINDS, ONE, Question
from analysis.study.types import Study


def unknown(path: str, noun: str, name: str, known: Iterable[str]) -> Fault:
    """The fault of a reference to nothing, naming the nearest ids first."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3)
    shown = ", ".join([*near, *(n for n in names if n not in near)][:12]) or "(there is none)"
    return Catalogue.UNKNOWN_REFERENCE.at(path, noun=noun, name=name, known=shown)


class Expressions:
    """Checks expressions at their places."""

    def __init__(self, study: Study) -> None:
        self.study, self.places = study, Places(study)

    def condition(
        self, path: str, source: str | None, page: str | None, *, own: bool = False
    ) -> Iterator[Fault]:
        """The faults of a condition at a page; ``own``: it sees the answers of that page too."""
        if source is None:
            return
        yield from self.expression(path, source, page, own=own, kinds=("truth",))
        if page not in self.places.in_loops and _is_constant(source):
            value = parsed(source).value(_no_value, _no_value)
            yield Catalogue.CONSTANT.at(path, value="true" if value is True else "never true")

    def expression(
        self,
        path: str,
        source: str,
        page: str | None,
        *,
        own: bool,
        kinds: tuple[Kind, ...],
    ) -> Iterator[Fault]:
        """The faults of an expression that is to give one of some kinds."""
        try:
            condition = parsed(source)
        except ExpressionFault as fault:
            hint = "See 'Expressions' in docs/study-definition.md"
            yield Catalogue.EXPRESSION.at(path, why=str(fault), hint=hint)
            return
        found = [
            *(f for name in sorted(condition.names) for f in self._name(path, name, condition)),
            *self._means(path, condition),
        ]
        yield from found
        yield from self.order(path, condition.names, page, own=own)
        yield from self._compared(path, condition)
        if found:
            return
        kind, complaints = kind_of_expression(condition.tree, self._kind)
        for what in complaints:
            yield Catalogue.MISFIT.at(path, what=what)
        fits = kind is None or kind in kinds or (kind == "date" and "text" in kinds)
        if not fits and kind is not None and not complaints:
            yield Catalogue.WRONG_KIND.at(path, found=WORDS[kind], wanted=WORDS[kinds[0]])

    def order(
        self, path: str, names: Iterable[str], page: str | None, *, own: bool
    ) -> Iterator[Fault]:
        """The faults of names that are not surely asked before a page."""
        for name in sorted(names):
            first = name.partition(".")[0]
            asked = self.places.asked_for(first)
            late = sorted(q for q in asked if not self.places.is_before(q, page, own=own))
            if late:
                via = f" (through '{late[0]}')" if late[0] != first else ""
                yield Catalogue.LATER_REFERENCE.at(path, name=f"{name}", via=via)

    def _name(self, path: str, name: str, condition: Condition) -> Iterator[Fault]:
        first, _, second = name.partition(".")
        names = self.study.names
        if first == "respondent":
            if second not in RESPONDENT_FACTS:
                yield unknown(path, "fact of the respondent", second, RESPONDENT_FACTS)
        elif first in names.computed:
            if second:
                yield unknown(path, f"item of '{first}' called", second, ())
        elif first in self.places.questions:
            yield from self._item(path, name, condition)
        elif first in names.several:
            if second or first not in condition.several:
                entries = names.several[first]
                yield Catalogue.LOOPED_NAME.at(path, name=name, known=", ".join(entries[:8]))
        else:
            known = {*self.places.questions, *names.computed}
            yield unknown(path, "question", first, known)

    def _item(self, path: str, name: str, condition: Condition) -> Iterator[Fault]:
        first, _, second = name.partition(".")
        question = self.places.questions[first]
        has_items = question.kind in NUMERIC_KINDS and question.storable() != (ONE,)
        if second or (has_items and first not in condition.several):
            items = set(question.storable()) - {""}
            if second not in items:
                yield unknown(path, f"item of '{first}' called", second, items)

    def _means(self, path: str, condition: Condition) -> Iterator[Fault]:
        known = {c.id for c in self.study.constructs}
        for name in sorted(condition.means - known):
            yield unknown(path, "construct", name, known)

    def _kind(self, name: str) -> Kind | None:
        first, _, second = name.partition(".")
        if first == "respondent":
            return "date" if second == "started" else "text"
        for computed in self.study.computed:
            if computed.id == first:
                return computed.kind
        question = self.places.questions.get(first)
        if question is None or (name in self.study.names.several):
            return None
        if question.kind in NUMERIC_KINDS:
            return "number"
        if question.kind == "multiple_choice":
            return "text" if second else "set"
        return "date" if question.kind == "date" else "text"

    def _compared(self, path: str, condition: Condition) -> Iterator[Fault]:
        for compared in condition.comparisons:
            name, value = compared.name, compared.value
            cells = {cell.id for cell in self.study.cells}
            if cells and name == "respondent.cell" and value not in cells:
                yield unknown(path, "cell", str(value), cells)
            question = self.places.questions.get(name.partition(".")[0])
            if question is None:
                continue
            if question.kind in NUMERIC_KINDS:
                if isinstance(value, str):
                    yield Catalogue.NUMBER_AS_TEXT.at(path, name=name, value=value)
            elif not isinstance(value, str):
                yield Catalogue.TEXT_AS_NUMBER.at(path, name=name, value=value)
            elif question.kind == "multiple_choice" and not compared.member:
                if "." not in name:
                    yield Catalogue.SEVERAL_ANSWERS.at(path, name=name, value=value)
            else:
                answers = known_answers(question)
                if answers and value not in answers:
                    known = ", ".join(answers)
                    yield Catalogue.UNKNOWN_VALUE.at(path, value=value, name=name, known=known)


def known_answers(question: Question) -> tuple[str, ...]:
    """The ids that answers of a question may be; empty when they are free."""
    if question.kind == "consent":
        return ("yes", "no")
    return tuple(option.id for option in getattr(question, "options", ()))


def _is_constant(source: str) -> bool:
    return parses(source) and not (parsed(source).names or parsed(source).means)


def _no_value(name: str) -> None:
    return None


def parses(source: str) -> bool:
    """Whether a text is an expression of the language."""
    try:
        parsed(source)
    except ExpressionFault:
        return False
    return True
