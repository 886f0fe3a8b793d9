"""Starting: may this link be used, and making the respondent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from analysis.study.fielding import next_cell
from analysis.study.types import Study
from surveyapp import tokens
from surveyapp.link_state import MAY_GO_ON, MAY_START, link_state
from surveyapp.respond.quotas import claim
from surveyapp.respond.state import State
from surveyapp.store import Connection, links, respondents, studies
from surveyapp.store.records import LinkRecord, RespondentRecord, StudyRecord

Barrier = Literal["revoked", "closed", "expired", "not_yet_valid", "unpublished"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of somebody who presses Start.

    Attributes
    ----------
    token
        The secret of the address under which this respondent answers.
    language
        Of the start page.
    device
        phone, tablet or desktop.
    carried
        What a panel provider sent along, by name.
    panel_key
        Names the person of the panel; empty without a panel.
    """

    token: str
    language: str
    device: str = ""
    carried: Mapping[str, str] = field(default_factory=dict)
    panel_key: str = ""


def barrier(link: LinkRecord, study: StudyRecord, *, at: str, started: bool) -> Barrier | None:
    """Why a link cannot be used at a time, or None.

    Who started before a link expired may finish; a revoked link or a closed study ends for all.
    """
    state = link_state(link, at=at, started=started)
    if state == "revoked":
        return "revoked"
    if study.closed:
        return "closed"
    if state not in MAY_START | MAY_GO_ON:
        return "expired" if state == "expired" else "not_yet_valid"
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
    c: Connection, link: LinkRecord, study: Study, version: int, arrival: Arrival, *, at: str
) -> RespondentRecord:
    """Make the respondent of a secret token, with a cell and the places that quotas hold.

    Whoever was made with this token already (sent twice), or is the same person of a panel, is
    returned as stored; the caller tells them apart by ``token_hash``. A quota that is full for
    everybody ends the survey here.
    """
    sequence = respondents.next_sequence(c, link.study, version)
    hashed = tokens.token_hash(arrival.token)
    known = respondents.by_token(c, hashed)
    if known is None and arrival.panel_key:
        known = respondents.by_panel_key(c, arrival.panel_key)
    if known:
        return known
    seed = tokens.new_seed()
    new = RespondentRecord(
        respondent=tokens.new_id(),
        study=link.study,
        version=version,
        link=link.link,
        token_hash=hashed,
        customer=link.customer,
        wave=link.wave,
        run_kind=link.run_kind,
        language=arrival.language,
        cell=_cell(c, link, study, seed),
        sequence=sequence,
        weight=1.0,
        turn=0,
        step=study.pages[0].id,
        started=at,
        completed=None,
        ended=None,
        seed=seed,
        device=arrival.device or None,
        parameters=json.dumps(dict(arrival.carried)) if arrival.carried else None,
        panel_key=arrival.panel_key or None,
    )
    respondents.add(c, new)
    if not claim(c, State(study, new, {}, {}, frozenset()), at=at, ended=None):
        respondents.end(c, new.respondent, "quota_full")
        return replace(new, ended="quota_full")
    return new


def _cell(c: Connection, link: LinkRecord, study: Study, seed: int) -> str | None:
    if not study.cells:
        return None
    started = respondents.in_cells(c, link.study, link.wave, link.run_kind)
    return next_cell(study.cells, started, seed)
