"""Storing an archive as a study of this installation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.archive import Archive
from analysis.study import dump_study
from surveyapp import clock, tokens
from surveyapp.jobs.freeze import despite_fact
from surveyapp.jobs.importing import closed_link
from surveyapp.jobs.progress import JobFault
from surveyapp.store import Connection, Store, answers, links, respondents, studies
from surveyapp.store.records import AnswerRecord, LinkRecord, RespondentRecord, TaskRecord

LEVELS_START = 7
"""Columns of a table of choices before its attributes."""


def restore(store: Store, archive: Archive) -> int:
    """Store an archive's versions, respondents, answers and choices; returns the respondents.

    Nobody can go on answering: links and unseen choice tasks are not in an archive. Customers
    join purchases here only when the installation has the same customer key.

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
        for respondent, rows in archive.answers.groupby("respondent"):
            kept = [_answer(row) for row in _rows(rows) if row["status"] != "not_asked"]
            answers.save(c, str(respondent), kept, turn=0)
        places = {person.row["respondent"]: person for person in people}
        for exercise, frame in archive.choices.items():
            _store_choices(c, study, numbers, places, exercise, frame)
    return len(people)


@dataclass(frozen=True, slots=True)
class _Person:
    place: int
    row: Mapping[str, Any]

    @property
    def block(self) -> int:
        return -1 - self.place

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
        )


def _answer(row: Mapping[str, Any]) -> AnswerRecord:
    value = row["value"] if row["status"] == "answered" else None
    return AnswerRecord(row["question"], row["item"], value, row["status"])


def _store_choices(
    c: Connection,
    study: str,
    numbers: Mapping[int, int],
    people: Mapping[str, _Person],
    exercise: str,
    frame: pd.DataFrame,
) -> None:
    chosen: list[tuple[str, str, int, int, int]] = []
    made: dict[int, list[TaskRecord]] = {}
    attributes = list(frame.columns[LEVELS_START:])
    for _, rows in frame.groupby(["respondent", "task"]):
        respondent, task = str(rows["respondent"].iloc[0]), int(rows["task"].iloc[0])
        person = people[respondent]
        shown = [
            {name: str(row[name]) for name in attributes if not pd.isna(row[name])}
            for row in _rows(rows.sort_values("alternative"))
        ]
        levels = tuple(alternative for alternative in shown if alternative)
        role = str(rows["role"].iloc[0])
        version = numbers[int(person.row["study_version"])]
        made.setdefault(version, []).append(TaskRecord(exercise, person.block, task, role, levels))
        picked = int(rows.loc[rows["chosen"] == 1, "alternative"].iloc[0])
        chosen.append((respondent, exercise, person.block, task, picked))
    for version, tasks in made.items():
        studies.add_tasks(c, study, version, tasks)
    answers.add_choices(c, chosen)


def _rows(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    yield from frame.to_dict("records")  # type: ignore[misc]
