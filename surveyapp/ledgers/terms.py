"""On what terms an uploaded file is read: proposed, taken from the form, and checked cheaply."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from analysis.ledgers.faults import LedgerFaults
from analysis.ledgers.first_look import FirstLook, is_time, propose_columns, propose_time_formats
from analysis.ledgers.kinds import Column, LedgerKind
from analysis.ledgers.layout import Layout

WRITTEN = ("encoding", "delimiter")
"""What decides which columns a file has."""
OPTIONS = ("source", "currency", "zone", "time_format", "decimal", *WRITTEN)
TABS = {"\\t": "\t", "tab": "\t"}
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Terms:
    """What the form shows: for each column of the ledger a column of the file, and the options.

    ``columns`` leaves out what is not in the file; ``zones`` is text, STORE=ZONE a line;
    ``errors`` are pairs of a control's id and a message; ``notes`` are hints by control.
    """

    kind: LedgerKind
    look: FirstLook
    columns: Mapping[str, str]
    options: Mapping[str, str]
    zones: str = ""
    errors: tuple[tuple[str, str], ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def asked(self) -> list[Column]:
        """The columns of the ledger that a file may have."""
        return [column for column in self.kind.columns if column.kind != "rest"]

    @property
    def header(self) -> str:
        """A mark of the header: places of columns mean nothing under another one."""
        return hashlib.sha256("\0".join(self.look.header).encode()).hexdigest()[:16]

    def examples(self, name: str) -> list[str]:
        """The first different cells of the column of the file that is chosen for one."""
        return list(dict.fromkeys(self.look.cells(self.columns.get(name, ""))))[:EXAMPLES]

    def layout(self) -> Layout:
        """The layout: no more than what differs from the default, as the command makes it.

        Raises
        ------
        LedgerFaults
            With the options that cannot be.
        """
        columns = {
            column.name: self.columns.get(column.name, "")
            for column in self.asked
            if self.columns.get(column.name, "") != column.name
            and (column.name in self.columns or column.name in self.look.header)
        }
        given: dict[str, Any] = {name: value for name, value in self.options.items() if value}
        return Layout(columns=columns, zones=_zones(self.zones), **given)

    def written(self) -> dict[str, Any]:
        """The layout as plain values."""
        return asdict(self.layout())


def written_as(form: Mapping[str, str]) -> Layout:
    """How the file is to be opened for a look.

    Raises
    ------
    LedgerFaults
        When there is no such encoding, or the delimiter is not one character.
    """
    given: dict[str, Any] = {n: value for n in WRITTEN if (value := _option(form, n))}
    return Layout(**given)


def proposed(
    kind: LedgerKind,
    look: FirstLook,
    *,
    earlier: Mapping[str, Any],
    zone: str,
    form: Mapping[str, str],
) -> Terms:
    """Terms to start from: columns by their names, options as in the last load of the kind.

    ``earlier``: that load's layout; ``zone``: the installation's; ``form``: what was typed so far.
    """
    columns = propose_columns(kind, look.header, earlier.get("columns"))
    before = {name: str(earlier.get(name) or "") for name in ("source", "currency", "zone")}
    options = {name: _option(form, name) or before.get(name, "") for name in OPTIONS}
    options["zone"] = options["zone"] or zone
    notes = {}
    formats = propose_time_formats(look.cells(columns.get("time", "")))
    if not options["time_format"] and len(formats) == 1:
        options["time_format"] = formats[0]
    if len(formats) > 1:
        cell = look.cells(columns["time"])[0]
        choices = " or ".join(formats)
        notes["time_format"] = f"{cell!r} can be read in {len(formats)} ways: {choices}. Choose."
    zones = "\n".join(f"{store}={name}" for store, name in earlier.get("zones", {}).items())
    return Terms(kind, look, columns, options, form.get("zones", zones), notes=notes)


def taken(kind: LedgerKind, look: FirstLook, form: Mapping[str, str]) -> Terms:
    """Terms as the form states them, with everything that is wrong."""
    chosen = {}
    for column in kind.columns:
        place = form.get(f"column-{column.name}", "")
        if place.isdecimal() and int(place) < len(look.header):
            chosen[column.name] = look.header[int(place)]
    options = {name: _option(form, name) for name in OPTIONS}
    terms = Terms(kind, look, chosen, options, form.get("zones", ""))
    errors = [*_wrong_columns(terms), *_wrong_options(terms), *_wrong_cells(terms)]
    return Terms(kind, look, chosen, options, terms.zones, tuple(errors))


def _option(form: Mapping[str, str], name: str) -> str:
    value = form.get(name, "")
    if name == "delimiter":
        return TABS.get(value, value)
    return value.strip().upper() if name == "currency" else value.strip()


def _wrong_columns(terms: Terms) -> list[tuple[str, str]]:
    found = []
    for column in terms.asked:
        at = f"column-{column.name}"
        chosen = terms.columns.get(column.name)
        if column.required and chosen is None:
            found.append((at, f"Choose the column of the file that holds '{column.name}'."))
        first = next((n for n, c in terms.columns.items() if c == chosen), column.name)
        if chosen is not None and first != column.name:
            found.append((at, f"'{chosen}' is chosen for '{first}' already. Choose another."))
    return found


def _wrong_options(terms: Terms) -> list[tuple[str, str]]:
    found = []
    for name, value in terms.options.items():
        if value:
            found += [(name, fault) for fault in _faults({name: value})]
    lines = [line for line in terms.zones.splitlines() if line.strip()]
    odd = [line for line in lines if not all(part.strip() for part in _divided(line))]
    found += [("zones", f"'{line}' is not STORE=ZONE, such as 17=Europe/Berlin.") for line in odd]
    return found + [("zones", fault) for fault in _faults({"zones": _zones(terms.zones)})]


def _faults(given: Mapping[str, Any]) -> list[str]:
    try:
        Layout(**given)
    except LedgerFaults as faults:
        return [_sentence(str(fault)) for fault in faults.faults]
    return []


def _wrong_cells(terms: Terms) -> list[tuple[str, str]]:
    """Columns of which no cell of the sample can be what it is taken for."""
    found = []
    written = terms.options["time_format"]
    for column in terms.asked:
        cells = terms.look.cells(terms.columns.get(column.name, ""))
        if not cells:
            continue
        cell, at = cells[0], f"column-{column.name}"
        if column.kind == "time" and not written and not any(map(is_time, cells)):
            told = f"'{cell}' of '{column.name}' is no ISO date or time. Name the format of times."
            found.append(("time_format", told))
        elif column.kind == "time" and written and not any(is_time(c, written) for c in cells):
            told = f"'{cell}' of '{column.name}' cannot be read as {written}. Correct the format."
            found.append(("time_format", told))
        elif column.kind in ("money", "number") and not any(map(_has_digit, cells)):
            told = f"'{cell}' is no number: choose another column for '{column.name}'."
            found.append((at, told))
    return found


def _has_digit(cell: str) -> bool:
    return any(map(str.isdigit, cell))


def _zones(text: str) -> dict[str, str]:
    parts = [_divided(line) for line in text.splitlines() if line.strip()]
    return {store.strip(): zone.strip() for store, zone in parts if store.strip() and zone.strip()}


def _divided(line: str) -> tuple[str, str]:
    store, _, zone = line.rpartition("=")
    return store, zone


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
