"""Panel providers of a study: what they send along, and where their people go back to."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence

from analysis.study import Study
from surveyapp import clock, tokens
from surveyapp.exports.answers import FACTS
from surveyapp.respond.returning import OWN_NAMES, RETURNS, template_faults
from surveyapp.store.records import PanelRecord

MOST_PARAMETERS = 10
LONGEST_NAME = 60
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
_TAKEN = frozenset({"language", "key", "csrf_token", *OWN_NAMES, *FACTS})


class PanelFault(ValueError):
    """A panel that cannot be used; the message lists every fault, each on a line."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(faults))


def panel_of(
    study: Study, name: str, parameters: Sequence[str], person: str, returns: Mapping[str, str]
) -> PanelRecord:
    """A panel as a researcher sets it up, with a new key.

    Parameters
    ----------
    parameters
        The names that its addresses carry.
    person
        Which of them names the person; empty: the first.
    returns
        The template of the address to go back to, by end; ends without one stay here.

    Raises
    ------
    PanelFault
        With every fault.
    """
    names = list(dict.fromkeys(part.strip() for part in parameters if part.strip()))
    name, person = name.strip(), person.strip() or (names[0] if names else "")
    kept = {end: text.strip() for end, text in returns.items() if text.strip()}
    faults = [*_name_faults(name), *_parameter_faults(study, names, person)]
    for end, template in kept.items():
        if end not in RETURNS:
            faults.append(f"There is no end '{end}'. Ends: {', '.join(RETURNS)}.")
        faults += [f"Address for {end}: {fault}" for fault in template_faults(template, names)]
    if faults:
        raise PanelFault(faults)
    return PanelRecord(
        panel=tokens.new_id(),
        study=study.study,
        name=name,
        parameters=json.dumps(names),
        person=person,
        returns=json.dumps(kept),
        secret=secrets.token_hex(32),
        created=clock.now(),
    )


def _name_faults(name: str) -> list[str]:
    if name and len(name) <= LONGEST_NAME and name.isprintable():
        return []
    return [f"Give the panel a name of at most {LONGEST_NAME} signs; its people read it."]


def _parameter_faults(study: Study, names: Sequence[str], person: str) -> list[str]:
    if not names:
        return ["Name the parameter in which the panel sends its number of the person, as pid."]
    found = []
    if len(names) > MOST_PARAMETERS:
        found.append(f"Name at most {MOST_PARAMETERS} parameters.")
    questions = {question.id for question in study.questions()}
    for name in names:
        if not _PARAMETER.fullmatch(name):
            found.append(
                f"'{name[:40]}' is no name of a parameter: letters, digits and _, at most 32."
            )
        elif name in _TAKEN or name in questions:
            found.append(f"'{name}' is taken by a column of the answers; use another name.")
    if person not in names:
        found.append(f"'{person}' is to name the person, but is not among the parameters.")
    return found
