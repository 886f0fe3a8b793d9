"""A quota is never passed, however many end at once, on SQLite and PostgreSQL alike."""

import random
import threading
from dataclasses import replace

import pytest

from analysis.study import parse_study
from surveyapp import clock
from surveyapp.respond.quotas import claim
from surveyapp.respond.state import State
from surveyapp.store import links, quotas, respondents, studies
from surveyapp.store.records import AnswerRecord, LinkRecord, RespondentRecord

AT = "2026-08-31T10:00:00.000Z"
LINK = LinkRecord("l", "s", "open", "slug", None, None, None, "live", AT, None, None)
WHO = RespondentRecord(
    "r", "s", 1, "l", "h", None, None, "live", "en", None, 0, 1.0, 0, "about", AT, None, None
)  # fmt: skip
DEFINITION = """
study: s
title: S
quotas:
  - {id: all, limit: 9, count: %(count)s, hold_minutes: 10}
  - {id: women, limit: 4, count: %(count)s, when: gender == "f", hold_minutes: 10}
pages:
  - id: about
    questions:
      - {id: gender, kind: single_choice, text: You are,
         options: [{id: f, label: A woman}, {id: m, label: A man}]}
  - id: rest
    questions: [{id: like, kind: nps, text: 'Recommend?'}]
"""
ANSWERS = {
    "f": {("gender", ""): AnswerRecord("gender", "", "f", "answered")},
    "m": {("gender", ""): AnswerRecord("gender", "", "m", "answered")},
}
REST = {("like", ""): AnswerRecord("like", "", "9", "answered")}


@pytest.fixture
def fielded(store):
    with store.write() as c:
        studies.save_draft(c, "s", "S", "", at=AT)
        studies.publish(c, "s", "{}", [], by="me", at=AT)
        links.add(c, [LINK])
    return store


def come(store, number, **more):
    """New respondents; every other one is a woman."""
    people = [
        replace(WHO, respondent=f"r{n}", token_hash=f"h{n}", sequence=n, **more)
        for n in range(number)
    ]
    with store.write() as c:
        respondents.add_many(c, people)
    return people


def states(study, person, n):
    first = ANSWERS["f" if n % 2 else "m"]
    return State(study, person, first, {}, frozenset()), State(
        study, person, {**first, **REST}, {}, frozenset()
    )


@pytest.mark.parametrize("count", ["completes", "starts"])
def test_racing_respondents_never_pass_a_limit_and_fill_it(fielded, count):
    study = parse_study(DEFINITION % {"count": count})
    people = come(fielded, 24)
    gate = threading.Barrier(8)
    done, failed = [], []

    def answer(worker):
        try:
            rng = random.Random(worker)
            gate.wait()
            for n in range(worker, len(people), 8):
                halfway, whole = states(study, people[n], n)
                with fielded.write() as c:
                    if not claim(c, halfway, at=AT, ended=None):
                        continue
                if rng.random() < 0.2:
                    with fielded.write() as c:
                        claim(c, whole, at=AT, ended="screened_out")
                    continue
                with fielded.write() as c:
                    if claim(c, whole, at=AT, ended="complete"):
                        done.append(n)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=answer, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    women = sum(n % 2 for n in done)
    assert len(done) <= 9 and women <= 4
    with fielded.read() as c:
        fill = {f.quota: (f.taken, f.held) for f in quotas.fill(c, "s", "live", at=AT)}
    assert fill["all"] == (len(done), 0) and fill.get("women", (0, 0)) == (women, 0)
    late = come_late(fielded, study)
    assert len(done) + late == 9


def come_late(store, study):
    """Men who come afterwards fill what is left; how many could."""
    found = 0
    for n in range(100, 120):
        person = replace(WHO, respondent=f"r{n}", token_hash=f"h{n}", sequence=n)
        with store.write() as c:
            respondents.add(c, person)
            _, whole = states(study, person, 0)
            found += claim(c, whole, at=AT, ended="complete")
    return found


def test_the_place_of_somebody_who_left_is_given_to_another(fielded):
    study = parse_study(DEFINITION % {"count": "starts"})
    people = come(fielded, 6)
    soon, late = "2026-08-31T10:05:00.000Z", "2026-08-31T10:11:00.000Z"
    with fielded.write() as c:
        held = [claim(c, states(study, p, 1)[0], at=AT, ended=None) for p in people[:5]]
        assert held == [True] * 4 + [False]
        assert claim(c, states(study, people[0], 1)[0], at=soon, ended=None)
        assert claim(c, states(study, people[5], 1)[0], at=late, ended=None)
        assert [f.held for f in quotas.fill(c, "s", "live", at=late) if f.quota == "women"] == [2]
        assert claim(c, states(study, people[0], 1)[1], at=late, ended="complete")
        assert claim(c, states(study, people[1], 1)[1], at=late, ended="complete"), "still room"
        assert claim(c, states(study, people[2], 1)[1], at=late, ended="complete")
        assert not claim(c, states(study, people[3], 1)[1], at=late, ended="complete")


def test_a_changed_answer_gives_the_place_back(fielded):
    study = parse_study(DEFINITION % {"count": "starts"})
    (person,) = come(fielded, 1)
    with fielded.write() as c:
        claim(c, states(study, person, 1)[0], at=AT, ended=None)
        assert set(quotas.held_by(c, person.respondent)) == {"all", "women"}
        claim(c, states(study, person, 0)[0], at=AT, ended=None)
        assert set(quotas.held_by(c, person.respondent)) == {"all"}
        claim(c, states(study, person, 0)[0], at=AT, ended="declined")
        assert quotas.held_by(c, person.respondent) == {}


def test_waves_and_kinds_of_run_have_places_of_their_own(fielded):
    study = parse_study(DEFINITION % {"count": "completes"})
    for tag, more in enumerate(
        ({}, {"run_kind": "test"}, {"run_kind": "bot"}, {"wave": "2026-09"})
    ):
        with fielded.write() as c:
            for n in range(6):
                name = f"{tag}-{n}"
                person = replace(WHO, respondent=name, token_hash=name, sequence=n, **more)
                respondents.add(c, person)
                assert claim(c, states(study, person, 1)[1], at=AT, ended="complete") == (n < 4)
    with fielded.read() as c:
        women = {
            kind: [
                (f.wave, f.taken) for f in quotas.fill(c, "s", kind, at=AT) if f.quota == "women"
            ]
            for kind in ("live", "test", "bot")
        }
    assert sorted(women["live"]) == [("", 4), ("2026-09", 4)]
    assert women["test"] == women["bot"] == [("", 4)]


def test_erasing_a_respondent_frees_the_place(fielded):
    study = parse_study(DEFINITION % {"count": "completes"})
    (person,) = come(fielded, 1)
    with fielded.write() as c:
        claim(c, states(study, person, 1)[1], at=AT, ended="complete")
        respondents.erase(c, person.respondent)
        assert quotas.fill(c, "s", "live", at=clock.now()) == []
