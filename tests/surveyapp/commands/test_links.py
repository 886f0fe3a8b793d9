"""Links and panels on the command line."""

import csv
import io
import sqlite3

import pytest
from click.testing import CliRunner

from surveyapp.commands import main

STUDY = """
study: cafe
title: Our café
waves: [{id: spring, label: Spring}]
pages:
  - {id: one, questions: [{id: consent, kind: consent, text: 'Take part?'}]}
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command on an instance with a published study."""
    monkeypatch.setenv("SURVEYAPP_INSTANCE", str(tmp_path / "instance"))

    def call(*words, code=0):
        result = CliRunner().invoke(main, [str(word) for word in words])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    (tmp_path / "study.yaml").write_text(STUDY)
    call("study", "add", tmp_path / "study.yaml")
    call("study", "publish", "cafe")
    return call


def rows(result):
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_a_batch_of_one_time_links_is_made_counted_and_ended(run, tmp_path):
    out = tmp_path / "links.csv"
    terms = ("--from", "2090-01-01", "--until", "2090-01-31", "--zone", "Asia/Tokyo")
    run("links", "create", "cafe", "--one-time", 3, "--batch", "flyer", "--out", out, *terms)
    made = list(csv.DictReader(io.StringIO(out.read_text())))
    assert len({row["address"] for row in made}) == 3 and out.stat().st_mode & 0o77 == 0
    run("links", "create", "cafe", "--test", "--wave", "spring")
    batches = {row["batch"]: row for row in rows(run("links", "list", "cafe"))}
    assert (batches["flyer"]["made"], batches["flyer"]["not_yet_valid"]) == ("3", "3")
    assert (batches[""]["run_kind"], batches[""]["wave"]) == ("test", "spring")
    done = run("links", "revoke", "cafe", "--address", made[0]["address"])
    assert "Revoked: 1." in done.stdout
    assert "Revoked: 2." in run("links", "revoke", "cafe", "--batch", "flyer").stdout
    assert "Revoked: 0." in run("links", "revoke", "cafe", "--batch", "flyer").stdout
    store = sqlite3.connect(tmp_path / "instance" / "surveyapp.sqlite")
    opens, expires = store.execute(
        "SELECT opens, expires FROM links WHERE batch = 'flyer'"
    ).fetchone()
    store.close()
    assert (opens, expires) == ("2089-12-31T15:00:00.000Z", "2090-01-31T14:59:59.999Z")


def test_a_panel_is_set_up_changed_and_used(run):
    out = "https://panel.example/?p={pid}"
    first = run(
        "panels", "add", "cafe", "Good Panel", "--parameter", "pid", "--return", f"complete={out}"
    )
    second = run("panels", "add", "cafe", "Good Panel", "--parameter", "pid", "--parameter", "src")
    assert first.stdout == second.stdout and len(first.stdout.strip()) == 64, "the key stays"
    (panel,) = rows(run("panels", "list", "cafe"))
    assert (panel["parameters"], panel["complete"]) == ("pid src", "")
    made = run("links", "create", "cafe", "--panel", "Good Panel")
    assert made.stdout.strip().endswith("?pid=&src=")


WRONG = (
    (("links", "create", "cafe", "--one-time", "0"), "between 1 and 100,000"),
    (("links", "create", "cafe", "--zone", "Mars"), "no time zone 'Mars'"),
    (("links", "create", "cafe", "--test", "--bot"), "--test or --bot"),
    (("links", "create", "cafe", "--panel", "x"), "Panels: none yet"),
    (("links", "create", "cafe", "--wave", "x"), "Waves: spring"),
    (("links", "revoke", "cafe"), "--batch NAME or --address LINK"),
    (("links", "revoke", "cafe", "--batch", "x"), "no batch 'x'"),
    (("links", "revoke", "cafe", "--address", "http://x/a/y"), "no link with this address"),
    (("links", "list", "nope"), "There is no study 'nope'"),
    (("panels", "add", "cafe", "P"), "Name the parameter"),
    (("panels", "add", "cafe", "P", "--parameter", "pid", "--return", "x"), "no END=ADDRESS"),
    (("panels", "add", "cafe", "P", "--parameter", "consent"), "taken by a column"),
    (("panels", "add", "cafe", "P", "--parameter", "a", "--return", "y=z"), "no end 'y'"),
)


def test_what_cannot_be_done_is_said_with_what_can(run):
    for words, said in WRONG:
        assert said in run(*words, code=2).stderr, words
