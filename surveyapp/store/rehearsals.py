"""Rehearsals of drafts, kept by the digest of the definition."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from sqlalchemy import Connection, insert, select

from surveyapp.store import designs
from surveyapp.store.records import RehearsalRecord
from surveyapp.store.schema import rehearsals


def digest_of(definition: str, uploaded: Mapping[str, str] | None = None) -> str:
    """The digest of a definition, as versions have it too, and of uploaded designs by exercise."""
    files = "".join(f"\n{name} {digest}" for name, digest in sorted((uploaded or {}).items()))
    return hashlib.sha256((definition + files).encode()).hexdigest()


def add(c: Connection, record: RehearsalRecord) -> None:
    """Keep a rehearsal."""
    c.execute(
        insert(rehearsals).values(
            rehearsal=record.rehearsal,
            study=record.study,
            digest=record.digest,
            created=record.created,
            verdict=record.verdict,
            document=record.document,
        )
    )


def get(c: Connection, rehearsal: str) -> RehearsalRecord | None:
    """A rehearsal by id, or None."""
    row = c.execute(select(rehearsals).where(rehearsals.c.rehearsal == rehearsal)).first()
    return RehearsalRecord(**row._mapping) if row else None


def newest(c: Connection, study: str, definition: str | None = None) -> RehearsalRecord | None:
    """The newest rehearsal of a study, or of exactly this definition with the uploaded designs
    that the draft has now; None without one.
    """
    wanted = select(rehearsals).where(rehearsals.c.study == study)
    if definition is not None:
        now = digest_of(definition, designs.uploaded(c, study))
        wanted = wanted.where(rehearsals.c.digest == now)
    ordered = wanted.order_by(rehearsals.c.created.desc(), rehearsals.c.rehearsal)
    row = c.execute(ordered.limit(1)).first()
    return RehearsalRecord(**row._mapping) if row else None
