"""What expressions see of a respondent: the answers that count, computed variables, facts."""

from __future__ import annotations

from collections.abc import Mapping

from analysis.study.expressions import Lookup, answers_lookup, parsed
from analysis.study.functions import Value
from analysis.study.questions import ONE
from analysis.study.types import Study


class Seen:
    """The answers that count so far, as a lookup for expressions."""

    def __init__(self, study: Study, respondent: Mapping[str, str]) -> None:
        self.study = study
        self.answers: dict[tuple[str, str], str] = {}
        self._names = study.names
        self._known: dict[str, Value] = {}
        names = self._names
        self._plain: Lookup = answers_lookup(
            self.answers, names.numeric, names.multiple, respondent, names.several
        )

    def count(self, question: str, values: Mapping[str, str]) -> None:
        """Let the answers to a question count."""
        self.answers.update({(question, item): value for item, value in values.items()})
        self._known.clear()

    def answer(self, question: str, item: str = ONE) -> str | None:
        """An answer that counts, as it is stored."""
        return self.answers.get((question, item))

    def lookup(self, name: str) -> Value:
        """The value of a name; None: unknown."""
        names = self._names
        if name not in names.computed:
            return self._plain(name)
        for part in (*names.rests_on.get(name, ()), name):
            if part not in self._known and part in names.rests_on:
                self._known[part] = self.value(names.computed[part])
        return self._known.get(name)

    def value(self, source: str) -> Value:
        """What an expression comes to; None: unknown."""
        return parsed(source).value(self.lookup, self._mean)

    def holds(self, source: str | None) -> bool:
        """Whether a condition is true; without one, it is."""
        return source is None or self.value(source) is True

    def _mean(self, construct: str) -> Value:
        values: list[float] = []
        for question_id, item in self.study.items_of(construct):
            value = self.lookup(f"{question_id}.{item.id}" if item.id else question_id)
            if isinstance(value, float):
                low, high = self.study.points(self.study.question(question_id))
                values.append(low + high - value if item.reversed else value)
        return sum(values) / len(values) if values else None
