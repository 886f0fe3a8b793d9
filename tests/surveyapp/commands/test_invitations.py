"""Invitations on the command line."""

import csv
import io

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
MAIL = {"MAIL_HOST": "127.0.0.1", "MAIL_SECURITY": "none", "MAIL_FROM": "a@b.example"}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command on an instance with a published study and two contacts."""
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
    (tmp_path / "people.csv").write_text("customer,email\n1,ann@b.example\n2,ben@b.example\n")
    stored = call("invitations", "contacts", "cafe", tmp_path / "people.csv")
    assert "Stored 2 contacts" in stored.stdout
    return call


def test_a_dry_run_counts_and_stores_nothing(run):
    found = run("invitations", "send", "cafe", "--wave", "spring", "--dry-run")
    assert "2 would be invited" in found.stderr
    assert len(run("invitations", "list", "cafe").stdout.splitlines()) == 1


def test_a_mailing_is_made_listed_and_stopped(run, monkeypatch):
    for name, value in MAIL.items():
        monkeypatch.setenv(f"SURVEYAPP_{name}", value)
    name = run("invitations", "send", "cafe", "--remind-at-most", 2).stdout.strip()
    (row,) = csv.DictReader(io.StringIO(run("invitations", "list", "cafe").stdout))
    assert (row["mailing"], row["waiting"], row["sent"]) == (name, "2", "0")
    again = run("invitations", "send", "cafe", code=2)
    assert "2 have an invitation to this wave already: left out." in again.stderr
    assert "Nobody is left to invite" in again.stderr
    assert "message_id" in run("invitations", "unknown", name).stdout
    assert "2 mails are not sent" in run("invitations", "stop", name).stdout
    refused = run("invitations", "unknown", name, "--again", code=2)
    assert "stopped" in refused.stderr


WRONG = (
    (("send", "cafe"), "MAIL_HOST is empty"),
    (("send", "cafe", "--wave", "x"), "no wave 'x'"),
    (("send", "cafe", "--share", "half"), "2/4"),
    (("send", "cafe", "--share", "3/2"), "2/4"),
    (("test", "cafe", "nobody"), "no e-mail address"),
    (("stop", "x"), "no mailing 'x'"),
    (("unknown", "x", "--sent", "--again"), "no mailing 'x'"),
)


@pytest.mark.parametrize(("words", "said"), WRONG)
def test_what_is_asked_wrongly_is_refused_in_words(run, words, said):
    assert said in run("invitations", *words, code=2).stderr


def test_the_password_is_never_printed(run, monkeypatch):
    monkeypatch.setenv("SURVEYAPP_MAIL_PASSWORD", "hunter-2")
    printed = run("settings").stdout
    assert "hunter-2" not in printed and "MAIL_PASSWORD = (set)" in printed


def test_erasing_a_customer_removes_the_address(run):
    done = run("customers", "erase", "1", "--yes")
    assert "addresses: 1" in done.stdout
    left = run("invitations", "send", "cafe", "--dry-run")
    assert "1 would be invited" in left.stderr
