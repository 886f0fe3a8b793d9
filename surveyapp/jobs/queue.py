"""Putting jobs in the queue. Light: the web process imports it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from surveyapp import clock, tokens
from surveyapp.store import Store, designs, jobs, uploads
from surveyapp.store.records import JobRecord


def publish(
    store: Store,
    study: str,
    definition: str,
    *,
    by: str,
    import_only: bool = False,
    despite: str | None = None,
) -> JobRecord:
    """Queue the publishing of a definition: its choice tasks are made, then it is frozen."""
    with store.read() as c:
        files = designs.uploaded(c, study)
    arguments = {
        "definition": definition,
        "designs": files,
        "by": by,
        "import_only": import_only,
        "despite": despite,
    }
    return _submit(store, "publish", study, arguments)


def rehearse(store: Store, study: str, definition: str) -> JobRecord:
    """Queue the rehearsal of a definition, with the uploaded designs of the draft."""
    with store.read() as c:
        files = designs.uploaded(c, study)
    return _submit(store, "rehearse", study, {"definition": definition, "designs": files})


@dataclass(frozen=True, slots=True)
class DesignFile:
    """An uploaded design: name of the file, its text, and its layout (None: by its columns)."""

    name: str
    text: str
    layout: str | None


def design(
    store: Store,
    study: str,
    definition: str,
    exercise: str,
    *,
    by: str,
    upload: DesignFile | None = None,
) -> JobRecord:
    """Queue the check of an uploaded design, or without one the making of tasks; both inspected."""
    arguments = {
        "definition": definition,
        "exercise": exercise,
        "by": by,
        "file": upload.name if upload else None,
        "text": upload.text if upload else None,
        "layout": upload.layout if upload else None,
    }
    return _submit(store, "design", study, arguments)


def analyse(
    store: Store,
    study: str,
    version: int,
    *,
    seed: int = 1,
    as_of: str | None = None,
    only: Sequence[str] = (),
) -> JobRecord:
    """Queue the analysis of a version.

    ``as_of``: day of the scores; None: the ledger's last. ``only``: groups of respondents as
    NAME=VALUE; none: everybody.
    """
    arguments = {"version": version, "seed": seed, "as_of": as_of, "only": sorted(only)}
    return _submit(store, "analyse", study, arguments)


def mail(store: Store, study: str, mailing: str) -> JobRecord:
    """Queue the sending of what is due of a mailing."""
    return _submit(store, "mail", study, {"mailing": mailing})


def mail_key(study: str, mailing: str) -> str:
    """The key of the jobs that send a mailing."""
    return _key("mail", study, {"mailing": mailing})


def test_mail(
    store: Store, study: str, address: str, texts: dict[str, Any] | None = None
) -> JobRecord:
    """Queue test mails to one address; without ``texts``, those of the study file."""
    return _submit(store, "test_mail", study, {"address": address, "texts": texts})


def report_files(store: Store, study: str, report: str, stale: Sequence[str]) -> JobRecord:
    """Queue the files of a report; ``stale`` is what they say is outdated."""
    return _submit(store, "files", study, {"report": report, "stale": list(stale)})


def measure(store: Store, study: str, report: str, test: str) -> JobRecord:
    """Queue the measuring of a randomised test, asked for on a report."""
    return _submit(store, "measure", study, {"report": report, "test": test})


def plan(store: Store, study: str, report: str, decided: dict[str, Any]) -> JobRecord:
    """Queue the planning of a randomised test; ``decided`` as ``reports.planning`` reads it."""
    return _submit(store, "plan", study, {"report": report, **decided})


def load(store: Store, upload: str, *, kind: str, layout: dict[str, Any]) -> JobRecord | None:
    """Queue the loading of an uploaded file on the terms of a layout; None: it was discarded."""
    with store.write() as c:
        found = uploads.get(c, upload, lock=True)
        if found is None:
            return None
        key, arguments = f"load:{upload}", {"upload": upload}
        job = jobs.submit(c, tokens.new_id(), "load", "", key, arguments, at=clock.now())
        if job.job != found.job:
            written = json.dumps(layout, sort_keys=True)
            uploads.confirm(c, upload, kind=kind, layout=written, job=job)
    return job


def _submit(store: Store, kind: str, study: str, arguments: dict[str, Any]) -> JobRecord:
    """A second click while the same job waits or runs returns that job."""
    key = _key(kind, study, arguments)
    with store.write() as c:
        return jobs.submit(c, tokens.new_id(), kind, study, key, arguments, at=clock.now())


def _key(kind: str, study: str, arguments: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()[:16]
    return f"{kind}:{study}:{digest}"
