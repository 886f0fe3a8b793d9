"""How a file is written: columns, delimiter, encoding, decimals, times. It can be saved by name."""

from __future__ import annotations

import json
import zoneinfo
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from pathlib import Path

from analysis.ledgers.faults import LedgerFaults
from analysis.ledgers.kinds import LedgerKind

LARGEST = 1e9
"""The largest amount that is believed unless another is stated, in units of currency."""
DECIMALS = ("point", "comma")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is written, and where it comes from."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Which column of the file is which: {'customer': 'card'}. The same name needs no entry;
    an empty one leaves a column of that name out."""
    source: str = ""
    """Where the file comes from ('tills'); order numbers are unique within it."""
    currency: str | None = None
    """Of amounts without one; rows in other currencies are not accepted."""
    zone: str = "UTC"
    """Zone of the times that are written without an offset."""
    zones: Mapping[str, str] = field(default_factory=dict)
    """Zone by store, where stores differ."""
    time_format: str | None = None
    """Such as %d.%m.%Y %H:%M; default: ISO dates and times."""
    decimal: str | None = None
    """'point' or 'comma'; default: as the amounts of the file show, else point."""
    encoding: str | None = None
    """Default: UTF-8 or UTF-16 by its mark; cp1252 where no line beyond ASCII is UTF-8."""
    delimiter: str | None = None
    """Default: the one of comma, semicolon, tab and bar that stands most often in the header."""
    largest: float = LARGEST
    """The largest amount that is believed, in units of currency."""

    def __post_init__(self) -> None:
        faults = [
            f"'{zone}' is no time zone. Write one such as Europe/Berlin."
            for zone in {self.zone, *self.zones.values()}
            if zone not in time_zones()
        ]
        if self.decimal not in (None, *DECIMALS):
            faults.append(f"the decimal '{self.decimal}' is not known. Write point or comma.")
        if self.delimiter is not None and len(self.delimiter.encode()) != 1:
            faults.append(f"the delimiter '{self.delimiter}' is not one character.")
        if self.encoding is not None and not _is_encoding(self.encoding):
            faults.append(f"the encoding '{self.encoding}' is not known. Write one such as cp1252.")
        if self.currency is not None and self.currency not in CURRENCIES:
            faults.append(f"the currency '{self.currency}' is no ISO 4217 code such as USD.")
        if not self.largest > 0:
            faults.append("the largest amount must be above zero.")
        if faults:
            raise LedgerFaults("the options", faults)

    def places(self, header: list[str], kind: LedgerKind, file: str) -> dict[str, int]:
        """Where each known column stands; raises with everything wrong about the header."""
        plain = [name for name in kind.names if kind.column(name).kind != "rest"]
        listed = ", ".join(name for name in header if name)
        keeps_rest = any(column.kind == "rest" for column in kind.columns)
        faults = [
            f"'{name}' is not a column of {kind.name}. Map one of: {', '.join(plain)}."
            for name in self.columns
            if name not in plain
        ]
        faults += [
            f"there is no column '{wanted}' for '{name}'. The file has: {listed}."
            for name, wanted in self.columns.items()
            if wanted and wanted not in header
        ]
        faults += [
            f"the column '{name}' stands {header.count(name)} times. Keep one of them."
            for name in dict.fromkeys(header)
            if header.count(name) > 1 and (name or keeps_rest)
        ]
        faults += [
            f"no column '{name}'. Rename one, or map it: {name}=COLUMN. The file has: {listed}."
            for name in kind.required
            if not self.columns.get(name, name if name in header else "")
        ]
        given: dict[str, list[str]] = {}
        for name in plain:
            given.setdefault(self.columns.get(name, name), []).append(name)
        faults += [
            f"the column '{column}' is taken for {' and '.join(names)}. Map each to its own."
            for column, names in given.items()
            if len(names) > 1 and column in header
        ]
        if faults:
            raise LedgerFaults(file, faults)
        wanted = {name: self.columns.get(name, name) for name in plain}
        return {
            name: header.index(column)
            for name, column in wanted.items()
            if column and column in header
        }

    def save(self, path: Path) -> None:
        """Write the layout to a file, to be used by name."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def read_layout(path: Path) -> Layout:
    """Read a saved layout.

    Raises
    ------
    LedgerFaults
        When it is no layout.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        unknown = set(stored) - {f.name for f in fields(Layout)}
        if unknown:
            raise LedgerFaults(path.name, [f"unknown settings: {', '.join(sorted(unknown))}."])
        return replace(Layout(), **stored)
    except (json.JSONDecodeError, TypeError, AttributeError) as error:
        raise LedgerFaults(path.name, [f"this is no saved layout ({error})."]) from None


@cache
def time_zones() -> frozenset[str]:
    """The names of all time zones."""
    return frozenset(zoneinfo.available_timezones() | {"UTC"})


def _is_encoding(name: str) -> bool:
    try:
        "".encode(name)
    except LookupError:
        return False
    return True


CURRENCIES = frozenset(
    [
        "AED",
        "AFN",
        "ALL",
        "AMD",
        "ANG",
        "AOA",
        "ARS",
        "AUD",
        "AWG",
        "AZN",
        "BAM",
        "BBD",
        "BDT",
        "BGN",
        "BHD",
        "BIF",
        "BMD",
        "BND",
        "BOB",
        "BRL",
        "BSD",
        "BTN",
        "BWP",
        "BYN",
        "BZD",
        "CAD",
        "CDF",
        "CHF",
        "CLP",
        "CNY",
        "COP",
        "CRC",
        "CUP",
        "CVE",
        "CZK",
        "DJF",
        "DKK",
        "DOP",
        "DZD",
        "EGP",
        "ERN",
        "ETB",
        "EUR",
        "FJD",
        "FKP",
        "GBP",
        "GEL",
        "GHS",
        "GIP",
        "GMD",
        "GNF",
        "GTQ",
        "GYD",
        "HKD",
        "HNL",
        "HRK",
        "HTG",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "IQD",
        "IRR",
        "ISK",
        "JMD",
        "JOD",
        "JPY",
        "KES",
        "KGS",
        "KHR",
        "KMF",
        "KPW",
        "KRW",
        "KWD",
        "KYD",
        "KZT",
        "LAK",
        "LBP",
        "LKR",
        "LRD",
        "LSL",
        "LYD",
        "MAD",
        "MDL",
        "MGA",
        "MKD",
        "MMK",
        "MNT",
        "MOP",
        "MRU",
        "MUR",
        "MVR",
        "MWK",
        "MXN",
        "MYR",
        "MZN",
        "NAD",
        "NGN",
        "NIO",
        "NOK",
        "NPR",
        "NZD",
        "OMR",
        "PAB",
        "PEN",
        "PGK",
        "PHP",
        "PKR",
        "PLN",
        "PYG",
        "QAR",
        "RON",
        "RSD",
        "RUB",
        "RWF",
        "SAR",
        "SBD",
        "SCR",
        "SDG",
        "SEK",
        "SGD",
        "SHP",
        "SLE",
        "SLL",
        "SOS",
        "SRD",
        "SSP",
        "STN",
        "SVC",
        "SYP",
        "SZL",
        "THB",
        "TJS",
        "TMT",
        "TND",
        "TOP",
        "TRY",
        "TTD",
        "TWD",
        "TZS",
        "UAH",
        "UGX",
        "USD",
        "UYU",
        "UZS",
        "VED",
        "VES",
        "VND",
        "VUV",
        "WST",
        "XAF",
        "XCD",
        "XOF",
        "XPF",
        "YER",
        "ZAR",
        "ZMW",
        "ZWL",
    ]
)
"""ISO 4217."""
