"""The outbox, contacts and opt-outs, on both databases."""

from dataclasses import replace

import pytest

from surveyapp.store import contacts, links, mailings, respondents, studies
from surveyapp.store.contacts import ContactRecord
from surveyapp.store.mailings import MailingRecord, MessageRecord
from surveyapp.store.records import LinkRecord, RespondentRecord

AT = "2026-09-01T10:00:00.000Z"
LATER = "2026-09-09T10:00:00.000Z"
MAILING = MailingRecord("m", "cafe", "w", "live", "{}", 7, 1, "{}", None, AT, "test")
LINK = LinkRecord(
    link="", study="cafe", kind="personal", slug=None, token_hash=None, customer=None, wave="w",
    run_kind="live", created=AT, expires=None, revoked=None,
)  # fmt: skip


@pytest.fixture
def field(store):
    """A mailing to five customers, whose mails wait."""
    with store.write() as c:
        studies.save_draft(c, "cafe", "Café", "", at=AT)
        studies.publish(c, "cafe", "{}", [], by="test", at=AT)
        names = "abcde"
        links.add(c, [replace(LINK, link=n, token_hash=n, customer=n) for n in names])
        waiting = [MessageRecord(f"0{n}", "m", n, n, 0, "waiting", AT) for n in names]
        mailings.add(c, MAILING, waiting)
        contacts.save(
            c, [ContactRecord("cafe", n, f"{n}@x.y", f"k{n}", "en", "{}", AT) for n in names]
        )
    return store


def test_a_message_is_claimed_once(field):
    with field.write() as c:
        assert mailings.next_due(c, "m").message == "0a"
        assert mailings.claim(c, "0a", "id-1", at=AT) and not mailings.claim(c, "0a", "id-2", at=AT)
        assert mailings.message(c, "0a").attempts == 1
        assert mailings.next_due(c, "m").message == "0b"
        assert mailings.give_up_claimed(c, "m") == 1 and mailings.give_up_claimed(c, "m") == 0
        (left,) = mailings.unknown(c, "m")
        assert left.message_id == "id-1"
    with field.read() as c:
        assert mailings.count(c, "m").states == {"unknown": 1, "waiting": 4}
        assert [m.mailing for m in mailings.with_due(c, at=AT)] == ["m"]


def test_who_is_reminded(field):
    with field.write() as c:
        for name in "abcde":
            mailings.settle(c, f"0{name}", "sent", at=AT)
        links.revoke(c, "b", at=AT)
        for name, ended in (("c", "complete"), ("d", None)):
            respondents.add(c, person(name, ended))
        mailings.add_messages(c, [MessageRecord("1e", "m", "e", "e", 1, "sent", AT, at=AT)])
        due = mailings.to_remind(c, MAILING, before=LATER, at=LATER)
        assert sorted(m.link for m in due) == ["a", "d"]
        assert not mailings.to_remind(c, MAILING, before="2026-08-31", at=LATER)
        count = mailings.count(c, "m")
        assert (count.invited, count.reminders, count.started, count.complete) == (5, 1, 2, 1)
        assert set(mailings.invited_since(c, "2026-08-01")) == set("abcde")
        assert not mailings.invited_since(c, LATER)
        assert links.customers_ended(c, "cafe", "w", "live") == {"c"}
        assert links.customers_ended(c, "cafe", None, "live") == frozenset()


def person(link, ended):
    return RespondentRecord(
        respondent=link, study="cafe", version=1, link=link, token_hash=link, customer=link,
        wave="w", run_kind="live", language="en", cell=None, sequence=0, weight=1.0, turn=0,
        step="", started=AT, completed=AT if ended else None, ended=ended,
    )  # fmt: skip


def test_a_contact_is_replaced_opted_out_and_erased(field):
    with field.write() as c:
        contacts.save(c, [ContactRecord("cafe", "a", "new@x.y", "knew", "de", '{"n": "1"}', AT)])
        assert contacts.get(c, "cafe", "a").address == "new@x.y"
        assert contacts.counts(c, "cafe") == {"de": 1, "en": 4}
        contacts.opt_out(c, "cafe", ["a"], at=AT)
        contacts.opt_out(c, "cafe", ["a"], at=LATER)
        assert contacts.erase(c, "a") == 1 and contacts.erase(c, "a") == 0
        assert contacts.opted_out(c) == {"knew"}, "the customer is gone, the address stays silent"
        assert mailings.message(c, "0a").customer is None
        assert mailings.message(c, "0a").state == "left_out"
        assert contacts.remove_all(c, "cafe") == 4


def test_withdrawing_is_counted_for_what_was_made_before(field):
    with field.write() as c:
        respondents.add(c, person("c", "complete"))
        respondents.withdraw(c, respondents.by_token(c, "c", lock=True), at=LATER)
        assert respondents.counts(c, "cafe") == {("live", "withdrawn"): 1}
        made_between = "2026-09-05T00:00:00.000Z"
        assert respondents.withdrawn_since(c, "cafe", 1, made_between) == 1
        assert respondents.withdrawn_since(c, "cafe", 1, LATER) == 0
        assert respondents.withdrawn_since(c, "cafe", 0, made_between) == 0
