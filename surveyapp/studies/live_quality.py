"""Flags on the quality of answers that can be known while a study is in the field.

Cheap enough for a page: four reads of the store and plain arithmetic, no statistics are loaded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from analysis.customers.quality.live import LiveRespondent, live_counts, live_flags
from analysis.study import Study
from analysis.study.quality import FlagName
from surveyapp.store import Connection, answers, respondents


def counts(
    c: Connection, study: Study, version: int, *, kinds: Sequence[str] = ()
) -> dict[FlagName, int]:
    """How many of those who completed a version carry each flag that can be known live.

    ``kinds`` of run; default: those that count.
    """
    return live_counts(study, people(c, study, version, kinds=kinds))


def flags(
    c: Connection, study: Study, version: int, *, kinds: Sequence[str] = ()
) -> dict[str, tuple[FlagName, ...]]:
    """The same by respondent, of those who carry one."""
    return live_flags(study, people(c, study, version, kinds=kinds))


def people(
    c: Connection, study: Study, version: int, *, kinds: Sequence[str] = ()
) -> list[LiveRespondent]:
    """Those who completed a version, with all that the flags look at."""
    wanted = kinds or study.counted_kinds
    found = [
        person
        for person in respondents.of_study(c, study.study)
        if person.version == version and person.ended == "complete" and person.run_kind in wanted
    ]
    names = {person.respondent for person in found}
    given: dict[str, dict[tuple[str, str], str]] = defaultdict(dict)
    for name, answer in answers.of_study(c, study.study):
        if name in names and answer.value is not None:
            given[name][answer.question, answer.item] = answer.value
    sent: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for name, turn, step, at in respondents.pages_of_study(c, study.study):
        if name in names:
            sent[name].append((turn, step, at))
    return [
        LiveRespondent(
            respondent=person.respondent,
            started=person.started,
            person=person.customer or person.panel_key or "",
            answers=given[person.respondent],
            sent=sent[person.respondent],
        )
        for person in found
    ]
