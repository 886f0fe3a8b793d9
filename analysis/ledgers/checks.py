"""From cells of text to typed columns and a code of everything that is wrong, as SQL of DuckDB.

Each column is one expression for its value and one condition for each reason; the code of a row
is the sum of the bits of its reasons, so that none hides another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from analysis.ledgers.faults import UNREADABLE, Reason, reasons_of
from analysis.ledgers.files import LedgerFile
from analysis.ledgers.kinds import DAY, Column, LedgerKind
from analysis.ledgers.layout import CURRENCIES, Layout

TRUE = "('true', '1', 'yes', 'y', 't')"
FALSE = "('false', '0', 'no', 'n', 'f')"
AMBIGUOUS = 1 << 61
"""Marks a time that the clocks showed twice: no reason, the earlier one is taken."""
OFFSET_AT_END = "'\\s*([A-Za-z/_]+|[+-]\\d{2}(:?\\d{2})?)$'"
TO_END = "INTERVAL 1 DAY - INTERVAL 1 MICROSECOND"
LONGEST = 1_000
LARGEST_MONEY = 1e13
"""In units of the currency: beyond it, doubles no longer hold every cent."""
PLACEHOLDERS = ("NULL", "null", "(null)", "\\N", "#N/A", "N/A", "n/a", "NaN", "nan", "None", "<NA>")
"""What programs write where a customer is not known: no customer of that name."""
SPACES = "".join(letter for letter in map(chr, range(1, 0x3001)) if letter.isspace())


@dataclass(frozen=True, slots=True)
class Checks:
    """How the rows of one file are checked."""

    kind: LedgerKind
    layout: Layout
    given: tuple[str, ...]
    rest: tuple[tuple[str, str], ...]
    """Cells of other columns: (cell, name of the column)."""
    today: date | None

    @classmethod
    def of(cls, file: LedgerFile, today: date | None) -> Checks:
        """The checks of an opened file; without ``today`` any later time is accepted."""
        names = tuple(name for name in file.kind.names if name in file.places)
        keeps = [f"rest_{at}" for at in file.rest.values()]
        rest = tuple(zip(keeps, file.rest, strict=True)) if "rest_" in str(file.wanted) else ()
        return cls(file.kind, file.layout, names, rest, today)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The reasons in their order."""
        return reasons_of(self.kind)

    @property
    def by_store(self) -> bool:
        """Whether what a time means depends on the store of its row."""
        return bool(self.layout.zones) and "store" in self.given

    def rows(self, names: tuple[str, ...], *, padded: bool) -> str:
        """The query that types columns of the relation 'cells' row by row.

        Columns: those named (customers as written), the day beside a time, and code.
        """
        columns = [self.kind.column(name) for name in names]
        codes = [self._code(column) for column in columns]
        times = [column.name for column in columns if column.kind == "time"]
        if self._zoned and times:
            seen_twice = " OR ".join(f'"twice_{name}"' for name in times)
            codes.append(f"CASE WHEN {seen_twice} THEN {AMBIGUOUS} ELSE 0 END")
        values = ", ".join(value for column in columns for value in self._values(column))
        read = (*names, "store") if self.by_store and times and "store" not in names else names
        return f"SELECT {values}, {' + '.join(codes)} AS code FROM ({self._read(read, padded)})"

    def each(self, names: tuple[str, ...], *, padded: bool) -> str:
        """The same for columns that know nothing of each other: the column X has code_X beside."""
        columns = [self.kind.column(name) for name in names]
        parts = []
        for column in columns:
            code = self._code(column)
            if self._zoned and column.kind == "time":
                code += f' + CASE WHEN "twice_{column.name}" THEN {AMBIGUOUS} ELSE 0 END'
            parts += self._values(column)
            parts.append(f'{code} AS "code_{column.name}"')
        return f"SELECT {', '.join(parts)} FROM ({self._read(names, padded)})"

    def _read(self, names: tuple[str, ...], padded: bool) -> str:
        """The query of the cells as text, with the moments and numbers that they stand for."""
        columns = [self.kind.column(name) for name in names]
        cells = [
            f'{self._rest() if c.kind == "rest" else _cell(c, padded)} AS "{c.name}"'
            for c in columns
        ]
        meant = [
            f'{moment} AS "{part}_{column.name}"'
            for column in columns
            if column.kind == "time"
            for part, moment in self._moment(column).items()
        ]
        meant += [
            f'{self._number(column.name)} AS "number_{column.name}"'
            for column in columns
            if column.kind in ("money", "number")
        ]
        seen = f"SELECT {', '.join(cells)} FROM cells"
        return f"SELECT {', '.join(['*', *meant])} FROM ({seen})"

    def _code(self, column: Column) -> str:
        bits = {reason.name: reason.bit for reason in self.reasons}
        codes = [
            f"CASE WHEN {condition} THEN {bits[name]} ELSE 0 END"
            for name, condition in self._conditions(column)
        ]
        return " + ".join(codes) or "0"

    def _rest(self) -> str:
        parts = ", ".join(f"{_text(name)}, {cell}" for cell, name in self.rest)
        return f"CAST(json_object({parts}) AS VARCHAR)"

    def _values(self, column: Column) -> list[str]:
        """The value of a column, and the day beside the time of a row."""
        found = [f'{self._value(column)} AS "{column.name}"']
        return [*found, f'"day_time" AS "{DAY}"'] if column.name == "time" else found

    def _value(self, column: Column) -> str:
        name = f'"{column.name}"'
        if column.kind == "currency" and self.layout.currency:
            return f"coalesce({name}, {_text(self.layout.currency)})"
        if column.kind == "time":
            return f'"utc_{column.name}"'
        number = f'"number_{column.name}"'
        if column.kind == "money":
            return f"CASE WHEN {_is_money(number)} THEN CAST(round({number} * 100) AS BIGINT) END"
        if column.kind == "number":
            return f"CASE WHEN isfinite({number}) THEN {number} END"
        if column.kind == "flag":
            word = f"lower({name})"
            return f"CASE WHEN {word} IN {TRUE} THEN true WHEN {word} IN {FALSE} THEN false END"
        return f"lower({name})" if column.words else name

    def _number(self, column: str) -> str:
        name = f'"{column}"'
        if self.layout.decimal != "comma":
            return f"TRY_CAST({name} AS DOUBLE)"
        grouped = f"regexp_matches({name}, '^[+-]?\\d{{1,3}}(\\.\\d{{3}})+(,\\d+)?$')"
        plain = (
            f"CASE WHEN NOT contains({name}, '.') THEN {name} "
            f"WHEN {grouped} THEN replace({name}, '.', '') END"
        )
        return f"TRY_CAST(replace({plain}, ',', '.') AS DOUBLE)"

    def _moment(self, column: Column) -> dict[str, str]:
        """Expressions of utc, day, gap (no such local time) and twice (two such local times)."""
        cell = f'"{column.name}"'
        local, absolute, floating = self._written(cell)
        day = f"CAST({local} AS DATE)"
        if column.ends:
            local = f"CASE WHEN {self._day_only(cell)} THEN {local} + {TO_END} ELSE {local} END"
        if not self._zoned:
            return {"utc": f"CASE WHEN {floating} THEN {local} ELSE {absolute} END", "day": day}
        zone = self._zone()
        there = f"timezone({zone}, {local})"
        before = f"{there} - INTERVAL 1 HOUR"
        after = f"{there} + INTERVAL 1 HOUR"
        first = f"timezone({zone}, {before}) = {local}"
        second = f"timezone({zone}, {after}) = {local}"
        moved = f"CASE WHEN {first} THEN {before} ELSE {there} END"
        timed = f"{floating} AND NOT ({self._day_only(cell)})"
        abroad = f"timezone({zone}, CAST({absolute} AS TIMESTAMPTZ))"
        return {
            "utc": f"CASE WHEN {floating} THEN CAST({moved} AS TIMESTAMP) ELSE {absolute} END",
            "day": f"CASE WHEN {floating} OR {zone} = 'UTC' THEN {day} "
            f"ELSE CAST({abroad} AS DATE) END",
            "gap": f"coalesce({timed} AND timezone({zone}, {there}) <> {local}, false)",
            "twice": f"coalesce({timed} AND ({first} OR {second}), false)",
        }

    def _written(self, cell: str) -> tuple[str, str, str]:
        """Expressions of a time as written, of its moment in UTC, and whether it has no offset."""
        form = self.layout.time_format
        if form and "%z" in form.lower():
            absolute = f"CAST(try_strptime({cell}, {_text(form)}) AS TIMESTAMP)"
            bare = f"regexp_replace({cell}, {OFFSET_AT_END}, '')"
            without = _text(re.sub(r"\s*%[zZ]$", "", form))
            return f"coalesce(try_strptime({bare}, {without}), {absolute})", absolute, "false"
        if form:
            return f"try_strptime({cell}, {_text(form)})", "NULL::TIMESTAMP", "true"
        plain = (
            f"strlen({cell}) <= 10 OR (strlen({cell}) = 19 AND {cell}[17] = ':') "
            f"OR (strlen({cell}) = 16 AND {cell}[11] IN ('T', ' '))"
        )
        digits = f"CASE WHEN regexp_matches({cell}, '^\\d{{8}}$') THEN {cell} END"
        local = (
            f"coalesce(CASE WHEN strlen({cell}) >= 8 THEN TRY_CAST({cell} AS TIMESTAMP) END, "
            f"try_strptime({digits}, '%Y%m%d'))"
        )
        offset = "'[A-Za-z]$|[+-]\\d{2}(:?\\d{2})?$'"
        floating = f"(({plain}) OR NOT regexp_matches(substr({cell}, 11), {offset}))"
        return local, f"CAST(TRY_CAST({cell} AS TIMESTAMPTZ) AS TIMESTAMP)", floating

    def _day_only(self, cell: str) -> str:
        form = self.layout.time_format
        if form is None:
            return f"strlen({cell}) <= 10"
        return "false" if re.search("%[-]?[HIcXTsRrS]", form) else "true"

    @property
    def _zoned(self) -> bool:
        return self.layout.zone != "UTC" or bool(self.layout.zones)

    def _zone(self) -> str:
        if not self.layout.zones or "store" not in self.given:
            return _text(self.layout.zone)
        cases = " ".join(
            f"WHEN {_text(store)} THEN {_text(zone)}" for store, zone in self.layout.zones.items()
        )
        return f'CASE "store" {cases} ELSE {_text(self.layout.zone)} END'

    def _conditions(self, column: Column) -> list[tuple[str, str]]:
        """Pairs of a reason and the condition under which it applies."""
        name, cell = column.name, f'"{column.name}"'
        if column.kind == "rest" or name not in self.given:
            return []
        found = [(f"{name}_missing", f"{cell} IS NULL")] if column.required else []
        there = f"{cell} IS NOT NULL"
        if column.kind == "time":
            utc = f'"utc_{name}"'
            found += [
                (f"{name}_unparsed", f"{there} AND {utc} IS NULL"),
                (f"{name}_implausible", f"{utc} < TIMESTAMP '1900-01-01'"),
            ]
            if self._zoned:
                found.insert(-1, (f"{name}_in_gap", f'"gap_{name}"'))
            if self.today and not column.ahead:
                late = f"TIMESTAMP '{self.today.isoformat()}' + INTERVAL 1 DAY"
                found.append((f"{name}_in_future", f"{utc} >= {late}"))
        if column.kind == "money":
            number = f'"number_{name}"'
            huge = f"isfinite({number}) AND abs({number}) > {self.layout.largest!r}"
            sound = f"({_is_money(number)})"
            found.append(
                (
                    f"{name}_unparsed",
                    f"{there} AND NOT {sound} AND NOT coalesce({huge}, false)",
                )
            )
            found.append((f"{name}_absurd", huge))
        if column.kind == "number":
            found.append(
                (
                    f"{name}_unparsed",
                    f'{there} AND NOT coalesce(isfinite("number_{name}"), false)',
                )
            )
        if column.kind == "currency":
            known = (self.layout.currency,) if self.layout.currency else sorted(CURRENCIES)
            listed = ", ".join(map(_text, known))
            found.append((f"{name}_unknown", f"{cell} NOT IN ({listed})"))
        if column.kind == "flag":
            found.append(
                (
                    f"{name}_unparsed",
                    f"lower({cell}) NOT IN {TRUE} AND lower({cell}) NOT IN {FALSE}",
                )
            )
        if column.least is not None:
            found.append((f"{name}_too_small", f'"number_{name}" < {column.least!r}'))
        if column.words:
            listed = ", ".join(map(_text, column.words))
            found.append((f"{name}_unknown", f"lower({cell}) NOT IN ({listed})"))
        if column.kind in ("customer", "text"):
            found.append((f"{name}_too_long", f"strlen({cell}) > {LONGEST}"))
        return found


def unreadable_bit(reasons: tuple[Reason, ...]) -> int:
    """The bit of rows that cannot be read."""
    return next(reason.bit for reason in reasons if reason.name == UNREADABLE)


def _is_money(number: str) -> str:
    whole = f"coalesce(abs({number} * 100 - round({number} * 100)) < 1e-3, false)"
    return f"{whole} AND abs({number}) <= {LARGEST_MONEY!r}"


def _cell(column: Column, padded: bool) -> str:
    cell = f'CAST("{column.name}" AS VARCHAR)'
    if padded:
        cell = f"nullif(trim({cell}, {_text(SPACES)}), '')"
    if column.kind == "customer":
        listed = ", ".join(map(_text, PLACEHOLDERS))
        cell = f"CASE WHEN {cell} NOT IN ({listed}) THEN {cell} END"
    return cell


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
