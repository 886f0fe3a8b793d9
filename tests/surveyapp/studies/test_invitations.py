"""Inviting by e-mail as a researcher does: contacts, the dry run, waves, and the limits."""

import io
import re
from datetime import UTC, datetime, timedelta

import pytest

from analysis.study import StudyFaults, parse_study
from surveyapp import clock
from surveyapp.mail.compose import texts_of
from surveyapp.store import contacts, links, mailings
from surveyapp.studies.contacts import ContactFaults, read_contacts, store_contacts
from surveyapp.studies.mailing_wish import Panel, Wish
from surveyapp.studies.mailings import MailingFault, create, in_share, plan
from tests import builders
from tests.surveyapp import people

STUDY = """
study: cafe
title: {en: Our café, de: Unser Café}
languages: [en, de]
sponsor: The café
minutes: 4
contact: ask@cafe.example
privacy: We keep little.
waves:
  - {id: first, label: First}
  - {id: second, label: Second, starts: 2090-01-10, ends: 2090-01-31}
mails:
  invitation:
    subject: {en: 'Dear ${name|guest}', de: 'Guten Tag ${name|Gast}'}
    body: {en: 'Hello ${name|guest}, go: ${link}', de: 'Hallo ${name|Gast}: ${link}'}
pages:
  - id: one
    questions: [{id: consent, kind: consent, text: {en: 'Take part?', de: 'Teilnehmen?'}}]
"""
KEY = b"0123456789abcdef0123456789abcdef"
ROWS = "customer,email,language,name\na1,ann@home.example,en,Ann\nb2,ben@home.example,de,\n"


@pytest.fixture
def study():
    return parse_study(STUDY)


@pytest.fixture
def field(app, study):
    builders.publish(app, study)
    return Field(app, study)


class Field:
    def __init__(self, app, study):
        self.app, self.study = app, study
        self.settings = app.extensions["surveyapp.settings"]
        self.store = builders.store_of(app)
        self.key = self.settings.customer_key

    def contacts(self, text):
        with self.store.write() as c:
            store_contacts(c, read_contacts(text.encode(), self.study, key=self.key))

    def plan(self, **wish):
        with self.store.read() as c:
            return plan(c, self.study, Wish(texts_of(self.study), **wish), self.settings)

    def create(self, **wish):
        with self.store.write() as c:
            made = create(c, self.study, Wish(texts_of(self.study), **wish), self.settings, by="t")
            for _ in range(made.planned["invited"]):
                message = mailings.next_due(c, made.mailing)
                mailings.settle(c, message.message, "sent", at=clock.now())
        return made

    def names(self, planned):
        return sorted(contact.address.partition("@")[0] for contact in planned.contacts)


def test_contacts_lie_under_the_key_of_the_customer_with_their_language(study):
    ann, ben = read_contacts(ROWS.encode(), study, key=KEY)
    assert (ann.address, ann.language, ann.values) == ("ann@home.example", "en", {"name": "Ann"})
    assert (ben.language, ben.values) == ("de", {}) and len(ann.customer) == 32
    semicolons = read_contacts(ROWS.replace(",", ";").encode("utf-8-sig"), study, key=KEY)
    assert [x.customer for x in semicolons] == [ann.customer, ben.customer]


def test_all_faults_of_a_file_are_listed_with_their_lines(study):
    rows = (
        "customer,email,language,name\n,x@y.example,,\na,nobody,,\nb,b@y.example,fr,\n"
        'c,c@y.example,,"two\nlines"\nd,d@y.example,,\nd,e@y.example,,\nf,D@Y.example,,\n'
    )
    with pytest.raises(ContactFaults) as fault:
        read_contacts(rows.encode(), study, key=KEY)
    said = str(fault.value)
    for part in ("Line 2: the customer is missing", "Line 3: 'nobody' is no e-mail", "Line 4: the "
                 "study has no language 'fr'", "control character", "stands on line 7 already",
                 "one person would get two mails"):  # fmt: skip
        assert part in said


WRONG_FILES = (
    (b"", "no contacts"),
    (b"customer,email\n", "no contacts"),
    (b"customer,name\na,b\n", "column 'email' is missing"),
    (b"customer,email,link\na,a@b.example,x\n", "filled in by the app"),
    (b"customer,email,First Name\na,a@b.example,x\n", "cannot be named in mails"),
    (b"\xff\xfe\x00", "not UTF-8"),
    (b"customer,email\n\x00,\n", "not text"),
)


