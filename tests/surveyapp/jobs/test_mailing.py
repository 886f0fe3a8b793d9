"""Mailings: sent once each, whatever happens; reminders only to those who have not finished."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from surveyapp import clock, tokens
from surveyapp.jobs import due, mailing, queue
from surveyapp.jobs.progress import JobFault
from surveyapp.jobs.run import run
from surveyapp.mail.compose import texts_of
from surveyapp.mail.server import MailFault, ServerAway
from surveyapp.store import contacts, jobs, links, mailings, respondents
from surveyapp.studies.contacts import read_contacts, store_contacts
from surveyapp.studies.mailing_wish import Wish
from surveyapp.studies.mailings import create
from tests import builders
from tests.mail_catcher import catching

PAGES = "  - {id: one, questions: [{id: consent, kind: consent, text: Take part}]}\n"


@pytest.fixture
def server():
    with catching() as found:
        yield found


@pytest.fixture
def field(tmp_path, server):
    """An app with a published study, contacts, and the catcher as its mail server."""
    made = Field(tmp_path, server)
    yield made
    builders.close(made.app)


class Field:
    def __init__(self, folder, server):
        mail = {
            "MAIL_HOST": "127.0.0.1",
            "MAIL_PORT": server.port,
            "MAIL_SECURITY": "none",
            "MAIL_FROM": "Shop <ask@shop.example>",
            "MAIL_PER_MINUTE": 100_000,
        }
        self.app = builders.make_app(folder, **mail)
        self.settings = self.app.extensions["surveyapp.settings"]
        self.store = builders.store_of(self.app)
        self.study = builders.small_study(PAGES)
        builders.publish(self.app, self.study)
        self.server = server

    def invite(self, *names, **wish):
        rows = "".join(f"{name},{name}@home.example,{name.title()}\n" for name in names)
        new = read_contacts(
            f"customer,email,name\n{rows}".encode(), self.study, key=self.settings.customer_key
        )
        with self.store.write() as c:
            store_contacts(c, new)
            return create(
                c, self.study, Wish(texts_of(self.study), **wish), self.settings, by="test"
            ).mailing

    def send(self, name):
        """Run the job of a mailing in this process, as the child does."""
        job = queue.mail(self.store, "small", name)
        code = run(self.settings, self.store, job)
        with self.store.write() as c:
            jobs.claim(c, "w", at=clock.now(), lease_until=clock.now())
            jobs.finish(c, job.job, "w", "done" if code == 0 else "failed", at=clock.now())
        return code

    def states(self, name):
        with self.store.read() as c:
            return mailings.count(c, name).states

    def answer(self, name, consent="yes"):
        """Open the link of a mail and answer."""
        path = self.path(name)
        client = self.app.test_client()
        builders.send(client, path)
        return builders.send(client, path, {"consent": consent}, follow_redirects=True)

    def path(self, name, part="/a/"):
        text = self.server.to(f"{name}@home.example")[-1].get_body(("plain",)).get_content()
        return part + text.partition(part)[2].split()[0]


def later(days):
    return clock.set_to(datetime.now(UTC) + timedelta(days=days))


def test_everybody_gets_one_mail_with_a_link_that_works(field):
    found = field.invite("ann", "ben")
    assert field.send(found) == 0
    assert sorted(to for to, _ in field.server.caught) == ["ann@home.example", "ben@home.example"]
    assert "Your answers are stored" in field.answer("ann").text
    assert field.send(found) == 0 and len(field.server.caught) == 2, "nobody gets a second one"
    with field.store.read() as c:
        count = mailings.count(c, found)
    assert (count.invited, count.started, count.complete) == (2, 1, 1)


def test_refused_for_good_is_a_bounce_without_the_address(field):
    field.server.replies["ann@home.example"] = ["550 no such user ann@home.example"]
    found = field.invite("ann", "ben")
    field.send(found)
    assert field.states(found) == {"bounced": 1, "sent": 1}
    with field.store.read() as c:
        assert mailings.reasons(c, found, "bounced") == {"550 no such user …": 1}


def test_refused_for_now_is_tried_again_with_growing_pauses_and_then_given_up(field, monkeypatch):
    monkeypatch.setattr(mailing, "WAITS_SECONDS", 0)
    field.server.replies["ann@home.example"] = ["451 later"] * mailing.MOST_ATTEMPTS
    found = field.invite("ann")
    start, minutes = datetime.now(UTC), 0
    for attempt in range(mailing.MOST_ATTEMPTS):
        with clock.set_to(start + timedelta(minutes=minutes, seconds=1)):
            field.send(found)
            if attempt < mailing.MOST_ATTEMPTS - 1:
                assert field.states(found) == {"waiting": 1}
                field.send(found)  # too early: nothing is tried
        minutes += 2**attempt + 0.1
    assert field.states(found) == {"failed": 1} and not field.server.caught


def test_a_broken_connection_before_the_message_is_tried_again(field, monkeypatch):
    monkeypatch.setattr(mailing, "WAITS_SECONDS", 0)
    field.server.replies["ann@home.example"] = ["421 too busy"]
    found = field.invite("ann", "ben")
    field.send(found)
    with later(1):
        field.send(found)
    assert field.states(found) == {"sent": 2} and len(field.server.caught) == 2


def test_killed_while_the_server_has_a_mail_it_is_unknown_and_never_sent_twice(field):
    found = field.invite("ann", "ben", "cid")
    field.server.hangs_for = "ben@home.example"
    job = queue.mail(field.store, "small", found)
    child = start(field, job)
    assert field.server.hanging.wait(30)
    child.kill()
    child.wait()
    child.stdin.close()
    field.server.hangs_for = ""
    assert run(field.settings, field.store, job) == 0
    assert field.states(found) == {"sent": 2, "unknown": 1}
    assert sorted(to for to, _ in field.server.caught) == [
        f"{name}@home.example" for name in ("ann", "ben", "cid")
    ], "each once"
    with field.store.write() as c:
        (left,) = mailings.unknown(c, found)
        sent = field.server.to("ben@home.example")[0]
        assert sent["Message-ID"] == f"<{left.message_id}>", "a human finds it in the server's log"
        mailings.decide_unknown(c, found, again=True, at=clock.now())
    run(field.settings, field.store, job)
    assert field.states(found) == {"sent": 3} and len(field.server.to("ben@home.example")) == 2


def test_a_worker_that_stops_lets_the_mail_under_way_finish(field):
    found = field.invite(*(f"p{n}" for n in range(30)))
    job = queue.mail(field.store, "small", found)
    child = start(field, job, SURVEYAPP_MAIL_PER_MINUTE="600")
    while not field.server.caught:
        assert child.poll() is None
    child.terminate()
    assert child.wait(20) == 0
    child.stdin.close()
    states = field.states(found)
    assert states.keys() == {"sent", "waiting"} and states["sent"] == len(field.server.caught)


def start(field, job, **more):
    environment = {f"SURVEYAPP_{k}": str(v) for k, v in field.settings.values.items()} | more
    environment["SURVEYAPP_INSTANCE"] = str(field.settings.instance)
    return subprocess.Popen(
        [sys.executable, "-m", "surveyapp.jobs.run", job.job],
        stdin=subprocess.PIPE,
        env={**os.environ, **environment},
    )


def test_reminders_reach_only_those_who_have_not_finished(field):
    names = ("ann", "ben", "cid", "dora", "eve", "finn")
    found = field.invite(*names, remind_at_most=2, remind_after_days=3)
    field.send(found)
    field.answer("ann")
    field.answer("ben", consent="no")
    with field.store.write() as c:
        by_customer = {link.customer: link for link in links.of_study(c, "small")}
        key = {
            contact.values["name"]: contact.customer for contact in contacts.of_study(c, "small")
        }
        links.revoke(c, by_customer[key["Cid"]].link, at=clock.now())
        contacts.opt_out(c, "small", [key["Dora"]], at=clock.now())
        contacts.erase(c, key["Eve"])
    with later(2):
        assert due.look(field.store) == 0, "too early"
    mails = len(field.server.caught)
    for day, number in ((4, 1), (8, 2), (12, 2)):
        with later(day):
            due.look(field.store)
            field.send(found)
        reminded = field.server.caught[mails:]
        assert [to for to, _ in reminded] == ["finn@home.example"] * number
    first, second, third = field.server.to("finn@home.example")
    assert "reminder" in second["Subject"].lower() and first["Message-ID"] != third["Message-ID"]
    assert "Your answers are stored" in field.answer("finn").text, "the same link still works"


def test_who_answers_while_the_reminder_waits_is_left_out(field):
    found = field.invite("ann", remind_at_most=1, remind_after_days=1)
    field.send(found)
    with later(2):
        assert due.look(field.store) == 1
        field.answer("ann")
        field.send(found)
        assert field.states(found) == {"sent": 1, "left_out": 1}
        assert due.look(field.store) == 0


def test_a_cancelled_mailing_waits_for_a_human(field):
    found = field.invite("ann")
    job = queue.mail(field.store, "small", found)
    with field.store.write() as c:
        jobs.cancel(c, job.job, at=clock.now())
    assert due.look(field.store) == 0
    with field.store.write() as c:
        assert mailings.stop(c, found, at=clock.now()) == 1
    field.send(found)
    assert not field.server.caught and field.states(found) == {"cancelled": 1}


def test_a_long_mailing_makes_way_for_other_jobs_and_goes_on_by_itself(field, monkeypatch):
    monkeypatch.setattr(mailing, "TURN_SECONDS", -1)
    found = field.invite("ann", "ben")
    job = queue.mail(field.store, "small", found)
    with field.store.write() as c:
        jobs.claim(c, "w", at=clock.now(), lease_until=clock.now(plus_seconds=60))
    queue.analyse(field.store, "small", 1)
    assert run(field.settings, field.store, job) == 0 and not field.server.caught
    with field.store.write() as c:
        jobs.finish(c, job.job, "w", "done", at=clock.now())
    assert due.look(field.store) == 1, "queued again, behind the other job"
    with field.store.write() as c:
        assert jobs.claim(c, "w", at=clock.now(), lease_until=clock.now()).kind == "analyse"


def test_no_secret_and_no_address_lies_beside_the_outbox(field):
    found = field.invite("ann")
    field.send(found)
    token = field.path("ann").rpartition("/")[2]
    raw = (field.settings.instance / "surveyapp.sqlite").read_bytes()
    raw += (field.settings.instance / "surveyapp.sqlite-wal").read_bytes()
    assert token.encode() not in raw
    with field.store.read() as c:
        (link,) = links.of_study(c, "small")
        assert link.token_hash == tokens.token_hash(token)
        assert contacts.get(c, "small", link.customer).address == "ann@home.example"


def test_erasing_a_customer_leaves_counts_and_the_wish_for_silence(field):
    found = field.invite("ann", "ben")
    with field.store.write() as c:
        customer = next(
            x.customer for x in contacts.of_study(c, "small") if x.values["name"] == "Ann"
        )
        contacts.opt_out(c, "small", [customer], at=clock.now())
        assert contacts.erase(c, customer) == 1
    field.send(found)
    assert field.states(found) == {"left_out": 1, "sent": 1}
    assert [to for to, _ in field.server.caught] == ["ben@home.example"]
    with pytest.raises(ValueError, match="Nobody is left"):
        field.invite("ann")


def test_a_server_that_is_away_fails_the_job_and_loses_nothing(field, monkeypatch):
    monkeypatch.setattr(mailing, "RECONNECT_SECONDS", (0,))
    found = field.invite("ann")
    with catching() as gone:
        port = gone.port
    values = {**field.settings.values, "MAIL_PORT": port}
    job = queue.mail(field.store, "small", found)
    settings = builders.make_settings(field.settings.instance, **values)
    with pytest.raises(ServerAway, match="cannot be reached"):
        mailing.run(settings, field.store, job, lambda *_: None)
    assert field.states(found) == {"waiting": 1}
    field.send(found)
    assert field.states(found) == {"sent": 1}


def test_settings_that_cannot_send_are_named_all_at_once(field):
    wrong = builders.make_settings(
        field.settings.instance, MAIL_SECURITY="ssl3", MAIL_FROM="nobody", MAIL_PER_MINUTE=0
    )
    with pytest.raises(MailFault) as fault:
        mailing.mail_server(wrong)
    for part in ("MAIL_HOST", "ssl3", "MAIL_FROM", "MAIL_PER_MINUTE"):
        assert part in str(fault.value)


def test_a_test_mail_goes_to_one_address_and_its_links_lead_nowhere(field):
    job = queue.test_mail(field.store, "small", "me@shop.example")
    assert run(field.settings, field.store, job) == 0
    assert [to for to, _ in field.server.caught] == ["me@shop.example"] * 2
    found = field.server.caught[0][1]
    assert found["Subject"].startswith("[Test]")
    field.server.caught = [("x@home.example", found)]
    assert field.app.test_client().get(field.path("x")).status_code == 404
    with field.store.read() as c:
        assert not list(respondents.of_study(c, "small"))


def test_a_mailing_that_does_not_exist_is_a_fault(field):
    job = queue.mail(field.store, "small", "none")
    with pytest.raises(JobFault):
        mailing.run(field.settings, field.store, job, lambda *_: None)
