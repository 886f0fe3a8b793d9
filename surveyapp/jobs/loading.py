"""Loading an uploaded file into its ledger."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from surveyapp import clock
from surveyapp.jobs.ledgers import loading
from surveyapp.jobs.progress import JobFault, Progress
from surveyapp.ledgers import staged
from surveyapp.settings import Settings
from surveyapp.store import Store, uploads
from surveyapp.store.records import JobRecord
from surveyapp.store.uploads import UploadRecord

if TYPE_CHECKING:
    from analysis.ledgers.layout import Layout
    from analysis.ledgers.summary import FileLoad

MEGABYTE = 1_000_000


def run(settings: Settings, store: Store, job: JobRecord, progress: Progress) -> None:
    """Run a job of the kind 'load'; run again after a crash, it loads what is not loaded yet."""
    from analysis.ledgers.layout import Layout
    from analysis.ledgers.load import load_name

    with store.read() as c:
        asked = uploads.get(c, job.settings["upload"])
    if asked is None or asked.layout is None:
        raise JobFault("This upload was discarded. Upload the file again.")
    if asked.counts is None:
        path = staged.path_of(settings, asked.upload)
        if path is None:
            raise JobFault(
                f"The file is no longer here: files are kept for {staged.KEPT_HOURS} hours. "
                "Upload it again."
            )
        layout = Layout(**json.loads(asked.layout))
        found = _loaded(settings, asked, path, layout, _in_megabytes(progress))
        load = load_name(found.sha256, layout)
        if found.already_loaded and job.attempts > 1:
            found = _own(settings, asked, load, found, since=job.created)
        with store.write() as c:
            counts = json.dumps(found.as_record())
            uploads.loaded(c, asked.upload, load=load, counts=counts)
    staged.remove(settings, asked.upload)


def clear(settings: Settings, store: Store) -> None:
    """Remove uploads that nobody loaded within a day, with their files."""
    before = clock.now(plus_seconds=-3600 * staged.KEPT_HOURS)
    with store.read() as c:
        left = uploads.left_since(c, before)
    if left:
        with store.write() as c:
            left = uploads.left_since(c, before)
            for upload in left:
                uploads.remove(c, upload)
    with store.read() as c:
        unknown = [name for name in staged.left_over(settings) if uploads.get(c, name) is None]
    for upload in (*left, *unknown):
        staged.remove(settings, upload)


def _loaded(
    settings: Settings, asked: UploadRecord, path: Path, layout: Layout, progress: Progress
) -> FileLoad:
    from analysis.ledgers.load import load_files
    from analysis.ledgers.summary import NotReconciled

    try:
        return load_files([path], loading(settings, asked.kind, progress), layout).files[0]
    except NotReconciled as error:
        raise JobFault(
            f"{error} Report this with the file: it is a fault of the program."
        ) from None
    except Exception as error:
        if "No space left" not in str(error):  # of Python or of the engine
            raise
        raise JobFault(
            "The disk of the installation is full; nothing was loaded. Free about three times the "
            "size of the file, then load it again."
        ) from None


def _own(
    settings: Settings, asked: UploadRecord, load: str, found: FileLoad, *, since: str
) -> FileLoad:
    """What an earlier attempt of the same job loaded was not 'loaded before'."""
    from analysis.ledgers.folder import load_records

    record = load_records(loading(settings, asked.kind).folder).get(load, {})
    return replace(found, already_loaded=str(record.get("at", "")) < since)


def _in_megabytes(progress: Progress) -> Progress:
    def told(step: str, done: int = 0, total: int = 0) -> None:
        if total:
            progress(f"{step}, MB", done // MEGABYTE, -(-total // MEGABYTE))
        else:
            progress(step, 0, 0)

    return told
