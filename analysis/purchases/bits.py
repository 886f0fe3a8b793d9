"""Sets of a few days or months as the bits of one whole number: cheap to unite and to count."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir


@ibis.udf.agg.builtin(name="bit_or", signature=(("int64",), "int64"))  # type: ignore[untyped-decorator]
def united(bits: Any) -> Any:
    """Union of the sets of all rows; the SQL function of both engines (Ibis has none for Spark)."""


def bit(place: Any) -> ir.IntegerColumn:
    """The set of one place, 0 to 62."""
    return ibis.literal("1").cast("int64") << place  # a plain 1 has 32 bits in Spark


def has(bits: ir.IntegerColumn, place: Any) -> ir.IntegerColumn:
    """1 where a place is in the set, else 0."""
    return ((bits >> place) & 1).cast("int64")


def size(bits: ir.IntegerColumn, places: int) -> ir.IntegerColumn:
    """How many of the first places are in the set."""
    found = has(bits, 0)
    for place in range(1, places):
        found = found + has(bits, place)
    return found.cast("int64")
