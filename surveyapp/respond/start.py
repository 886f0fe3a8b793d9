"""Starting: may this link be used, and making the respondent."""

from __future__ import annotations

from typing import Literal

from surveyapp import tokens
from surveyapp.store import Connection, links, respondents, studies
from surveyapp.store.records import LinkRecord, RespondentRecord, StudyRecord

Barrier = Literal["revoked", "closed", "expired", "unpublished"]


def barrier(link: LinkRecord, study: StudyRecord, *, at: str, started: bool) -> Barrier | None:
    """Why a link cannot be used at a time, or None.

    Who started before a link expired may finish; a revoked link or a closed study ends for all.
    """
    if link.revoked:
        return "revoked"
    if study.closed:
        return "closed"
    if not started and link.expires and link.expires <= at:
        return "expired"
    return "unpublished" if study.version is None else None


def invitation(c: Connection, link: LinkRecord | None) -> tuple[LinkRecord, StudyRecord] | None:
    """A link with its study, or None."""
    if link is None:
        return None
    study = studies.get(c, link.study)
    return (link, study) if study else None


def invitation_of(
    c: Connection, respondent: RespondentRecord
) -> tuple[LinkRecord, StudyRecord] | None:
    """The link and study with which a respondent started."""
    return invitation(c, links.get(c, respondent.link))


def start_respondent(
    c: Connection, link: LinkRecord, version: int, token: str, *, language: str, step: str, at: str
) -> None:
    """Make the respondent of a secret token, unless it was made already (sent twice)."""
    sequence = respondents.next_sequence(c, link.study, version)
    hashed = tokens.token_hash(token)
    if respondents.by_token(c, hashed):
        return
    new = RespondentRecord(
        respondent=tokens.new_id(),
        study=link.study,
        version=version,
        link=link.link,
        token_hash=hashed,
        customer=link.customer,
        wave=link.wave,
        run_kind=link.run_kind,
        language=language,
        cell=None,
        sequence=sequence,
        weight=1.0,
        turn=0,
        step=step,
        started=at,
        completed=None,
        ended=None,
        seed=tokens.new_seed(),
    )
    respondents.add(c, new)
