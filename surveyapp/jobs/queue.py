"""Putting jobs in the queue. Light: the web process imports it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from surveyapp import clock, tokens
from surveyapp.store import Store, jobs
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
    arguments = {
        "definition": definition,
        "by": by,
        "import_only": import_only,
        "despite": despite,
    }
    return _submit(store, "publish", study, arguments)


def rehearse(store: Store, study: str, definition: str) -> JobRecord:
    """Queue the rehearsal of a definition."""
    return _submit(store, "rehearse", study, {"definition": definition})


def analyse(
    store: Store, study: str, version: int, *, seed: int = 1, as_of: str | None = None
) -> JobRecord:
    """Queue the analysis of a version. ``as_of``: day of the scores; None: the ledger's last."""
    arguments = {"version": version, "seed": seed, "as_of": as_of}
    return _submit(store, "analyse", study, arguments)


def _submit(store: Store, kind: str, study: str, arguments: dict[str, Any]) -> JobRecord:
    """A second click while the same job waits or runs returns that job."""
    digest = hashlib.sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()[:16]
    key = f"{kind}:{study}:{digest}"
    with store.write() as c:
        return jobs.submit(c, tokens.new_id(), kind, study, key, arguments, at=clock.now())
