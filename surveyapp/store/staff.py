"""Staff and their sessions."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select, update

from surveyapp.store.records import StaffRecord
from surveyapp.store.schema import staff, staff_sessions


def add(c: Connection, new: StaffRecord) -> None:
    """Store a new member of staff."""
    c.execute(insert(staff).values(asdict(new)))


def by_name(c: Connection, name: str) -> StaffRecord | None:
    """A member of staff by log-in name, or None."""
    row = c.execute(select(staff).where(staff.c.name == name)).first()
    return StaffRecord(**row._mapping) if row else None


def every(c: Connection) -> list[StaffRecord]:
    """All staff by name."""
    return [StaffRecord(**row._mapping) for row in c.execute(select(staff).order_by(staff.c.name))]


def change(c: Connection, member: str, **values: str | int | None) -> None:
    """Change role, password_hash, disabled or identifiers."""
    unknown = set(values) - {"role", "password_hash", "disabled", "identifiers"}
    if unknown:
        raise ValueError(f"cannot change {sorted(unknown)}")
    c.execute(update(staff).where(staff.c.staff == member).values(**values))


def open_session(c: Connection, hashed: str, member: str, *, at: str, expires: str) -> None:
    """Start a session under the hash of its secret."""
    row = {"session_hash": hashed, "staff": member, "created": at, "expires": expires}
    c.execute(insert(staff_sessions).values(row))
    c.execute(delete(staff_sessions).where(staff_sessions.c.expires < at))


def of_session(c: Connection, hashed: str, *, at: str) -> StaffRecord | None:
    """Who a session belongs to; None when it ended or the member was disabled."""
    wanted = (
        select(staff)
        .join(staff_sessions, staff_sessions.c.staff == staff.c.staff)
        .where(
            staff_sessions.c.session_hash == hashed,
            staff_sessions.c.expires >= at,
            staff.c.disabled.is_(None),
        )
    )
    row = c.execute(wanted).first()
    return StaffRecord(**row._mapping) if row else None


def close_session(c: Connection, hashed: str) -> None:
    """End one session."""
    c.execute(delete(staff_sessions).where(staff_sessions.c.session_hash == hashed))


def close_sessions_of(c: Connection, member: str) -> None:
    """End all sessions of a member of staff."""
    c.execute(delete(staff_sessions).where(staff_sessions.c.staff == member))
