"""Storing choices that were collected elsewhere as respondents of a published version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from analysis.study import ChoiceExercise, parse_study
from analysis.tables import BOUGHT, Choices
from surveyapp import clock, tokens
from surveyapp.jobs.progress import JobFault
from surveyapp.store import Store, answers, links, respondents, studies
from surveyapp.store.records import (
    ChoiceRecord,
    LinkRecord,
    RespondentRecord,
    TaskRecord,
    VersionRecord,
)

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Imported:
    """How much was stored."""

    respondents: int
    tasks: int


@dataclass(frozen=True, slots=True)
class _Task:
    """One imported task; ``alternatives`` without the none alternative.

    ``second``: 1 and 0 for whether the chosen one would be bought, with a dual-response none.
    """

    respondent: str
    number: int
    role: str
    alternatives: tuple[dict[str, str], ...]
    chosen: int
    second: int | None


def import_choices(store: Store, version: VersionRecord, choices: Choices) -> Imported:
    """Store checked choices, in one transaction.

    Each respondent gets a block of tasks of their own, numbered -1, -2, ..., which nobody else is
    asked. The respondents' ids are those of the file, after the study's id.

    Raises
    ------
    JobFault
        When respondents of the file are stored already, or a task lacks the none alternative
        that the exercise has; all of them are listed.
    """
    exercise = choices.exercise
    tasks = list(_tasks(choices.frame, exercise))
    _refuse_without_none(tasks, choices.frame, exercise)
    people = list(dict.fromkeys(task.respondent for task in tasks))
    ids = {name: f"{version.study}-{name}" for name in people}
    with store.write() as c:
        known = {r.respondent for r in respondents.of_study(c, version.study)}
        twice = [name for name in people if ids[name] in known]
        if twice:
            raise JobFault(
                f"{len(twice)} of {len(people)} respondents are stored already: {_listed(twice)}. "
                "Nothing was imported. Remove them from the file."
            )
        block = studies.lowest_block(c, version.study, version.version, exercise.id)
        blocks = {name: block - 1 - n for n, name in enumerate(people)}
        link = closed_link(version.study)
        links.add(c, [link])
        sequence = respondents.next_sequence(c, version.study, version.version)
        language = parse_study(version.definition).default_language
        respondents.add_many(
            c,
            (
                _person(version, link, ids[name], sequence + n, language=language)
                for n, name in enumerate(people)
            ),
        )
        studies.add_tasks(
            c,
            version.study,
            version.version,
            (
                TaskRecord(exercise.id, blocks[t.respondent], t.number, t.role, t.alternatives)
                for t in tasks
            ),
        )
        answers.add_choices(
            c,
            (
                ChoiceRecord(
                    ids[t.respondent],
                    exercise.id,
                    blocks[t.respondent],
                    t.number,
                    t.chosen,
                    t.second,
                )
                for t in tasks
            ),
        )
    return Imported(len(people), len(tasks))


def _tasks(frame: pd.DataFrame, exercise: ChoiceExercise) -> Iterator[_Task]:
    """The tasks of each respondent, numbered 1, 2, ...; alternatives in the file's order."""
    names = [attribute.id for attribute in exercise.attributes]
    ordered = frame.sort_values(["respondent", "task", "alternative"], kind="stable")
    numbers: dict[str, int] = {}
    rows = ordered.to_dict("records")
    for (respondent, _), alternatives in groupby(rows, lambda r: (r["respondent"], r["task"])):
        shown: list[dict[str, str]] = []
        chosen, role, second = 0, "", None
        for row in alternatives:
            levels = {name: _text(row[name]) for name in names if row[name] == row[name]}
            if levels:
                shown.append(levels)
            if row["chosen"]:
                chosen = len(shown) if levels else -1
            role = str(row["role"])
            second = int(row[BOUGHT]) if exercise.is_dual else None
        numbers[respondent] = numbers.get(respondent, 0) + 1
        number = len(shown) + 1 if chosen < 0 else chosen
        yield _Task(str(respondent), numbers[respondent], role, tuple(shown), number, second)


def _text(cell: object) -> str:
    return repr(cell) if isinstance(cell, float) else str(cell)


def _refuse_without_none(tasks: list[_Task], frame: pd.DataFrame, exercise: ChoiceExercise) -> None:
    """The store adds the none alternative to every task, so every task must have had it."""
    if exercise.none is None or exercise.is_dual:
        return
    names = [attribute.id for attribute in exercise.attributes]
    had_none = int(frame[names].isna().all(axis=1).sum())
    if had_none != len(tasks):
        raise JobFault(
            f"{len(tasks) - had_none} of {len(tasks)} tasks have no row for the none alternative, "
            f"but the exercise '{exercise.id}' offers it everywhere. Add the rows (attributes "
            "empty), or remove 'none' from the exercise."
        )


def closed_link(study: str) -> LinkRecord:
    """The link of imported respondents, which nobody can use."""
    now = clock.now()
    return LinkRecord(
        link=tokens.new_id(),
        study=study,
        kind="open",
        slug=None,
        token_hash=None,
        customer=None,
        wave=None,
        run_kind="live",
        created=now,
        expires=None,
        revoked=now,
    )


def _person(
    version: VersionRecord, link: LinkRecord, respondent: str, sequence: int, *, language: str
) -> RespondentRecord:
    now = clock.now()
    return RespondentRecord(
        respondent=respondent,
        study=version.study,
        version=version.version,
        link=link.link,
        token_hash=tokens.token_hash(tokens.new_token()),
        customer=None,
        wave=None,
        run_kind="live",
        language=language,
        cell=None,
        sequence=sequence,
        weight=1.0,
        turn=0,
        step="",
        started=now,
        completed=now,
        ended="complete",
    )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
