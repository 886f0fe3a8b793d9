"""The answers of a version as a table: one row per respondent, one column per item and task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from analysis.study import Study
from analysis.study.routing import asked_questions
from surveyapp.exports.spreadsheet import csv_lines
from surveyapp.store import Connection, answers, respondents
from surveyapp.store.records import AnswerRecord, RespondentRecord

FACTS = ("respondent", "version", "run_kind", "wave", "language", "started", "completed", "ended")


def answers_csv(c: Connection, study: Study, version: int) -> Iterator[str]:
    """The table as CSV lines; cells not asked, skipped or refused are empty.

    It never holds the customers: the archive joins answers with purchases, where respondents
    agreed to it.
    """
    given: dict[str, dict[tuple[str, str], AnswerRecord]] = defaultdict(dict)
    for respondent, answer in answers.of_study(c, study.study):
        given[respondent][answer.question, answer.item] = answer
    chosen: dict[str, dict[tuple[str, int], int]] = defaultdict(dict)
    tasks: set[tuple[str, int]] = set()
    people = [r for r in respondents.of_study(c, study.study) if r.version == version]
    ids = {person.respondent for person in people}
    for respondent, exercise, _block, task, choice in answers.choices_of_study(c, study.study):
        if respondent in ids:
            chosen[respondent][exercise, task] = choice
            tasks.add((exercise, task))
    items = [(q.id, item) for q in study.questions() for item in q.storable()]
    shown = sorted(tasks)
    header = [*FACTS, *(".".join(filter(None, i)) for i in items), *(f"{e}.{t}" for e, t in shown)]
    rows = (
        [
            *(getattr(person, fact) for fact in FACTS),
            *_values(study, person, given[person.respondent], items),
            *(chosen[person.respondent].get(task) for task in shown),
        ]
        for person in people
    )
    return csv_lines(header, rows)


def _values(
    study: Study,
    person: RespondentRecord,
    stored: dict[tuple[str, str], AnswerRecord],
    items: list[tuple[str, str]],
) -> list[str | None]:
    values = {key: answer.value for key, answer in stored.items() if answer.value is not None}
    asked = asked_questions(study, values, person.facts())
    return [values.get((question, item)) if question in asked else None for question, item in items]
