"""The functions of the expression language: one entry each, with what it takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal


class Several(tuple[float | str | None, ...]):
    """The values of a name that has several: the items of a question, the entries of a loop."""

    __slots__ = ()


Value = float | str | frozenset[str] | bool | Several | None
"""What a name stands for; None is unknown (not answered)."""

Kind = Literal["number", "text", "date", "set", "truth"]
MANY = 100


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    ``takes``: 'name' (a name alone), 'several' (values, or names that have several), or the kinds
    of its arguments in order; ``gives``: the kind of its value.
    """

    form: str
    """How it is called, as documentation and faults say it."""
    about: str
    gives: Kind
    takes: Literal["name", "several"] | tuple[Kind, ...]
    call: Callable[[Sequence[Value]], Value]
    least: int = 1
    most: int = 1


def _answered(given: Sequence[Value]) -> Value:
    (value,) = given
    if isinstance(value, Several):
        return any(part is not None for part in value)
    return value is not None


def _count(given: Sequence[Value]) -> Value:
    (value,) = given
    return None if value is None else float(len(value) if isinstance(value, frozenset) else 1)


def _flat(given: Sequence[Value]) -> list[Value]:
    return [v for value in given for v in (value if isinstance(value, Several) else (value,))]


def _numbers(given: Sequence[Value]) -> list[float]:
    return [float(value) for value in _flat(given) if isinstance(value, int | float)]


def _of_known(combine: Callable[[list[float]], float]) -> Callable[[Sequence[Value]], Value]:
    def call(given: Sequence[Value]) -> Value:
        known = _numbers(given)
        return float(combine(known)) if known else None

    return call


def _known(given: Sequence[Value]) -> Value:
    return float(sum(value is not None for value in _flat(given)))


def _round(given: Sequence[Value]) -> Value:
    value, digits = given[0], given[1] if len(given) > 1 else 0.0
    if not isinstance(value, int | float) or not isinstance(digits, int | float):
        return None
    if not 0 <= digits <= 10 or abs(value) >= 1e15:
        return float(value)
    step = Decimal(1).scaleb(-int(digits))
    return float(Decimal(repr(float(value))).quantize(step, ROUND_HALF_UP))


def _abs(given: Sequence[Value]) -> Value:
    (value,) = given
    return float(abs(value)) if isinstance(value, int | float) else None


def _length(given: Sequence[Value]) -> Value:
    (value,) = given
    return float(len(value)) if isinstance(value, str) else None


def _lower(given: Sequence[Value]) -> Value:
    (value,) = given
    return value.casefold() if isinstance(value, str) else None


def _contains(given: Sequence[Value]) -> Value:
    text, part = given
    both = isinstance(text, str) and isinstance(part, str)
    return str(part).casefold() in str(text).casefold() if both else None


def _starts_with(given: Sequence[Value]) -> Value:
    text, part = given
    both = isinstance(text, str) and isinstance(part, str)
    return str(text).casefold().startswith(str(part).casefold()) if both else None


def _day(value: Value) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _days(given: Sequence[Value]) -> Value:
    first, last = (_day(value) for value in given)
    return None if first is None or last is None else float((last - first).days)


def _year(given: Sequence[Value]) -> Value:
    day = _day(given[0])
    return None if day is None else float(day.year)


def _month(given: Sequence[Value]) -> Value:
    day = _day(given[0])
    return None if day is None else float(day.month)


def _never(given: Sequence[Value]) -> Value:
    raise TypeError("mean() is looked up, not called")


FUNCTIONS: dict[str, Function] = {
    "answered": Function(
        "answered(name)", "whether it was answered: true or false", "truth", "name", _answered
    ),
    "count": Function(
        "count(name)", "how many options are chosen (multiple choice)", "number", "name", _count
    ),
    "mean": Function(
        "mean(construct)", "the mean of the perceived items of a construct", "number", "name",
        _never,
    ),
    "sum": Function(
        "sum(a, b, ...)", "of those that are known", "number", "several", _of_known(sum),
        most=MANY,
    ),
    "min": Function(
        "min(a, b, ...)", "the least of those that are known", "number", "several",
        _of_known(min), most=MANY,
    ),
    "max": Function(
        "max(a, b, ...)", "the greatest of those that are known", "number", "several",
        _of_known(max), most=MANY,
    ),
    "known": Function(
        "known(a, b, ...)", "how many are known", "number", "several", _known, most=MANY
    ),
    "round": Function(
        "round(x) or round(x, digits)", "halves go away from zero", "number",
        ("number", "number"), _round, most=2,
    ),
    "abs": Function("abs(x)", "without its sign", "number", ("number",), _abs),
    "length": Function("length(text)", "in characters", "number", ("text",), _length),
    "lower": Function("lower(text)", "in small letters", "text", ("text",), _lower),
    "contains": Function(
        "contains(text, part)", "whatever the case of letters", "truth", ("text", "text"),
        _contains, 2, 2,
    ),
    "starts_with": Function(
        "starts_with(text, part)", "whatever the case of letters", "truth", ("text", "text"),
        _starts_with, 2, 2,
    ),
    "days": Function(
        "days(from, to)", "days from one date to another", "number", ("date", "date"), _days, 2, 2
    ),
    "year": Function("year(date)", "of a date", "number", ("date",), _year),
    "month": Function("month(date)", "of a date, 1 to 12", "number", ("date",), _month),
}  # fmt: skip
