"""No more mails: one click, for all studies, and never by a scanner."""

import pytest

from surveyapp import clock, tokens
from surveyapp.mail.compose import texts_of
from surveyapp.store import contacts, mailings
from surveyapp.studies.contacts import read_contacts, store_contacts
from surveyapp.studies.mailing_wish import Wish
from surveyapp.studies.mailings import create, plan
from tests import builders

PAGES = "  - {id: one, questions: [{id: consent, kind: consent, text: Take part}]}\n"


@pytest.fixture
def mail(app):
    """The address of a mail's way out."""
    return invite(app, "small", "ann,ann@home.example")


def invite(app, name, row):
    study = builders.small_study(PAGES).model_copy(update={"study": name})
    builders.publish(app, study)
    settings = app.extensions["surveyapp.settings"]
    key = settings.customer_key
    with builders.store_of(app).write() as c:
        store_contacts(c, read_contacts(f"customer,email\n{row}\n".encode(), study, key=key))
        made = create(c, study, Wish(texts_of(study)), settings, by="test")
        message = mailings.next_due(c, made.mailing).message
    return f"/stop/{message}/{tokens.stop_token(message, key)}"


def silent(app):
    with builders.store_of(app).read() as c:
        return contacts.opted_out(c)


def reaches(app, name, row):
    """Whom a mailing of another study would reach."""
    study = builders.small_study(PAGES).model_copy(update={"study": name})
    builders.publish(app, study)
    settings = app.extensions["surveyapp.settings"]
    with builders.store_of(app).write() as c:
        new = read_contacts(f"customer,email\n{row}\n".encode(), study, key=settings.customer_key)
        store_contacts(c, new)
        found = plan(c, study, Wish(texts_of(study)), settings)
    return len(found.contacts), found.left_out


def test_opening_the_address_changes_nothing(app, client, mail):
    for address in (mail, f"{mail}/now"):
        assert "Send me no more mails" in client.get(address).text
    assert not silent(app)


def test_the_button_of_the_page_holds_across_studies_and_addresses(app, client, mail):
    done = builders.send(client, mail, follow_redirects=True)
    assert "You get no more survey mails from us" in done.text
    assert reaches(app, "other", "ann,new@home.example") == (0, {"opted_out": 1})
    assert reaches(app, "third", "somebody,ANN@home.example") == (0, {"opted_out": 1})
    with builders.store_of(app).read() as c:
        (found,) = mailings.of_study(c, "small")
        assert mailings.count(c, found.mailing).opted_out == 1


def test_one_click_of_a_mail_program_needs_no_page(app, client, mail):
    done = client.post(f"{mail}/now", data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200 and len(silent(app)) == 2
    again = client.post(f"{mail}/now", data={"List-Unsubscribe": "One-Click"})
    assert again.status_code == 200 and len(silent(app)) == 2


def test_forged_addresses_and_forms_do_nothing(app, client, mail):
    assert client.post(f"{mail}x/now", data={"List-Unsubscribe": "One-Click"}).status_code == 404
    assert client.post(f"{mail}/now", data={"x": "y"}).status_code == 400
    assert client.post(mail, data={"csrf_token": "forged"}).status_code == 400
    assert client.get("/stop/none/é").status_code == 404
    assert not silent(app)


def test_who_changes_the_mind_gets_mails_again(app, client, mail):
    builders.send(client, mail)
    page = client.get(mail)
    client.post(f"{mail}/undo", data=builders.hidden_fields(page.text))
    assert not silent(app)


def test_after_erasure_the_page_says_that_no_address_is_left(app, client, mail):
    with builders.store_of(app).write() as c:
        for contact in list(contacts.of_study(c, "small")):
            contacts.opt_out(c, "small", [contact.customer], at=clock.now())
            contacts.erase(c, contact.customer)
    assert "Your address was removed" in client.get(mail).text
    assert reaches(app, "other", "ann,ann@home.example") == (0, {"opted_out": 1})
