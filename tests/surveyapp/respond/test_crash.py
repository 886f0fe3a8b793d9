"""kill -9 in the middle of posting: what was acknowledged is stored, once."""

import http.cookiejar
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests import builders
from tests.surveyapp.respond.walks import fill

PROGRAM = """
import pathlib, sys
from waitress import serve
from surveyapp import create_app
from surveyapp.settings import read_settings
serve(create_app(read_settings(pathlib.Path(sys.argv[1]))), port=int(sys.argv[2]), threads=4)
"""


class Walker(threading.Thread):
    """A respondent over HTTP, who notes every page whose storing was acknowledged."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address, self.home, self.acknowledged = address, "", []
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(cookies)

    def run(self) -> None:
        try:
            page, _ = self.open(self.home or "/s/try")
            while "<form" in page:
                page = self.send(page)
        except (urllib.error.URLError, ConnectionError, OSError, http.client.HTTPException):
            pass

    def open(self, path: str, form: dict | None = None) -> tuple[str, str]:
        data = urllib.parse.urlencode(form, doseq=True).encode() if form else None
        with self.opener.open(self.address + path, data, timeout=20) as answer:
            self.path = urllib.parse.urlsplit(answer.url).path
            return answer.read().decode(), self.path

    def send(self, page: str) -> str:
        here = self.path
        page, there = self.open(here, {**builders.hidden_fields(page), **fill(page)})
        if here.startswith("/a/"):
            self.acknowledged.append(here.rsplit("/", 1)[1])
        else:
            self.home = there.rsplit("/", 1)[0]
        return page


def start(instance, port: int) -> subprocess.Popen:
    server = subprocess.Popen([sys.executable, "-c", PROGRAM, str(instance), str(port)])
    for _ in range(400):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.05)
    server.kill()
    server.wait()
    raise AssertionError("the server did not start")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process as Unix does")
def test_acknowledged_pages_survive_a_killed_server(tmp_path):
    instance = tmp_path / "instance"
    app = builders.make_app(instance)
    builders.publish(app)
    builders.open_link(app)
    builders.close(app)
    port = free_port()
    walkers = [Walker(f"http://127.0.0.1:{port}") for _ in range(4)]
    server = start(instance, port)
    for walker in walkers:
        walker.start()
    while sum(len(walker.acknowledged) for walker in walkers) < 25:
        time.sleep(0.01)
    os.kill(server.pid, signal.SIGKILL)
    server.wait()
    for walker in walkers:
        walker.join()
    check(instance, walkers)
    server = start(instance, port)
    again = [Walker(walker.address) for walker in walkers]
    for before, walker in zip(walkers, again, strict=True):
        walker.home = before.home
        walker.start()
    for walker in again:
        walker.join()
    server.terminate()
    server.wait()
    check(instance, again)
    with sqlite3.connect(instance / "surveyapp.sqlite") as database:
        ended = database.execute("SELECT count(*) FROM respondents WHERE ended = 'complete'")
        assert ended.fetchone() == (len(walkers),)
        assert database.execute("SELECT count(*) FROM choices").fetchone() == (12 * len(walkers),)
    database.close()


def check(instance, walkers) -> None:
    database = sqlite3.connect(instance / "surveyapp.sqlite")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    from surveyapp.tokens import token_hash

    for walker in walkers:
        hashed = token_hash(walker.home.rsplit("/", 1)[1])
        sent = database.execute(
            "SELECT p.step FROM pages_sent p JOIN respondents r USING (respondent)"
            " WHERE r.token_hash = ? ORDER BY p.turn",
            (hashed,),
        ).fetchall()
        steps = [row[0] for row in sent]
        assert len(steps) == len(set(steps)), "a page was stored twice"
        assert set(walker.acknowledged) <= set(steps), "an acknowledged page was lost"
    database.close()
