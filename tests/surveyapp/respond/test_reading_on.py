"""Languages on the pages: chosen, switched, and said to screen readers."""

import re

import pytest

from analysis.study import parse_study
from surveyapp.store import respondents
from tests import builders
from tests.surveyapp.respond.walks import begin

STUDY = """
study: prices
title: {en: Prices, de: Preise}
languages: [en, de, ar]
currency: EUR
pages:
  - id: first
    title: {en: Welcome, de: Willkommen}
    text: '**Only English** here'
    questions: [{id: consent, kind: consent, text: {en: Take part, de: Mitmachen, ar: شارك}}]
  - id: money
    questions:
      - {id: spent, kind: number, text: {en: Spent, de: Ausgaben}, least: 0, greatest: 1500.5}
      - {id: day, kind: date, text: {en: When, de: Wann}, latest: '2026-12-31', required: false}
  - {id: tasks, exercise: cake}
exercises:
  - id: cake
    question: {en: Which one, de: Welches}
    alternatives: 2
    tasks: 2
    none: {}
    attributes:
      - {id: size, label: {en: Size, de: Größe}, levels: [{id: s, label: S}, {id: m, label: M}]}
      - id: price
        label: {en: Price, de: Preis}
        tag: price
        coding: linear
        shown_as: money
        levels: [1.5, 1200]
ends:
  complete: {en: Done, de: Fertig}
"""


@pytest.fixture
def priced(app):
    study = parse_study(STUDY)
    builders.publish(app, study)
    return builders.open_link(app, "prices", slug="prices")


def test_the_link_wins_over_the_browser_and_that_over_the_default(client, priced):
    def language(path, accepted):
        page = client.get(path, headers={"Accept-Language": accepted}).text
        return re.search(r'<html lang="([^"]+)"', page)[1]

    assert language(priced, "fr, de;q=0.8") == "de"
    assert language(priced, "de-AT") == "de"
    assert language(priced, "it") == "en"
    assert language(f"{priced}?lang=ar", "de") == "ar"
    assert language(f"{priced}?lang=xx", "de") == "de"


def test_texts_that_are_not_translated_say_their_language(client, priced):
    home = begin(client, f"{priced}?lang=ar")
    page = client.get(home, follow_redirects=True).text
    assert '<html lang="ar" dir="rtl">' in page
    assert '<h1><span lang="en" dir="ltr">Welcome</span></h1>' in page
    assert '<div lang="en" dir="ltr"><p><strong>Only English</strong>' in page
    assert "شارك" in page and "متابعة" in page
    assert '<label for="consent-1">نعم، أوافق</label>' in page
    assert "<title>Welcome – Prices</title>" in page


def test_a_switch_stores_the_language_and_nothing_else(app, client, priced):
    home = begin(client, priced)
    builders.send(client, home, {"consent": "yes"})
    page = client.get(f"{home}/money").text
    hidden = builders.hidden_fields(page)
    sent = {**hidden, "spent": "1,250.5", "language": "de"}
    reply = client.post(f"{home}/money", data=sent)
    assert reply.status_code == 200 and 'value="1250,5"' in reply.text
    assert builders.hidden_fields(reply.text)["turn"] == hidden["turn"]
    with builders.store_of(app).read() as c:
        (someone,) = respondents.of_study(c, "prices")
    assert someone.language == "de" and not someone.ended
    again = client.get(home, follow_redirects=True).text
    assert "Ausgaben" in again and "1250" not in again
    unknown = client.post(f"{home}/money", data={**hidden, "spent": "-1", "language": "xx"})
    assert unknown.status_code == 422


def test_errors_speak_the_language_with_its_numbers_and_dates(client, priced):
    home = begin(client, f"{priced}?lang=de")
    builders.send(client, home, {"consent": "yes"})
    page = builders.send(client, home, {"spent": "2000", "day": "2027-01-01"}).text
    assert "Fehler:" in page and "Es gibt ein Problem" in page
    assert "Geben Sie eine Zahl von 0 bis 1.500,5 ein" in page
    assert "Geben Sie ein Datum bis zum 31.12.2026 ein" in page
    page = builders.send(client, home, {"spent": "1.234"}).text
    assert "lässt sich auf zwei Arten lesen" in page and 'value="1.234"' in page


def test_prices_are_written_in_the_language(client, priced):
    home = begin(client, f"{priced}?lang=de")
    for answers in ({"consent": "yes"}, {"spent": "3,5"}):
        builders.send(client, home, answers)
    page = client.get(home, follow_redirects=True).text
    assert {"1,50\u00a0€", "1.200,00\u00a0€"} >= set(re.findall(r"<bdi>([^<]*€)</bdi>", page))
    assert "Nichts davon" in page and "Auswahl 1 von 2" in page
    builders.send(client, home, {"choice": "3"})
    page = client.get(home, follow_redirects=True).text
    assert "<title>Sie haben keine davon gewählt. Welches" in page
    end = builders.send(client, home, {"choice": "1"}, follow_redirects=True).text
    assert "Vielen Dank" in end and "Fertig" in end
    assert "شكرًا لك" in client.get(f"{home}?lang=ar").text
    assert "Vielen Dank" in client.get(home).text


def test_errors_without_a_survey_speak_the_browsers_language(client):
    french = {"Accept-Language": "fr-CA,fr"}
    unknown = client.get("/s/nothing", headers=french)
    assert unknown.status_code == 404 and "Il n’y a pas d’enquête ici" in unknown.text
    assert "Cette page n’existe pas" in client.get("/nothing", headers=french).text
    assert '<html lang="en"' in client.get("/staff/nothing").text
