"""The option ``--map``: which column of a file is which."""

from __future__ import annotations

from collections.abc import Iterable

from surveyapp.commands.group import Fault


def read_mapping(given: Iterable[str]) -> dict[str, str]:
    """Read ``respondent=id,task=chid`` into {"respondent": "id", "task": "chid"}."""
    found: dict[str, str] = {}
    for part in ",".join(given).split(","):
        name, equals, column = (piece.strip() for piece in part.partition("="))
        if not part.strip():
            continue
        if not (name and equals and column):
            raise Fault(f"--map: '{part}' is not NAME=COLUMN, such as respondent=id")
        if name in found:
            raise Fault(f"--map: '{name}' stands twice")
        found[name] = column
    return found
