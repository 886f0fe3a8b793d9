"""The answers of a version as a table: one row per respondent, one column per item and task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from analysis.study import ChoiceExercise, Study
from analysis.study.exercises import BestWorstExercise
from surveyapp.exports.spreadsheet import csv_lines
from surveyapp.exports.walked import all_answers, way_of
from surveyapp.store import Connection, answers, respondents, studies
from surveyapp.store.records import AnswerRecord

FACTS = (
    "respondent", "version", "run_kind", "wave", "cell", "language", "device",
    "started", "completed", "ended",
)  # fmt: skip


RUN_KINDS = ("live", "test", "bot")


def answers_csv(
    c: Connection,
    study: Study,
    version: int,
    *,
    kinds: Sequence[str] = (),
    flags: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """The table as CSV lines; cells not asked, skipped or refused are empty.

    After the items stand the computed variables, the tasks, and a column such as
    'order.options.brands' for everything that was shuffled: the ids from first to last.

    Parameters
    ----------
    kinds
        Kinds of run to write; default: those that count.
    flags
        Flags on the quality of answers by respondent, of the newest analysis. Who is not among them
        has an empty cell, who carries none a 'none'; None leaves the column out.

    It never holds the customers: the archive joins answers with purchases, where respondents
    agreed to it.
    """
    given: dict[str, dict[tuple[str, str], AnswerRecord]] = defaultdict(dict)
    for respondent, answer in answers.of_study(c, study.study):
        given[respondent][answer.question, answer.item] = answer
    wanted = kinds or study.counted_kinds
    people = [
        r
        for r in respondents.of_study(c, study.study)
        if r.version == version and r.run_kind in wanted and r.ended != "withdrawn"
    ]
    ids = {person.respondent for person in people}
    items = [(q.id, item) for q in study.questions() for item in q.storable()]
    items += [(variable.id, "") for variable in study.computed]
    columns, chosen = _tasks(c, study, version, ids)
    ways = {p.respondent: way_of(study, p, given[p.respondent]) for p in people}
    orders = {
        name: {f"order.{order.of}.{order.place}".rstrip("."): order.parts for order in way.orders}
        for name, way in ways.items()
    }
    shuffled = sorted({column for found in orders.values() for column in found})
    asked = [*(".".join(filter(None, i)) for i in items), *columns, *shuffled]
    facts = (*FACTS, "flags") if flags is not None else FACTS
    sent = sorted({name for person in people for name in person.carried})
    own = [name if name not in (*FACTS, "flags", *asked) else f"panel.{name}" for name in sent]
    header = [*facts, *own, *asked]
    rows = (
        [
            *(getattr(person, fact) for fact in FACTS),
            *([flags.get(person.respondent)] if flags is not None else ()),
            *(person.carried.get(name) for name in sent),
            *(row[2] for row in all_answers(ways[person.respondent], given[person.respondent])),
            *(chosen[person.respondent].get(column) for column in columns),
            *(" ".join(orders[person.respondent].get(column, ())) for column in shuffled),
        ]
        for person in people
    )
    return csv_lines(header, rows)


def statuses_csv(
    c: Connection, study: Study, version: int, *, kinds: Sequence[str] = ()
) -> Iterator[str]:
    """One row per respondent and item or computed variable, with the status of each."""
    wanted = kinds or study.counted_kinds
    given: dict[str, dict[tuple[str, str], AnswerRecord]] = defaultdict(dict)
    for respondent, answer in answers.of_study(c, study.study):
        given[respondent][answer.question, answer.item] = answer
    people = [
        r
        for r in respondents.of_study(c, study.study)
        if r.version == version and r.run_kind in wanted
    ]
    rows = (
        [person.respondent, *row]
        for person in people
        for stored in [given[person.respondent]]
        for row in all_answers(way_of(study, person, stored), stored)
    )
    return csv_lines(("respondent", "question", "item", "value", "status"), rows)


def _tasks(
    c: Connection, study: Study, version: int, ids: set[str]
) -> tuple[list[str], dict[str, dict[str, object]]]:
    """Columns such as 'bun.1' or 'bun.1.bought', and what respondents answered by column."""
    chosen: dict[str, dict[str, object]] = defaultdict(dict)
    columns: dict[tuple[str, int, int], str] = {}
    shown = {(t.exercise, t.block, t.task): t for t in studies.all_tasks(c, study.study, version)}
    for given in answers.choices_of_study(c, study.study):
        if given.respondent not in ids:
            continue
        exercise = study.exercise(given.exercise)
        values: dict[str, object] = {"": given.chosen}
        if isinstance(exercise, BestWorstExercise):
            seen = shown[given.exercise, given.block, given.task].alternatives
            numbers = {"best": given.chosen, "worst": given.second or 0}
            values = {name: seen[number - 1]["item"] for name, number in numbers.items()}
        elif isinstance(exercise, ChoiceExercise) and exercise.is_dual:
            values["bought"] = given.second
        for n, (name, value) in enumerate(values.items()):
            column = ".".join(filter(None, (given.exercise, str(given.task), name)))
            columns[given.exercise, given.task, n] = column
            chosen[given.respondent][column] = value
    return [columns[place] for place in sorted(columns)], chosen
