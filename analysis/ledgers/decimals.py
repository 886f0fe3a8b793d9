"""The decimal of amounts, where nobody said."""

from __future__ import annotations

import re

from analysis.ledgers.faults import LedgerFaults

_COMMA = re.compile(r"^[+-]?[\d.]*\d,\d{1,2}$")
_POINT = re.compile(r"^[+-]?[\d,]*\.\d{1,2}$")
_GROUPED = re.compile(r"^[+-]?[1-9]\d{0,2}(\.\d{3})+$")
_WHOLE = re.compile(r"^[+-]?\d+$")


def decimal_of(amounts: list[str], file: str) -> tuple[str, list[str]]:
    """The decimal of some amounts, ``comma`` or ``point``, and what to note about it.

    Raises
    ------
    LedgerFaults
        Where a point seems to part thousands and no amount tells the decimal: 1.234 beside 2.500
        or 750. Read with a decimal point, 2.500 would be 2.50.
    """
    if any(map(_POINT.match, amounts)):
        return "point", []
    if any(map(_COMMA.match, amounts)):
        return "comma", ["amounts read with a decimal comma"]
    grouped = [cell for cell in amounts if _GROUPED.match(cell)]
    if not grouped:
        return "point", []
    first = grouped[0]
    whole = first.replace(".", "")
    telling = any(cell.count(".") > 1 or cell[-1] != "0" for cell in grouped)
    if telling or any(map(_WHOLE.match, amounts)):
        fault = (
            f"amounts such as {first} may have thousands or three decimals. "
            f"Name the decimal: comma ({first} is {whole}) or point ({first} has three decimals)."
        )
        raise LedgerFaults(file, [fault])
    return "point", [f"amounts read with a decimal point: {first} is not {whole}"]
