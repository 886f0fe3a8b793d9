"""Published versions: reading them, and whether respondents may be asked."""

from __future__ import annotations

from functools import lru_cache

from analysis.study import Study, dump_study, faults_before_asking, parse_study
from surveyapp.store import Connection, designs, studies
from surveyapp.store.records import StudyRecord, VersionRecord


@lru_cache(maxsize=64)
def read_definition(definition: str) -> Study:
    """The study of a published definition."""
    return parse_study(definition)


def newest(c: Connection, record: StudyRecord) -> VersionRecord | None:
    """The newest published version of a study, or None."""
    return studies.version(c, record.study, record.version) if record.version else None


def counted_kinds(c: Connection, study: str) -> tuple[str, ...]:
    """The kinds of run that count in the newest version of a study; live ones where none is."""
    record = studies.get(c, study)
    version = newest(c, record) if record else None
    return read_definition(version.definition).counted_kinds if version else ("live",)


def is_published(c: Connection, version: VersionRecord | None, study: Study) -> bool:
    """Whether a version is this study, with the design files that the draft has now."""
    if version is None or version.definition != dump_study(study):
        return False
    on_pages = {page.exercise for page in study.pages}
    drafted = designs.uploaded(c, study.study)
    now = {name: digest for name, digest in drafted.items() if name in on_pages}
    return designs.uploaded(c, study.study, version.version) == now


def why_not_fieldable(c: Connection, version: VersionRecord) -> str | None:
    """Why nobody can be asked with a version, or None when respondents can."""
    study = read_definition(version.definition)
    on_pages = [exercise.id for exercise in study.shown_exercises()]
    without = [e for e in on_pages if not studies.blocks(c, study.study, version.version, e)]
    if faults_before_asking(study) or without:
        return (
            f"Version {version.version} was published for imported answers only. "
            "Publish a version that can be fielded first."
        )
    return None
