"""What a respondent answered on the way that was taken in the end, with the status of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analysis.study import Study
from analysis.study.computed import computed_rows
from analysis.study.routing import Way
from surveyapp.store.records import AnswerRecord, RespondentRecord

Stored = Mapping[tuple[str, str], AnswerRecord]


def way_of(study: Study, person: RespondentRecord, stored: Stored) -> Way:
    """The way of a respondent, by what is stored."""
    given = {key: answer.value for key, answer in stored.items() if answer.value is not None}
    return Way(study, given, person.facts())


def linking_agreed(way: Way, stored: Stored) -> bool:
    """Whether every question on linking was on the way and answered with yes, and there was one."""
    asked = [
        question.id
        for question in way.seen.study.questions()
        if question.kind == "consent" and question.purpose == "linking"
    ]
    given = [stored.get((question, "")) for question in asked]
    agreed = bool(given) and all(answer and answer.value == "yes" for answer in given)
    return agreed and set(asked) <= way.questions


def all_answers(way: Way, stored: Stored) -> Iterator[tuple[str, str, str | None, str]]:
    """Every item of the study and every computed variable: (question, item, value, status).

    What was answered off the way, before going back and taking another, counts as not asked; so
    does a choice of an option that is not shown any more.
    """
    asked = way.asked
    stale = {question for step in way.steps for question in step.stale}
    statuses = {}
    for question in way.seen.study.questions():
        for item in question.storable():
            key = (question.id, item)
            counts = key in asked and question.id not in stale
            answer = stored.get(key) if counts else None
            if answer is None:
                yield question.id, item, None, "not_asked"
            else:
                statuses[key] = answer.status
                yield question.id, item, answer.value, answer.status
    for name, value, status in computed_rows(way, statuses):
        yield name, "", value, status
