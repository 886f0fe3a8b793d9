"""Log-in: sessions, passwords, and who gets where."""

import pytest

from analysis.ledgers.identifiers import keep_identifiers
from surveyapp.staff import accounts
from surveyapp.staff.forms import local_path
from surveyapp.store import erasures, staff
from tests import builders
from tests.surveyapp.people import LOG_IN, PASSWORD, Person, add, logged_in


@pytest.mark.parametrize(
    ("role", "first"),
    [("researcher", "/studies/"), ("manager", "/reports/"), ("administrator", "/studies/")],
)
def test_each_role_comes_to_its_own_first_page(app, role, first):
    person = logged_in(app, role)
    assert person.get("/staff/").headers["Location"] == first
    assert person.get(first).status_code == 200


def test_the_session_is_rotated_at_log_in_and_worthless_after_log_out(app):
    name = add(app, "manager")
    person = Person(app, name)
    first = person.client.get_cookie("surveyapp").value
    person.post(LOG_IN, name=name, password=PASSWORD)
    assert person.client.get_cookie("surveyapp").value != first
    second = person.client.get_cookie("surveyapp").value
    person.post("/staff/log-out")
    for old in (first, second):
        thief = app.test_client()
        thief.set_cookie("surveyapp", old)
        assert thief.get("/reports/").status_code == 303


def test_a_wrong_password_and_an_unknown_name_look_the_same(app):
    name = add(app, "manager")
    replies = [
        Person(app).post(LOG_IN, name=who, password="not the password")
        for who in (name, "nobody@example.org")
    ]
    assert [reply.status_code for reply in replies] == [400, 400]
    texts = [reply.text.replace(name, "").replace("nobody@example.org", "") for reply in replies]
    assert all("Name or password is wrong" in text for text in texts)


def test_an_unknown_name_costs_a_password_check_too(app, monkeypatch):
    checked = []
    verify = accounts._verify
    monkeypatch.setattr(accounts, "_verify", lambda *given: checked.append(1) or verify(*given))
    assert accounts.check(builders.store_of(app), "nobody", "x" * 12) is None
    assert checked == [1]


def test_log_in_leads_back_to_the_page_that_was_asked_for(app):
    name = add(app, "researcher")
    person = Person(app)
    sent_to = person.get("/studies/new").headers["Location"]
    reply = person.post(sent_to, name=name, password=PASSWORD)
    assert reply.headers["Location"] == "/studies/new"


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "evil", ""],
)
def test_log_in_never_leads_to_another_site(app, target):
    assert local_path(target) is None
    name = add(app, "manager")
    reply = Person(app).client
    person = Person(app)
    person.client = reply
    sent = person.post(f"{LOG_IN}?next={target}", name=name, password=PASSWORD)
    assert sent.headers["Location"] == "/staff/"


def test_too_many_attempts_are_refused(tmp_path):
    app = builders.make_app(tmp_path, LOG_IN_LIMIT="2 per minute")
    person = Person(app)
    codes = [person.post(LOG_IN, name="x", password="y").status_code for _ in range(4)]
    builders.close(app)
    assert codes == [400, 400, 429, 429]


def test_a_new_password_counts_and_ends_other_sessions(app):
    name = add(app, "manager")
    here, there = Person(app, name), Person(app, name)
    wrong = here.post("/staff/password", present="not it at all", new="a better password")
    assert (wrong.status_code, "not your present password" in wrong.text) == (400, True)
    assert here.post("/staff/password", present=PASSWORD, new="short").status_code == 400
    changed = here.post("/staff/password", present=PASSWORD, new="a better password")
    assert changed.status_code == 303
    assert here.get("/reports/").status_code == 200
    assert there.get("/reports/").status_code == 303
    assert Person(app, name, "a better password").get("/reports/").status_code == 200


