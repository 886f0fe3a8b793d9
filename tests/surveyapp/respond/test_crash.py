"""kill -9 in the middle of posting: what was acknowledged is stored and exported, once."""

import csv
import os
import signal
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack
from http.client import HTTPException
from http.cookiejar import CookieJar

import pytest
from sqlalchemy import text

from surveyapp.exports.answers import answers_csv
from surveyapp.load_test import servers
from surveyapp.load_test.throwaway import environment
from surveyapp.store import answers, respondents
from surveyapp.store.connection import scratch_database
from surveyapp.tokens import token_hash
from tests import builders
from tests.surveyapp.respond.walks import fill

WALKERS = 4
DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process as Unix does")


class Walker(threading.Thread):
    """A respondent over HTTP, who notes every page whose storing was acknowledged, and resends."""

    def __init__(self, ports, homes: list[str], jar: CookieJar) -> None:
        super().__init__()
        self.ports, self.homes, self.acknowledged, self.faults = ports, homes, [], []
        cookies = urllib.request.HTTPCookieProcessor(jar)
        self.opener = urllib.request.build_opener(cookies)

    def run(self) -> None:
        try:
            while True:
                page = self.open(self.homes[-1] if self.homes else "/s/try")
                while "<form" in page:
                    page = self.send(page)
                self.homes.append("/s/try")
        except urllib.error.HTTPError as error:
            self.faults.append(f"{error.code} {error.url}")
        except (urllib.error.URLError, ConnectionError, OSError, HTTPException):
            pass  # the server was killed

    def open(self, path: str, form: dict | None = None) -> str:
        data = urllib.parse.urlencode(form, doseq=True).encode() if form else None
        port = self.ports[len(self.acknowledged) % len(self.ports)]
        with self.opener.open(f"http://127.0.0.1:{port}{path}", data, timeout=30) as answer:
            self.path = urllib.parse.urlsplit(answer.url).path
            return answer.read().decode()

    def send(self, page: str) -> str:
        here, form = self.path, {**builders.hidden_fields(page), **fill(page)}
        page = self.open(here, form)
        if here.startswith("/a/"):
            self.acknowledged.append((here, form))
            if len(self.acknowledged) % 7 == 0:
                page = self.open(here, form)  # a double click
        else:
            self.homes[-1:] = [self.path.rsplit("/", 1)[0]]
        return page


class Crashes:
    """An installation whose servers are killed again and again while respondents answer."""

    def __init__(self, folder, url: str, *, processes: int = 1) -> None:
        self.app = builders.make_app(folder, DATABASE_URL=url)
        builders.publish(self.app)
        builders.open_link(self.app)
        self.store = builders.store_of(self.app)
        self.environment = environment(self.app.extensions["surveyapp.settings"])
        self.processes = processes
        self.homes: list[list[str]] = [[] for _ in range(WALKERS)]
        self.acknowledged: set[tuple[str, str]] = set()
        self.jars = [CookieJar() for _ in range(WALKERS)]
        self.last: list[list[tuple[str, dict]]] = [[] for _ in range(WALKERS)]
        self.kills = 0

    def kill_after(self, pages: int) -> None:
        """Let all walk on until so many pages are acknowledged, then kill the servers."""
        with ExitStack() as stack:
            found = stack.enter_context(servers.serving(self.environment, processes=self.processes))
            ports = list(found)
            walkers = [Walker(ports, *mine) for mine in zip(self.homes, self.jars, strict=True)]
            for walker, sent in zip(walkers, self.last, strict=True):
                for path, form in sent:  # before the kill, and now again
                    walker.open(path, form)
            for walker in walkers:
                walker.start()
            while sum(len(walker.acknowledged) for walker in walkers) < pages:
                assert any(walker.is_alive() for walker in walkers), walkers[0].faults
                time.sleep(0.005)
            for process in found.values():
                os.kill(process.pid, signal.SIGKILL)
            for walker in walkers:
                walker.join()
        self.kills += 1
        self.last = [walker.acknowledged[-2:] for walker in walkers]
        assert not [walker.faults for walker in walkers if walker.faults]
        for walker in walkers:
            parts = (path.rsplit("/", 1) for path, _ in walker.acknowledged)
            self.acknowledged |= {(home.rsplit("/", 1)[1], step) for home, step in parts}

    def check(self) -> None:
        """Acknowledged = stored = exported; nothing twice, and the database is sound."""
        study = builders.pastry()
        tokens = {token for token, _ in self.acknowledged}
        with self.store.read() as c:
            if c.dialect.name == "sqlite":
                assert c.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            lines = "".join(answers_csv(c, study, 1)).splitlines(keepends=True)
            exported = {row["respondent"]: row for row in csv.DictReader(lines)}
            people = {p.token_hash: p for p in respondents.of_study(c, study.study)}
            assert len(exported) == len(people)
            twice = "SELECT respondent, step FROM pages_sent GROUP BY 1, 2 HAVING count(*) > 1"
            assert not c.execute(text(twice)).all(), "a page was stored twice"
            for token in tokens:
                person = people[token_hash(token)]
                row = exported[person.respondent]
                stored = respondents.steps_sent(c, person.respondent)
                steps = {step for known, step in self.acknowledged if known == token}
                assert steps <= stored, "an acknowledged page was lost"
                assert person.turn == len(stored) <= len(steps) + self.kills
                tasks = answers.stored_choices(c, person.respondent)
                for (exercise, task), given in tasks.items():
                    assert row[f"{exercise}.{task}"] == str(given.chosen)
                for (question, item), given in answers.stored(c, person.respondent).items():
                    assert row[f"{question}.{item}" if item else question] == (given.value or "")
                for step in steps:
                    page, _, task = step.partition(".")
                    if task:
                        assert (study.page(page).exercise, int(task)) in tasks


@pytest.fixture(params=DATABASES)
def url(request):
    server = os.environ.get("SURVEYAPP_TEST_POSTGRES", "")
    if request.param == "postgres" and not server:
        pytest.skip("SURVEYAPP_TEST_POSTGRES names no PostgreSQL server")
    with scratch_database(server if request.param == "postgres" else "") as found:
        yield found


def test_acknowledged_pages_survive_a_killed_server(tmp_path, url):
    crashes = Crashes(tmp_path, url)
    for _ in range(2):
        crashes.kill_after(25)
        crashes.check()
    assert len(crashes.acknowledged) >= 50
    builders.close(crashes.app)


@pytest.mark.deep
def test_acknowledged_pages_survive_fifty_killed_servers(tmp_path, url):
    crashes = Crashes(tmp_path, url, processes=1 if not url else 2)
    while crashes.kills < 50 or len(crashes.acknowledged) < 2000:
        crashes.kill_after(41)
    crashes.check()
    print(f"{crashes.kills} kills, {len(crashes.acknowledged)} acknowledged pages, none lost")
    builders.close(crashes.app)
