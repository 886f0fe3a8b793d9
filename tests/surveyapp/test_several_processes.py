"""Two web processes and a worker that share a PostgreSQL: nothing is lost, nothing done twice."""

import asyncio
import os
import subprocess
import sys
import time

import pytest

from surveyapp.jobs import queue
from surveyapp.load_test import servers
from surveyapp.load_test.throwaway import environment
from surveyapp.load_test.visitor import Refused, Visitor, read_form
from surveyapp.store import answers, jobs, reports, respondents
from surveyapp.store.connection import scratch_database
from tests import builders

POSTGRES = os.environ.get("SURVEYAPP_TEST_POSTGRES", "")
WORKER = [sys.executable, "-c", "from surveyapp.commands import main; main()", "worker"]
SCALE = "scale: agreement"
STUDY = builders.small_study(
    "".join(
        f"  - id: page{n}\n    questions:\n"
        f"      - {{id: q{n}, kind: likert, text: It is good, {SCALE}}}\n"
        f"      - {{id: nps{n}, kind: nps, text: 'Would you recommend us?'}}\n"
        for n in range(1, 7)
    )
)
RESPONDENTS = 8


@pytest.fixture
def app(tmp_path):
    if not POSTGRES:
        if os.environ.get("REQUIRE_POSTGRES") == "1":
            pytest.fail("REQUIRE_POSTGRES=1, but SURVEYAPP_TEST_POSTGRES names no server")
        pytest.skip("SURVEYAPP_TEST_POSTGRES names no PostgreSQL server")
    with scratch_database(POSTGRES) as url:
        made = builders.make_app(tmp_path, DATABASE_URL=url)
        builders.publish(made, STUDY)
        builders.open_link(made, STUDY.study)
        yield made
        builders.close(made)


async def race(ports: list[int]) -> tuple[int, list[str]]:
    """One respondent, whose every page is sent to both processes at once.

    Returns how many pages were acknowledged by somebody, and what the other one said.
    """
    first = Visitor(f"http://127.0.0.1:{ports[0]}/s/try")
    await first.begin()
    home = first.here.rsplit("/", 1)[0]
    pages, said = 0, []
    while not first.ended:
        other = Visitor(f"http://127.0.0.1:{ports[1]}{home}")
        await other.arrive()
        assert other.here == first.here
        other.form["q" + first.here[-1]] = "3"  # the first says 1
        both = await asyncio.gather(first.send(), other.send(), return_exceptions=True)
        refused = [answer for answer in both if isinstance(answer, Refused)]
        assert len(refused) == 1, both
        assert " 409 " in str(refused[0])
        said.append(str(refused[0]))
        if both[0] is not None:
            await first.arrive_at(home)
        other.close()
        pages += 1
    first.close()
    return pages, said


async def race_all(ports: list[int]) -> list[tuple[int, list[str]]]:
    return await asyncio.gather(*(race(ports[:: 1 - 2 * (n % 2)]) for n in range(RESPONDENTS)))


@pytest.mark.postgres
def test_racing_respondents_and_a_job_on_two_web_processes_and_a_worker(app):
    store = builders.store_of(app)
    settings = app.extensions["surveyapp.settings"]
    surroundings = environment(settings)
    with servers.serving(surroundings, processes=2) as found:
        worker = subprocess.Popen(WORKER, env={**os.environ, **surroundings}, stderr=-3)
        try:
            raced = asyncio.run(race_all(list(found)))
            job = queue.analyse(store, STUDY.study, 1, as_of=None)
            assert queue.analyse(store, STUDY.study, 1, as_of=None).job == job.job
            ended = wait_for(store, job.job)
        finally:
            worker.terminate()
            worker.wait()
    assert [pages for pages, _ in raced] == [6] * RESPONDENTS
    with store.read() as c:
        people = list(respondents.of_study(c, STUDY.study))
        assert len(people) == RESPONDENTS
        assert sorted(person.sequence for person in people) == list(range(RESPONDENTS))
        for person in people:
            rows = answers.stored(c, person.respondent)
            assert person.ended == "complete" and person.turn == 6
            assert len(rows) == 12 and {row.turn for row in rows.values()} == set(range(1, 7))
            for n in range(1, 7):  # a page is of one of the two, never of both
                assert rows[f"q{n}", ""].turn == rows[f"nps{n}", ""].turn
        made = reports.newest(c, STUDY.study)
        assert len(reports.listed(c)) == 1
    assert ended.state == "done", ended.error
    assert ended.attempts == 1
    assert made.job == job.job


def wait_for(store, job):
    for _ in range(900):
        with store.read() as c:
            now = jobs.get(c, job)
        if not now.active:
            return now
        time.sleep(0.1)
    raise AssertionError(now)


def test_a_form_is_read_as_a_respondent_would_fill_it_in():
    page = (
        '<form method="post" action="/a/x"><input type="hidden" name="turn" value="3">'
        '<input type="radio" name="q" value="~skipped"><input type="radio" name="q" value="2">'
        '<input type="text" inputmode="numeric" name="n"><textarea name="t"></textarea></form>'
    )
    assert read_form(page) == {"turn": "3", "q": "2", "n": "5", "t": "A word"}
    assert read_form("<h1>Thank you</h1>") == {}
