"""The staff's pages on ledgers: rows accounted for, and what was set apart."""

import csv
import io

import pytest

from analysis.customer_key import customer_key
from analysis.ledgers.erasing import erase_customer
from analysis.ledgers.layout import Layout
from analysis.ledgers.load import load_files
from analysis.ledgers.looking import overview
from surveyapp.jobs.ledgers import ledgers_folder, loading, raw_folder
from surveyapp.staff import accounts
from tests import builders
from tests.surveyapp.people import Person, add, logged_in

FIRST = """customer,time,amount,order,line
anna@example.org,2026-08-01,12.00,1,1
bert@example.org,2026-08-02,7.50,2,1
=cmd|'/c calc'!A1,2026-08-02,oh,3,1
,2026-08-03,4.00,4,1
"""
SECOND = """customer,time,amount,order,line
anna@example.org,2026-08-01,12.00,1,1
bert@example.org,2026-08-02,8.50,2,1
cora@example.org,2026-08-04,1.00,5,1
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ledgers")
    made = builders.make_app(folder)
    settings = made.extensions["surveyapp.settings"]
    for name, text in (("first.csv", FIRST), ("second.csv", SECOND)):
        (folder / name).write_text(text)
        load_files([folder / name], loading(settings, "purchases"), Layout(currency="EUR"))
    yield made
    builders.close(made)


@pytest.fixture(scope="module")
def researcher(app):
    return logged_in(app, "researcher")


def cells(page, word):
    """The cells of the table row whose head has the word, tags taken out."""
    row = next(r for r in page.split("<tr>") if word in r.split("</th>")[0])
    return [c.split("</td>")[0].split(">", 1)[1].strip() for c in row.split("<td")[1:]]


def test_every_kind_is_listed_with_what_the_engine_counts(app, researcher):
    page = researcher.get("/ledgers/").text
    for row in overview(ledgers_folder(app.extensions["surveyapp.settings"])):
        found = cells(page, row["title"])
        wanted = [row["rows"], row["history"], row["quarantine"], row["files"]]
        assert [int(cell) for cell in found[:4]] == wanted
        assert (found[4] == "nothing yet") == (row["files"] == 0)
    assert cells(page, "Purchases and refunds")[:4] == ["3", "1", "2", "2"]


def test_each_file_adds_up_on_the_page(researcher):
    page = researcher.get("/ledgers/purchases").text
    first, second = cells(page, "first.csv"), cells(page, "second.csv")
    assert first[1:] == ["4", "2", "0", "0", "2", "0", "yes"]
    assert second[1:] == ["3", "2", "1", "1", "0", "0", "yes"]
    assert page.index("second.csv") < page.index("first.csv")


def test_reasons_are_told_with_what_to_do(researcher):
    page = researcher.get("/ledgers/purchases").text
    assert cells(page, "amount_unparsed")[0] == "1"
    assert "Write 12.34" in cells(page, "amount_unparsed")[1]
    assert cells(page, "customer_missing")[0] == "1"


def test_an_empty_ledger_says_how_to_load_and_what_it_takes(researcher):
    page = researcher.get("/ledgers/contacts").text
    assert "surveyapp ledgers load contacts FILES" in page
    assert "complaint" in page
    assert researcher.get("/ledgers/nothing").status_code == 404


def test_rows_set_apart_come_without_their_text(researcher):
    answer = researcher.get("/ledgers/purchases/set-apart.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["file"], row["row"], row["reasons"]) for row in rows] == [
        ("first.csv", "4", "amount_unparsed"),
        ("first.csv", "5", "customer_missing"),
    ]
    assert rows[1]["mend"] == "Fill it in or leave the row out"
    assert "calc" not in answer.text and "2026-08-03" not in answer.text


def test_texts_need_the_permission_and_are_safe_to_open(app, researcher):
    address = "/ledgers/purchases/set-apart-with-text.csv"
    assert researcher.get(address).status_code == 403
    assert address not in researcher.get("/ledgers/purchases").text
    name = add(app, "researcher", "allowed@example.org")
    accounts.set_identifiers(builders.store_of(app), name, True)
    allowed = Person(app, name)
    assert address in allowed.get("/ledgers/purchases").text
    rows = list(csv.DictReader(io.StringIO(allowed.get(address).text)))
    assert rows[0]["text"].strip() == "'=cmd|'/c calc'!A1,2026-08-02,oh,3,1"
    assert rows[1]["text"].strip() == ",2026-08-03,4.00,4,1"


def test_managers_have_no_link_and_no_page(app):
    manager = logged_in(app, "manager")
    assert manager.get("/ledgers/").status_code == 403
    assert "/ledgers/" not in manager.get("/reports/").text


def test_an_erasure_takes_rows_off_and_a_later_file_says_so(tmp_path):
    made = builders.make_app(tmp_path)
    settings = made.extensions["surveyapp.settings"]
    how, layout = loading(settings, "purchases"), Layout(currency="EUR")
    bad = FIRST.replace("2026-08-01,12.00", "2026-08-01,many")
    for name, text in (("bad.csv", bad), ("good.csv", FIRST)):
        (tmp_path / name).write_text(text)
        load_files([tmp_path / name], how, layout)
    person = "anna@example.org"
    key = settings.customer_key
    root = ledgers_folder(settings)
    erase_customer(
        root, raw_folder(settings), customer_key(person, key), key=key, identifier=person
    )
    (tmp_path / "again.csv").write_text(SECOND)
    load_files([tmp_path / "again.csv"], how, layout)
    name = add(made, "researcher")
    accounts.set_identifiers(builders.store_of(made), name, True)
    staff = Person(made, name)
    listed = cells(staff.get("/ledgers/").text, "Purchases and refunds")
    assert listed[:3] == ["2", "1", "4"], "bert corrected, cora; of five bad rows one was anna's"
    page = staff.get("/ledgers/purchases").text
    assert cells(page, "again.csv")[1:] == ["3", "2", "1", "0", "0", "1", "yes"]
    texts = staff.get("/ledgers/purchases/set-apart-with-text.csv").text
    assert "anna" not in texts and texts.count("2026-08-03") == 2
    builders.close(made)