@pytest.mark.parametrize(("raw", "said"), WRONG_FILES)
def test_a_file_that_is_no_list_of_contacts(raw, said, study):
    with pytest.raises(ContactFaults, match=re.escape(said)):
        read_contacts(raw, study, key=KEY)


def test_a_customer_is_invited_once_in_so_many_days_across_studies(field):
    field.contacts(ROWS)
    field.create(wave="first")
    assert field.plan(wave="first").left_out == {"invited": 2}
    other = parse_study(STUDY.replace("study: cafe", "study: other"))
    builders.publish(field.app, other)
    another = Field(field.app, other)
    another.contacts(ROWS + "c3,cid@home.example,en,\n")
    found = another.plan()
    assert another.names(found) == ["cid"] and found.left_out == {"lately": 2}
    assert len(another.plan(run_kind="test").contacts) == 3, "tests are not counted"
    despite = another.plan(despite="They asked for it")
    assert len(despite.contacts) == 3 and despite.overridden == 2
    with clock.set_to(datetime.now(UTC) + timedelta(days=31)):
        assert len(another.plan().contacts) == 3


def test_a_wave_invites_who_answered_an_earlier_one_by_links_of_its_own(field):
    field.contacts(ROWS + "c3,cid@home.example,en,\nd4,dora@home.example,en,\n")
    field.create(wave="first")
    with field.store.read() as c:
        made = {link.customer: link for link in links.of_study(c, "cafe")}
        by_name = {x.address[:3]: x.customer for x in contacts.of_study(c, "cafe")}
    answer(field, made[by_name["ann"]], consent="yes")
    answer(field, made[by_name["ben"]], consent="no")
    answer(field, made[by_name["cid"]])
    later = datetime.now(UTC) + timedelta(days=40)
    with clock.set_to(later):
        everybody = field.plan(wave="second", panel=Panel("first", "all"))
        assert field.names(everybody) == ["ann", "cid"], "declined ones are left alone"
        done = field.plan(wave="second", panel=Panel("first", "complete"))
        assert field.names(done) == ["ann"] and done.left_out == {"elsewhere": 3}
        made_two = field.create(wave="second", panel=Panel("first", "complete"))
    with field.store.read() as c:
        two = next(x for x in links.of_study(c, "cafe") if x.wave == "second")
    one = made[by_name["ann"]]
    assert two.customer == one.customer and two.token_hash != one.token_hash
    assert (two.opens[:10], two.expires[:10]) == ("2090-01-10", "2090-01-31"), "the wave's days"
    assert made_two.wave == "second"


def answer(field, link, consent=None):
    """Start by a link, and answer where ``consent`` is given."""
    from surveyapp import tokens

    client = field.app.test_client()
    path = f"/a/{tokens.link_token(link.link, field.key)}"
    builders.send(client, path)
    if consent:
        builders.send(client, path, {"consent": consent})


def test_mails_of_a_wave_wait_for_its_first_day(field):
    field.contacts(ROWS)
    with field.store.write() as c:
        create(c, field.study, Wish(texts_of(field.study), wave="second"), field.settings, by="t")
        assert not mailings.with_due(c, at=clock.now())
        assert mailings.with_due(c, at="2090-01-10T00:00:00.000Z")


def test_turns_of_shares_reach_everybody_once(study):
    names = [f"customer-{n}" for n in range(4000)]
    for name in names:
        assert sum(in_share(name, turn, 4) for turn in (1, 2, 3, 4)) == 1
    sizes = [sum(in_share(name, turn, 4) for name in names) for turn in (1, 2, 3, 4)]
    assert max(sizes) < 1100 and min(sizes) > 900  # 1,000 +- 3.6 standard deviations


def test_who_answered_by_another_link_of_the_wave_is_left_alone(field):
    field.contacts(ROWS)
    with field.store.read() as c:
        ann = next(x for x in contacts.of_study(c, "cafe") if x.values.get("name"))
    path = builders.personal_link(field.app, "cafe", customer=ann.customer, wave="first")
    client = field.app.test_client()
    builders.send(client, path)
    builders.send(client, path, {"consent": "yes"})
    assert field.plan(wave="first").left_out == {"answered": 1}


def test_a_link_made_as_a_file_by_another_key_is_not_mailed(field):
    field.contacts(ROWS)
    with field.store.read() as c:
        ann = next(x for x in contacts.of_study(c, "cafe") if x.values.get("name"))
    builders.personal_link(field.app, "cafe", customer=ann.customer, wave="first")
    assert field.plan(wave="first").left_out == {"other_key": 1}


