"""Storing an archive as a study of this installation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.answered_tasks import AnsweredTask, tasks_of
from analysis.archive import Archive
from analysis.study import dump_study
from surveyapp import clock, tokens
from surveyapp.jobs.freeze import despite_fact
from surveyapp.jobs.importing import closed_link
from surveyapp.jobs.progress import JobFault
from surveyapp.store import Connection, Store, answers, links, respondents, studies
from surveyapp.store.records import (
    AnswerRecord,
    ChoiceRecord,
    LinkRecord,
    RespondentRecord,
    TaskRecord,
)


def restore(store: Store, archive: Archive) -> int:
    """Store an archive's versions, respondents, answers, choices and page times.

    Returns the number of respondents. Nobody can go on answering: links and unseen choice tasks
    are not in an archive. Customers join purchases here only when the installation has the same
    customer key.

    Raises
    ------
    JobFault
        When there is already a study of that id.
    """
    study = archive.study.study
    with store.write() as c:
        if studies.get(c, study):
            raise JobFault(f"There is already a study '{study}'. Nothing was imported.")
        now = clock.now()
        draft = dump_study(archive.study)
        studies.save_draft(c, study, archive.study.title.say(), draft, at=now)
        numbers = {
            old: studies.publish(
                c,
                study,
                dump_study(definition),
                (),
                by="an archive",
                at=now,
                despite=archive.facts.get(despite_fact(old, archive.version)),
            )
            for old, definition in sorted(archive.versions.items())
        }
        link = closed_link(study)
        links.add(c, [link])
        people = [_Person(n, row) for n, row in enumerate(_rows(archive.respondents))]
        respondents.add_many(c, (person.record(study, numbers, link) for person in people))
        computed = {v.id for definition in archive.versions.values() for v in definition.computed}
        for respondent, rows in archive.answers.groupby("respondent"):
            given = (row for row in _rows(rows) if row["question"] not in computed)
            kept = [_answer(row) for row in given if row["status"] != "not_asked"]
            answers.save(c, str(respondent), kept, turn=0)
        places = {person.row["respondent"]: person for person in people}
        seeds = {name: person.seed for name, person in places.items()}
        for exercise, frame in archive.choices.items():
            found = tasks_of(archive.study.exercise(exercise), frame, seeds)
            _store_choices(c, study, numbers, places, found, exercise)
        respondents.add_pages(c, _pages(archive))
    return len(people)


@dataclass(frozen=True, slots=True)
class _Person:
    place: int
    row: Mapping[str, Any]

    @property
    def block(self) -> int:
        return -1 - self.place

    @property
    def seed(self) -> int | None:
        """By which things were shuffled for this respondent."""
        found = self.row.get("seed")
        return None if found is None or pd.isna(found) else int(found)

    def record(self, study: str, numbers: Mapping[int, int], link: LinkRecord) -> RespondentRecord:
        row = self.row
        return RespondentRecord(
            respondent=row["respondent"],
            study=study,
            version=numbers[int(row["study_version"])],
            link=link.link,
            token_hash=tokens.token_hash(tokens.new_token()),
            customer=row["customer"] or None,
            wave=row["wave"] or None,
            run_kind=row["run_kind"],
            language=row["language"],
            cell=row["cell"] or None,
            sequence=self.place,
            weight=float(row["weight"]),
            turn=0,
            step="",
            started=row["started"],
            completed=row["completed"] or None,
            ended=row["ended"] or None,
            seed=self.seed,
            panel_key=row.get("panel_key") or None,
        )


def _pages(archive: Archive) -> Iterator[dict[str, Any]]:
    """The pages that were sent, with the seconds since the one before."""
    before = dict(_pairs(archive.respondents, "respondent", "started"))
    for row in _rows(archive.page_times.sort_values(["respondent", "turn"])):
        name, at = row["respondent"], row["at"]
        seconds = clock.seconds_between(before[name], at) if before[name] else None
        before[name] = at
        yield {"respondent": name, "turn": int(row["turn"]), "step": row["step"], "at": at,
               "seconds": seconds}  # fmt: skip


def _pairs(frame: pd.DataFrame, key: str, value: str) -> Iterator[tuple[str, str]]:
    return zip(frame[key].astype(str), frame[value].astype(str), strict=True)


def _answer(row: Mapping[str, Any]) -> AnswerRecord:
    value = row["value"] if row["status"] == "answered" else None
    return AnswerRecord(row["question"], row["item"], value, row["status"])


def _store_choices(
    c: Connection,
    study: str,
    numbers: Mapping[int, int],
    people: Mapping[str, _Person],
    found: Iterable[AnsweredTask],
    exercise: str,
) -> None:
    chosen: list[ChoiceRecord] = []
    made: dict[int, list[TaskRecord]] = {}
    for task in found:
        person = people[task.respondent]
        version = numbers[int(person.row["study_version"])]
        shown = TaskRecord(
            exercise, person.block, task.task, task.role, tuple(dict(one) for one in task.shown)
        )
        made.setdefault(version, []).append(shown)
        chosen.append(
            ChoiceRecord(
                task.respondent, exercise, person.block, task.task, task.chosen, task.second
            )
        )
    for version, tasks in made.items():
        studies.add_tasks(c, study, version, tasks)
    answers.add_choices(c, chosen)


def _rows(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    yield from frame.to_dict("records")  # type: ignore[misc]
