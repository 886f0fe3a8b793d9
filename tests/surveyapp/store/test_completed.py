"""Whom the quality flags of the field monitor look at, on SQLite and PostgreSQL alike."""

from dataclasses import replace

import pytest

from surveyapp.store import answers, completed, links, respondents, studies
from surveyapp.store.records import AnswerRecord, LinkRecord, RespondentRecord

AT = "2026-08-31T10:00:0{}.000Z"
LINK = LinkRecord("l", "s", "open", "slug", None, None, None, "live", AT, None, None)
WHO = RespondentRecord(
    "r", "s", 1, "l", "h", None, None, "live", "en", None, 0, 1.0, 0, "about", AT, None, None
)  # fmt: skip


@pytest.fixture
def fielded(store):
    with store.write() as c:
        studies.save_draft(c, "s", "S", "", at=AT.format(0))
        for definition in ("{}", "{ }"):
            studies.publish(c, "s", definition, [], by="me", at=AT.format(0))
        links.add(c, [LINK])
    return store


def add(store, n, *, ended="complete", **more):
    at = AT.format(n)
    who = replace(WHO, respondent=f"r{n}", token_hash=f"h{n}", started=at, ended=ended, **more)
    with store.write() as c:
        respondents.add(c, who)
        given = [AnswerRecord("like", "", str(n), "answered"),
                 AnswerRecord("why", "", None, "skipped")]  # fmt: skip
        answers.save(c, who.respondent, given, turn=1)
        page = {"respondent": who.respondent, "turn": 1, "step": "about", "at": at, "seconds": 1.0}
        respondents.add_pages(c, [page])


def looked_at(store, run_kind="live"):
    with store.read() as c:
        return completed.newest(c, "s", 1, run_kind)


def test_the_newest_of_a_version_and_a_kind_of_run_with_what_they_left(fielded, monkeypatch):
    add(fielded, 1)
    add(fielded, 2, ended=None)
    add(fielded, 3, run_kind="test")
    add(fielded, 4, version=2)
    add(fielded, 5, ended="quality_out")
    add(fielded, 6)
    first, last = looked_at(fielded)
    assert (first.respondent, last.respondent) == ("r1", "r6")
    assert last.answers == {("like", ""): "6"}
    assert last.sent == [(1, "about", AT.format(6))]
    assert [one.respondent for one in looked_at(fielded, "test")] == ["r3"]
    monkeypatch.setattr(completed, "NEWEST", 1)
    assert [one.respondent for one in looked_at(fielded)] == ["r6"]


def test_a_customer_comes_again_within_a_wave_not_across(fielded):
    add(fielded, 1, customer="k", wave="spring", version=2)
    add(fielded, 2, customer="k", wave="autumn")
    add(fielded, 3, customer="k", wave="spring")
    add(fielded, 4, customer="other", wave="spring")
    assert [one.respondent for one in looked_at(fielded) if one.again] == ["r3"]
