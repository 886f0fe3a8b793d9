"""What an expression gives (number, text, date, set, truth), and where its parts do not fit."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import date

from analysis.study.expressions import name_of
from analysis.study.functions import FUNCTIONS, Kind

KindOf = Callable[[str], Kind | None]
"""The kind of a name; None: unknown, or it has several values."""
WORDS: dict[Kind, str] = {
    "number": "a number",
    "text": "a text",
    "date": "a date",
    "set": "a set of chosen options",
    "truth": "true or false",
}


def kind_of_expression(tree: ast.expr, kind_of: KindOf) -> tuple[Kind | None, list[str]]:
    """The kind of an expression's value, and what does not fit in it, in words."""
    reader = _Kinds(kind_of)
    return reader.kind(tree), reader.complaints


class _Kinds:
    def __init__(self, kind_of: KindOf) -> None:
        self.kind_of = kind_of
        self.complaints: list[str] = []

    def kind(self, node: ast.expr) -> Kind | None:
        match node:
            case ast.BoolOp(values=values):
                for value in values:
                    self._want(value, ("truth", "number"))
                return "truth"
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self._want(operand, ("truth", "number"))
                return "truth"
            case ast.UnaryOp(operand=operand):
                self._want(operand, ("number", "truth"))
                return "number"
            case ast.BinOp(left=left, right=right):
                self._want(left, ("number", "truth"))
                self._want(right, ("number", "truth"))
                return "number"
            case ast.IfExp():
                return self._either(node)
            case ast.Compare(left=left, ops=ops, comparators=comparators):
                sides = [left, *comparators]
                for op, a, b in zip(ops, sides, comparators, strict=False):
                    self._compared(op, a, b)
                return "truth"
            case ast.Call(func=ast.Name(id=function), args=arguments):
                return self._called(function, arguments)
            case ast.Constant(value=value):
                if isinstance(value, bool):
                    return "truth"
                return "text" if isinstance(value, str) else "number"
            case _:
                return self.kind_of(name_of(node))

    def _either(self, node: ast.IfExp) -> Kind | None:
        self._want(node.test, ("truth", "number"))
        first, second = self.kind(node.body), self.kind(node.orelse)
        if first and second and first != second and {first, second} != {"date", "text"}:
            self._complain(node, f"is either {WORDS[first]} or {WORDS[second]}")
        return first or second

    def _compared(self, op: ast.cmpop, left: ast.expr, right: ast.expr) -> None:
        if isinstance(right, ast.List | ast.Tuple):
            self.kind(left)
            return
        kinds = (self.kind(left), self.kind(right))
        self._dates(left, right, kinds)
        if isinstance(op, ast.In | ast.NotIn):
            return
        if "set" in kinds and not isinstance(op, ast.Eq | ast.NotEq):
            self._complain(left if kinds[0] == "set" else right, "has no order; use count()")
            return
        plain = any(isinstance(side, ast.Constant) for side in (left, right))
        named = any(isinstance(side, ast.Name | ast.Attribute) for side in (left, right))
        first, second = ("text" if kind == "date" else kind for kind in kinds)
        if first and second and first != second and not (plain and named):
            whole = ast.Compare(left, [op], [right])
            known = [WORDS[kind] for kind in kinds if kind]
            self._complain(whole, f"compares {known[0]} with {known[1]}")

    def _dates(
        self, left: ast.expr, right: ast.expr, kinds: tuple[Kind | None, Kind | None]
    ) -> None:
        for side, other in ((left, kinds[1]), (right, kinds[0])):
            if other == "date" and isinstance(side, ast.Constant) and isinstance(side.value, str):
                try:
                    written = date.fromisoformat(side.value).isoformat() == side.value
                except ValueError:
                    written = False
                if not written:
                    self._complain(side, "is no date; write it as 2026-08-31")

    def _called(self, name: str, arguments: list[ast.expr]) -> Kind | None:
        function = FUNCTIONS[name]
        if name == "known":
            for argument in arguments:
                self.kind(argument)
        elif function.takes == "several":
            for argument in arguments:
                self._want(argument, ("number", "truth"))
        elif name == "count":
            if self.kind(arguments[0]) not in ("set", None):
                self._complain(arguments[0], "is one answer; count() is for multiple choices")
        elif function.takes != "name":
            for argument, wanted in zip(arguments, function.takes, strict=False):
                self._want(argument, ("text", "date") if wanted in ("text", "date") else (wanted,))
        return function.gives

    def _want(self, node: ast.expr, kinds: tuple[Kind, ...]) -> None:
        found = self.kind(node)
        if found and found not in kinds:
            self._complain(node, f"is {WORDS[found]}, where {WORDS[kinds[0]]} is needed")

    def _complain(self, node: ast.expr, what: str) -> None:
        said = f"'{ast.unparse(node)[:60]}' {what}"
        if said not in self.complaints:
            self.complaints.append(said)
