"""The values of computed variables of one respondent, and why one is unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analysis.study.names import read_by
from analysis.study.piping import worded
from analysis.study.routing import Way

Statuses = Mapping[tuple[str, str], str]
"""Of what was asked: (question, item) to answered, skipped or refused."""


def computed_rows(way: Way, statuses: Statuses) -> Iterator[tuple[str, str | None, str]]:
    """Every computed variable as (id, value, status).

    The status is 'computed', or without a value: 'refused' or 'skipped' when an answer that it
    rests on was, 'not_asked' when one was not asked, else 'unknown' (a division by zero).
    """
    for variable in way.seen.study.computed:
        value = way.seen.lookup(variable.id)
        if value is not None:
            yield variable.id, worded(value), "computed"
        else:
            yield variable.id, None, _why_unknown(way, variable.id, statuses)


def _why_unknown(way: Way, name: str, statuses: Statuses) -> str:
    study = way.seen.study
    names = study.names
    variables = (name, *names.rests_on.get(name, ()))
    read = {part for variable in variables for part in read_by(names.computed[variable])}
    read |= {q for q, found in study.looped.items() if found.question in read}
    asked = way.asked
    rests = {question.id: question.storable() for question in study.questions()}
    found = {
        statuses.get((question, item), "not_asked") if (question, item) in asked else "not_asked"
        for question in read & rests.keys()
        for item in rests[question]
    }
    return next((s for s in ("refused", "skipped", "not_asked") if s in found), "unknown")
