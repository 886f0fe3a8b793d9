"""The condition language of study files: a small, safe part of Python's expression grammar.

``visits == "weekly" and nps >= 9``, ``"web" in channels``, ``not answered(age)``,
``brand.quality > 3``, ``mean(functional) >= 4``, ``respondent.wave == "2026-08"``.

Names are question ids (``matrix.item`` for one statement of a matrix), ``mean(construct)`` is the
mean of the perceived items of a construct. A comparison with an unanswered question is *unknown*;
and/or/not follow Kleene's three-valued logic, and a condition that ends unknown counts as false.
``answered(q)`` is always true or false. Nothing is evaluated as code: the syntax tree is checked
node by node when the study is read, and walked by ``Condition.holds``.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Value = float | str | frozenset[str] | bool | None
"""What a name stands for; None is unknown (not answered)."""

RESPONDENT_FACTS = ("language", "wave", "cell")
FUNCTIONS = ("answered", "count", "mean")
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
MAX_NODES = 200
GREATEST = 1e15


class ExpressionFault(ValueError):
    """A condition that cannot be understood; the message says why."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A name beside a plain value; ``member``: by ``value in name``, not by a sign like ==."""

    name: str
    value: float | str | bool
    member: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition. ``names`` are the names it reads; ``means`` the constructs."""

    source: str
    tree: ast.expr
    names: frozenset[str]
    means: frozenset[str]
    comparisons: tuple[Compared, ...]
    """Each comparison of a name with a plain value, for checks against the questions."""

    def holds(self, lookup: Callable[[str], Value], mean: Callable[[str], Value]) -> bool:
        """Whether the condition is true; unknown counts as false.

        ``lookup`` gives the value of a name, ``mean`` that of a construct.
        """
        return _evaluate(self.tree, lookup, mean) is True


def parse(source: str) -> Condition:
    """Parse a condition.

    Raises
    ------
    ExpressionFault
        When it is not an expression of the language, with the reason.
    """
    try:
        tree = ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = getattr(error, "msg", None) or str(error)
        raise ExpressionFault(f"{reason} in '{source[:80]}'") from None
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise ExpressionFault("it is too long; split it over several questions")
    reader = _Reader()
    reader.read(tree)
    return Condition(
        source,
        tree,
        frozenset(reader.names),
        frozenset(reader.means),
        tuple(reader.comparisons),
    )


class _Reader:
    """Walks a tree once, refusing what is not in the language and noting the names."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.means: set[str] = set()
        self.comparisons: list[Compared] = []

    def read(self, node: ast.expr) -> None:
        match node:
            case ast.BoolOp(values=values):
                for value in values:
                    self.read(value)
            case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
                self.read(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                self.read(left)
                self.read(right)
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                self._read_comparison([left, *comparators], ops)
            case ast.Call(func=ast.Name(id=function), args=[ast.expr() as argument], keywords=[]):
                self._read_call(function, argument)
            case ast.Name() | ast.Attribute():
                self.names.add(_name(node))
            case ast.Constant(value=int() | float() as number) if not abs(number) < GREATEST:
                raise ExpressionFault("a number in a condition must be below 1e15")
            case ast.Constant(value=bool() | int() | float() | str()):
                pass
            case _:
                raise ExpressionFault(f"'{ast.unparse(node)[:60]}' is not allowed in a condition")

    def _read_comparison(self, sides: list[ast.expr], ops: list[ast.cmpop]) -> None:
        for op, left, right in zip(ops, sides, sides[1:], strict=False):
            if isinstance(op, ast.In | ast.NotIn):
                self._read_membership(left, right)
            elif type(op) in _COMPARE:
                self.read(left)
                self.read(right)
                self._note(left, right)
                self._note(right, left)
            else:
                raise ExpressionFault("'is' is not allowed; write == or !=")

    def _read_membership(self, left: ast.expr, right: ast.expr) -> None:
        self.read(left)
        if isinstance(right, ast.List | ast.Tuple):
            for element in right.elts:
                if not isinstance(element, ast.Constant):
                    raise ExpressionFault("a list holds plain values only")
                self._note(left, element)
        else:
            self.read(right)
            self._note(right, left, member=True)

    def _note(self, name: ast.expr, value: ast.expr, *, member: bool = False) -> None:
        if (
            isinstance(name, ast.Name | ast.Attribute)
            and isinstance(value, ast.Constant)
            and isinstance(value.value, str | int | float)
        ):
            self.comparisons.append(Compared(_name(name), value.value, member))

    def _read_call(self, function: str, argument: ast.expr) -> None:
        if function not in FUNCTIONS:
            raise ExpressionFault(
                f"there is no function '{function}'; known: {', '.join(FUNCTIONS)}"
            )
        if not isinstance(argument, ast.Name | ast.Attribute):
            raise ExpressionFault(f"{function}() takes one name")
        (self.means if function == "mean" else self.names).add(_name(argument))


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    raise ExpressionFault(f"'{ast.unparse(node)[:60]}' is not a name")


Lookup = Callable[[str], Value]


def _evaluate(node: ast.expr, lookup: Lookup, mean: Lookup) -> Value:
    match node:
        case ast.BoolOp(op=op, values=values):
            results = [_truth(_evaluate(value, lookup, mean)) for value in values]
            decisive = isinstance(op, ast.Or)
            if decisive in results:
                return decisive
            return None if None in results else not decisive
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            truth = _truth(_evaluate(operand, lookup, mean))
            return None if truth is None else not truth
        case ast.UnaryOp(operand=operand):
            value = _number(_evaluate(operand, lookup, mean))
            return None if value is None else -value
        case ast.BinOp(left=left, op=op, right=right):
            a = _number(_evaluate(left, lookup, mean))
            b = _number(_evaluate(right, lookup, mean))
            return None if a is None or b is None else _ARITHMETIC[type(op)](a, b)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            return _compare([left, *comparators], ops, lookup, mean)
        case ast.Call(func=ast.Name(id=function), args=[argument]):
            return _call(function, _name(argument), lookup, mean)
        case ast.Constant(value=value):
            return value
        case _:
            return lookup(_name(node))


def _call(function: str, name: str, lookup: Lookup, mean: Lookup) -> Value:
    if function == "mean":
        return mean(name)
    value = lookup(name)
    if function == "answered":
        return value is not None
    return None if value is None else float(len(value) if isinstance(value, frozenset) else 1)


def _compare(
    sides: list[ast.expr], ops: list[ast.cmpop], lookup: Lookup, mean: Lookup
) -> bool | None:
    results: list[bool | None] = []
    for op, left, right in zip(ops, sides, sides[1:], strict=False):
        a = _evaluate(left, lookup, mean)
        if isinstance(right, ast.List | ast.Tuple):
            b: Any = frozenset(e.value for e in right.elts if isinstance(e, ast.Constant))
        else:
            b = _evaluate(right, lookup, mean)
        results.append(None if a is None or b is None else _holds(op, a, b))
    if False in results:
        return False
    return None if None in results else True


def _holds(op: ast.cmpop, a: Any, b: Any) -> bool:
    if isinstance(op, ast.In | ast.NotIn):
        inside = a in b if isinstance(b, frozenset) else a == b
        return inside is isinstance(op, ast.In)
    try:
        return _COMPARE[type(op)](a, b)
    except TypeError:
        return False


def _truth(value: Value) -> bool | None:
    return None if value is None else bool(value)


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def answers_lookup(
    answers: Mapping[tuple[str, str], str],
    numeric: frozenset[str],
    multiple: Mapping[str, tuple[str, ...]],
    respondent: Mapping[str, str],
) -> Lookup:
    """Return a lookup over stored answers {(question, item): value}.

    ``numeric`` names the questions whose values are numbers, ``multiple`` the options of the
    multiple-choice questions (their value is the set of chosen options).
    """

    def lookup(name: str) -> Value:
        first, _, second = name.partition(".")
        if first == "respondent":
            return respondent.get(second) or None
        if first in multiple and not second:
            stored = [answers.get((first, option)) for option in multiple[first]]
            if all(value is None for value in stored):
                return None
            pairs = zip(multiple[first], stored, strict=True)
            return frozenset(option for option, value in pairs if value == "1")
        value = answers.get((first, second))
        return float(value) if value is not None and first in numeric else value

    return lookup
