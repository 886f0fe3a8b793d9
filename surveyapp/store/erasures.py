"""Erasures of customers: asked for, done, and afterwards only counted."""

from __future__ import annotations

import json
from dataclasses import asdict

from sqlalchemy import Connection, delete, func, insert, select, update

from surveyapp.store import respondents as people
from surveyapp.store.records import ErasureRecord
from surveyapp.store.schema import erasures, links, reports, respondents, shares


def add(c: Connection, new: ErasureRecord) -> None:
    """Note that an erasure was asked for."""
    c.execute(insert(erasures).values(asdict(new)))


def every(c: Connection) -> list[ErasureRecord]:
    """All erasures, the newest first."""
    found = c.execute(select(erasures).order_by(erasures.c.asked.desc()))
    return [ErasureRecord(**row._mapping) for row in found]


def waiting(c: Connection) -> list[ErasureRecord]:
    """Erasures that are not finished, the oldest first."""
    found = c.execute(
        select(erasures).where(erasures.c.finished.is_(None)).order_by(erasures.c.asked)
    )
    return [ErasureRecord(**row._mapping) for row in found]


def finish(c: Connection, erasure: str, *, at: str, counts: dict[str, int]) -> None:
    """Keep of an erasure when it was done and how much went; whom it was about goes."""
    c.execute(
        update(erasures)
        .where(erasures.c.erasure == erasure)
        .values(customer=None, identifier=None, finished=at, counts=json.dumps(counts))
    )


def forget_customer(c: Connection, customer: str, *, answers: bool, at: str) -> dict[str, int]:
    """Remove a customer from links and respondents; with ``answers`` the answers too.

    Returns
    -------
    dict
        How many links were ended, respondents unlinked and respondents erased.
    """
    mine = select(respondents.c.respondent).where(respondents.c.customer == customer)
    found = list(c.execute(mine).scalars())
    if answers:
        for respondent in found:
            people.erase(c, respondent)
    else:
        c.execute(
            update(respondents).where(respondents.c.customer == customer).values(customer=None)
        )
    ended = c.execute(
        update(links)
        .where(links.c.customer == customer)
        .values(customer=None, revoked=func.coalesce(links.c.revoked, at))
    )
    return {
        "links": ended.rowcount,
        "respondents_unlinked": 0 if answers else len(found),
        "respondents_erased": len(found) if answers else 0,
    }


def reports_naming(c: Connection, customer: str) -> list[str]:
    """Stored reports in which a pseudonym stands."""
    named = reports.c.document.contains(customer) | reports.c.charts.contains(customer)
    return list(c.execute(select(reports.c.report).where(named)).scalars())


def rewrite_reports(c: Connection, customer: str) -> int:
    """Put a word in place of a pseudonym in stored reports."""
    named = reports_naming(c, customer)
    c.execute(
        update(reports)
        .where(reports.c.report.in_(named))
        .values(
            document=func.replace(reports.c.document, customer, "erased"),
            charts=func.replace(reports.c.charts, customer, "erased"),
        )
    )
    return len(named)


def delete_reports(c: Connection, customer: str) -> int:
    """Delete stored reports in which a pseudonym stands."""
    named = reports_naming(c, customer)
    c.execute(delete(shares).where(shares.c.report.in_(named)))
    c.execute(delete(reports).where(reports.c.report.in_(named)))
    return len(named)
