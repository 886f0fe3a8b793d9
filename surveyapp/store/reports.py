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


def newest(c: Connection, study: str, groups: str = "[]") -> ReportRecord | None:
    """The newest report of a study on everybody, or on the same groups; None without one."""
    wanted = select(reports).where(reports.c.study == study, reports.c.groups == groups)
    row = c.execute(wanted.order_by(reports.c.created.desc()).limit(1)).first()
    return ReportRecord(**row._mapping) if row else None


def listed(c: Connection) -> list[ReportRecord]:
    """All reports, the newest first, without their charts."""
    columns = [column for column in reports.c if column.name != "charts"]
    rows = c.execute(select(*columns).order_by(reports.c.created.desc(), reports.c.report))
    return [ReportRecord(**row._mapping, charts="{}") for row in rows]
