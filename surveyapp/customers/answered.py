"""What a customer answered, for the customer's own page: only where linking was agreed to."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.study import Study
from analysis.study.scoring import construct_score
from surveyapp.exports.walked import all_answers, linking_agreed, way_of
from surveyapp.store import Store, answers, respondents, studies
from surveyapp.store.records import RespondentRecord
from surveyapp.studies.fielding import read_definition


@dataclass(frozen=True, slots=True)
class Answered:
    """One completed survey of a customer, in scores; single answers and free texts are not in it.

    Attributes
    ----------
    study, title, version, wave, completed
        Which survey, and when (ISO time, UTC).
    recommends
        0 to 10; None where not asked or not answered.
    scores
        (label, points of 0 to 100 or None) of every construct that was asked as felt.
    simulated
        Whether the study's people are simulated.
    """

    study: str
    title: str
    version: int
    wave: str
    completed: str
    recommends: float | None
    scores: tuple[tuple[str, float | None], ...]
    simulated: bool


def answered_by(store: Store, customer: str) -> tuple[Answered, ...]:
    """The completed surveys of a customer, the newest first.

    Left out are those without consent to the linking, test runs, and what was withdrawn.
    """
    found = []
    with store.read() as c:
        for person in respondents.of_customer(c, customer):
            version = studies.version(c, person.study, person.version)
            if version is None or person.ended != "complete" or not person.completed:
                continue
            study = read_definition(version.definition)
            stored = answers.stored(c, person.respondent)
            way = way_of(study, person, stored)
            if person.run_kind in study.counted_kinds and linking_agreed(way, stored):
                given = {
                    (question, item): value
                    for question, item, value, status in all_answers(way, stored)
                    if status == "answered" and value is not None
                }
                found.append(_answered(study, person, given))
    return tuple(found)


def _answered(
    study: Study, person: RespondentRecord, given: dict[tuple[str, str], str]
) -> Answered:
    question = study.recommendation()
    recommends = None if question is None else given.get((question.id, ""))
    waves = {wave.id: wave.label.say() for wave in study.waves}
    return Answered(
        study=study.study,
        title=study.title.say(),
        version=person.version,
        wave=waves.get(person.wave or "", person.wave or ""),
        completed=str(person.completed),
        recommends=None if recommends is None else float(recommends),
        scores=tuple(
            (construct.label.say(), construct_score(study, given, construct.id))
            for construct in study.constructs
            if study.items_of(construct.id)
        ),
        simulated=study.simulated,
    )
