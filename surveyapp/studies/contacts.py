"""Contacts of a study: a CSV file of customers with their e-mail addresses, checked row by row."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from analysis.customer_key import customer_key
from analysis.study import Study
from analysis.study.mails import OWN
from surveyapp import clock
from surveyapp.mail.server import is_address
from surveyapp.store import Connection, contacts
from surveyapp.store.contacts import ContactRecord

MOST_ROWS = 200_000
MOST_SHOWN = 20
LONGEST_FIELD = 200
CUSTOMER = ("customer", "customer_id", "id", "identifier")
ADDRESS = ("email", "e-mail", "address", "mail")
LANGUAGE = ("language", "lang")
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}")


class ContactFaults(ValueError):
    """A file of contacts that cannot be used; the message lists what is wrong, row by row."""

    def __init__(self, faults: Sequence[str]) -> None:
        shown = [*faults[:MOST_SHOWN]]
        if len(faults) > MOST_SHOWN:
            shown.append(f"and {len(faults) - MOST_SHOWN:,} more")
        self.faults = tuple(shown)
        super().__init__("\n".join(shown))


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where customer, address and language stand, and the other columns by name."""

    customer: int
    address: int
    language: int | None
    fields: Mapping[str, int]


def read_contacts(raw: bytes, study: Study, *, key: bytes) -> list[ContactRecord]:
    """Contacts in a CSV file with a heading: customer, email, and if wanted language and more.

    Every further column can be named in mails: ``${first_name}``.

    Raises
    ------
    ContactFaults
        With every fault, each with its row; then nothing of the file is used.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ContactFaults(["The file is not UTF-8 text. Save it as CSV (UTF-8)."]) from None
    if "\x00" in text:
        raise ContactFaults(["The file is not text. Save it as CSV (UTF-8)."])
    sign = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sign)
    try:
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise ContactFaults([f"Line {reader.line_num} cannot be read: {error}."]) from None
    rows = [(line, row) for line, row in rows if any(row)]
    if len(rows) < 2:
        raise ContactFaults(["The file has no contacts. It needs a heading and one row for each."])
    if len(rows) > MOST_ROWS + 1:
        raise ContactFaults([f"The file has more than {MOST_ROWS:,} contacts. Split it."])
    columns = _columns([name.casefold() for name in rows[0][1]])
    return _records(rows[1:], columns, study, key)


def _columns(heading: Sequence[str]) -> _Columns:
    faults = []

    def place(names: Sequence[str], *, needed: bool) -> int | None:
        found = [n for n, name in enumerate(heading) if name in names]
        if len(found) > 1 or (needed and not found):
            what = "twice" if found else "missing"
            faults.append(f"Line 1: the column '{names[0]}' is {what}. Have it once.")
        return found[0] if found else None

    customer, address = place(CUSTOMER, needed=True), place(ADDRESS, needed=True)
    language = place(LANGUAGE, needed=False)
    fields: dict[str, int] = {}
    for n, name in enumerate(heading):
        if n in (customer, address, language) or not name:
            continue
        if name in OWN:
            faults.append(f"Line 1: the column '{name}' is filled in by the app. Rename it.")
        elif not _FIELD.fullmatch(name) or name in fields:
            faults.append(
                f"Line 1: the column '{name[:40]}' cannot be named in mails. Use letters, digits "
                "and _, each name once."
            )
        fields[name] = n
    if faults or customer is None or address is None:
        raise ContactFaults(faults)
    return _Columns(customer, address, language, fields)


def _records(
    rows: Sequence[tuple[int, list[str]]], columns: _Columns, study: Study, key: bytes
) -> list[ContactRecord]:
    faults: list[str] = []
    found: dict[str, ContactRecord] = {}
    lines: dict[str, int] = {}
    addressed: dict[str, int] = {}
    now = clock.now()
    width = 1 + max(columns.customer, columns.address, columns.language or 0)
    for line, row in rows:
        cells = [*row, *[""] * (width - len(row))]
        problems = list(_row_faults(cells, columns, study))
        if problems:
            faults += [f"Line {line}: {problem}" for problem in problems]
            continue
        customer = customer_key(cells[columns.customer], key)
        address = plain_address(cells[columns.address])
        address_key = customer_key(f"mailto:{address}", key)
        if customer in found:
            faults.append(f"Line {line}: the customer stands on line {lines[customer]} already.")
        elif address_key in addressed:
            faults.append(
                f"Line {line}: the address stands on line {addressed[address_key]} already; "
                "one person would get two mails."
            )
        else:
            said = cells[columns.language] if columns.language is not None else ""
            fields = {name: cells[n] for name, n in columns.fields.items() if n < len(cells)}
            found[customer] = ContactRecord(
                study.study,
                customer,
                address,
                address_key,
                said or study.default_language,
                json.dumps({name: value for name, value in fields.items() if value}),
                now,
            )
            lines[customer] = addressed[address_key] = line
    if faults:
        raise ContactFaults(faults)
    return list(found.values())


def plain_address(text: str) -> str:
    """An address with its domain as mail servers write it."""
    local, _, domain = text.strip().rpartition("@")
    return f"{local}@{domain.encode('idna').decode().lower()}"


def _row_faults(cells: Sequence[str], columns: _Columns, study: Study) -> Iterator[str]:
    customer, address = cells[columns.customer], cells[columns.address]
    if not customer:
        yield "the customer is missing."
    if not is_address(address):
        yield f"'{address[:60]}' is no e-mail address."
    said = cells[columns.language] if columns.language is not None else ""
    if said and said not in study.languages:
        yield f"the study has no language '{said[:20]}'. Languages: {', '.join(study.languages)}."
    for name, n in columns.fields.items():
        value = cells[n] if n < len(cells) else ""
        if len(value) > LONGEST_FIELD:
            yield f"'{name}' has more than {LONGEST_FIELD} signs."
        elif any(not sign.isprintable() for sign in value):
            yield f"'{name}' has a line break or another control character."


def store_contacts(c: Connection, new: Sequence[ContactRecord]) -> int:
    """Store contacts; who wants no more mails stays so under a new address."""
    stored = contacts.save(c, new)
    for contact in new:
        contacts.keep_silence(c, contact.customer)
    return stored
