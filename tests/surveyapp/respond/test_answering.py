"""A respondent answers, stops, goes back, clicks twice: nothing is lost, nothing doubled."""

import threading

import pytest

from surveyapp import clock, tokens
from surveyapp.store import answers, links, respondents, studies
from tests import builders
from tests.surveyapp.respond.walks import CONSENT, HABITS, at, begin, fill, finish


def everything(app, study="pastry"):
    with builders.store_of(app).read() as c:
        people = list(respondents.of_study(c, study))
        return people, list(answers.of_study(c, study)), list(answers.choices_of_study(c, study))


def stored(app, home):
    with builders.store_of(app).read() as c:
        who = respondents.by_token(c, tokens.token_hash(home.rsplit("/", 1)[1]))
        rows = answers.stored(c, who.respondent)
        return who, {key: row.value for key, row in rows.items()}


def test_from_the_first_page_to_the_receipt(app, client):
    home = begin(client, builders.personal_link(app, customer="c-17", wave="2026-08"))
    end = finish(client, home)
    people, rows, chosen = everything(app)
    assert "Thank you" in end and people[0].respondent[:4] in end
    assert (people[0].ended, people[0].customer, people[0].wave) == ("complete", "c-17", "2026-08")
    assert len(chosen) == 12 and {c.chosen for c in chosen} == {4}
    not_asked = {"complaint", "image__ours", "image__kiosk"}  # bought at the coffee house only
    assert {row.question for _, row in rows} == {
        q.id for q in builders.pastry().questions()
    } - not_asked
    assert ("occasions", "break", "0") in {(r.question, r.item, r.value) for _, r in rows} or (
        "occasions", "break", "1",
    ) in {(r.question, r.item, r.value) for _, r in rows}  # fmt: skip


def test_looking_changes_nothing(app, client):
    personal = builders.personal_link(app)
    for path in (personal, builders.open_link(app), f"{personal}/welcome", f"{personal}/choices.3"):
        client.get(path, follow_redirects=True)
    assert everything(app) == ([], [], [])


def test_starting_twice_from_an_open_link_starts_once(app, client):
    page = client.get(builders.open_link(app))
    form = builders.hidden_fields(page.text)
    sent = [client.post("/s/try", data=form) for _ in range(2)]
    assert sent[0].location == sent[1].location
    assert len(everything(app)[0]) == 1


def test_starting_a_personal_link_from_many_threads_starts_once(app, client):
    path = builders.personal_link(app)
    form = builders.hidden_fields(client.get(path).text)
    cookie = client.get_cookie("surveyapp").value
    assert set(together(app, cookie, path, [form] * 6)) == {303}
    assert len(everything(app)[0]) == 1


