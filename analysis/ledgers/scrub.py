"""Taking a customer's rows out of a staged file."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.customer_key import customer_key, normal_identifier
from analysis.ledgers.files import Block, LedgerFile, open_ledger_file
from analysis.ledgers.kinds import LedgerKind
from analysis.ledgers.layout import Layout

Gone = Callable[[str], bool]


def scrub_staged(
    path: Path,
    kind: LedgerKind,
    layout: Layout,
    *,
    key: bytes,
    gone: Gone,
    identifier: str = "",
) -> int:
    """Write a staged file anew without the rows of some customers.

    Parameters
    ----------
    gone
        Whether the customer with this pseudonym goes.
    identifier
        Rows that cannot be read go when this text stands in them.

    Returns
    -------
    int
        How many rows went; with none the file stays as it is, byte for byte.
    """
    draft = path.with_name(path.name + ".part")
    with open_ledger_file(path, kind, layout) as (file, blocks):
        if not file.header_lines:
            removed = _scrub_parquet(file, draft, key=key, gone=gone)
        else:
            removed = _scrub_csv(file, blocks, draft, gone=_Going(gone, key, identifier))
    if removed:
        draft.chmod(0o600)
        draft.replace(path)
    else:
        draft.unlink(missing_ok=True)
    return removed


class _Going:
    """Which rows of a block go; each identifier is hashed once."""

    def __init__(self, gone: Gone, key: bytes, identifier: str) -> None:
        self._gone, self._key = gone, key
        self._identifier = normal_identifier(identifier)
        self._known: dict[str, bool] = {}

    def customer(self, raw: str | None) -> bool:
        if raw is None:
            return False
        if raw not in self._known:
            named = bool(normal_identifier(raw))
            self._known[raw] = named and self._gone(customer_key(raw, self._key))
        return self._known[raw]

    def mask(self, cells: pa.ChunkedArray) -> list[bool]:
        return [self.customer(raw) for raw in cells.cast(pa.string()).to_pylist()]

    def rows(self, block: Block, customers: Iterable[str]) -> set[int]:
        found = np.zeros(len(block.numbers), dtype=bool)
        for name in customers:
            found |= np.array(self.mask(block.cells[name]), dtype=bool)
        rows = {int(number) for number in block.numbers[found]}
        if self._identifier:
            rows |= {
                row
                for row, _, text in block.unreadable
                if self._identifier in normal_identifier(text)
            }
        return rows


def _scrub_csv(file: LedgerFile, blocks: Iterable[Block], draft: Path, *, gone: _Going) -> int:
    customers = [name for name in file.kind.customers if name in file.places]
    encoding = str(file.layout.encoding)
    removed = 0
    with draft.open("wb") as raw:
        draft.chmod(0o600)
        target = cast(BinaryIO, gzip.GzipFile(fileobj=raw, mode="wb") if file.packed else raw)
        started = False
        for block in blocks:
            if not started:
                mark = "\ufeff" if encoding.startswith("utf-16") else ""
                target.write((mark + file.head.decode()).encode(encoding))
                started = True
            rows = gone.rows(block, customers)
            removed += len(rows)
            kept = block.without(rows)
            utf8 = encoding.lower().replace("_", "-") in ("utf-8", "utf8")
            target.write(kept if utf8 else kept.decode().encode(encoding, "replace"))
        if file.packed:
            target.close()
    return removed


def _scrub_parquet(file: LedgerFile, draft: Path, *, key: bytes, gone: Gone) -> int:
    going = _Going(gone, key, "")
    columns = [file.header[file.places[n]] for n in file.kind.customers if n in file.places]
    removed = 0
    with pq.ParquetFile(file.path) as opened:
        writer = pq.ParquetWriter(draft, opened.schema_arrow)
        with writer:
            for batch in opened.iter_batches():
                table = pa.table(batch)
                mask = np.zeros(len(table), dtype=bool)
                for column in columns:
                    mask |= np.array(going.mask(table[column]), dtype=bool)
                removed += int(mask.sum())
                writer.write_table(table.filter(pa.array(~mask)))
    return removed
