"""Panels, quotas, cells and links through the real pages."""

import hashlib
import hmac
import json
import re
import threading
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from surveyapp import clock, tokens
from surveyapp.respond.arriving import device_of
from surveyapp.respond.returning import template_faults
from surveyapp.store import links, panels, quotas, respondents
from surveyapp.studies import invitations
from surveyapp.studies.panel_settings import panel_of
from tests import builders
from tests.surveyapp.respond.walks import begin

PAGES = """
  - id: about
    title: About you
    quality_out_if: check != "b"
    screen_out_if: age < 18
    questions:
      - {id: consent, kind: consent, text: 'Take part?'}
      - {id: gender, kind: single_choice, text: You are,
         options: [{id: f, label: A woman}, {id: m, label: A man}]}
      - {id: age, kind: number, text: Your age}
      - {id: check, kind: single_choice, text: 'Choose B.',
         options: [{id: a, label: A}, {id: b, label: B}]}
  - id: dearer
    title: At the higher price
    show_if: respondent.cell == "high"
    questions: [{id: buy, kind: nps, text: 'Would you?'}]
  - id: last
    title: All in all
    questions: [{id: like, kind: nps, text: 'Recommend?'}]
"""
FIRST = {"consent": "yes", "gender": "f", "age": "40", "check": "b"}
OUT = "https://panel.example/back?rst={status}&who={pid}&r={receipt}&sig={signature}"
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36"
)


@pytest.fixture
def app(tmp_path):
    made = builders.make_app(tmp_path / "instance")
    yield made
    builders.close(made)


@pytest.fixture
def client(app):
    return app.test_client()


def field(app, **more):
    builders.publish(app, builders.small_study(PAGES, **more))


def panel_link(app, returns=OUT, **more):
    """An open link of a panel that sends pid and src; returns its path."""
    study = builders.small_study(PAGES)
    addresses = dict.fromkeys(("complete", "screened_out", "quota_full", "quality_out"), returns)
    made = panel_of(study, "Good Panel", ["pid", "src"], "", addresses)
    with builders.store_of(app).write() as c:
        panels.save(c, made)
        panel = panels.named(c, "small", "Good Panel")
    return builders.open_link(app, "small", slug="panel", panel=panel.panel, **more), panel


def people(app):
    with builders.store_of(app).read() as c:
        return list(respondents.of_study(c, "small"))


def finish(client, home):
    for answers in ({"buy": "9"}, {"like": "9"}):
        page = client.get(home, follow_redirects=True)
        if "<form" in page.text and next(iter(answers)) in page.text:
            assert builders.send(client, home, answers).status_code == 303


def answer(client, path, **first):
    """Start and send the first page, and the rest where it goes on; returns the end page."""
    home = begin(client, path)
    builders.send(client, home, {**FIRST, **first})
    finish(client, home)
    return client.get(home)


@pytest.mark.parametrize(
    ("first", "status"),
    [
        ({}, "complete"),
        ({"age": "17"}, "screened_out"),
        ({"check": "a"}, "quality_out"),
        ({"gender": "m"}, "quota_full"),
    ],
)
def test_a_person_of_a_panel_goes_back_by_an_address_that_the_provider_can_check(
    app, client, first, status
):
    field(app, quotas='[{id: men, limit: 0, when: gender == "m"}]')
    path, panel = panel_link(app)
    end = answer(client, f"{path}?pid=a%26b%2F%C3%A9&src=x&evil=1", **first)
    address = end.headers["Refresh"].removeprefix("0;url=")
    assert (
        f'href="{address.replace("&", "&amp;")}"' in end.text and "Back to Good Panel" in end.text
    )
    (person,) = people(app)
    assert (person.ended, person.carried) == (status, {"pid": "a&b/é", "src": "x"})
    sent = parse_qs(urlsplit(address).query)
    assert (urlsplit(address).hostname, sent["rst"], sent["who"]) == (
        "panel.example", [status], ["a&b/é"],
    )  # fmt: skip
    head, _, signature = address.rpartition("&sig=")
    made = hmac.new(bytes.fromhex(panel.secret), head.encode(), hashlib.sha256).hexdigest()
    assert signature == made
    assert client.get(f"/a/{home_of(end)}").headers["Refresh"] == end.headers["Refresh"]


def home_of(response):
    return response.request.path.rsplit("/", 1)[1]


def test_nobody_goes_back_before_the_end_is_stored(app, client):
    field(app)
    path, _ = panel_link(app)
    home = begin(client, f"{path}?pid=p1")
    for page in (client.get(home), client.get(home, follow_redirects=True)):
        assert "Refresh" not in page.headers and "panel.example" not in page.text


def test_the_same_person_of_a_panel_is_told_so_and_counted_once(app, client):
    field(app)
    path, _ = panel_link(app)
    home = begin(client, f"{path}?pid=p1")
    assert client.get(f"{path}?pid=p1").location == home, "the same browser goes on"
    other = app.test_client()
    told = other.get(f"{path}?pid=p1&src=new")
    assert told.status_code == 409 and "You have already answered" in told.text
    assert home not in told.text and len(people(app)) == 1
    builders.send(client, home, FIRST)
    finish(client, home)
    back = other.get(f"{path}?pid=p1")
    assert "Back to Good Panel" in back.text and "rst=complete" in back.text
    begin(other, f"{path}?pid=p2")
    assert len(people(app)) == 2


