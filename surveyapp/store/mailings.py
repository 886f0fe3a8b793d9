"""Mailings and their outbox: one message for each mail, from waiting to sent.

A message is claimed and committed before the mail server sees it. So a program that is killed
leaves a claimed message behind, of which nobody knows whether it was sent; it becomes ``unknown``
and is never sent again by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, func, insert, or_, select, update

from surveyapp.store.schema import links, mailings, messages, respondents

UNSENT = ("waiting", "claimed", "unknown")


@dataclass(frozen=True, slots=True)
class MailingRecord:
    """Who is invited to a wave with which texts, and reminded when.

    Attributes
    ----------
    texts
        JSON: by kind ('invitation', 'reminder') and language, subject and body.
    plan
        JSON: how many are invited, and how many are left out for which reason.
    despite
        Why customers are invited although they were invited lately.
    stopped
        When somebody ended the mailing for good.
    """

    mailing: str
    study: str
    wave: str | None
    run_kind: str
    texts: str
    remind_after_days: int
    remind_at_most: int
    plan: str
    despite: str | None
    created: str
    created_by: str
    stopped: str | None = None

    @property
    def words(self) -> dict[str, dict[str, dict[str, str]]]:
        """The texts by kind and language."""
        found: dict[str, dict[str, dict[str, str]]] = json.loads(self.texts)
        return found

    @property
    def planned(self) -> dict[str, Any]:
        """The counts of the plan."""
        found: dict[str, Any] = json.loads(self.plan)
        return found


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """One mail; ``number`` is 0 for the invitation, then that of the reminder.

    ``at`` is when it was claimed, then when its fate was known; ``reply`` is what the mail server
    said, or why the mail is left out.
    """

    message: str
    mailing: str
    link: str
    customer: str | None
    number: int
    state: str
    due: str
    attempts: int = 0
    message_id: str | None = None
    at: str | None = None
    reply: str | None = None
    opted_out: str | None = None


def add(c: Connection, mailing: MailingRecord, new: Sequence[MessageRecord]) -> None:
    """Store a mailing with its invitations."""
    c.execute(insert(mailings).values(asdict(mailing)))
    add_messages(c, new)


def add_messages(c: Connection, new: Iterable[MessageRecord]) -> None:
    """Put mails into the outbox."""
    rows = [asdict(message) for message in new]
    if rows:
        c.execute(insert(messages), rows)


def get(c: Connection, mailing: str) -> MailingRecord | None:
    """A mailing by id, or None."""
    row = c.execute(select(mailings).where(mailings.c.mailing == mailing)).first()
    return MailingRecord(**row._mapping) if row else None


def of_study(c: Connection, study: str) -> list[MailingRecord]:
    """The mailings of a study, the newest first."""
    wanted = select(mailings).where(mailings.c.study == study)
    rows = c.execute(wanted.order_by(mailings.c.created.desc(), mailings.c.mailing))
    return [MailingRecord(**row._mapping) for row in rows]


def message(c: Connection, message: str) -> MessageRecord | None:
    """A message by id, or None."""
    row = c.execute(select(messages).where(messages.c.message == message)).first()
    return MessageRecord(**row._mapping) if row else None


def with_due(c: Connection, *, at: str) -> list[MailingRecord]:
    """Mailings of which a mail is due."""
    due = (messages.c.state == "waiting") & (messages.c.due <= at)
    wanted = select(messages.c.mailing).where(due).distinct()
    running = mailings.c.stopped.is_(None) & mailings.c.mailing.in_(wanted)
    rows = c.execute(select(mailings).where(running).order_by(mailings.c.created))
    return [MailingRecord(**row._mapping) for row in rows]


def next_due(c: Connection, mailing: str) -> MessageRecord | None:
    """The waiting message that is due first, or None."""
    wanted = (messages.c.mailing == mailing) & (messages.c.state == "waiting")
    row = c.execute(
        select(messages).where(wanted).order_by(messages.c.due, messages.c.message).limit(1)
    ).first()
    return MessageRecord(**row._mapping) if row else None


def claim(c: Connection, message: str, message_id: str, *, at: str) -> bool:
    """Claim a waiting message; False when somebody else has."""
    wanted = (messages.c.message == message) & (messages.c.state == "waiting")
    changed = update(messages).where(wanted)
    values = {"state": "claimed", "message_id": message_id, "at": at}
    return c.execute(changed.values(attempts=messages.c.attempts + 1, **values)).rowcount == 1


def settle(
    c: Connection, message: str, state: str, *, at: str, reply: str = "", due: str | None = None
) -> None:
    """Note what became of a message; back to ``waiting`` with a new ``due`` to try again."""
    values: dict[str, Any] = {"state": state, "at": at, "reply": reply[:500] or None}
    if due:
        values["due"] = due
    c.execute(update(messages).where(messages.c.message == message).values(values))


def give_up_claimed(c: Connection, mailing: str) -> int:
    """Mark what a killed program left behind: nobody knows whether it was sent."""
    wanted = (messages.c.mailing == mailing) & (messages.c.state == "claimed")
    reason = "the program was ended while the mail server had it"
    changed = update(messages).where(wanted).values(state="unknown", reply=reason)
    return c.execute(changed).rowcount


def decide_unknown(c: Connection, mailing: str, *, again: bool, at: str) -> int:
    """Say of all unknown messages of a mailing that they were sent, or are to be sent again."""
    wanted = (messages.c.mailing == mailing) & (messages.c.state == "unknown")
    values = {"state": "waiting", "due": at} if again else {"state": "sent"}
    return c.execute(update(messages).where(wanted).values(values)).rowcount


def stop(c: Connection, mailing: str, *, at: str) -> int:
    """End a mailing for good, with its reminders; returns how many mails are not sent."""
    c.execute(update(mailings).where(mailings.c.mailing == mailing).values(stopped=at))
    wanted = (messages.c.mailing == mailing) & (messages.c.state == "waiting")
    return c.execute(update(messages).where(wanted).values(state="cancelled")).rowcount


def note_opt_out(c: Connection, message: str, *, at: str) -> None:
    """Count that somebody opted out by the link of a message, once."""
    wanted = (messages.c.message == message) & messages.c.opted_out.is_(None)
    c.execute(update(messages).where(wanted).values(opted_out=at))


def links_mailed(c: Connection, study: str) -> frozenset[str]:
    """Links that an invitation carries, or is to carry."""
    wanted = (
        select(messages.c.link)
        .join(mailings, mailings.c.mailing == messages.c.mailing)
        .where(mailings.c.study == study, messages.c.number == 0)
        .where(messages.c.state.not_in(("left_out", "cancelled", "failed", "bounced")))
    )
    return frozenset(c.execute(wanted).scalars())


def invited_since(c: Connection, at: str) -> dict[str, str]:
    """When customers were last invited to any study since a time, or are about to be."""
    asked = case((messages.c.state == "sent", messages.c.at), else_=messages.c.due)
    wanted = (
        select(messages.c.customer, func.max(asked))
        .join(mailings, mailings.c.mailing == messages.c.mailing)
        .where(messages.c.number == 0, mailings.c.run_kind == "live")
        .where(messages.c.customer.is_not(None), messages.c.state.in_(("sent", *UNSENT)))
        .where(asked > at)
        .group_by(messages.c.customer)
    )
    return {row[0]: row[1] for row in c.execute(wanted)}


def to_remind(
    c: Connection, mailing: MailingRecord, *, before: str, at: str
) -> list[MessageRecord]:
    """The newest message of everybody who is due to be reminded.

    That are those whose newest mail was sent ``before``, who have not ended in any way, whose
    link is good, and who were reminded less often than the mailing says.
    """
    newest = (
        select(messages.c.link, func.max(messages.c.number).label("number"))
        .where(messages.c.mailing == mailing.mailing)
        .group_by(messages.c.link)
        .subquery()
    )
    wanted = (
        select(messages)
        .join(newest, and_(newest.c.link == messages.c.link, newest.c.number == messages.c.number))
        .join(links, links.c.link == messages.c.link)
        .outerjoin(respondents, respondents.c.link == messages.c.link)
        .where(
            messages.c.mailing == mailing.mailing,
            messages.c.state == "sent",
            messages.c.at <= before,
            messages.c.number < mailing.remind_at_most,
            messages.c.customer.is_not(None),
            respondents.c.ended.is_(None),
            links.c.revoked.is_(None),
            or_(links.c.expires.is_(None), links.c.expires > at),
        )
    )
    return [MessageRecord(**row._mapping) for row in c.execute(wanted)]


def reminding(c: Connection) -> list[MailingRecord]:
    """Mailings that remind, and are not stopped."""
    wanted = mailings.c.stopped.is_(None) & (mailings.c.remind_at_most > 0)
    return [MailingRecord(**row._mapping) for row in c.execute(select(mailings).where(wanted))]


@dataclass(frozen=True, slots=True)
class MailCount:
    """The mails of a mailing by state, and the people behind them.

    ``invited`` counts the people of whom at least one mail was sent, ``started`` and ``complete``
    what they did then.
    """

    states: dict[str, int]
    reminders: int
    opted_out: int
    invited: int
    started: int
    complete: int


def count(c: Connection, mailing: str) -> MailCount:
    """What became of the mails of a mailing."""
    mine = messages.c.mailing == mailing
    by_state = select(messages.c.state, func.count()).where(mine).group_by(messages.c.state)
    reminded = select(func.count()).where(mine, messages.c.number > 0, messages.c.state == "sent")
    left = select(func.count(messages.c.opted_out)).where(mine)
    sent = select(messages.c.link).where(mine, messages.c.state == "sent").distinct().subquery()
    people = select(
        func.count(sent.c.link),
        func.count(respondents.c.respondent),
        func.count(respondents.c.completed),
    ).select_from(sent.outerjoin(respondents, respondents.c.link == sent.c.link))
    invited, started, complete = c.execute(people).one()
    return MailCount(
        {row[0]: row[1] for row in c.execute(by_state)},
        c.execute(reminded).scalar() or 0,
        c.execute(left).scalar() or 0,
        invited,
        started,
        complete,
    )


def reasons(c: Connection, mailing: str, state: str) -> dict[str, int]:
    """Why mails are in a state, with how many."""
    wanted = (messages.c.mailing == mailing) & (messages.c.state == state)
    said = func.coalesce(messages.c.reply, "")
    rows = c.execute(select(said, func.count()).where(wanted).group_by(said))
    return dict(sorted(((row[0], row[1]) for row in rows), key=lambda row: -row[1])[:20])


def unknown(c: Connection, mailing: str, limit: int = 200) -> list[MessageRecord]:
    """Messages of which nobody knows whether they were sent."""
    wanted = (messages.c.mailing == mailing) & (messages.c.state == "unknown")
    rows = c.execute(select(messages).where(wanted).order_by(messages.c.at).limit(limit))
    return [MessageRecord(**row._mapping) for row in rows]
