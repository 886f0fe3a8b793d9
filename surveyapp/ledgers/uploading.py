"""Uploading a file into a ledger: sent, its columns confirmed, loaded by a job, accounted for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import RequestEntityTooLarge

from analysis.ledgers.faults import LedgerFaults, reasons_of
from analysis.ledgers.first_look import TIME_FORMATS, FirstLook, first_look, fitting_kinds
from analysis.ledgers.kinds import KINDS, LedgerKind
from analysis.ledgers.layout import CURRENCIES, time_zones
from analysis.ledgers.stored import last_layout
from analysis.ledgers.summary import FileLoad, file_load
from surveyapp import clock, current, tokens
from surveyapp.access import access
from surveyapp.jobs import queue
from surveyapp.jobs.ledgers import ledgers_folder
from surveyapp.ledgers import staged
from surveyapp.ledgers.door import door, kind_of
from surveyapp.ledgers.terms import Terms, proposed, taken, written_as
from surveyapp.store import jobs, uploads
from surveyapp.store.records import JobRecord
from surveyapp.store.uploads import UploadRecord

SHOWN_ROWS = 5
DISK_FULL = (
    "The disk of the installation is full; nothing was kept. Ask an administrator to free some, "
    "then upload the file again."
)


@dataclass(frozen=True, slots=True)
class Seen:
    """An upload with the job that loads it, and its file as long as that is there."""

    record: UploadRecord
    job: JobRecord | None
    path: Path | None

    @property
    def counts(self) -> FileLoad | None:
        """What became of the rows, once it is loaded and its job has ended."""
        counts, busy = self.record.counts, self.job is not None and self.job.active
        return file_load(json.loads(counts)) if counts is not None and not busy else None

    @property
    def own(self) -> bool:
        """Whether who looks may see rows as they stand in the file."""
        return self.record.created_by == current_user.name or bool(current_user.record.identifiers)

    @property
    def open(self) -> bool:
        """Whether it can be loaded (again)."""
        waits = self.job is None or not self.job.active
        return waits and self.path is not None and self.record.counts is None


@door.get("/upload")
@access("researcher", "administrator")
def upload() -> ResponseReturnValue:
    """The form that takes a file."""
    return _form(request.args.get("kind", ""))


@door.post("/upload")
@access("researcher", "administrator")
def receive() -> ResponseReturnValue:
    """Stage a file on disk and look at its beginning; nothing is loaded yet."""
    kind = kind_of(request.form.get("kind", ""))
    file = request.files.get("file")
    if file is None or not file.filename:
        return _form(kind.name, "Choose a file."), 400
    upload, settings = tokens.new_id(), current.settings()
    try:
        path = staged.keep(settings, upload, file)
        first_look(path)
    except LedgerFaults as faults:
        staged.remove(settings, upload)
        return _form(kind.name, _told(faults)), 400
    new = UploadRecord(
        upload, kind.name, path.name, path.stat().st_size, clock.now(), current_user.name
    )
    with current.store().write() as c:
        uploads.add(c, new)
    return redirect(url_for("ledgers.columns", upload=upload), code=303)


@door.errorhandler(413)
def too_large(_error: RequestEntityTooLarge) -> ResponseReturnValue:
    """A file beyond the limit: which limit, and what to do."""
    most = current.settings().number("MAX_LEDGER_BYTES")
    told = (
        f"The file is larger than {staged.in_words(most)}. Pack it with gzip, split it, or ask for "
        "it to be loaded on the machine of the installation: surveyapp ledgers load KIND FILES."
    )
    return _form(request.args.get("kind", ""), told), 413


@door.errorhandler(OSError)
def disk(error: OSError) -> ResponseReturnValue:
    """A disk without space is said; other faults are the program's."""
    if "No space left" not in str(error):
        raise error
    return _form(request.args.get("kind", ""), DISK_FULL), 507


@door.get("/uploads/<upload>/columns")
@access("researcher", "administrator")
def columns(upload: str) -> ResponseReturnValue:
    """Which column of the file is which, proposed; with some rows, and how the file is read."""
    seen = _seen(upload)
    if not seen.open:
        return redirect(url_for("ledgers.uploaded", upload=upload), code=303)
    kind = kind_of(request.args.get("kind", seen.record.kind))
    return _columns(seen, kind, {})


@door.post("/uploads/<upload>/columns")
@access("researcher", "administrator")
def confirm(upload: str) -> ResponseReturnValue:
    """Load the file on these terms, or look at it again; what cannot be is said at once."""
    seen, form = _seen(upload), request.form
    if not seen.open:
        return redirect(url_for("ledgers.uploaded", upload=upload), code=303)
    kind = kind_of(form.get("kind", ""))
    if form.get("action") == "look":
        return _columns(seen, kind, form)
    look, told = _look(seen, form)
    terms = taken(kind, look, form) if look else None
    if terms is None or terms.header != form.get("header"):
        told = told or "The columns are others when the file is read like this: check them."
        return _columns(seen, kind, form, told), 400
    if terms.errors:
        return _page(seen, terms), 400
    if queue.load(current.store(), upload, kind=kind.name, layout=terms.written()) is None:
        abort(404)
    return redirect(url_for("ledgers.uploaded", upload=upload), code=303)


