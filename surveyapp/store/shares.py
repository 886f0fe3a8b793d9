"""Addresses under which a report may be read without logging in."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, insert, select, update

from surveyapp.store.records import ShareRecord
from surveyapp.store.schema import shares


def add(c: Connection, new: ShareRecord) -> None:
    """Store a share."""
    c.execute(insert(shares).values(asdict(new)))


def of_report(c: Connection, report: str) -> list[ShareRecord]:
    """All shares of a report, the newest first."""
    wanted = select(shares).where(shares.c.report == report)
    rows = c.execute(wanted.order_by(shares.c.created.desc(), shares.c.share))
    return [ShareRecord(**row._mapping) for row in rows]


def use(c: Connection, hashed: str, *, at: str) -> ShareRecord | None:
    """The share of a token that has neither expired nor been revoked; its use is noted."""
    valid = (shares.c.token_hash == hashed) & shares.c.revoked.is_(None) & (shares.c.expires > at)
    row = c.execute(select(shares).where(valid)).first()
    if row is None:
        return None
    noted = {"last_used": at, "uses": shares.c.uses + 1}
    c.execute(update(shares).where(shares.c.share == row.share).values(noted))
    return ShareRecord(**row._mapping)


def revoke(c: Connection, report: str, share: str, *, at: str) -> bool:
    """End a share of a report; False when there is none that still works."""
    live = (shares.c.report == report) & (shares.c.share == share) & shares.c.revoked.is_(None)
    return c.execute(update(shares).where(live).values(revoked=at)).rowcount == 1
