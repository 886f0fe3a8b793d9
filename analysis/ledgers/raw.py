"""What names customers as they are: staged files, texts of rows not accepted, identifiers.

It lies in a folder of its own that only its owner may enter, apart from the ledgers, which know
pseudonyms only. Nothing that is scored or reported reads it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from analysis.customer_key import erased_mark

CHUNK = 262_144  # stays in the cache
TEXTS = pa.schema([("row", pa.int64()), ("customer", pa.string()), ("text", pa.string())])


@dataclass(frozen=True, slots=True)
class RawFolder:
    """The folder of raw files and identifiers."""

    path: Path

    @property
    def staged(self) -> Path:
        """Loaded files, byte for byte, each under its SHA-256."""
        return self._made("staged")

    @property
    def scratch(self) -> Path:
        """What a load in progress needs."""
        return self._made("scratch")

    def texts(self, kind: str, load: str) -> Path:
        """The texts of the rows that a load did not accept."""
        return self._made("texts") / f"{kind}-{load}.parquet"

    @property
    def identifiers(self) -> Path:
        """Pseudonyms and what they stand for, where the installation keeps that."""
        return self._made() / "identifiers.sqlite"

    def _made(self, name: str = "") -> Path:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.chmod(0o700)
        folder = self.path / name
        folder.mkdir(exist_ok=True)
        return folder

    def stage(self, path: Path) -> tuple[str, Path]:
        """Copy a file; return its SHA-256 and the copy, which ``keep`` names by it."""
        draft = self.scratch / "staged"
        digest = hashlib.sha256()
        with path.open("rb") as source, draft.open("wb") as target:
            draft.chmod(0o600)
            buffer = memoryview(bytearray(CHUNK))
            while size := source.readinto(buffer):
                digest.update(buffer[:size])
                target.write(buffer[:size])
        return digest.hexdigest(), draft

    def keep(self, digest: str, draft: Path) -> None:
        """Keep a staged copy."""
        draft.replace(self.staged / digest)

    def clear_scratch(self) -> None:
        """Remove what loads in progress, or killed, have left."""
        shutil.rmtree(self.path / "scratch", ignore_errors=True)


def read_erased(root: Path) -> frozenset[str]:
    """The keyed hashes of customers who were erased and must not come back."""
    path = root / "erased.json"
    return frozenset(json.loads(path.read_text())) if path.exists() else frozenset()


def note_erased(root: Path, customer: str, key: bytes) -> bool:
    """Keep that a customer was erased; return whether it was known."""
    known = read_erased(root)
    mark = erased_mark(customer, key)
    root.mkdir(parents=True, exist_ok=True)
    draft = root / "erased.json.part"
    draft.write_text(json.dumps(sorted(known | {mark})))
    draft.replace(root / "erased.json")
    return mark in known
