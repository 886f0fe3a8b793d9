"""What lies in the ledgers, read without an engine: for pages, which load no statistics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.ledgers.faults import Reason, reasons_of
from analysis.ledgers.folder import load_records, parquet_files
from analysis.ledgers.kinds import KINDS, LedgerKind
from analysis.ledgers.summary import FileLoad, file_load

SET_APART = ("file", "row", "reasons", "mend")


@dataclass(frozen=True, slots=True)
class StoredLoad:
    """What became of a file, and when it was loaded (ISO, UTC)."""

    at: str
    counts: FileLoad


@dataclass(frozen=True, slots=True)
class StoredLedger:
    """One ledger as it is now, with its loads, the newest first.

    ``rows``: rows that hold now; ``corrected``: rows that later files replaced; ``set_apart``:
    rows that were not accepted and are still kept. What erasures removed is in none of them,
    whereas the counts of a load stay as they were when the file was loaded.
    """

    kind: LedgerKind
    rows: int
    corrected: int
    set_apart: int
    loads: tuple[StoredLoad, ...]

    @property
    def last(self) -> str:
        """When a file was loaded last; empty: never."""
        return max((load.at for load in self.loads), default="")

    def reasons(self) -> list[tuple[Reason, int]]:
        """Rows set apart in all loads by their first reason, the most frequent first."""
        counted: Counter[str] = Counter()
        for load in self.loads:
            counted.update(load.counts.reasons)
        known = {reason.name: reason for reason in reasons_of(self.kind)}
        return [(known[name], n) for name, n in counted.most_common() if name in known]


def stored_ledger(root: Path, kind: LedgerKind) -> StoredLedger:
    """The ledger of a kind in the folder of all ledgers; empty when nothing was loaded yet."""
    folder = root / kind.name
    loads = [StoredLoad(str(r["at"]), file_load(r)) for r in load_records(folder).values()]
    return StoredLedger(
        kind=kind,
        rows=_count(parquet_files(folder)),
        corrected=_count(parquet_files(folder, "history")),
        set_apart=_count(parquet_files(folder, "quarantine")),
        loads=tuple(reversed(loads)),
    )


def stored_ledgers(root: Path) -> list[StoredLedger]:
    """Every kind of ledger, also those without a file."""
    return [stored_ledger(root, kind) for kind in KINDS.values()]


def last_layout(root: Path, kind: LedgerKind) -> dict[str, Any]:
    """How the file that was loaded last is written (the fields of Layout); empty without one."""
    records = list(load_records(root / kind.name).values())
    return dict(max(records, key=lambda r: str(r["at"]))["layout"]) if records else {}


def set_apart(
    root: Path, kind: LedgerKind, raw: Path | None = None, *, load: str | None = None
) -> Iterator[tuple[object, ...]]:
    """Rows that were not accepted, load by load: the columns ``SET_APART``.

    With ``raw``, the folder of raw files, each row ends with its text as it stood in the file;
    None where the text is kept no longer. With ``load``, only the rows of the load of that name.
    """
    import pyarrow.parquet as pq

    mends = {reason.name: reason.mend for reason in reasons_of(kind)}
    for path in parquet_files(root / kind.name, "quarantine"):
        if load is not None and path.stem != load:
            continue
        with pq.ParquetFile(path) as file:
            texts = _texts(raw, kind, path.stem) if raw else {}
            for row in _rows(file, ["file", "row", "reasons"]):
                told = [mends.get(name, "") for name in row["reasons"]]
                found = (row["file"], row["row"], " ".join(row["reasons"]), "; ".join(told))
                yield (*found, texts.get(row["row"])) if raw else found


def _texts(raw: Path, kind: LedgerKind, load: str) -> dict[int, str]:
    import pyarrow.parquet as pq

    from analysis.ledgers.raw import RawFolder

    path = RawFolder(raw).texts(kind.name, load)
    if not path.exists():
        return {}
    with pq.ParquetFile(path) as file:
        return {row["row"]: row["text"] for row in _rows(file, ["row", "text"])}


def _rows(file: Any, columns: list[str]) -> Iterator[dict[str, Any]]:
    for batch in file.iter_batches(columns=columns):
        yield from batch.to_pylist()


def _count(files: list[Path]) -> int:
    """Rows of Parquet files, by their footers."""
    if not files:
        return 0
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(path).num_rows for path in files)
