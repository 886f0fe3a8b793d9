"""From cells of text to typed columns and a code of everything that is wrong, as SQL of DuckDB.

Each column is one expression for its value and one condition for each reason; the code of a row
is the sum of the bits of its reasons, so that none hides another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from analysis.ledgers.faults import UNREADABLE, Reason, reasons_of
from analysis.ledgers.files import LedgerFile
from analysis.ledgers.kinds import Column, LedgerKind
from analysis.ledgers.layout import CURRENCIES, Layout

TRUE = "('true', '1', 'yes', 'y', 't')"
FALSE = "('false', '0', 'no', 'n', 'f')"
AMBIGUOUS = 1 << 61
"""Marks a time that the clocks showed twice: no reason, the earlier one is taken."""
LONGEST = 1_000
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

    def select(self, *, padded: bool) -> str:
        """The query that makes typed rows of the relation 'block' (row and cells of text).

        Columns: row, the ledger's columns (customers as written), code, mark (a hash of the
        identity of rows that have one).
        """
        cells = ", ".join(f'{_cell(name, padded)} AS "{name}"' for name in self.given)
        values = ", ".join(f'{self._value(column)} AS "{column.name}"' for column in self._columns)
        times = "".join(
            f', {moment} AS "{part}_{column.name}"'
            for column in self._columns
            if column.kind == "time" and column.name in self.given
            for part, moment in self._moment(column.name).items()
        )
        rest = f", {self._rest()} AS rest_" if self.rest else ""
        seen = f"SELECT row{', ' if cells else ''}{cells}{rest} FROM block"
        moments = f"SELECT *{times} FROM ({seen})"
        bits = {reason.name: reason.bit for reason in self.reasons}
        codes = [
            f"CASE WHEN {condition} THEN {bits[name]} ELSE 0 END"
            for column in self._columns
            for name, condition in self._conditions(column)
        ]
        if self._zoned:
            times_given = [c.name for c in self._columns if f"utc_{c.name}" in times]
            seen_twice = " OR ".join(f'"twice_{name}"' for name in times_given) or "false"
            codes.append(f"CASE WHEN {seen_twice} THEN {AMBIGUOUS} ELSE 0 END")
        code = " + ".join(codes) if codes else "0"
        return f"SELECT row, {values}, {code} AS code, {self._mark()} AS mark FROM ({moments})"

    @property
    def _columns(self) -> tuple[Column, ...]:
        return self.kind.columns

    def _mark(self) -> str:
        named = self.kind.named_by
        if not self.kind.plainly_named or any(name not in self.given for name in named):
            return "CAST(NULL AS UBIGINT)"
        there = " AND ".join(f'"{name}" IS NOT NULL' for name in named)
        parts = ", ".join(f'"{name}"' for name in self.kind.identity)
        return f"CASE WHEN {there} THEN hash({parts}) END"

    def _rest(self) -> str:
        parts = ", ".join(f"{_text(name)}, {cell}" for cell, name in self.rest)
        return f"CAST(json_object({parts}) AS VARCHAR)"

    def _value(self, column: Column) -> str:
        name = f'"{column.name}"'
        if column.kind == "rest":
            return "rest_" if self.rest else "CAST(NULL AS VARCHAR)"
        blank = column.name not in self.given
        if column.kind == "currency" and self.layout.currency:
            default = _text(self.layout.currency)
            return default if blank else f"coalesce(CAST({name} AS VARCHAR), {default})"
        if blank:
            return f"CAST(NULL AS {column.sql})"
        if column.kind == "time":
            return f'"utc_{column.name}"'
        if column.kind == "money":
            cents = f"CAST(round({self._number(name)} * 100) AS BIGINT)"
            return f"CASE WHEN {self._is_money(name)} THEN {cents} END"
        if column.kind == "number":
            return f"CASE WHEN isfinite({self._number(name)}) THEN {self._number(name)} END"
        if column.kind == "flag":
            word = f"lower({name})"
            return f"CASE WHEN {word} IN {TRUE} THEN true WHEN {word} IN {FALSE} THEN false END"
        return f"lower(CAST({name} AS VARCHAR))" if column.words else f"CAST({name} AS VARCHAR)"

    def _number(self, name: str) -> str:
        if self.layout.decimal != "comma":
            return f"TRY_CAST({name} AS DOUBLE)"
        grouped = f"regexp_matches({name}, '^[+-]?\\d{{1,3}}(\\.\\d{{3}})+(,\\d+)?$')"
        plain = (
            f"CASE WHEN NOT contains({name}, '.') THEN {name} "
            f"WHEN {grouped} THEN replace({name}, '.', '') END"
        )
        return f"TRY_CAST(replace({plain}, ',', '.') AS DOUBLE)"

    def _is_money(self, name: str) -> str:
        number = self._number(name)
        cents = f"{number} * 100"
        whole = f"coalesce(abs({cents} - round({cents})) < 1e-3, false)"
        return f"{whole} AND abs({number}) <= 1e13"

    def _moment(self, name: str) -> dict[str, str]:
        """Expressions of utc, gap (no such local time) and twice (two such local times)."""
        cell = f'"{name}"'
        layout = self.layout
        if layout.time_format:
            local = f"try_strptime({cell}, {_text(layout.time_format)})"
            absolute = f"CAST({local} AS TIMESTAMP)" if "%z" in layout.time_format else "NULL"
            floating = "false" if "%z" in layout.time_format else "true"
        else:
            plain = (
                f"strlen({cell}) <= 10 OR (strlen({cell}) = 19 AND {cell}[17] = ':') "
                f"OR (strlen({cell}) = 16 AND {cell}[11] IN ('T', ' '))"
            )
            digits = f"CASE WHEN regexp_matches({cell}, '^\\d{{8}}$') THEN {cell} END"
            local = (
                f"coalesce(CASE WHEN strlen({cell}) >= 8 THEN TRY_CAST({cell} AS TIMESTAMP) END, "
                f"try_strptime({digits}, '%Y%m%d'))"
            )
            absolute = f"CAST(TRY_CAST({cell} AS TIMESTAMPTZ) AS TIMESTAMP)"
            offset = "'[A-Za-z]$|[+-]\\d{2}(:?\\d{2})?$'"
            floating = f"(({plain}) OR NOT regexp_matches(substr({cell}, 11), {offset}))"
        if not self._zoned:
            utc = f"CASE WHEN {floating} THEN {local} ELSE {absolute} END"
            return {"utc": utc}
        zone = self._zone()
        there = f"timezone({zone}, {local})"
        before = f"{there} - INTERVAL 1 HOUR"
        after = f"{there} + INTERVAL 1 HOUR"
        first = f"timezone({zone}, {before}) = {local}"
        second = f"timezone({zone}, {after}) = {local}"
        moved = f"CASE WHEN {first} THEN {before} ELSE {there} END"
        return {
            "utc": f"CASE WHEN {floating} THEN CAST({moved} AS TIMESTAMP) ELSE {absolute} END",
            "gap": f"coalesce({floating} AND timezone({zone}, {there}) <> {local}, false)",
            "twice": f"coalesce({floating} AND ({first} OR {second}), false)",
        }

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
            number = self._number(cell)
            huge = f"isfinite({number}) AND abs({number}) > {self.layout.largest!r}"
            sound = f"({self._is_money(cell)})"
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
                    f"{there} AND NOT coalesce(isfinite({self._number(cell)}), false)",
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
            found.append((f"{name}_too_small", f"{self._number(cell)} < {column.least!r}"))
        if column.words:
            listed = ", ".join(map(_text, column.words))
            found.append((f"{name}_unknown", f"lower(CAST({cell} AS VARCHAR)) NOT IN ({listed})"))
        if column.kind in ("customer", "text"):
            found.append((f"{name}_too_long", f"strlen({cell}) > {LONGEST}"))
        return found


def unreadable_bit(reasons: tuple[Reason, ...]) -> int:
    """The bit of rows that cannot be read."""
    return next(reason.bit for reason in reasons if reason.name == UNREADABLE)


def _cell(name: str, padded: bool) -> str:
    cell = f'"{name}"'
    if not padded:
        return f"CAST({cell} AS VARCHAR)"
    return f"nullif(trim(CAST({cell} AS VARCHAR), {_text(SPACES)}), '')"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
