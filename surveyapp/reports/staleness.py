"""What has become outdated since a report was made, in sentences."""

from __future__ import annotations

import json
from datetime import datetime
from importlib import metadata
from pathlib import Path

from surveyapp.settings import Settings
from surveyapp.store import Store, respondents, studies
from surveyapp.store.records import ReportRecord
from surveyapp.studies import fielding

LEDGER = Path("ledger", "purchases", "current")
"""The newest version of the ledger, within the folder of files; each load makes one."""


def outdated(settings: Settings, store: Store, record: ReportRecord) -> tuple[str, ...]:
    """Why a report is outdated, one sentence a reason; empty when it is not."""
    program: str = json.loads(record.document)["header"]["program"]
    since = record.frozen or record.created
    with store.read() as c:
        kinds = fielding.counted_kinds(c, record.study)
        new = respondents.completed_since(c, record.study, since, kinds)
        left = respondents.completed_until(c, record.study, since, kinds)
        withdrawn = respondents.withdrawn_since(c, record.study, record.version, since)
        study = studies.get(c, record.study)
    said = []
    if new:
        people, answers = ("person has", "that answer is") if new == 1 else (
            "people have", "their answers are")  # fmt: skip
        said.append(
            f"{new:,} {people} completed the survey since this report was made; "
            f"{answers} not in it."
        )
    if withdrawn:
        people, whose = ("respondent has", "that person's") if withdrawn == 1 else (
            "respondents have", "their")  # fmt: skip
        said.append(
            f"{withdrawn:,} {people} withdrawn since this report was made. The report and its "
            f"archive may still contain {whose} answers; the next analysis does not."
        )
    gone = record.held - left - withdrawn if record.held is not None else 0
    if gone > 0:
        said.append(
            f"It still contains the answers of {gone:,} {'person' if gone == 1 else 'people'} "
            "whose answers have been erased since: make it anew."
        )
    if study is not None and (study.version or 0) > record.version:
        said.append(
            f"Version {study.version} of the study has been published since; this report is of "
            f"version {record.version}."
        )
    if _loaded_since(settings.files / LEDGER, since):
        said.append("Purchases have been loaded since; they are not in it.")
    return (*said, *_older_program(program))


def _loaded_since(ledger: Path, since: str) -> bool:
    moment = datetime.fromisoformat(since).timestamp()
    return ledger.exists() and ledger.resolve().stat().st_mtime > moment


def _older_program(program: str) -> tuple[str, ...]:
    now = f"surveyapp {metadata.version('surveyapp')}"
    if not program.startswith("surveyapp ") or program == now:
        return ()
    return (f"It was made by an older program ({program}; this is {now}).",)