def test_an_administrator_adds_and_disables_staff(app):
    boss = logged_in(app, "administrator")
    made = boss.post("/staff/people", name="mia", role="manager", password=PASSWORD)
    assert made.status_code == 303
    again = boss.post("/staff/people", name="mia", role="manager", password=PASSWORD)
    assert "already a member of staff" in again.text
    bad = boss.post("/staff/people", name="tom", role="king", password=PASSWORD)
    assert "is no role" in bad.text
    mia = Person(app, "mia")
    record = accounts.check(builders.store_of(app), "mia", PASSWORD)
    boss.post(f"/staff/people/{record.staff}/off")
    assert mia.get("/reports/").status_code == 303
    assert Person(app).post(LOG_IN, name="mia", password=PASSWORD).status_code == 400
    boss.post(f"/staff/people/{record.staff}/on")
    assert Person(app, "mia").get("/reports/").status_code == 200


def test_the_last_administrator_cannot_be_disabled(app):
    boss = logged_in(app, "administrator")
    record = accounts.check(builders.store_of(app), "administrator-0", PASSWORD)
    boss.post(f"/staff/people/{record.staff}/off")
    page = boss.get("/staff/people")
    assert page.status_code == 200
    assert "another administrator" in page.text


@pytest.mark.parametrize("path", ["/studies/", "/studies/new", "/staff/people"])
def test_a_manager_may_only_read_reports(app, path):
    assert logged_in(app, "manager").get(path).status_code == 403


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaa", "Researcher@x"])
def test_poor_passwords_are_refused(password):
    assert accounts.password_fault(password, "researcher@x")


@pytest.mark.parametrize("path", ["/staff/people/nobody/off", "/staff/people/{own}/maybe"])
def test_only_a_member_can_be_switched_on_or_off(app, path):
    boss = logged_in(app, "administrator")
    with builders.store_of(app).read() as c:
        own = staff.every(c)[0].staff
    assert boss.post(path.format(own=own)).status_code == 404


def test_a_null_character_in_a_name_is_a_wrong_name(app):
    assert Person(app).post(LOG_IN, name="a\x00b", password=PASSWORD).status_code == 400


def test_an_administrator_erases_a_customer_and_only_the_count_is_kept(app, monkeypatch):
    from surveyapp.jobs import erasing

    person = logged_in(app, "administrator")
    assert logged_in(app, "manager").get("/staff/erasures").status_code == 403
    wrong = person.post("/staff/erasures", identifier=" ", answers="keep", archives="list")
    assert wrong.status_code == 400
    asked = person.post("/staff/erasures", identifier="ann@x.org", answers="keep", archives="list")
    assert asked.status_code == 303
    assert "Waiting" in person.get("/staff/erasures").text
    store = app.extensions["surveyapp.store"]
    settings = app.extensions["surveyapp.settings"]
    monkeypatch.setattr(erasing, "read_settings", lambda: settings)
    erasing.main()
    page = person.get("/staff/erasures").text
    assert "nothing was stored" in page
    assert "ann@x.org" not in page
    with store.read() as c:
        kept = erasures.every(c)
    assert [(one.customer, one.identifier) for one in kept] == [(None, None)]


def test_raw_identifiers_are_seen_only_by_permission(app):
    settings = app.extensions["surveyapp.settings"]
    keep_identifiers(settings.raw_files / "identifiers.sqlite", [("a" * 32, "ann@x.org")])
    manager = logged_in(app, "manager")
    assert manager.get("/staff/identify").status_code == 403
    boss = logged_in(app, "administrator")
    assert boss.get("/staff/identify").status_code == 403
    store = app.extensions["surveyapp.store"]
    with store.read() as c:
        found = next(m for m in staff.every(c) if m.role == "manager")
    boss.post(f"/staff/people/{found.staff}/identifiers/on")
    assert "ann@x.org" in manager.post("/staff/identify", pseudonym="a" * 32).text
    assert manager.post("/staff/identify", pseudonym="b" * 32).status_code == 400
    boss.post(f"/staff/people/{found.staff}/identifiers/off")
    assert manager.get("/staff/identify").status_code == 403
