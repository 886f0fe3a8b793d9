"""Where a link stands: one state, found from what happened to it, so that nothing can drift.

::

    not_yet_valid --> open --> in_progress --> finished
          |            |            |
          |            +-> expired  |
          +------------+------------+--> revoked

A link that several people use (an open one) stays ``open``; the states after it are then those of
each respondent.
"""

from __future__ import annotations

from typing import Literal

from surveyapp.store.records import LinkRecord

LinkState = Literal["not_yet_valid", "open", "in_progress", "finished", "expired", "revoked"]

MOVES: dict[LinkState, frozenset[LinkState]] = {
    "not_yet_valid": frozenset({"open", "expired", "revoked"}),
    "open": frozenset({"in_progress", "expired", "revoked"}),
    "in_progress": frozenset({"finished", "revoked"}),
    "finished": frozenset(),
    "expired": frozenset({"revoked"}),
    "revoked": frozenset(),
}
"""The states that may follow each. What is finished stays so, also when its batch is revoked."""

MAY_START: frozenset[LinkState] = frozenset({"open"})
MAY_GO_ON: frozenset[LinkState] = frozenset({"in_progress"})


def link_state(
    link: LinkRecord, *, at: str, started: bool = False, ended: bool = False
) -> LinkState:
    """The state of a link at a time.

    Parameters
    ----------
    started, ended
        Whether the respondent of the link started, and came to an end of the survey. Who started
        before the link expired may finish.
    """
    if ended:
        return "finished"
    if link.revoked:
        return "revoked"
    if started:
        return "in_progress"
    if link.expires and link.expires <= at:
        return "expired"
    if link.opens and link.opens > at:
        return "not_yet_valid"
    return "open"
