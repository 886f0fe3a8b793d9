"""The designs of a draft (version 0) and of published versions, one per exercise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from surveyapp.store.records import DesignRecord
from surveyapp.store.schema import designs

DRAFT = 0


def keep(c: Connection, record: DesignRecord) -> None:
    """Store a design in place of the one of the same exercise and version."""
    remove(c, record.study, record.exercise, record.version)
    c.execute(insert(designs).values(asdict(record)))


def remove(c: Connection, study: str, exercise: str, version: int = DRAFT) -> None:
    """Forget a design, that of the draft."""
    c.execute(delete(designs).where(_place(study, version), designs.c.exercise == exercise))


def get(c: Connection, study: str, exercise: str, version: int = DRAFT) -> DesignRecord | None:
    """The design of an exercise of the draft or of a version, or None."""
    wanted = select(designs).where(_place(study, version), designs.c.exercise == exercise)
    row = c.execute(wanted).first()
    return DesignRecord(**row._mapping) if row else None


def of_version(c: Connection, study: str, version: int = DRAFT) -> list[DesignRecord]:
    """All designs of the draft or of a version."""
    rows = c.execute(select(designs).where(_place(study, version)).order_by(designs.c.exercise))
    return [DesignRecord(**row._mapping) for row in rows]


def of_study(c: Connection, study: str) -> list[DesignRecord]:
    """The designs of all published versions."""
    wanted = select(designs).where(designs.c.study == study, designs.c.version != DRAFT)
    rows = c.execute(wanted.order_by(designs.c.version, designs.c.exercise))
    return [DesignRecord(**row._mapping) for row in rows]


def uploaded(c: Connection, study: str, version: int = DRAFT) -> dict[str, str]:
    """The digests of uploaded files by exercise."""
    wanted = select(designs.c.exercise, designs.c.digest).where(
        _place(study, version), designs.c.file.is_not(None)
    )
    return {row.exercise: row.digest for row in c.execute(wanted.order_by(designs.c.exercise))}


def freeze(c: Connection, records: Iterable[DesignRecord], version: int) -> None:
    """Keep designs with a version; its tasks stand in a table of their own."""
    for record in records:
        keep(c, replace(record, version=version, tasks=""))


def _place(study: str, version: int) -> ColumnElement[bool]:
    return (designs.c.study == study) & (designs.c.version == version)
