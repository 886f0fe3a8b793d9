"""Files that staff uploaded into a ledger: on what terms each is read, and what became of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import Connection, delete, insert, or_, select, update

from surveyapp.store.records import JobRecord
from surveyapp.store.schema import jobs, uploads


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """An uploaded file.

    ``layout`` is how it is read (JSON), None until its columns are confirmed; ``job`` loads it;
    ``load`` names the load in the ledger and ``counts`` (JSON) is what became of the rows, both
    None until it is loaded.
    """

    upload: str
    kind: str
    file: str
    bytes: int
    created: str
    created_by: str
    layout: str | None = None
    job: str | None = None
    load: str | None = None
    counts: str | None = None


def add(c: Connection, new: UploadRecord) -> None:
    """Store a new upload."""
    c.execute(insert(uploads).values(asdict(new)))


def get(c: Connection, upload: str, *, lock: bool = False) -> UploadRecord | None:
    """An upload by id, or None; with ``lock`` nobody else changes it in this transaction."""
    wanted = select(uploads).where(uploads.c.upload == upload)
    row = c.execute(wanted.with_for_update() if lock else wanted).first()
    return UploadRecord(**row._mapping) if row else None


def newest(c: Connection, limit: int = 10) -> list[tuple[UploadRecord, str | None]]:
    """The newest uploads, each with the state of its job (None: not confirmed yet)."""
    joined = uploads.outerjoin(jobs, jobs.c.job == uploads.c.job)
    wanted = select(uploads, jobs.c.state).select_from(joined)
    rows = c.execute(wanted.order_by(uploads.c.created.desc(), uploads.c.upload).limit(limit))
    return [(UploadRecord(*row[:-1]), row.state) for row in rows]


def confirm(c: Connection, upload: str, *, kind: str, layout: str, job: JobRecord) -> None:
    """Note on what terms an upload is read, and the job that loads it."""
    values = {"kind": kind, "layout": layout, "job": job.job}
    c.execute(update(uploads).where(uploads.c.upload == upload).values(values))


def loaded(c: Connection, upload: str, *, load: str, counts: str) -> None:
    """Note what became of the rows."""
    values = {"load": load, "counts": counts}
    c.execute(update(uploads).where(uploads.c.upload == upload).values(values))


def remove(c: Connection, upload: str) -> None:
    """Forget an upload; what it loaded stays in the ledger."""
    c.execute(delete(uploads).where(uploads.c.upload == upload))


def left_since(c: Connection, before: str) -> list[str]:
    """Uploads from before a time that were never loaded, and that no job is about to load."""
    joined = uploads.outerjoin(jobs, jobs.c.job == uploads.c.job)
    idle = or_(jobs.c.job.is_(None), jobs.c.state.not_in(("queued", "running")))
    wanted = select(uploads.c.upload).select_from(joined)
    old = wanted.where(uploads.c.counts.is_(None), uploads.c.created < before, idle)
    return list(c.execute(old).scalars())
