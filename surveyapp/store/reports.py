"""Stored value reports."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, insert, select

from surveyapp.store.records import ReportRecord
from surveyapp.store.schema import reports


def add(c: Connection, new: ReportRecord) -> None:
    """Store a report."""
    c.execute(insert(reports).values(asdict(new)))


def get(c: Connection, report: str) -> ReportRecord | None:
    """A report by id, or None."""
    row = c.execute(select(reports).where(reports.c.report == report)).first()
    return ReportRecord(**row._mapping) if row else None


def newest(c: Connection, study: str) -> ReportRecord | None:
    """The newest report of a study, or None."""
    wanted = select(reports).where(reports.c.study == study)
    row = c.execute(wanted.order_by(reports.c.created.desc()).limit(1)).first()
    return ReportRecord(**row._mapping) if row else None


def listed(c: Connection) -> list[tuple[str, str, int, str]]:
    """All reports, the newest first, as (report, study, version, created)."""
    columns = (reports.c.report, reports.c.study, reports.c.version, reports.c.created)
    rows = c.execute(select(*columns).order_by(reports.c.created.desc()))
    return [(row.report, row.study, row.version, row.created) for row in rows]
