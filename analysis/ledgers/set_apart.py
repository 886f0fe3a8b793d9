"""Rows that are not accepted: reasons beside the ledger, texts with the raw files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.customer_key import customer_key, erased_mark, normal_identifier
from analysis.ledgers.raw import TEXTS
from analysis.ledgers.reading import BadRow

if TYPE_CHECKING:
    from analysis.ledgers.load import Loading

ROWS = pa.schema(
    [
        ("file", pa.string()),
        ("row", pa.int64()),
        ("reason", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("customer", pa.string()),
        ("load", pa.string()),
    ]
)


class SetApart:
    """The quarantine of one load, written as rows come; rows of erased customers are not kept."""

    def __init__(
        self, version: Path, how: Loading, load: str, file: str, erased_marks: frozenset[str]
    ) -> None:
        self.rows = 0
        self.erased = 0
        self.reasons: Counter[str] = Counter()
        self.erased_marks = erased_marks
        self._key, self._load, self._file = how.key, load, file
        self._known: dict[str, str] = {}
        target = version / "quarantine" / f"{load}.parquet"
        target.unlink(missing_ok=True)
        texts = how.raw.texts(how.kind.name, load)
        self._draft, self._texts_path = texts.with_suffix(".part"), texts
        self._writer = pq.ParquetWriter(target, ROWS, compression="zstd")
        self._texts = pq.ParquetWriter(self._draft, TEXTS, compression="zstd")
        self._draft.chmod(0o600)

    def add(self, bad: list[BadRow]) -> None:
        """Set rows apart."""
        customers = [self._customer(row.customer) for row in bad]
        kept = [
            (row, customer)
            for row, customer in zip(bad, customers, strict=True)
            if not (customer and self.erased_marks and self._is_erased(customer))
        ]
        self.erased += len(bad) - len(kept)
        self.rows += len(kept)
        self.reasons.update(row.reasons[0].name for row, _ in kept)
        rows = [
            {
                "file": self._file,
                "row": row.row,
                "reason": row.reasons[0].name,
                "reasons": [reason.name for reason in row.reasons],
                "customer": customer,
                "load": self._load,
            }
            for row, customer in kept
        ]
        texts = [{"row": r.row, "customer": customer, "text": r.text} for r, customer in kept]
        if kept:
            self._writer.write_table(pa.Table.from_pylist(rows, schema=ROWS))
            self._texts.write_table(pa.Table.from_pylist(texts, schema=TEXTS))

    def close(self) -> None:
        """Finish both files."""
        self._writer.close()
        self._texts.close()
        self._draft.replace(self._texts_path)

    def _customer(self, raw: str | None) -> str | None:
        if raw is None or not normal_identifier(raw):
            return None
        if raw not in self._known:
            self._known[raw] = customer_key(raw, self._key)
        return self._known[raw]

    def _is_erased(self, customer: str) -> bool:
        return erased_mark(customer, self._key) in self.erased_marks
