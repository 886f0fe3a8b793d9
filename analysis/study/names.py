"""What the names in the expressions of a study stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.study.expressions import ExpressionFault, parsed
from analysis.study.flow import Looped
from analysis.study.questions import NUMERIC_KINDS, ONE, Question


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a study.

    Attributes
    ----------
    numeric
        Questions whose values are numbers.
    multiple
        Multiple-choice questions with their options.
    several
        Names that stand for several values, with the names of those: a question with items, and
        outside of its loop a question that is asked of every entry.
    computed
        Computed variables with their expressions.
    rests_on
        Of each computed variable those that it rests on, directly or not, each after the ones
        that it rests on itself. Variables that go round in a circle are missing.
    """

    numeric: frozenset[str]
    multiple: Mapping[str, tuple[str, ...]]
    several: Mapping[str, tuple[str, ...]]
    computed: Mapping[str, str]
    rests_on: Mapping[str, tuple[str, ...]]


def names_of(
    questions: Sequence[Question], looped: Mapping[str, Looped], computed: Mapping[str, str]
) -> Names:
    """The names of a study."""
    several = {
        q.id: tuple(f"{q.id}.{item}" for item in q.storable())
        for q in questions
        if q.kind in NUMERIC_KINDS and q.storable() != (ONE,)
    }
    entries: dict[str, list[str]] = {}
    for name, found in looped.items():
        entries.setdefault(found.question, []).extend(several.get(name, (name,)))
    return Names(
        numeric=frozenset(q.id for q in questions if q.kind in NUMERIC_KINDS),
        multiple={q.id: q.storable() for q in questions if q.kind == "multiple_choice"},
        several=several | {name: tuple(parts) for name, parts in entries.items()},
        computed=computed,
        rests_on=_in_order(computed),
    )


def read_by(source: str) -> frozenset[str]:
    """The names (before a dot) that an expression reads; none when it cannot be parsed."""
    try:
        return frozenset(name.partition(".")[0] for name in parsed(source).names)
    except ExpressionFault:
        return frozenset()


def _in_order(computed: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    direct = {name: read_by(source) & computed.keys() for name, source in computed.items()}
    found: dict[str, tuple[str, ...]] = {}
    ready = list(direct)
    while ready:
        ready = [n for n in direct if n not in found and direct[n] <= found.keys()]
        for name in ready:
            below = direct[name].union(*(found[part] for part in direct[name]))
            found[name] = tuple(known for known in found if known in below)
    return found
