"""Why a row of a ledger file is not accepted: reasons in their order, with fact and mend."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.ledgers.kinds import Column, LedgerKind

SHOWN = 50
UNREADABLE = "row_unreadable"
CONTRADICTED = "line_contradicted"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: the bit that marks it, its name, the column, the fact and the mend."""

    bit: int
    name: str
    column: str
    fact: str
    mend: str


_OF_KIND: dict[str, tuple[tuple[str, str, str], ...]] = {
    "time": (
        (
            "unparsed",
            "the {column} '{cell}' is no ISO date or time",
            "Write 2026-08-31 or 2026-08-31T17:45, or name the format",
        ),
        (
            "in_gap",
            "the {column} '{cell}' does not exist there: the clocks were put forward",
            "Correct it, or write it with its offset",
        ),
        ("implausible", "the {column} '{cell}' is before 1900", "Correct the date"),
        ("in_future", "the {column} '{cell}' is after today", "Correct the date"),
    ),
    "money": (
        (
            "unparsed",
            "the {column} '{cell}' is no amount with at most two decimals",
            "Write 12.34: a point, no thousands separator, no currency sign; or name the decimal",
        ),
        (
            "absurd",
            "the {column} '{cell}' is beyond the largest amount that is believed",
            "Correct it, or load with a larger limit",
        ),
    ),
    "number": (
        ("unparsed", "the {column} '{cell}' is no number", "Write a number such as 2 or 0.35"),
    ),
    "currency": (
        (
            "unknown",
            "the {column} '{cell}' is not known here",
            "Write the ISO code, such as USD; convert amounts to the currency asked for",
        ),
    ),
    "flag": (("unparsed", "{column} is '{cell}'", "Write true or false"),),
}


def reasons_of(kind: LedgerKind) -> tuple[Reason, ...]:
    """All reasons of a kind of ledger, in the order in which they are looked for and told."""
    found: list[tuple[str, str, str, str]] = [
        (UNREADABLE, "", "{cell}", "Write the row as the header says, in the file's encoding")
    ]
    for column in kind.columns:
        found += _reasons_of(column)
    found.append(
        (
            CONTRADICTED,
            "",
            "an earlier row of the same file says something else of the same "
            + " and ".join(kind.identity),
            "Keep the right one of the two rows, or load them as files one after the other",
        )
    )
    return tuple(
        Reason(1 << bit, name, column, fact, mend)
        for bit, (name, column, fact, mend) in enumerate(found)
    )


def _reasons_of(column: Column) -> list[tuple[str, str, str, str]]:
    name = column.name
    found = []
    if column.required:
        missing = f"the {name} is missing"
        found.append((f"{name}_missing", name, missing, "Fill it in or leave the row out"))
    for ending, fact, mend in _OF_KIND.get(column.kind, ()):
        if ending == "in_future" and column.ahead:
            continue
        found.append((f"{name}_{ending}", name, fact.replace("{column}", name), mend))
    if column.least is not None:
        below = f"the {name} '{{cell}}' is below {column.least:g}"
        found.append((f"{name}_too_small", name, below, "Correct it"))
    if column.words:
        mend = "Write one of: " + ", ".join(column.words)
        found.append((f"{name}_unknown", name, f"the {name} '{{cell}}' is not known", mend))
    if column.kind in ("customer", "text"):
        fact = f"the {name} has more than 1,000 bytes"
        found.append((f"{name}_too_long", name, fact, "Check the quotes of the row"))
    return found


def names_of(code: int, reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """The reasons that a code marks, in their order."""
    return tuple(reason for reason in reasons if code & reason.bit)


@dataclass(frozen=True, slots=True)
class RowFault:
    """One fault of a row of a file, by the line on which the row starts; line 1 is the header."""

    row: int
    reason: str
    fact: str
    mend: str

    def __str__(self) -> str:
        return f"row {self.row}: {self.fact}. {self.mend}."


class LedgerFaults(ValueError):
    """All faults of a file; ``str`` shows the first 50 and how many follow."""

    def __init__(self, file: str, faults: list[RowFault] | list[str], more: int = 0) -> None:
        self.faults = tuple(faults)
        total = len(faults) + more
        lines = [f"{total:,} fault{'s' if total != 1 else ''} in {file}"]
        lines += [f"- {fault}" for fault in faults[:SHOWN]]
        if total > SHOWN:
            lines.append(f"- and {total - min(SHOWN, len(faults)):,} more")
        super().__init__("\n".join(lines))
