"""Where uploaded files lie until they are loaded: in the folder of raw identifiers, privately."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import IO

from werkzeug.datastructures import FileStorage

from surveyapp.settings import Settings

KEPT_HOURS = 24
"""An upload that was not loaded is removed after so long."""
LONGEST_NAME = 100


def folder(settings: Settings) -> Path:
    """The folder of all uploads, which only its owner may enter."""
    settings.raw_files.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings.raw_files.chmod(0o700)
    found = settings.raw_files / "uploads"
    found.mkdir(exist_ok=True, mode=0o700)
    return found


def arriving(settings: Settings) -> IO[bytes]:
    """An unnamed file on the same disk for an upload that comes in; it is gone when closed."""
    return tempfile.TemporaryFile(dir=folder(settings))


def keep(settings: Settings, upload: str, file: FileStorage) -> Path:
    """Keep an uploaded file under the upload's id, whole or not at all."""
    own = folder(settings) / upload
    own.mkdir(mode=0o700)
    try:
        target = own / safe_name(file.filename or "")
        file.save(target, buffer_size=1_000_000)
        target.chmod(0o600)
    except BaseException:
        shutil.rmtree(own)
        raise
    return target


def path_of(settings: Settings, upload: str) -> Path | None:
    """The file of an upload; None when it is there no longer."""
    own = folder(settings) / upload
    return next(iter(own.iterdir()), None) if own.is_dir() else None


def remove(settings: Settings, upload: str) -> None:
    """Remove the file of an upload."""
    shutil.rmtree(folder(settings) / upload, ignore_errors=True)


def left_over(settings: Settings) -> list[str]:
    """Ids of files older than ``KEPT_HOURS``."""
    before = time.time() - 3600 * KEPT_HOURS
    return [own.name for own in folder(settings).iterdir() if own.stat().st_mtime < before]


def safe_name(name: str) -> str:
    """The last part of a file's name, without what is no letter of a name; never empty."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = "".join(letter if letter.isprintable() else "_" for letter in last).strip(". ")
    while len(plain.encode()) > LONGEST_NAME:
        plain = plain[1:]
    return plain or "upload"


def in_words(size: int) -> str:
    """A size in bytes, kB, MB or GB."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:,.1f}".removesuffix(".0") + f" {name}"
    return f"{size} bytes"
