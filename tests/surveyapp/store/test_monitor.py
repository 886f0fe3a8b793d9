"""What the field monitor counts, on SQLite and PostgreSQL alike."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from surveyapp import clock
from surveyapp.store import answers, links, monitor, respondents, studies
from surveyapp.store.records import AnswerRecord, LinkRecord, RespondentRecord

AT = "2026-08-31T10:00:00.000Z"
LINK = LinkRecord("l", "s", "open", "slug", None, None, None, "live", AT, None, None)
WHO = RespondentRecord(
    "r", "s", 1, "l", "h", None, None, "live", "en", None, 0, 1.0, 0, "about", AT, None, None
)  # fmt: skip


@pytest.fixture
def fielded(store):
    with store.write() as c:
        studies.save_draft(c, "s", "S", "", at=AT)
        studies.publish(c, "s", "{}", [], by="me", at=AT)
        links.add(c, [LINK])
    return store


def send(c, who, step, after, seconds, ended=None):
    """A respondent sends a step so many seconds after what came before."""
    at = clock_plus(who.last_at or who.started, seconds)
    answers.save(c, who.respondent, [AnswerRecord(step, "", "1", "answered")], turn=who.turn + 1)
    respondents.advance(c, who, sent_step=step, next_step=after, at=at, ended=ended, answered=1)
    return respondents.by_token(c, who.token_hash)


def clock_plus(at, seconds):
    with clock.set_to(datetime.fromisoformat(at) + timedelta(seconds=seconds)):
        return clock.now()


def test_times_leaving_and_answers_a_minute_are_counted_by_hand(fielded):
    """Five people; their page times are 10, 20, 30, 40 and 90 seconds, and three go on."""
    with fielded.write() as c:
        for n, seconds in enumerate((10, 20, 30, 40, 90)):
            who = replace(WHO, respondent=f"r{n}", token_hash=f"h{n}", sequence=n, device="phone")
            respondents.add(c, who)
            who = send(c, who, "about", "last", seconds)
            if n < 4:
                send(c, who, "last", "last", 6 + n, ended="complete" if n < 3 else "screened_out")
        other = replace(WHO, respondent="t", token_hash="t", run_kind="test")
        respondents.add(c, other)
        send(c, other, "about", "last", 1000)
    late, soon = "2026-08-31T10:30:00.000Z", "2026-08-31T10:01:00.000Z"
    with fielded.read() as c:
        assert sorted((s.ended, s.device, s.n) for s in monitor.standing(c, "s", "live")) == [
            ("complete", "phone", 3), ("screened_out", "phone", 1), ("started", "phone", 1),
        ]  # fmt: skip
        steps, n = monitor.steps(c, "s", "live", 1, left_before=late)
        found = {s.step: (s.sent, s.here, s.left, s.seconds) for s in steps}
        assert n == 5 and found == {"about": (5, 0, 0, 30.0), "last": (4, 0, 1, 7.5)}
        steps, _ = monitor.steps(c, "s", "live", 1, left_before=soon)
        assert {s.step: (s.here, s.left) for s in steps}["last"] == (1, 0)
        assert monitor.completion_seconds(c, "s", "live") == (27.0, 3)
        assert monitor.completion_seconds(c, "s", "bot") == (None, 0)
        assert monitor.answers_since(c, "s", "live", "2026-08-31T10:00:35.000Z") == (4, 3)
        assert [(s.ended, s.device, s.n) for s in monitor.standing(c, "s", "test")] == [
            ("started", "", 1)
        ]


def test_a_look_reads_the_pages_of_the_newest_people_only(fielded, monkeypatch):
    monkeypatch.setattr(monitor, "PAGES_OF", 2)
    with fielded.write() as c:
        for n, minute in enumerate((1, 2, 3)):
            who = replace(
                WHO,
                respondent=f"r{n}",
                token_hash=f"h{n}",
                started=f"2026-08-31T10:0{minute}:00.000Z",
            )
            respondents.add(c, who)
            send(c, who, "about", "last", 10 * (n + 1))
    with fielded.read() as c:
        steps, n = monitor.steps(c, "s", "live", 1, left_before=AT)
    assert n == 2 and {s.step: (s.sent, s.seconds) for s in steps}["about"] == (2, 25.0)