def together(app, cookie, path, forms):
    """Post forms at the same moment, each from a thread; returns the status codes."""
    gate = threading.Barrier(len(forms))
    codes = []

    def post(form):
        own = app.test_client()
        own.set_cookie("surveyapp", cookie)
        gate.wait()
        codes.append(own.post(path, data=form).status_code)

    threads = [threading.Thread(target=post, args=(form,)) for form in forms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes


def test_a_double_click_stores_once_and_leads_on(app, client):
    home = begin(client, builders.open_link(app))
    page = client.get(f"{home}/welcome")
    form = {**builders.hidden_fields(page.text), **CONSENT}
    cookie = client.get_cookie("surveyapp").value
    assert together(app, cookie, f"{home}/welcome", [form] * 5) == [303] * 5
    who, values = stored(app, home)
    assert who.turn == 1 and values == {("consent", ""): "yes", ("linking", ""): "yes"}
    assert at(client, home) == "habits"


@pytest.mark.parametrize("step", ["notes", "choices.12", "person"])
def test_a_double_click_anywhere_leads_where_one_click_leads(app, client, step):
    """On a page of text only, on a choice, and on the last page, which ends the survey."""
    builders.publish(app, builders.read_study(builders.ALL_KINDS))
    study = "all_kinds" if step == "notes" else "pastry"
    home = begin(client, builders.open_link(app, study))
    while at(client, home) != step:
        builders.send(client, home, fill(client.get(home, follow_redirects=True).text))
    page = client.get(f"{home}/{step}").text
    form = {**builders.hidden_fields(page), **fill(page)}
    cookie = client.get_cookie("surveyapp").value
    assert together(app, cookie, f"{home}/{step}", [form] * 4) == [303] * 4
    who = stored(app, home)[0]
    assert who.turn == int(form["turn"]) + 1
    assert (who.ended == "complete") == (step == "person")


def test_two_tabs_with_different_answers_keep_the_first_and_say_so(app, client):
    home = begin(client, builders.open_link(app))
    builders.send(client, home, CONSENT)
    page = client.get(f"{home}/habits")
    form = {**builders.hidden_fields(page.text), **HABITS}
    cookie = client.get_cookie("surveyapp").value
    others = [{**form, "visits": visits} for visits in ("weekly", "monthly", "rarely")]
    codes = together(app, cookie, f"{home}/habits", others)
    assert sorted(codes) == [303, 409, 409]
    who, values = stored(app, home)
    late = next(o for o in others if o["visits"] != values["visits", ""])
    answer = client.post(f"{home}/habits", data=late)
    assert answer.status_code == 409 and "This page was already sent" in answer.text
    assert f'value="{values["visits", ""]}" checked' in answer.text
    assert who.turn == 2


def test_a_page_resent_later_leads_where_it_led_then(app, client):
    home = begin(client, builders.open_link(app))
    page = client.get(f"{home}/welcome")
    form = {**builders.hidden_fields(page.text), **CONSENT}
    first = client.post(f"{home}/welcome", data=form)
    builders.send(client, home, HABITS)
    again = client.post(f"{home}/welcome", data=form)
    assert (again.status_code, again.location) == (303, first.location)
    assert stored(app, home)[0].turn == 2


def test_a_page_never_stored_is_kept_on_screen_when_another_tab_moved_on(app, client):
    home = begin(client, builders.open_link(app))
    builders.send(client, home, CONSENT)
    old = builders.hidden_fields(client.get(f"{home}/habits").text)
    builders.send(client, f"{home}/welcome", {"consent": "yes", "linking": "no"})
    answer = client.post(f"{home}/habits", data={**old, **HABITS})
    assert answer.status_code == 409 and 'value="weekly" checked' in answer.text
    form = {**builders.hidden_fields(answer.text), **HABITS}
    assert client.post(f"{home}/habits", data=form).status_code == 303


def test_without_a_valid_key_the_page_comes_back_filled_in(app, client):
    home = begin(client, builders.open_link(app))
    builders.send(client, home, CONSENT)
    turn = builders.hidden_fields(client.get(f"{home}/habits").text)["turn"]
    answer = client.post(f"{home}/habits", data={**HABITS, "turn": turn})
    assert answer.status_code == 400 and "send it again" in answer.text
    assert 'value="weekly" checked' in answer.text and 'value="gift" checked' in answer.text
    again = client.post(f"{home}/habits", data={**builders.hidden_fields(answer.text), **HABITS})
    assert again.status_code == 303


def test_stopping_and_going_on_from_another_device(app, client):
    home = begin(client, builders.open_link(app))
    builders.send(client, home, CONSENT)
    elsewhere = app.test_client()
    assert at(elsewhere, home) == "habits"
    assert 'value="yes" checked' in elsewhere.get(f"{home}/welcome").text


def test_pages_ahead_and_pages_off_the_way_lead_to_the_current_one(app, client):
    home = begin(client, builders.open_link(app))
    for step in ("choices.5", "better", "no_such_page", "person"):
        assert client.get(f"{home}/{step}", follow_redirects=True).request.path == f"{home}/welcome"
        form = builders.hidden_fields(client.get(home, follow_redirects=True).text)
        sent = client.post(f"{home}/{step}", data={**form, "choice": "1", "complaint": "x"})
        assert sent.status_code == 409 and "was not stored" in sent.text
        assert f'action="{home}/welcome"' in sent.text
    assert stored(app, home)[1] == {} and everything(app)[2] == []


def test_going_back_and_taking_another_way_asks_what_is_new(app, client):
    home = begin(client, builders.open_link(app))
    while at(client, home) != "engagement":
        page = client.get(home, follow_redirects=True)
        builders.send(client, home, fill(page.text))
    builders.send(client, f"{home}/verdict", {"recommend": "2", "satisfied": "5", "again": "5"})
    assert at(client, home) == "better"
    assert client.get(f"{home}/engagement", follow_redirects=True).request.path.endswith("/better")
    finish(client, home)
    people, rows, _ = everything(app)
    assert people[0].ended == "complete"
    assert "complaint" in {row.question for _, row in rows}


@pytest.mark.parametrize(
    ("step", "entered", "error"),
    [
        ("habits", {"visits": "daily", "occasions": "gift"}, "Choose an answer"),
        ("habits", {"visits": ["weekly", "rarely"], "occasions": "gift"}, "Choose an answer"),
        ("habits", {"visits": "weekly", "occasions": ["gift", "x"]}, "Choose at least one"),
        ("habits", {"visits": "~refused", "occasions": "gift"}, "Choose an answer"),
        ("habits", {}, "Choose an answer: “How often do you buy from us?”"),
    ],
)
def test_what_the_study_does_not_offer_is_refused(app, client, step, entered, error):
    home = begin(client, builders.open_link(app))
    builders.send(client, home, CONSENT)
    answer = builders.send(client, f"{home}/{step}", entered)
    assert answer.status_code == 422 and error in answer.text
    assert "<title>Error: " in answer.text and 'href="#' in answer.text
    assert len(stored(app, home)[1]) == 2


@pytest.mark.parametrize("choice", ["0", "5", "-1", "x", "", "01", "1.0"])
def test_a_choice_outside_the_alternatives_is_refused(app, client, choice):
    home = begin(client, builders.open_link(app))
    while at(client, home) != "choices.1":
        builders.send(client, home, fill(client.get(home, follow_redirects=True).text))
    answer = builders.send(client, f"{home}/choices.1", {"choice": choice})
    assert answer.status_code == 422 and "Choose one of the options" in answer.text
    assert everything(app)[2] == []
    assert builders.send(client, f"{home}/choices.1", {"choice": "2"}).status_code == 303
    assert "You chose B." in client.get(home, follow_redirects=True).text


def test_respondents_get_the_blocks_in_turn(app, client):
    path = builders.open_link(app)
    first = begin(client, path), begin(client, path)
    for home in first:
        while at(client, home) != "choices.2":
            builders.send(client, home, fill(client.get(home, follow_redirects=True).text))
    assert sorted(row.block for row in everything(app)[2]) == [1, 2]


def test_unknown_fields_are_ignored(app, client):
    home = begin(client, builders.open_link(app))
    builders.send(client, home, {**CONSENT, "visits": "weekly", "ended": "complete", "x": "y"})
    assert set(stored(app, home)[1]) == {("consent", ""), ("linking", "")}


def test_declining_ends_without_further_questions(app, client):
    home = begin(client, builders.open_link(app))
    builders.send(client, home, {"consent": "no", "linking": "no"})
    assert "You chose not to take part" in client.get(home).text
    sent = client.post(f"{home}/welcome", data={**CONSENT, "csrf_token": key(client), "turn": "1"})
    assert sent.status_code == 409
    assert stored(app, home)[1]["consent", ""] == "no"


def key(client):
    return builders.hidden_fields(client.get("/s/try").text)["csrf_token"]


def test_screening_out_is_judged_after_its_page(app, client):
    study = builders.small_study(
        "  - {id: first, title: A, screen_out_if: 'age < 18', questions: [\n"
        "      {id: consent, kind: consent, text: 'Take part?'},\n"
        "      {id: age, kind: number, text: 'How old are you?'}]}\n"
        "  - {id: second, title: B, questions: [{id: q, kind: nps, text: 'Recommend?'}]}\n"
    )
    builders.publish(app, study)
    path = builders.open_link(app, "small", slug="small")
    child, adult = begin(client, path), begin(client, path)
    builders.send(client, child, {"consent": "yes", "age": "17"})
    builders.send(client, adult, {"consent": "yes", "age": "18"})
    assert "Thank you, that is all" in client.get(child).text
    assert at(client, adult) == "second"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"revoked": "2026-01-01T00:00:00.000Z"}, "no longer valid"),
        ({"expires": "2026-01-01T00:00:00.000Z"}, "has expired"),
    ],
)
def test_links_that_ended_say_why_and_start_nothing(app, client, change, words):
    for path in (builders.personal_link(app, **change), builders.open_link(app, **change)):
        page = client.get(path)
        assert page.status_code == 410 and words in page.text
        form = {"csrf_token": csrf_from(client, app), "key": "forged"}
        client.post(path, data=form)
    assert everything(app)[0] == []


