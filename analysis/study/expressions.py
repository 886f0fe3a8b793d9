"""The expression language of study files: a small, safe part of Python's expression grammar.

``visits == "weekly" and nps >= 9``, ``"web" in channels``, ``not answered(age)``,
``brand.quality > 3``, ``mean(functional) >= 4``, ``respondent.wave == "2026-08"``,
``"high" if spend / visits > 20 else "low"``.

Names are question ids (``matrix.item`` for one statement of a matrix), computed variables, and
``mean(construct)`` is the mean of the perceived items of a construct. What is not answered is
*unknown*: signs and comparisons with it are unknown too, and/or/not follow Kleene's three-valued
logic, and a condition that ends unknown counts as false. ``answered(q)`` is always true or false.
Nothing is evaluated as code: the syntax tree is checked node by node when the study is read, and
walked by ``Condition.value``.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from analysis.study.functions import FUNCTIONS, Several, Value

RESPONDENT_FACTS = ("language", "wave", "cell", "started")
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
    ast.Div: operator.truediv,
}
MAX_NODES = 400
MAX_DEPTH = 60
GREATEST = 1e15


class ExpressionFault(ValueError):
    """An expression that cannot be understood; the message says why."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A name beside a plain value; ``member``: by ``value in name``, not by a sign like ==."""

    name: str
    value: float | str | bool
    member: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed expression. ``names`` are the names it reads; ``means`` the constructs."""

    source: str
    tree: ast.expr
    names: frozenset[str]
    means: frozenset[str]
    comparisons: tuple[Compared, ...]
    """Each comparison of a name with a plain value, for checks against the questions."""
    several: frozenset[str] = frozenset()
    """Names that stand alone in a function of several values, such as ``sum(matrix)``."""

    def holds(self, lookup: Lookup, mean: Lookup) -> bool:
        """Whether the condition is true; unknown counts as false.

        ``lookup`` gives the value of a name, ``mean`` that of a construct.
        """
        return self.value(lookup, mean) is True

    def value(self, lookup: Lookup, mean: Lookup) -> Value:
        """What the expression comes to; None: unknown."""
        return _evaluate(self.tree, lookup, mean)


def parse(source: str) -> Condition:
    """Parse an expression.

    Raises
    ------
    ExpressionFault
        When it is not an expression of the language, with the reason.
    """
    try:
        tree = ast.parse(" ".join(source.split("\n")).strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = getattr(error, "msg", None) or str(error)
        raise ExpressionFault(f"{reason} in '{source[:80]}'") from None
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise ExpressionFault("it is too long; split it with computed variables")
    reader = _Reader()
    reader.read(tree)
    return Condition(
        source,
        tree,
        frozenset(reader.names),
        frozenset(reader.means),
        tuple(reader.comparisons),
        frozenset(reader.several),
    )


parsed = lru_cache(maxsize=4096)(parse)
"""``parse``, remembering what it parsed."""


def renamed(source: str, names: Mapping[str, str], constants: Mapping[str, str]) -> str:
    """The expression with other names (before the dot), and some names as texts.

    What cannot be parsed is returned as it is.
    """
    try:
        tree = parse(source).tree
    except ExpressionFault:
        return source

    class Renamer(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.Call:
            kept = isinstance(node.func, ast.Name) and node.func.id == "mean"
            arguments = node.args if kept else [self.visit(argument) for argument in node.args]
            return ast.Call(func=node.func, args=arguments, keywords=[])

        def visit_Name(self, node: ast.Name) -> ast.expr:
            if node.id in constants:
                return ast.Constant(constants[node.id])
            return ast.Name(names.get(node.id, node.id), ast.Load())

    return ast.unparse(Renamer().visit(tree))


class _Reader:
    """Walks a tree once, refusing what is not in the language and noting the names."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.means: set[str] = set()
        self.several: set[str] = set()
        self.comparisons: list[Compared] = []
        self.depth = 0

    def read(self, node: ast.expr) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionFault("it is nested too deeply; split it with computed variables")
        self._read(node)
        self.depth -= 1

    def _read(self, node: ast.expr) -> None:
        match node:
            case ast.BoolOp(values=values):
                for value in values:
                    self.read(value)
            case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
                self.read(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                self.read(left)
                self.read(right)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                for part in (test, body, orelse):
                    self.read(part)
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                self._read_comparison([left, *comparators], ops)
            case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]):
                self._read_call(function, arguments)
            case ast.Name() | ast.Attribute():
                self.names.add(name_of(node))
            case ast.Constant(value=int() | float() as number) if not abs(number) < GREATEST:
                raise ExpressionFault("a number in an expression must be below 1e15")
            case ast.Constant(value=bool() | int() | float() | str()):
                pass
            case _:
                raise ExpressionFault(f"'{ast.unparse(node)[:60]}' is not allowed in an expression")

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
                self.read(element)
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
            self.comparisons.append(Compared(name_of(name), value.value, member))

    def _read_call(self, name: str, arguments: list[ast.expr]) -> None:
        function = FUNCTIONS.get(name)
        if function is None:
            raise ExpressionFault(f"there is no function '{name}'; known: {', '.join(FUNCTIONS)}")
        if not function.least <= len(arguments) <= function.most:
            raise ExpressionFault(f"{function.form}, this has {len(arguments)} value(s)")
        for argument in arguments:
            is_name = isinstance(argument, ast.Name | ast.Attribute)
            if function.takes == "name" and not is_name:
                raise ExpressionFault(f"{name}() takes one name")
            if name == "mean":
                self.means.add(name_of(argument))
                continue
            if function.takes == "several" and is_name:
                self.several.add(name_of(argument))
            self.read(argument)


