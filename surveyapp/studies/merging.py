"""What publishing the draft would do to the answers of earlier versions, in words."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.study import Study
from analysis.study.versions import compare_versions
from surveyapp.store import Connection, respondents, studies
from surveyapp.studies.fielding import read_definition


@dataclass(frozen=True, slots=True)
class Merging:
    """An earlier version against the draft.

    Attributes
    ----------
    version, answered
        Its number, and how many began it in runs that count.
    same
        How many questions and exercises did not change.
    pooled, apart, other
        Sentences: what is pooled although something differs, what is kept apart, what is new or no
        longer asked.
    """

    version: int
    answered: int
    same: int
    pooled: tuple[str, ...]
    apart: tuple[str, ...]
    other: tuple[str, ...]


def against_versions(c: Connection, name: str, draft: Study) -> tuple[Merging, ...]:
    """The draft against every published version, the newest first."""
    begun: dict[int, int] = {}
    for person in respondents.of_study(c, name):
        if person.run_kind in draft.counted_kinds:
            begun[person.version] = begun.get(person.version, 0) + 1
    found = []
    for record in reversed(studies.versions(c, name)):
        old = read_definition(record.definition)
        verdicts = compare_versions(old, draft, number=record.version)
        said = {
            outcome: tuple(v.in_words() for v in verdicts if v.outcome in outcome)
            for outcome in (("pooled", "declared"), ("apart", "refused"), ("new", "gone"))
        }
        plain = [v for v in verdicts if v.outcome == "pooled" and not v.reasons]
        silent = {v.in_words() for v in plain}
        found.append(
            Merging(
                version=record.version,
                answered=begun.get(record.version, 0),
                same=len(plain),
                pooled=tuple(w for w in said["pooled", "declared"] if w not in silent),
                apart=said["apart", "refused"],
                other=said["new", "gone"],
            )
        )
    return tuple(found)