def csrf_from(client, app):
    path = builders.personal_link(app)
    return builders.hidden_fields(client.get(path).text)["csrf_token"]


def test_closing_and_revoking_stop_those_who_started_and_keep_their_answers(app, client):
    home = begin(client, builders.open_link(app))
    builders.send(client, home, CONSENT)
    form = {**builders.hidden_fields(client.get(f"{home}/habits").text), **HABITS}
    with builders.store_of(app).write() as c:
        studies.set_closed(c, "pastry", clock.now())
    assert "This survey is closed" in client.get(home).text
    assert client.post(f"{home}/habits", data=form).status_code == 410
    with builders.store_of(app).write() as c:
        studies.set_closed(c, "pastry", None)
        links.revoke(c, links.by_slug(c, "try").link, at=clock.now())
    assert "no longer valid" in client.get(home).text
    assert len(stored(app, home)[1]) == 2


def test_a_link_that_expires_lets_those_finish_who_started(app, client):
    soon = clock.now(plus_seconds=3600)
    home = begin(client, builders.open_link(app, expires=soon))
    from surveyapp.respond.start import barrier

    with builders.store_of(app).read() as c:
        link, study = links.by_slug(c, "try"), studies.get(c, "pastry")
    later = clock.now(plus_seconds=7200)
    assert barrier(link, study, at=later, started=False) == "expired"
    assert barrier(link, study, at=later, started=True) is None
    assert client.get(home).status_code == 303