def test_racing_starts_of_one_person_make_one_respondent(app, client):
    field(app)
    path, _ = panel_link(app)
    page = client.get(f"{path}?pid=p1")
    forms = [builders.hidden_fields(client.get(f"{path}?pid=p1").text) for _ in range(6)]
    cookie = client.get_cookie("surveyapp").value
    gate, codes = threading.Barrier(6), []

    def start(form):
        own = app.test_client()
        own.set_cookie("surveyapp", cookie)
        gate.wait()
        codes.append(own.post(path, data=form).status_code)

    threads = [threading.Thread(target=start, args=(form,)) for form in forms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert page.status_code == 200 and sorted(codes) == [303] + [409] * 5
    assert len(people(app)) == 1


def test_a_wave_and_a_test_run_ask_the_same_person_again(app, client):
    field(app, waves="[{id: spring, label: Spring}]")
    path, panel = panel_link(app)
    spring = builders.open_link(app, "small", slug="spring", panel=panel.panel, wave="spring")
    trial = builders.open_link(app, "small", slug="trial", panel=panel.panel, run_kind="test")
    for start in (path, spring, trial):
        begin(client, f"{start}?pid=p1")
    assert [(p.wave, p.run_kind) for p in people(app)] == [
        (None, "live"), ("spring", "live"), (None, "test"),
    ]  # fmt: skip


def test_an_address_that_names_no_person_starts_nothing(app, client):
    field(app)
    path, _ = panel_link(app)
    for query in ("", "?pid=", "?pid=%20", "?src=1", f"?pid={'x' * 201}", "?pid=%07"):
        page = client.get(path + query)
        assert page.status_code == 400 and "This link is not complete" in page.text, query
    assert people(app) == []


def test_a_start_without_a_valid_key_keeps_what_the_panel_sent(app, client):
    field(app)
    path, _ = panel_link(app)
    form = builders.hidden_fields(client.get(f"{path}?pid=p1&src=x").text)
    again = client.post(path, data={**form, "csrf_token": "old"})
    assert again.status_code == 400 and "send it again" in again.text
    client.post(path, data=builders.hidden_fields(again.text))
    assert people(app)[0].carried == {"pid": "p1", "src": "x"}


def test_parameters_cannot_be_slipped_in_with_the_form_or_lost_with_the_language(app, client):
    pages = PAGES.replace("About you", "{en: About you, de: Zu Ihnen}")
    study = builders.small_study(pages, languages="[en, de]")
    builders.publish(app, study)
    path, _ = panel_link(app)
    page = client.get(f"{path}?pid=p1&src=x")
    assert 'href="?pid=p1&amp;src=x&amp;lang=de"' in page.text
    client.post(path, data={**builders.hidden_fields(page.text), "pid": "forged"})
    assert people(app)[0].carried == {"pid": "p1", "src": "x"}


def test_what_a_panel_sends_is_exported_in_columns_of_its_own(app, client):
    from surveyapp.exports.answers import answers_csv

    field(app)
    path, _ = panel_link(app)
    answer(client, f"{path}?pid==1%2B1&src=x")
    with builders.store_of(app).read() as c:
        header, row = list(answers_csv(c, builders.small_study(PAGES), 1))
    cells = dict(zip(header.strip().split(","), row.strip().split(","), strict=True))
    assert (cells["pid"], cells["src"], cells["device"]) == ("'=1+1", "x", "desktop")


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("http://panel.example/{pid}", "https://"),
        ("https://{pid}.example/", "host must be written out"),
        ("https://panel.example@evil.example/", "user name"),
        ("https://panel.example/#{pid}", "after '#'"),
        ("https://panel.example/{nope}", "no placeholder {nope}"),
        ("https://panel.example/?s={signature}&x=1", "last parameter"),
        ("https://panel.example/?x={pid", "no partner"),
        ("https://panel.example/?x=a b", "percent-encode"),
        ("https://localhost/", "host"),
        ("https://panel.example/?x=" + "a" * 1000, "1,000 characters"),
        ("javascript:alert(1)", "https://"),
        ("https://[::1/", "cannot be read"),
    ],
)
def test_addresses_that_are_not_safe_are_refused(template, fault):
    assert any(fault in each for each in template_faults(template, ["pid"]))
    assert template_faults(OUT, ["pid"]) == []


def test_an_address_without_a_place_for_the_signature_is_signed_as_well(app, client):
    field(app)
    path, _ = panel_link(app, returns="https://panel.example/done")
    assert re.fullmatch(
        r"0;url=https://panel\.example/done\?signature=[0-9a-f]{64}",
        answer(client, f"{path}?pid=p1").headers["Refresh"],
    )


