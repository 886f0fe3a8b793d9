"""Sending a mailing: one mail after another, never twice, however the program ends."""

from __future__ import annotations

import signal
import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from analysis.study import Study
from surveyapp import clock
from surveyapp.jobs.progress import JobFault, Progress
from surveyapp.mail.compose import compose, lacking, texts_of
from surveyapp.mail.server import (
    Answer,
    MailServer,
    ServerAway,
    connected,
    deliver,
    is_open,
    mail_server,
)
from surveyapp.settings import Settings
from surveyapp.store import Connection, Store, contacts, jobs, links, mailings, respondents, studies
from surveyapp.store.contacts import ContactRecord
from surveyapp.store.mailings import MailingRecord, MessageRecord
from surveyapp.store.records import JobRecord, LinkRecord
from surveyapp.studies import fielding
from surveyapp.studies.mailings import can_be_mailed, recipient_of, said_to, specimen

MOST_ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 60
"""After a refusal for now; doubled each time."""
WAITS_SECONDS = 120
"""A mail that is due later than this is left to another run."""
RECONNECT_SECONDS = (1, 5, 20, 60)
SLICE_SECONDS = 0.2
TURN_SECONDS = 120
"""After so long a run makes way for other jobs; the rest of the mailing follows by itself."""


def run(settings: Settings, store: Store, job: JobRecord, progress: Progress) -> None:
    """Run a job of the kind 'mail': send what is due of a mailing.

    Run again after a crash, it goes on; what the mail server had in that moment is marked as
    unknown and left to a human.
    """
    server = mail_server(settings)
    with store.write() as c:
        mailing = mailings.get(c, job.settings["mailing"])
        if mailing is None:
            raise JobFault("There is no such mailing.")
        mailings.give_up_claimed(c, mailing.mailing)
        waiting = mailings.count(c, mailing.mailing).states.get("waiting", 0)
    with _ended_by_signal() as ended:
        sending = _Sending(settings, store, server, mailing, ended)
        try:
            _send_all(sending, waiting, progress)
        finally:
            sending.hang_up()


def run_test(settings: Settings, store: Store, job: JobRecord, progress: Progress) -> None:
    """Run a job of the kind 'test_mail': send the mails of a study to one address.

    Their links lead nowhere, and fields of contacts show their names.
    """
    given = job.settings
    server = mail_server(settings)
    with store.read() as c:
        record = studies.get(c, job.study)
        version = fielding.newest(c, record) if record else None
    if version is None:
        raise JobFault("Publish the study first.")
    study = fielding.read_definition(version.definition)
    texts = given["texts"] or texts_of(study)
    mails = [(kind, language) for kind in texts for language in texts[kind]]
    refused = []
    with connected(server) as connection:
        for n, (kind, language) in enumerate(mails):
            progress("Sending test mails", n, len(mails))
            said = texts[kind][language]
            to = specimen(study, said, language, given["address"], settings)
            said = {**said, "subject": f"[Test] {said['subject']}"}
            name = f"test.{job.job}.{n}@{_domain(server)}"
            made = compose(study, said, to, server, message_id=name)
            answer = deliver(connection, made, to=to.address, sender=server.sender)
            if answer.fate != "sent":
                refused.append(f"{kind}, {language}: {answer.reply}")
    if refused:
        raise JobFault("The mail server did not take all mails. " + "; ".join(refused))


class _Sending:
    """One run over a mailing: the connection, kept open, and the pace."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        server: MailServer,
        mailing: MailingRecord,
        ended: Callable[[], bool],
    ) -> None:
        self.settings = settings
        self.store = store
        self.server = server
        self.mailing = mailing
        self.ended = ended
        self._pause = 60 / settings.number("MAIL_PER_MINUTE")
        self._next = 0.0
        self._open: AbstractContextManager[smtplib.SMTP] | None = None
        self._connection: smtplib.SMTP | None = None

    def keep_pace(self) -> None:
        """Wait until the next mail may be sent."""
        self.sleep(self._next - time.monotonic())
        self._next = time.monotonic() + self._pause

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than until the run is to end."""
        until = time.monotonic() + seconds
        while not self.ended() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, SLICE_SECONDS))

    def connection(self) -> smtplib.SMTP:
        """The open connection, made anew where the server has closed it."""
        if self._connection is not None and is_open(self._connection):
            return self._connection
        self.hang_up()
        for wait in (*RECONNECT_SECONDS, None):
            try:
                self._open = connected(self.server)
                self._connection = self._open.__enter__()
                return self._connection
            except ServerAway:
                if wait is None or self.ended():
                    raise
                self.sleep(wait)
        raise AssertionError

    def hang_up(self) -> None:
        """Close the connection."""
        if self._open is not None and self._connection is not None:
            self._open.__exit__(None, None, None)
        self._open = self._connection = None


