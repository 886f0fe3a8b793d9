"""What comes in with a respondent: the device, and what a panel provider sends along."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, MutableMapping
from typing import Any

from surveyapp.store.records import LinkRecord, PanelRecord

LONGEST_PARAMETER = 200
"""Characters of a value that a panel provider sends along."""
MOST_REMEMBERED = 3


def device_of(user_agent: str) -> str:
    """phone, tablet or desktop; nothing else of the browser's name is kept.

    Tablets that call themselves desktops (iPads do) count as desktops.
    """
    if "iPad" in user_agent or "Tablet" in user_agent:
        return "tablet"
    if "Mobi" in user_agent or "iPhone" in user_agent:
        return "phone"
    return "tablet" if "Android" in user_agent else "desktop"


def carried(panel: PanelRecord, sent: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a panel in an address; others, and what is no plain text, are left out."""
    found = {name: sent[name].strip() for name in panel.names if name in sent}
    return {
        name: value
        for name, value in found.items()
        if value and len(value) <= LONGEST_PARAMETER and value.isprintable()
    }


def panel_key(panel: PanelRecord, link: LinkRecord, sent: Mapping[str, str]) -> str:
    """Names a person of a panel in a wave and a kind of run; empty when the address does not."""
    person = sent.get(panel.person)
    if not person:
        return ""
    parts = (panel.panel, link.wave or "", link.run_kind, person)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def remember(session: MutableMapping[str, Any], key: str, token: str) -> None:
    """Let this browser go on when its person of a panel comes again; of the newest few."""
    known = {**session.get("panels", {}), key: token}
    session["panels"] = dict(list(known.items())[-MOST_REMEMBERED:])


def remembered(session: Mapping[str, Any], key: str) -> str | None:
    """The secret with which this browser started as a person of a panel, or None."""
    found: str | None = session.get("panels", {}).get(key)
    return found
