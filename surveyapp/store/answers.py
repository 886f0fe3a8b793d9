"""Answers and choices of respondents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import lru_cache

from sqlalchemy import Connection, bindparam, select

from surveyapp.store.connection import INSERTS, Insert, insert
from surveyapp.store.records import AnswerRecord, ChoiceRecord, TaskAnswer
from surveyapp.store.schema import answers, choices, respondents

# Statements of every page, made once: making one costs as much as running it.
_STORED = select(
    answers.c.question, answers.c.item, answers.c.value, answers.c.status, answers.c.turn
).where(answers.c.respondent == bindparam("respondent"))
_CHOSEN = select(choices.c.exercise, choices.c.task, choices.c.chosen, choices.c.second).where(
    choices.c.respondent == bindparam("respondent")
)


def save(c: Connection, respondent: str, rows: Iterable[AnswerRecord], *, turn: int) -> None:
    """Store answers, in the place of earlier ones to the same items."""
    values = [
        {
            "respondent": respondent,
            "question": row.question,
            "item": row.item,
            "value": row.value,
            "status": row.status,
            "turn": turn,
        }
        for row in rows
    ]
    if not values:
        return
    c.execute(_upsert(c.dialect.name), values)


@lru_cache
def _upsert(dialect: str) -> Insert:
    new = INSERTS[dialect](answers)
    changed = {name: new.excluded[name] for name in ("value", "status", "turn")}
    return new.on_conflict_do_update(index_elements=answers.primary_key, set_=changed)


def save_choice(c: Connection, given: ChoiceRecord, *, turn: int) -> None:
    """Store what was answered to a task, in the place of an earlier answer."""
    new = insert(c, choices).values(**asdict(given), turn=turn)
    changed = {name: new.excluded[name] for name in ("block", "chosen", "second", "turn")}
    c.execute(new.on_conflict_do_update(index_elements=choices.primary_key, set_=changed))


def add_choices(c: Connection, rows: Iterable[ChoiceRecord], *, turn: int = 0) -> None:
    """Store many answers to tasks, of new respondents."""
    values = [{**asdict(row), "turn": turn} for row in rows]
    if values:
        c.execute(insert(c, choices), values)


def stored(c: Connection, respondent: str) -> dict[tuple[str, str], AnswerRecord]:
    """All stored answers of a respondent by (question, item)."""
    rows = c.execute(_STORED, {"respondent": respondent})
    return {(row[0], row[1]): AnswerRecord(*row) for row in rows}


def stored_choices(c: Connection, respondent: str) -> dict[tuple[str, int], TaskAnswer]:
    """All that a respondent answered to tasks, by (exercise, task)."""
    rows = c.execute(_CHOSEN, {"respondent": respondent})
    return {(row.exercise, row.task): TaskAnswer(row.chosen, row.second) for row in rows}


def of_study(c: Connection, study: str) -> Iterator[tuple[str, AnswerRecord]]:
    """All answers of a study, as (respondent, answer)."""
    wanted = (
        select(answers)
        .join(respondents, respondents.c.respondent == answers.c.respondent)
        .where(respondents.c.study == study)
    )
    for row in c.execute(wanted.order_by(answers.c.respondent, answers.c.question, answers.c.item)):
        yield (
            row.respondent,
            AnswerRecord(row.question, row.item, row.value, row.status, row.turn),
        )


def choices_of_study(c: Connection, study: str) -> Iterator[ChoiceRecord]:
    """All answers to tasks of a study."""
    wanted = (
        select(choices)
        .join(respondents, respondents.c.respondent == choices.c.respondent)
        .where(respondents.c.study == study)
    )
    for row in c.execute(wanted.order_by(choices.c.respondent, choices.c.exercise, choices.c.task)):
        yield ChoiceRecord(
            row.respondent, row.exercise, row.block, row.task, row.chosen, row.second
        )