@dataclass(frozen=True, slots=True)
class _Letter:
    """A message with the contact and the link that it is for."""

    message: MessageRecord
    contact: ContactRecord
    link: LinkRecord


def _send_all(sending: _Sending, waiting: int, progress: Progress) -> None:
    done, until = 0, time.monotonic() + TURN_SECONDS
    while not sending.ended():
        if time.monotonic() > until and _others_wait(sending):
            return
        progress("Sending", done, max(waiting, done))
        with sending.store.read() as c:
            found = mailings.next_due(c, sending.mailing.mailing)
            mailing = mailings.get(c, sending.mailing.mailing)
        if found is None or mailing is None or mailing.stopped:
            return
        early = clock.seconds_between(clock.now(), found.due)
        if early > WAITS_SECONDS or (early > 0 and _others_wait(sending)):
            return
        if early > 0:
            progress("Waiting to try again what the mail server refused for now", done, waiting)
            sending.sleep(early)
            continue
        _send_one(sending, found)
        done += 1


def _others_wait(sending: _Sending) -> bool:
    with sending.store.read() as c:
        return jobs.any_waiting(c)


def _send_one(sending: _Sending, found: MessageRecord) -> None:
    with sending.store.write() as c:
        letter, reason = _letter(c, sending, found)
        if letter is None:
            mailings.settle(c, found.message, "left_out", at=clock.now(), reply=reason)
            return
    sending.keep_pace()
    connection = sending.connection()
    if sending.ended():
        return
    name = f"{found.message}.{found.attempts + 1}@{_domain(sending.server)}"
    with sending.store.write() as c:
        # Judged again: the pause may have been long enough for somebody to answer or opt out.
        letter, reason = _letter(c, sending, found)
        if letter is None:
            mailings.settle(c, found.message, "left_out", at=clock.now(), reply=reason)
            return
        if not mailings.claim(c, found.message, name, at=clock.now()):
            return
        study = _study(c, sending.mailing.study)
    to = recipient_of(letter.contact, letter.link, found.message, sending.settings)
    kind = "reminder" if found.number else "invitation"
    said = said_to(sending.mailing.words, kind, to.language, study)
    absent = lacking(study, said, to)
    if absent:
        answer = Answer("bounced", f"no value for {', '.join(absent)}")
    else:
        made = compose(study, said, to, sending.server, message_id=name)
        answer = deliver(connection, made, to=to.address, sender=sending.server.sender)
    with sending.store.write() as c:
        _settle(c, found, answer, failed=bool(absent))


def _settle(c: Connection, found: MessageRecord, answer: Answer, *, failed: bool) -> None:
    now, attempts = clock.now(), found.attempts + 1
    if answer.fate != "later":
        state = "failed" if failed else answer.fate
        mailings.settle(c, found.message, state, at=now, reply=answer.reply)
    elif attempts >= MOST_ATTEMPTS:
        mailings.settle(c, found.message, "failed", at=now, reply=answer.reply)
    else:
        due = clock.now(plus_seconds=FIRST_PAUSE_SECONDS * 2 ** (attempts - 1))
        mailings.settle(c, found.message, "waiting", at=now, reply=answer.reply, due=due)


def _letter(c: Connection, sending: _Sending, found: MessageRecord) -> tuple[_Letter | None, str]:
    """The letter of a message, or why it is not sent."""
    record = studies.get(c, sending.mailing.study)
    link = links.get(c, found.link)
    contact = contacts.get(c, sending.mailing.study, found.customer) if found.customer else None
    if record is None or record.closed:
        return None, "the study is closed"
    if contact is None:
        return None, "the address was erased"
    if contacts.wants_silence(c, contact):
        return None, "opted out"
    if link is None or link.revoked:
        return None, "the link was revoked"
    if link.expires and link.expires <= clock.now():
        return None, "the link has expired"
    if not can_be_mailed(link, sending.settings):
        return None, "CUSTOMER_KEY has changed since the link was made"
    if respondents.has_ended(c, link.link):
        return None, "has answered already"
    return _Letter(found, contact, link), ""


def _study(c: Connection, name: str) -> Study:
    record = studies.get(c, name)
    version = fielding.newest(c, record) if record else None
    if version is None:
        raise JobFault("The study is not published.")
    return fielding.read_definition(version.definition)


def _domain(server: MailServer) -> str:
    return server.sender.rpartition("@")[2]


@contextmanager
def _ended_by_signal() -> Iterator[Callable[[], bool]]:
    """Whether the worker asks this program to end: the mail under way is finished first."""
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: bool(asked)
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGTERM, before)
