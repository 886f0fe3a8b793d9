"""Invitation links: made in batches, expired, revoked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from sqlalchemy import ColumnElement, Connection, bindparam, func, insert, select, update

from surveyapp.store.records import LinkRecord
from surveyapp.store.schema import links, respondents

_GET = select(links).where(links.c.link == bindparam("wanted"))


def add(c: Connection, new: Iterable[LinkRecord]) -> None:
    """Store new links."""
    rows = [asdict(link) for link in new]
    if rows:
        c.execute(insert(links), rows)


def by_slug(c: Connection, slug: str) -> LinkRecord | None:
    """An open link by its public slug, or None."""
    return _one(c, links.c.slug == slug)


def by_token(c: Connection, hashed: str) -> LinkRecord | None:
    """A personal link by the hash of its token, or None."""
    return _one(c, links.c.token_hash == hashed)


def get(c: Connection, link: str) -> LinkRecord | None:
    """A link by id, or None."""
    row = c.execute(_GET, {"wanted": link}).first()
    return LinkRecord(**row._mapping) if row else None


def of_study(c: Connection, study: str, kind: str | None = None) -> list[LinkRecord]:
    """Links of a study, the newest first."""
    wanted = select(links).where(links.c.study == study).order_by(links.c.created.desc())
    if kind:
        wanted = wanted.where(links.c.kind == kind)
    return [LinkRecord(**row._mapping) for row in c.execute(wanted)]


def revoke(c: Connection, link: str, *, at: str) -> None:
    """End a link; who has started may not go on."""
    c.execute(update(links).where(links.c.link == link).values(revoked=at))


def counts(c: Connection, study: str) -> dict[str, int]:
    """Personal links of a study: made, started and completed."""
    joined = links.outerjoin(respondents, respondents.c.link == links.c.link)
    wanted = (
        select(
            func.count(links.c.link),
            func.count(respondents.c.respondent),
            func.count(respondents.c.completed),
        )
        .select_from(joined)
        .where(links.c.study == study, links.c.kind == "personal")
    )
    made, started, completed = c.execute(wanted).one()
    return {"made": made, "started": started, "completed": completed}


def _one(c: Connection, condition: ColumnElement[bool]) -> LinkRecord | None:
    row = c.execute(select(links).where(condition)).first()
    return LinkRecord(**row._mapping) if row else None
