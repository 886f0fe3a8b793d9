"""Whether there is room for a respondent in the quotas of the study."""

from __future__ import annotations

from datetime import datetime, timedelta

from surveyapp.respond.state import State
from surveyapp.store import Connection, studies
from surveyapp.store import quotas as places


def claim(c: Connection, state: State, *, at: str, ended: str | None) -> bool:
    """Hold or take the places of a respondent; False when a quota is full.

    Asked in the transaction that stores a page. Mid-way (``ended`` is None) a quota on starts
    holds a place, one on completes only looks; with ``ended='complete'`` every place is taken for
    good, under the lock of the study, so that a limit is never passed by people who end at once.
    Any other end gives the places back.
    """
    who = state.respondent
    if not state.study.quotas:
        return True
    mine = places.held_by(c, who.respondent)
    if ended not in (None, "complete"):
        places.give_back(c, who.respondent, mine)
        return True
    met = state.quotas()
    places.give_back(c, who.respondent, mine.keys() - {quota.id for quota in met})
    if ended or any(quota.count == "starts" and _over(mine.get(quota.id), at) for quota in met):
        studies.lock(c, who.study)
    for quota in met:
        sure = not ended and not _over(mine.get(quota.id), at)
        if not sure and places.others(c, who, quota.id, at=at) >= quota.limit:
            places.give_back(c, who.respondent, mine.keys() | {q.id for q in met})
            return False
        if ended:
            places.put(c, who, quota.id, until=None)
        elif quota.count == "starts":
            places.put(c, who, quota.id, until=_later(at, quota.hold_minutes))
    return True


def _over(held_until: str | None, at: str) -> bool:
    """Whether no place is held any more."""
    return held_until is None or held_until <= at


def _later(at: str, minutes: int) -> str:
    moment = datetime.fromisoformat(at) + timedelta(minutes=minutes)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