def test_after_the_end_nothing_changes(app, client):
    home = begin(client, builders.personal_link(app))
    end = finish(client, home)
    before = everything(app)
    assert client.get(f"{home}/habits", follow_redirects=True).text == end
    assert client.post(home, data={"csrf_token": csrf_from(client, app)}).status_code == 303
    assert everything(app) == before


def test_unknown_links_are_not_found(client):
    for path in ("/s/nothing", "/a/nothing", "/a/nothing/welcome"):
        assert client.get(path).status_code == 404


def test_the_language_of_the_start_page_is_kept(app, client):
    study = builders.small_study(
        "  - {id: first, title: {en: Hello, ar: مرحبا}, questions: [\n"
        "      {id: consent, kind: consent, text: {en: 'Take part?', ar: هل تشارك},\n"
        "       agree_label: {en: 'Yes', ar: نعم}, decline_label: {en: 'No', ar: لا}}]}\n",
        languages="[en, ar]",
    )
    builders.publish(app, study)
    builders.open_link(app, "small", slug="small")
    home = begin(client, "/s/small?lang=ar")
    page = client.get(home, follow_redirects=True).text
    assert 'lang="ar" dir="rtl"' in page and "مرحبا" in page


def test_researchers_text_is_markdown_never_markup_or_template(app, client):
    study = builders.small_study(
        "  - {id: first, title: '{{ 7*7 }} <b>x</b>', text: '**bold** <script>alert(1)</script>"
        " [a](javascript:alert(1)) {{ config }}', questions: [\n"
        "      {id: consent, kind: consent, text: 'Take <i>part</i>?'}]}\n"
    )
    builders.publish(app, study)
    home = begin(client, builders.open_link(app, "small", slug="small"))
    page = client.get(home, follow_redirects=True).text
    assert "<strong>bold</strong>" in page and "{{ 7*7 }} &lt;b&gt;" in page
    assert "<script" not in page and 'href="javascript' not in page and "SECRET_KEY" not in page
    assert "Take &lt;i&gt;part" in page


def test_every_kind_of_question_is_stored_and_shown_again(app, client):
    builders.publish(app, builders.read_study(builders.ALL_KINDS))
    home = begin(client, builders.open_link(app, "all_kinds", slug="kinds"))
    builders.send(client, home, {"consent": "yes"})
    builders.send(client, home)
    builders.send(client, home, {"where": "shop", "liked": ["buns", "bread"]})
    builders.send(client, home, {"often": "4", "name": " Corner "})
    sent = {
        "statement": "~skipped",
        "statements.fresh": "4",
        "statements.stale": "~refused",
        "stars": "7",
    }
    builders.send(client, home, sent)
    builders.send(client, home, {"recommend": "~refused"})
    places = {"order.taste": "2", "order.price": "3", "order.service": "1"}
    builders.send(client, home, {**places, "money.time": "60", "money.quality": "40"})
    builders.send(client, home, {"image.modern": "1", "image.warm": "6", "worth": "35"})
    builders.send(client, home, {"last_visit.~refused": "~refused", "wish": "More\r\nbuns"})
    with builders.store_of(app).read() as c:
        who = respondents.by_token(c, tokens.token_hash(home.rsplit("/", 1)[1]))
        rows = {k: (r.value, r.status) for k, r in answers.stored(c, who.respondent).items()}
    assert rows["liked", "buns"] == ("1", "answered") and rows["liked", "cakes"] == (
        "0",
        "answered",
    )
    assert rows["name", ""] == ("Corner", "answered") and rows["often", ""] == ("4", "answered")
    assert rows["statement", ""] == (None, "skipped")
    assert rows["statements", "fresh"] == ("4", "answered")
    assert rows["statements", "stale"] == (None, "refused")
    assert rows["recommend", ""] == (None, "refused") == rows["last_visit", ""]
    assert rows["wish", ""] == ("More\nbuns", "answered")
    assert rows["order", "service"] == ("1", "answered")
    assert rows["favourites", "buns"] == (None, "skipped")
    assert rows["money", "pleasure"] == ("0", "answered")
    assert rows["image", "warm"] == ("6", "answered") and rows["worth", ""] == ("35", "answered")
    assert client.get(f"{home}/sorting").text.count(" selected") == 3
    shown = client.get(f"{home}/rating").text
    assert shown.count(" checked") == 4
    assert client.get(f"{home}/writing").text.count(" checked") == 1
    finish(client, home)
    assert everything(app, "all_kinds")[0][0].ended == "complete"