def test_a_full_quota_ends_where_its_answers_are_known_and_tests_do_not_fill_it(app, client):
    field(app, quotas='[{id: women, limit: 1, when: gender == "f"}]')
    builders.open_link(app, "small", slug="try")
    trial = builders.open_link(app, "small", slug="trial", run_kind="test")
    assert "Thank you</h1>" in answer(client, trial).text
    assert "Thank you</h1>" in answer(client, "/s/try").text
    over = begin(client, "/s/try")
    builders.send(client, over, FIRST)
    assert "Enough people like you have answered" in client.get(over).text
    man = answer(client, "/s/try", gender="m")
    assert "Thank you</h1>" in man.text
    assert [p.ended for p in people(app)] == ["complete", "complete", "quota_full", "complete"]


def test_a_quota_of_everybody_ends_at_the_start(app, client):
    field(app, quotas="[{id: all, limit: 1, count: starts}]")
    builders.open_link(app, "small")
    first, second = begin(client, "/s/try"), begin(client, "/s/try")
    assert "Enough people" in client.get(second).text
    assert client.get(first).status_code == 303
    with builders.store_of(app).read() as c:
        (fill,) = quotas.fill(c, "small", "live", at=clock.now())
    assert (fill.taken, fill.held) == (0, 1)


def test_racing_completes_through_the_pages_stop_at_the_limit(app, client):
    field(app, quotas="[{id: all, limit: 3}]")
    builders.open_link(app, "small")
    clients = [app.test_client() for _ in range(8)]
    homes = [begin(each, "/s/try") for each in clients]
    for each, home in zip(clients, homes, strict=True):
        builders.send(each, home, FIRST)
    gate = threading.Barrier(8)

    def end(n):
        gate.wait()
        finish(clients[n], homes[n])

    threads = [threading.Thread(target=end, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = sorted(p.ended for p in people(app))
    assert ended == ["complete"] * 3 + ["quota_full"] * 5


def test_cells_are_given_once_and_decide_what_is_asked(app, client):
    field(app, cells="[{id: low}, {id: high}]")
    builders.open_link(app, "small")
    seen = {}
    for _ in range(4):
        home = begin(client, "/s/try")
        builders.send(client, home, FIRST)
        who = next(p for p in people(app) if p.token_hash == tokens.token_hash(home[3:]))
        page = client.get(home, follow_redirects=True).request.path.rsplit("/", 1)[1]
        seen.setdefault(who.cell, set()).add(page)
    assert seen == {"low": {"last"}, "high": {"dearer"}}


def test_a_mail_scanner_changes_nothing_and_a_one_time_link_is_used_once(app, client):
    field(app)
    with builders.store_of(app).write() as c:
        (row,) = invitations.make_one_time(c, "small", 1, invitations.Terms(), base_url="http://x")
    path = urlsplit(row.address).path
    for _ in range(3):
        assert client.head(path).status_code == 200 == client.get(path).status_code
    assert people(app) == []
    home = begin(client, path)
    elsewhere = app.test_client()
    assert elsewhere.get(home).status_code == 303
    builders.send(elsewhere, home, FIRST)
    finish(elsewhere, home)
    assert "Receipt" in client.get(path).text and len(people(app)) == 1
    assert people(app)[0].customer is None


def test_only_hashes_of_personal_addresses_are_stored(app):
    field(app)
    with builders.store_of(app).write() as c:
        rows = invitations.make_one_time(c, "small", 2, invitations.Terms(), base_url="http://x")
        stored = json.dumps([repr(link) for link in links.of_study(c, "small")])
    assert not any(row.address.rsplit("/", 1)[1] in stored for row in rows)


def test_a_link_waits_for_its_first_day(app, client):
    field(app)
    tomorrow = clock.now(plus_seconds=86_400)
    path = builders.open_link(app, "small", opens=tomorrow)
    page = client.get(path)
    assert page.status_code == 410 and "cannot be used yet" in page.text


def test_days_are_whole_in_the_stated_time_zone(app):
    from datetime import date

    days = invitations.Days(date(2090, 3, 26), date(2090, 3, 26), "Europe/Berlin")
    assert days.bounds() == ("2090-03-25T23:00:00.000Z", "2090-03-26T21:59:59.999Z")


def test_guessing_links_is_slowed_down_and_good_links_stay_usable(tmp_path):
    app = builders.make_app(tmp_path / "slow", GUESS_LIMIT="5 per minute")
    field(app)
    path = builders.open_link(app, "small")
    client = app.test_client()
    codes = [client.get(f"/a/{tokens.new_token()}").status_code for _ in range(6)]
    assert codes == [404] * 5 + [429]
    assert client.get("/s/nothing").status_code == 429
    assert client.get(path).status_code == 200
    builders.close(app)


def test_the_device_is_kept_as_a_class_only(app):
    field(app)
    builders.open_link(app, "small")
    client = app.test_client()
    page = client.get("/s/try")
    client.post("/s/try", data=builders.hidden_fields(page.text), headers={"User-Agent": PHONE})
    (person,) = people(app)
    assert person.device == "phone" and "Pixel" not in repr(person)
    assert device_of(PHONE.replace("Mobile ", "")) == "tablet"
    assert device_of("Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0") == device_of("") == "desktop"
    assert replace(person, device=None).device is None