def test_every_fault_of_a_wish_is_said(field):
    field.contacts(ROWS)
    texts = texts_of(field.study)
    texts["invitation"]["en"] = {"subject": "Two\nlines", "body": "no place to go, ${Odd}"}
    wish = Wish(texts, wave="first", panel=Panel("nope", "some", 5, 4), remind_at_most=9)
    with field.store.read() as c, pytest.raises(MailingFault) as fault:
        plan(c, field.study, wish, field.settings)
    for part in ("no earlier wave 'nope'", "all or complete", "2/4", "at most 5 times",
                 "line break", "does not contain ${link}", "no placeholder"):  # fmt: skip
        assert part in str(fault.value)


def test_a_field_that_contacts_lack_is_counted_before_anything_is_sent(field):
    field.contacts(ROWS)
    texts = texts_of(field.study)
    for said in texts["invitation"].values():
        said["body"] = "Dear ${name}: ${link}"
    with field.store.read() as c, pytest.raises(MailingFault, match=r"1 contact has no 'name'"):
        plan(c, field.study, Wish(texts, wave="first"), field.settings)


def test_mails_of_a_study_file_are_checked_with_it():
    wrong = STUDY.replace("go: ${link}", "go").replace("'Dear ${name|guest}'", '"a\\nb"')
    with pytest.raises(StudyFaults) as fault:
        parse_study(wrong)
    assert {each.path for each in fault.value.faults} == {
        "mails.invitation.body",
        "mails.invitation.subject",
    }


def test_a_researcher_uploads_checks_and_sends(field):
    person = people.logged_in(field.app, "researcher")
    page = person.post(
        "/studies/cafe/contacts", contacts=(io.BytesIO(b"customer,email\n1,x\n2,y\n"), "c.csv")
    )
    assert page.status_code == 400 and "Line 2" in page.text and "Line 3" in page.text
    person.post("/studies/cafe/contacts", contacts=(io.BytesIO(ROWS.encode()), "c.csv"))
    shown = person.get("/studies/cafe/invitations").text
    assert "2 addresses" in shown and "MAIL_HOST is empty" in shown
    assert "Dear ${name|guest}" in shown and "ann@home" not in shown
    checked = person.post("/studies/cafe/invitations/check", wave="first", remind_most="2").text
    assert "2 people would be invited" in checked and "Hallo [name]" in checked
    assert "4 minutes" in checked and "We keep little." in checked
    refused = person.post("/studies/cafe/invitations/send", wave="first")
    assert refused.status_code == 400 and "MAIL_HOST is empty" in refused.text
    bad = person.post("/studies/cafe/invitations/check", share="x", first="soon", remind_most="-1")
    assert bad.status_code == 400
    for part in ("A share is written", "&#39;soon&#39; is not a date", "is not a whole number"):
        assert part in bad.text


def test_a_mailing_is_followed_decided_and_stopped(app, study):
    values = {"MAIL_HOST": "127.0.0.1", "MAIL_SECURITY": "none", "MAIL_FROM": "a@b.example"}
    app = builders.make_app(app.extensions["surveyapp.settings"].instance / "own", **values)
    builders.publish(app, study)
    field = Field(app, study)
    field.contacts(ROWS)
    person = people.logged_in(app, "researcher")
    sent = person.post("/studies/cafe/invitations/send", wave="first")
    assert sent.status_code == 303
    name = sent.location.rpartition("/")[2]
    assert "Waiting" in person.get(sent.location).text
    with field.store.write() as c:
        first = mailings.next_due(c, name)
        mailings.claim(c, first.message, "m1@b.example", at=clock.now())
        mailings.give_up_claimed(c, name)
    page = person.get(sent.location).text
    assert "1 mail of unknown fate" in page and "m1@b.example" in page
    person.post(f"{sent.location}/sent")
    person.post(f"{sent.location}/stop")
    with field.store.read() as c:
        assert mailings.count(c, name).states == {"sent": 1, "cancelled": 1}
    shown = person.get("/studies/cafe/monitor").text
    assert "Whether mails are opened is not tracked" in shown and "0% of 1" in shown
    assert person.post(f"{sent.location}/explode").status_code == 404
    person.post("/studies/cafe/contacts/remove")
    assert "No addresses yet" in person.get("/studies/cafe/invitations").text
    builders.close(app)


def test_addresses_are_in_no_export(field):
    field.contacts(ROWS)
    field.create(wave="first")
    person = people.logged_in(field.app, "researcher")
    assert "home.example" not in person.get("/studies/cafe/answers.csv").text
