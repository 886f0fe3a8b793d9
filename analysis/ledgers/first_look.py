"""A first look at a file before it is loaded: its columns, some rows, and which ledger it fits.

Only the beginning of the file is read, and no engine is loaded: pages use this.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from analysis.ledgers.faults import LedgerFaults
from analysis.ledgers.kinds import KINDS, Column, LedgerKind
from analysis.ledgers.layout import Layout
from analysis.ledgers.written import SAMPLE, read_beginning, refuse_foreign

MOST_COLUMNS = 500
PARQUET_ROWS = 20
LONGEST_CELL = 200
_OTHER_NAMES: dict[str, str] = {
    "customer": "customer_id customerid cust_id client client_id card card_number card_no "
    "loyalty_card account account_id member member_id user user_id userid email e_mail "
    "email_address buyer shopper contact_id kunde kundennummer",
    "time": "date datetime timestamp purchase_date purchased_at order_date ordered_at invoice_date "
    "transaction_date transaction_time created created_at day when sent_at event_time valid_from "
    "from datum zeit",
    "amount": "total total_amount line_total price_paid paid net net_amount sales sales_value "
    "spend revenue value sum betrag umsatz",
    "currency": "currency_code curr waehrung",
    "store": "store_id shop shop_id branch branch_id outlet location filiale",
    "product": "product_id sku item item_id article article_id product_name stockcode stock_code "
    "artikel",
    "channel": "sales_channel source_channel medium network site",
    "on_sale": "sale discounted is_sale promo promotion promoted reduced is_discounted",
    "order": "order_id order_no order_number receipt receipt_id receipt_no invoice invoice_id "
    "invoice_no basket basket_id transaction transaction_id bon",
    "line": "line_id line_no line_number position item_no row_number",
    "quantity": "qty pieces units count menge",
    "event": "event_type type",
    "rating": "stars score",
    "referred": "referred_customer friend",
    "id": "event_id ticket ticket_id contact_no number entry_id",
    "action": "action_type status event_type type",
    "programme": "program loyalty_programme loyalty_program",
    "tier": "level status_level",
    "points": "points_earned point",
    "reason": "category topic contact_reason type",
    "resolved": "closed solved is_resolved",
    "resolved_at": "closed_at solved_at",
    "offer": "offer_id offer_code coupon coupon_code campaign campaign_id",
    "value": "discount offer_value amount",
    "campaign": "campaign_id campaign_name",
    "cost": "spend amount costs total_cost",
    "customers": "new_customers acquired count",
    "margin": "margin_share gross_margin margin_rate",
    "unit_cost": "cost cost_price purchase_price",
    "until": "to valid_to valid_until end end_date",
    "price": "unit_price list_price shelf_price",
}
TIME_FORMATS = (
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d",
    "%Y%m%d",
)
"""Ways to write times besides ISO that are proposed where the sample fits."""


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What the beginning of a file shows."""

    written: str
    """In words: 'CSV, cells divided by semicolons, utf-8'."""
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """Cells as text, shortened, blank ones empty; as many a row as there are columns."""

    def cells(self, column: str) -> list[str]:
        """The cells of a column that are not blank."""
        if column not in self.header:
            return []
        at = self.header.index(column)
        return [row[at] for row in self.rows if row[at]]


def first_look(path: Path, layout: Layout | None = None) -> FirstLook:
    """Look at the beginning of a file (CSV, also gzipped, or Parquet).

    Raises
    ------
    LedgerFaults
        When it is empty, no table, or its header cannot be read.
    """
    layout = layout or Layout()
    try:
        with path.open("rb") as raw:
            start = raw.read(8)
            raw.seek(0)
            if start[:4] == b"PAR1":
                return _of_parquet(path)
            packed = start[:2] == b"\x1f\x8b"
            sample = (gzip.GzipFile(fileobj=raw) if packed else raw).read(SAMPLE)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        fault = f"the file cannot be unpacked ({error}). Pack it again with gzip."
        raise LedgerFaults(path.name, [fault]) from None
    _refuse_no_table(sample, layout, path.name)
    found = read_beginning(sample, layout, path.name)
    header = _usable(found.header, path.name)
    whole = found.rows[:-1] if len(sample) == SAMPLE else found.rows
    rows = tuple(_fitted(row, len(header)) for row in whole if any(map(str.strip, row)))
    named = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
    between = named.get(found.delimiter, repr(found.delimiter))
    packed_as = "CSV, gzipped" if packed else "CSV"
    return FirstLook(f"{packed_as}, cells divided by {between}, {found.encoding}", header, rows)


