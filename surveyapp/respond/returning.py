"""The signed address by which a respondent goes back to the panel provider.

It is a pure function of what is stored, so opening the end page again gives the very same
address, and none exists before the end is committed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlsplit

from surveyapp.store.records import PanelRecord, RespondentRecord

RETURNS = {
    "complete": "completed",
    "screened_out": "screened out",
    "quota_full": "quota full",
    "quality_out": "attention check failed",
}
"""The ends from which a respondent goes back to a panel, in words."""

OWN_NAMES = ("status", "receipt", "signature")
LONGEST_ADDRESS = 1000
_NAME = re.compile(r"\{([^{}]*)\}")
_SIGNATURE = "signature"


def return_address(panel: PanelRecord, who: RespondentRecord) -> str | None:
    """Where an ended respondent goes back to; None when the panel has no address for this end.

    Every value is percent-encoded. The signature is the hexadecimal HMAC-SHA256, under the
    panel's key, of the whole address before the parameter that carries it.
    """
    template = panel.addresses.get(who.ended or "")
    if not template:
        return None
    values = {**dict.fromkeys(panel.names, ""), **who.carried}
    values |= {"status": who.ended or "", "receipt": who.respondent}
    return signed(template, values, bytes.fromhex(panel.secret))


def signed(template: str, values: Mapping[str, str], key: bytes) -> str:
    """A template filled in and signed."""
    head, name = _apart(template)
    filled = _NAME.sub(lambda found: quote(values[found[1]], safe=""), head)
    made = hmac.new(key, filled.encode(), hashlib.sha256).hexdigest()
    return f"{filled}{'&' if '?' in filled else '?'}{name}={made}"


def _apart(template: str) -> tuple[str, str]:
    """A template before its signature, and the name of the parameter that carries it."""
    found = re.fullmatch(r"(.*)[?&]([A-Za-z0-9_.-]+)=\{signature\}", template)
    return (found[1], found[2]) if found else (template, _SIGNATURE)


def template_faults(template: str, parameters: Sequence[str]) -> list[str]:
    """All that is wrong with the template of an address, in words."""
    found = []
    if len(template) > LONGEST_ADDRESS:
        found.append(f"It has more than {LONGEST_ADDRESS:,} characters.")
    if not template.isascii() or re.search(r"[\s\\<>\"'`]", template):
        found.append("It holds a space or a sign that no address has; percent-encode it.")
    try:
        address = urlsplit(_NAME.sub("x", template))
        host = urlsplit(template).netloc
    except ValueError:
        return [*found, "It cannot be read as an address."]
    if not template.startswith("https://"):
        found.append("It must start with https://.")
    if not address.hostname or "{" in host or "}" in host or "." not in address.hostname:
        found.append("Its host must be written out, without placeholders.")
    if "@" in host:
        found.append("It must not hold a user name or password.")
    if "#" in template:
        found.append("It must have no part after '#', which servers never see.")
    known = (*parameters, *OWN_NAMES)
    for name in dict.fromkeys(_NAME.findall(template)):
        if name not in known:
            shown = ", ".join(f"{{{each}}}" for each in known)
            found.append(f"There is no placeholder {{{name}}}. Use: {shown}.")
    if re.search(r"[{}]", _NAME.sub("", template)):
        found.append("A brace has no partner.")
    if "{signature}" in template and _apart(template)[0] == template:
        found.append("{signature} must be the value of the last parameter, as in &sig={signature}.")
    elif template.count("{signature}") > 1:
        found.append("{signature} stands more than once.")
    return found
