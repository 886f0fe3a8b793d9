"""What falls due by itself: reminders, mails of a wave that starts, mails to be tried again."""

from __future__ import annotations

from surveyapp import clock, tokens
from surveyapp.jobs import queue
from surveyapp.store import Store, jobs, mailings, studies
from surveyapp.store.mailings import MailingRecord, MessageRecord

EVERY_SECONDS = 60


def look(store: Store) -> int:
    """Put reminders that are due into the outbox, and queue a job for each mailing with due mails.

    A mailing whose last job was cancelled or failed waits for a human. Returns the number of jobs.
    """
    with store.read() as c:
        reminding = mailings.reminding(c)
    for mailing in reminding:
        _remind(store, mailing)
    with store.read() as c:
        due = mailings.with_due(c, at=clock.now())
        last = {m.mailing: jobs.newest(c, queue.mail_key(m.study, m.mailing)) for m in due}
    queued = 0
    for mailing in due:
        job = last[mailing.mailing]
        if job is None or job.state == "done":
            queue.mail(store, mailing.study, mailing.mailing)
            queued += 1
    return queued


def _remind(store: Store, mailing: MailingRecord) -> None:
    now = clock.now()
    before = clock.now(plus_seconds=-86_400 * mailing.remind_after_days)
    with store.read() as c:
        record = studies.get(c, mailing.study)
        if (
            record is None
            or record.closed
            or not mailings.to_remind(c, mailing, before=before, at=now)
        ):
            return
    with store.write() as c:
        studies.lock(c, mailing.study)
        found = mailings.to_remind(c, mailing, before=before, at=now)
        mailings.add_messages(
            c,
            [
                MessageRecord(
                    tokens.new_id(),
                    mailing.mailing,
                    sent.link,
                    sent.customer,
                    sent.number + 1,
                    "waiting",
                    now,
                )
                for sent in found
            ],
        )