@door.get("/uploads/<upload>")
@access("researcher", "administrator")
def uploaded(upload: str) -> ResponseReturnValue:
    """How far the loading is, then what became of every line, or why it failed."""
    seen = _seen(upload, mine=False)
    job = seen.job
    if job is None and seen.own:
        return redirect(url_for("ledgers.columns", upload=upload), code=303)
    elapsed = None
    if job is not None and job.started:
        elapsed = clock.seconds_between(job.started, job.finished or clock.now())
    kind = kind_of(seen.record.kind)
    return render_template(
        "ledgers/uploaded.html",
        seen=seen,
        kind=kind,
        job=job,
        elapsed=elapsed,
        size=staged.in_words(seen.record.bytes),
        reasons={reason.name: reason for reason in reasons_of(kind)},
        hours=staged.KEPT_HOURS,
    )


@door.post("/uploads/<upload>/again")
@access("researcher", "administrator")
def again(upload: str) -> ResponseReturnValue:
    """Load a file again whose load failed or was cancelled, on the same terms."""
    seen = _seen(upload, mine=False)
    record = seen.record
    if seen.open and record.layout is not None:
        queue.load(current.store(), upload, kind=record.kind, layout=json.loads(record.layout))
    return redirect(url_for("ledgers.uploaded", upload=upload), code=303)


@door.post("/uploads/<upload>/cancel")
@access("researcher", "administrator")
def cancel(upload: str) -> ResponseReturnValue:
    """Stop a load: the ledger stays as it was."""
    seen = _seen(upload, mine=False)
    if seen.job is not None:
        with current.store().write() as c:
            jobs.cancel(c, seen.job.job, at=clock.now())
    return redirect(url_for("ledgers.uploaded", upload=upload), code=303)


@door.post("/uploads/<upload>/discard")
@access("researcher", "administrator")
def discard(upload: str) -> ResponseReturnValue:
    """Remove a file that was not loaded."""
    seen = _seen(upload, mine=False)
    if seen.record.counts is not None or (seen.job is not None and seen.job.active):
        return redirect(url_for("ledgers.uploaded", upload=upload), code=303)
    with current.store().write() as c:
        uploads.remove(c, upload)
    staged.remove(current.settings(), upload)
    flash(f"The file {seen.record.file} is removed; nothing of it was loaded.")
    return redirect(url_for("ledgers.every"), code=303)


def _seen(upload: str, *, mine: bool = True) -> Seen:
    """The upload of an address, or 404; with ``mine``, 403 for who may not see its rows."""
    with current.store().read() as c:
        record = uploads.get(c, upload) or abort(404)
        job = jobs.get(c, record.job) if record.job else None
    seen = Seen(record, job, staged.path_of(current.settings(), upload))
    if mine and not seen.own:
        abort(403)
    return seen


def _form(kind: str, problem: str = "") -> str:
    return render_template(
        "ledgers/upload.html",
        kinds=KINDS.values(),
        kind=kind,
        problem=problem,
        most=staged.in_words(current.settings().number("MAX_LEDGER_BYTES")),
        hours=staged.KEPT_HOURS,
    )


def _look(seen: Seen, form: Mapping[str, str]) -> tuple[FirstLook | None, str]:
    assert seen.path is not None
    try:
        return first_look(seen.path, written_as(form)), ""
    except LedgerFaults as faults:
        return None, _told(faults)


def _columns(seen: Seen, kind: LedgerKind, form: Mapping[str, str], problem: str = "") -> str:
    """The form with proposals; where the file cannot be read as asked, as it was read at first."""
    look, told = _look(seen, form)
    if look is None:
        form = {
            name: value for name, value in form.items() if name not in ("encoding", "delimiter")
        }
        look, _ = _look(seen, form)
    if look is None:
        abort(404)
    settings = current.settings()
    terms = proposed(
        kind,
        look,
        earlier=last_layout(ledgers_folder(settings), kind),
        zone=settings.text("TIME_ZONE"),
        form=form,
    )
    return _page(seen, terms, told or problem)


def _page(seen: Seen, terms: Terms, problem: str = "") -> str:
    lacking = [name for name in terms.kind.required if name not in terms.columns]
    others = [k for k in fitting_kinds(terms.look.header) if k.name != terms.kind.name]
    return render_template(
        "ledgers/columns.html",
        record=seen.record,
        size=staged.in_words(seen.record.bytes),
        terms=terms,
        rows=terms.look.rows[:SHOWN_ROWS],
        kinds=KINDS.values(),
        fitting=others if lacking else [],
        problem=problem,
        currencies=sorted(CURRENCIES),
        zones=sorted(time_zones()),
        formats=TIME_FORMATS,
        errors=[*([("written", problem)] if problem else []), *terms.errors],
        wrong=dict(terms.errors),
    )


def _told(faults: LedgerFaults) -> str:
    return " ".join(f"{text[:1].upper()}{text[1:]}" for text in map(str, faults.faults))
