"""The folder of one ledger: versions that appear whole or not at all.

``current`` leads to the newest version::

    versions/000002/rows/*.parquet        what holds now
                    history/*.parquet     what was corrected, with since when and by which load
                    quarantine/*.parquet  rows that were not accepted, with their reasons
                    loads/*.json          what became of each file
    current -> versions/000002

A new version starts with links to the files of the last one; turning ``current`` is the moment
at which it counts. A load that is killed before leaves a folder that nobody reads and the next
one removes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PARTS = ("rows", "history", "quarantine", "loads")
KEPT = 2


def current(folder: Path) -> Path | None:
    """The newest version of a ledger, or None when nothing was loaded yet."""
    link = folder / "current"
    return folder / link.readlink() if link.is_symlink() else None


def parquet_files(folder: Path, part: str = "rows") -> list[Path]:
    """The Parquet files of the newest version: ``rows``, ``history`` or ``quarantine``."""
    version = current(folder)
    return sorted((version / part).glob("*.parquet")) if version else []


def load_records(folder: Path) -> dict[str, dict[str, Any]]:
    """What became of each file, by the name of its load, in the order of loading."""
    version = current(folder)
    if version is None:
        return {}
    found = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in (version / "loads").glob("*.json")
    }
    return dict(sorted(found.items(), key=lambda item: item[1]["number"]))


def digest(folder: Path) -> str:
    """SHA-256 of the rows that a ledger holds; it changes whenever they do."""
    contents = sorted(_sha256(path) for path in parquet_files(folder))
    return hashlib.sha256("\n".join(contents).encode()).hexdigest()


@contextmanager
def alone(folder: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Wait until nobody else writes to the folder or reads it; who is killed holds nothing."""
    with _locked(folder, fcntl.LOCK_EX, waiting):
        yield


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """While the block lasts the ledgers of the folder stay as they are; several may read.

    Loads and erasures wait, so that what is made of the ledgers neither loses its files half-way
    nor names a customer who was erased meanwhile.
    """
    with _locked(folder, fcntl.LOCK_SH, None):
        yield


@contextmanager
def _locked(folder: Path, kind: int, waiting: Callable[[], None] | None) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                waiting()
            fcntl.flock(lock, kind)
        yield


@contextmanager
def next_version(folder: Path) -> Iterator[Path]:
    """A version to write to, which replaces the newest when the block ends without error.

    Only within ``alone``. Files are linked: replace or remove them, never write into them.
    """
    versions = folder / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    old = current(folder)
    for left in versions.iterdir():  # of killed loads
        if old is None or left.name > old.name:
            shutil.rmtree(left)
    number = int(old.name) + 1 if old else 1
    new = versions / f"{number:06d}"
    for part in PARTS:
        (new / part).mkdir(parents=True)
        for path in sorted((old / part).iterdir()) if old else ():
            os.link(path, new / part / path.name)
    try:
        yield new
    except BaseException:
        shutil.rmtree(new)
        raise
    for part in PARTS:
        for path in (new / part).iterdir():
            _flush(path)
        _flush(new / part)
    _flush(new)
    draft = folder / ".current"
    draft.unlink(missing_ok=True)
    draft.symlink_to(Path("versions") / new.name)
    draft.replace(folder / "current")
    _flush(folder)
    for left in sorted(versions.iterdir())[:-KEPT]:
        shutil.rmtree(left)


def drop_earlier_versions(folder: Path) -> None:
    """Remove all but the newest version, as an erasure must."""
    newest = current(folder)
    for version in (folder / "versions").glob("*"):
        if newest is None or version.name != newest.name:
            shutil.rmtree(version)


def write_record(version: Path, name: str, record: dict[str, Any]) -> None:
    """Note what became of a file."""
    path = version / "loads" / f"{name}.json"
    path.unlink(missing_ok=True)
    path.write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