def propose_columns(
    kind: LedgerKind, header: Sequence[str], earlier: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Which column of a file is probably which of a ledger: {'customer': 'Card no.'}.

    ``earlier`` is how the last file was read; it is taken where the header still has its columns,
    and what was left out then is left out. Otherwise a name counts: the ledger's own first, then
    others in use; each column is given once.
    """
    found: dict[str, str] = {}
    before = earlier or {}
    plain = [c for c in kind.columns if c.kind != "rest" and before.get(c.name) != ""]
    for column in plain:
        chosen = before.get(column.name, "")
        if chosen in header and chosen not in found.values():
            found[column.name] = chosen
    for names in (_own_name, _names_in_use):
        for column in plain:
            free = [name for name in header if name not in found.values()]
            if column.name not in found:
                wanted = names(column)
                match = next((n for w in wanted for n in free if _plain(n) == w), None)
                if match is not None:
                    found[column.name] = match
    return found


def fitting_kinds(header: Sequence[str]) -> list[LedgerKind]:
    """The ledgers whose required columns a header seems to have, the most specific first."""
    fits = []
    for kind in KINDS.values():
        columns = propose_columns(kind, header)
        if all(name in columns for name in kind.required):
            own = sum(_plain(columns[name]) == name for name in columns)
            fits.append((own, len(kind.required), kind))
    return [kind for *_, kind in sorted(fits, key=lambda fit: fit[:2], reverse=True)]


def propose_time_formats(cells: Sequence[str]) -> list[str]:
    """The formats, of those proposed, in which the most cells can be read; none for ISO times.

    Up to half of the cells may be no time at all. More than one (03/04/2026) is for people to
    decide.
    """
    read = {written: sum(is_time(c, written) for c in cells) for written in ("", *TIME_FORMATS)}
    most = max(read.values())
    if not cells or 2 * most < len(cells) or read[""] == most:
        return []
    return [written for written in TIME_FORMATS if read[written] == most]


def is_time(cell: str, written: str = "") -> bool:
    """Whether a cell can be read in a format; without one, whether it looks like an ISO time."""
    if not written:
        return re.match(r"\d{4}-\d\d-\d\d", cell) is not None
    try:
        datetime.strptime(cell, written)
    except ValueError:
        return False
    return True


def _own_name(column: Column) -> list[str]:
    return [column.name]


def _names_in_use(column: Column) -> list[str]:
    return _OTHER_NAMES.get(column.name, "").split()


def _plain(name: str) -> str:
    """A name in lower case with _ between words: 'InvoiceDate', 'invoice date' and 'INVOICE-DATE'
    are one."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\W_]+", "_", parted.casefold()).strip("_")


def _refuse_no_table(sample: bytes, layout: Layout, name: str) -> None:
    if not sample.strip():
        raise LedgerFaults(name, ["the file is empty. Choose one with a header and rows."])
    refuse_foreign(sample, name)
    wide = sample.startswith((b"\xff\xfe", b"\xfe\xff")) or "16" in (layout.encoding or "")
    if not wide and b"\0" in sample:
        raise LedgerFaults(name, ["this is no table of text. Choose a CSV or Parquet file."])


def _usable(header: list[str], name: str) -> tuple[str, ...]:
    faults = [
        f"the column '{column}' stands {header.count(column)} times. Keep one of them."
        for column in dict.fromkeys(header)
        if header.count(column) > 1
    ]
    if len(header) > MOST_COLUMNS:
        faults = [f"the header has {len(header):,} columns. Keep at most {MOST_COLUMNS}."]
    if faults:
        raise LedgerFaults(name, faults)
    return tuple(header)


def _fitted(row: list[str], width: int) -> tuple[str, ...]:
    cells = [cell.strip()[:LONGEST_CELL] for cell in row[:width]]
    return (*cells, *[""] * (width - len(cells)))


def _of_parquet(path: Path) -> FirstLook:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, buffer_size=SAMPLE) as file:
            header = _usable(list(file.schema_arrow.names), path.name)
            batch = next(file.iter_batches(PARQUET_ROWS, use_threads=False), None)
            # As text already here: times of nanoseconds would load pandas.
            columns = [_texts(pa, column) for column in batch.columns] if batch else []
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise LedgerFaults(path.name, [f"the file cannot be read ({error})."]) from None
    rows = [_fitted(list(row), len(header)) for row in zip(*columns, strict=True)]
    return FirstLook("Parquet", header, tuple(rows))


def _texts(pa: Any, column: Any) -> list[str]:
    if pa.types.is_nested(column.type):
        return ["[nested]"] * len(column)
    return [cell or "" for cell in column.cast(pa.string()).to_pylist()]
