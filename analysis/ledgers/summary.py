"""What became of loaded files: every line is accounted for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any


class NotReconciled(RuntimeError):
    """The rows of a file do not add up; nothing of it was loaded."""


@dataclass(frozen=True, slots=True)
class FileLoad:
    """What became of one file."""

    file: str
    sha256: str
    source: str
    rows: int
    """Rows in the file, without header and blank lines."""
    accepted: int
    quarantined: int
    duplicates: int
    """Rows that the ledger, or an earlier row of the file, already has."""
    reasons: dict[str, int]
    """How many rows were quarantined, by the first reason of each."""
    superseding: int = 0
    """Of the accepted: corrections of rows that the ledger had."""
    erased: int = 0
    """Rows of customers who were erased; they do not come back."""
    lines: int = 0
    """Physical lines: header, blank ones, rows, and lines that continue a quoted cell."""
    header_lines: int = 0
    blank: int = 0
    continued: int = 0
    ambiguous_times: int = 0
    """Local times that the clocks showed twice; the earlier was taken."""
    notes: tuple[str, ...] = ()
    already_loaded: bool = False
    """True: the same file was loaded before, so nothing was done; the figures are of then."""

    @property
    def reconciled(self) -> bool:
        """Whether every line of the file is accounted for."""
        seen = self.accepted + self.quarantined + self.duplicates + self.erased
        physical = self.header_lines + self.blank + self.continued + self.rows
        return self.rows == seen and self.lines == physical

    def as_record(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "notes": list(self.notes)}


def file_load(record: dict[str, Any]) -> FileLoad:
    """A FileLoad from its record; what the record has besides is left out."""
    known = {f.name for f in fields(FileLoad)}
    values = {name: value for name, value in record.items() if name in known}
    return FileLoad(**{**values, "notes": tuple(values.get("notes", ()))})


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """What became of the files of one load."""

    files: tuple[FileLoad, ...]

    def _sum(self, name: str) -> int:
        return sum(getattr(file, name) for file in self.files if not file.already_loaded)

    @property
    def accepted(self) -> int:
        """Rows that were added, corrections included."""
        return self._sum("accepted")

    @property
    def superseding(self) -> int:
        """Of the accepted: corrections."""
        return self._sum("superseding")

    @property
    def quarantined(self) -> int:
        """Rows that were set apart."""
        return self._sum("quarantined")

    @property
    def duplicates(self) -> int:
        """Rows that were known already."""
        return self._sum("duplicates")

    @property
    def erased(self) -> int:
        """Rows of erased customers."""
        return self._sum("erased")