def name_of(node: ast.expr) -> str:
    """The name that a node of a tree is, such as 'matrix.item'; ExpressionFault when none."""
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
            return _calculated(op, a, b)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            truth = _truth(_evaluate(test, lookup, mean))
            if truth is None:
                return None
            return _evaluate(body if truth else orelse, lookup, mean)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            return _compare([left, *comparators], ops, lookup, mean)
        case ast.Call(func=ast.Name(id="mean"), args=[argument]):
            return mean(name_of(argument))
        case ast.Call(func=ast.Name(id=function), args=arguments):
            return FUNCTIONS[function].call([_evaluate(a, lookup, mean) for a in arguments])
        case ast.Constant(value=value):
            return value
        case _:
            return lookup(name_of(node))


def _calculated(op: ast.operator, a: float | None, b: float | None) -> float | None:
    """Unknown where a side is, for a division by zero, and beyond what numbers can hold."""
    if a is None or b is None or (isinstance(op, ast.Div) and b == 0):
        return None
    found = _ARITHMETIC[type(op)](a, b)
    return found if math.isfinite(found) else None


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
        unknown = a is None or b is None or isinstance(a, tuple) or isinstance(b, tuple)
        results.append(None if unknown else _holds(op, a, b))
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
    return None if value is None or isinstance(value, tuple) else bool(value)


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def answers_lookup(
    answers: Mapping[tuple[str, str], str],
    numeric: frozenset[str],
    multiple: Mapping[str, tuple[str, ...]],
    respondent: Mapping[str, str],
    several: Mapping[str, tuple[str, ...]] | None = None,
) -> Lookup:
    """Return a lookup over stored answers {(question, item): value}.

    ``numeric`` names the questions whose values are numbers, ``multiple`` the options of the
    multiple-choice questions (their value is the set of chosen options), ``several`` the parts of
    names that stand for several values.
    """
    parts = several or {}

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
        if name in parts:
            return Several(_one(lookup(part)) for part in parts[name])
        value = answers.get((first, second))
        return float(value) if value is not None and first in numeric else value

    return lookup


def _one(value: Value) -> float | str | None:
    return value if isinstance(value, float | str) else None
