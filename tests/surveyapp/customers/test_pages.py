"""The manager's pages on customers, over two scoring runs of a small shop."""

import csv
import io
import json
import re
import shutil
import sqlite3
from datetime import date

import pandas as pd
import pytest

from analysis.customer_key import customer_key
from analysis.purchases.breadth import BREADTH
from analysis.purchases.offers import RESPONSE_COLUMNS
from analysis.study import read_study
from surveyapp.bots import AnyPersona, walk
from surveyapp.jobs import pastry_shop
from surveyapp.jobs.scoring import score_ledger, scores_folder
from surveyapp.staff import accounts
from tests import builders
from tests.surveyapp.people import logged_in

DAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """(app, folder of the newest run)."""
    app = builders.make_app(tmp_path_factory.mktemp("shop"))
    settings = app.extensions["surveyapp.settings"]
    study = read_study(builders.PASTRY)
    pastry_shop.load(settings, pastry_shop.invent(study, today=DAY, respondents=20))
    score_ledger(settings, as_of=date(2026, 8, 22))
    run, _ = score_ledger(settings, as_of=None)
    yield app, scores_folder(settings) / run.run
    builders.close(app)


@pytest.fixture(scope="module")
def manager(shop):
    return logged_in(shop[0], "manager")


class Consenting(AnyPersona):
    """Takes part, and agrees to the linking or does not."""

    def __init__(self, study, agrees):
        super().__init__(study, 3)
        self._agrees = agrees

    def answer(self, question, item):
        return self._agrees if question.id == "linking" else super().answer(question, item)


def stored(shop, statement, *values):
    with sqlite3.connect(shop[1] / "lookup.sqlite") as file:
        return file.execute(statement, values).fetchall()


def test_tiers_and_movement_show_shares_with_their_ranges(shop, manager):
    page = manager.get("/customers/").text
    for tier, customers in stored(shop, "SELECT tier, customers FROM tiers"):
        assert tier.capitalize() in page
        assert f"{customers:,}" in page
    share, low, high = stored(shop, "SELECT share, low, high FROM moves LIMIT 1")[0]
    assert f"{share:.0%}" in page
    assert f"{low:.0%} to {high:.0%}" in page


def test_small_tiers_are_not_shown(shop, manager, tmp_path):
    with sqlite3.connect(shop[1] / "lookup.sqlite") as file:
        kept = file.execute("SELECT customers, spend_52_weeks FROM tiers LIMIT 1").fetchone()
        file.execute("UPDATE tiers SET customers = 9, spend_52_weeks = 98765 WHERE rowid = 1")
    page = manager.get("/customers/").text
    with sqlite3.connect(shop[1] / "lookup.sqlite") as file:
        file.execute("UPDATE tiers SET customers = ?, spend_52_weeks = ? WHERE rowid = 1", kept)
    assert "fewer than 10 customers: not shown" in page
    assert "98,765" not in page


def test_a_customer_is_found_and_shown_as_scored(shop, manager):
    name, points, rank = stored(shop, "SELECT customer, points, rank FROM customers ORDER BY rank")[
        0
    ]
    found = manager.get(f"/customers/list?begins={name[:12]}")
    assert found.status_code == 303
    page = manager.get(found.location).text
    assert name in page
    assert f"{points:,.0f}" in page
    assert f"rank {rank:,}" in page
    assert "as a description" in page
    assert "as a test" in page
    line = re.search(r'polyline points="([^"]+)"', page)[1].split()
    assert len(line) == 52
    assert "2026-08-22: " in page  # the tier in the run before
    assert manager.get("/customers/one/nobody").status_code == 404


def test_lists_are_paged_in_order_of_rank(shop, manager):
    first = manager.get("/customers/list").text
    second = manager.get("/customers/list?after=50").text
    ranks = [rank for (rank,) in stored(shop, "SELECT rank FROM customers ORDER BY rank LIMIT 100")]
    assert "From 1 to 50" in first
    assert f"{ranks[60]:,}" in second
    assert "after=100" in second


def outlook(shop, statement):
    with sqlite3.connect(shop[1] / "outlook.sqlite") as file:
        return file.execute(statement).fetchall()


def test_retention_says_what_is_not_over(manager):
    assert "not over yet" in manager.get("/customers/retention").text


def test_worth_stands_against_cost_with_the_prior_it_assumed(shop, manager):
    page = manager.get("/customers/acquisition").text
    n, low, ratio, high = outlook(
        shop,
        "SELECT n, clv_to_cac_low, clv_to_cac, clv_to_cac_high FROM acquisition "
        "WHERE cohort = 'all'",
    )[0]
    assert low < ratio < high
    assert f"{n:,}" in page
    assert f"{ratio:.1f}" in page
    assert f"{low:.1f} to {high:.1f}" in page
    assert "Assumed before: customers differ in their rate" in page
    assert "with a prior half as wide" in page
    assert "outside the predicted" in page  # decliners fade, which Pareto/NBD does not know


def test_a_customer_has_a_chance_to_be_one_and_a_residual_value(shop, manager):
    name, alive, worth, low, high = outlook(
        shop,
        "SELECT customer, p_alive, residual_value, value_low, value_high FROM lifetime_values "
        "ORDER BY residual_value DESC LIMIT 1",
    )[0]
    page = manager.get(f"/customers/one/{name}").text
    assert f"{alive:.0%}" in page
    assert f"{worth:,.0f}" in page
    assert f"{low:,.0f} to {high:,.0f}" in page
    assert "Assumed before" in page


def test_the_win_back_list_fits_the_capacity_and_is_downloaded(manager):
    page = manager.get("/customers/win-back?capacity=5").text
    assert "beyond capacity" in page
    text = manager.get("/customers/win-back.csv?capacity=5").text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert sum(row["group"] == "contact" for row in rows) == 5
    assert rows[0]["reason"]


def test_identifiers_are_asked_for_by_post_and_only_with_the_permission(shop, manager):
    app, _ = shop
    path = "/customers/"
    assert "identifier" not in manager.get(path).text
    known = next(iter(pastry_shop.invent(
        read_study(builders.PASTRY), today=DAY, respondents=20
    ).purchases["customer"]))  # fmt: skip
    assert manager.post("/customers/find", identifier=known).status_code == 403
    accounts.set_identifiers(builders.store_of(app), "manager-0", True)
    assert "identifier" in manager.get(path).text
    found = manager.post("/customers/find", identifier=known)
    key = customer_key(known, app.extensions["surveyapp.settings"].customer_key)
    assert found.location.endswith(f"/customers/one/{key}")
    assert manager.get(found.location).status_code == 200


def test_offers_are_unavailable_without_their_ledger(shop, manager):
    name = stored(shop, "SELECT customer FROM customers ORDER BY rank")[0][0]
    page = manager.get(f"/customers/one/{name}").text
    assert "Unavailable: no offers ledger" in page
    assert "Unavailable: no offers ledger." in manager.get("/customers/").text


def test_a_customer_s_response_to_offers_is_said_in_words_and_never_as_an_effect(shop, manager):
    name = stored(shop, "SELECT customer FROM customers ORDER BY rank")[0][0]
    response = {
        "value": 0.4, "low": 0.3, "high": 0.5, "n": 12, "method": "share of offers", "reason": None
    }  # fmt: skip
    with sqlite3.connect(shop[1] / "lookup.sqlite") as file:
        file.execute(
            "UPDATE customers SET offers_sent = 5, offers_redeemed = 2, offers_bought = 1, "
            "offers_bought_before = 4, offer_share = 0.4, offer_low = 0.12, offer_high = 0.77, "
            "products = 7, channels = 1 WHERE customer = ?",
            [name],
        )
        kept = file.execute("SELECT value FROM facts WHERE name = 'offer_response'").fetchone()
        told = "UPDATE facts SET value = ? WHERE name = 'offer_response'"
        file.execute(told, [json.dumps(response)])
        file.executemany(
            "INSERT INTO offers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [("spring", 40, 10, 4, 31, 0.25, 0.14, 0.4), ("few", 9, 9, 0, 0, 1, 0.7, 1)],
        )
    page = manager.get(f"/customers/one/{name}").text
    overview = manager.get("/customers/").text
    text = manager.get("/customers/list.csv").text
    with sqlite3.connect(shop[1] / "lookup.sqlite") as file:
        file.execute(told, kept)
        file.execute("DELETE FROM offers")
    words = (
        "edeemed 2 of 5 offers within 28 days; bought within them without redeeming after 1; "
        "had bought in the 28 days before 4"
    )
    assert words in page
    assert "12% to 77%" in page
    assert "7 products, 1 channel" in page
    assert "not what offers bring about" in page
    row = next(row for row in csv.DictReader(io.StringIO(text)) if row["customer"] == name)
    assert row["offers_in_words"].endswith(words)
    assert row["breadth_in_words"].startswith("7 products, 1 channel")
    assert "25%" in overview
    assert "14% to 40%" in overview
    assert "31 of 40" in overview
    assert "control group" in overview
    assert overview.count("fewer than 10 customers: not shown") >= 1


def test_scores_are_downloaded_whole_or_by_tier(shop, manager):
    rows = list(csv.DictReader(io.StringIO(manager.get("/customers/list.csv").text)))
    wanted = stored(shop, "SELECT customer, rank FROM customers ORDER BY rank, customer")
    assert [(row["customer"], int(row["rank"])) for row in rows] == wanted
    best = csv.DictReader(io.StringIO(manager.get("/customers/list.csv?tier=gold").text))
    assert {row["tier"] for row in best} == {"gold"}


def test_a_run_of_an_earlier_build_still_opens(shop, manager, tmp_path):
    name = stored(shop, "SELECT customer FROM customers ORDER BY rank")[0][0]
    place = shop[1] / "lookup.sqlite"
    shutil.copy(place, tmp_path / "kept.sqlite")
    with sqlite3.connect(place) as file:
        for column in (*BREADTH, *RESPONSE_COLUMNS):
            file.execute(f"ALTER TABLE customers DROP COLUMN {column}")
        file.execute("DROP TABLE offers")
        file.execute("DELETE FROM facts WHERE name = 'offer_response'")
    pages = [manager.get(path) for path in (f"/customers/one/{name}", "/customers/")]
    text = manager.get("/customers/list.csv").text
    shutil.copy(tmp_path / "kept.sqlite", place)
    assert [page.status_code for page in pages] == [200, 200]
    assert all("this run is older" in page.text for page in pages)
    assert "this run is older" in text


def test_without_a_run_the_page_says_what_to_do(tmp_path):
    app = builders.make_app(tmp_path)
    page = logged_in(app, "manager").get("/customers/").text
    builders.close(app)
    assert "surveyapp scores run" in page


def test_movement_since_any_earlier_run_adds_up(shop, manager):
    page = manager.get("/customers/movement").text
    assert "2026-08-22 to 2026-11" in page
    with sqlite3.connect(shop[1] / "lookup.sqlite") as file:
        (now,) = file.execute("SELECT count(*) FROM customers").fetchone()
    rows = re.findall(r'data-label="Customers" class="number">([\d,]+) of ([\d,]+)<', page)
    earlier = next(p for p in shop[1].parent.iterdir() if p.name.startswith("2026-08-22"))
    then = pd.read_parquet(earlier / "customers.parquet").set_index("customer")["tier"]
    mine = pd.read_parquet(shop[1] / "customers.parquet").set_index("customer")["tier"]
    pairs = pd.DataFrame({"then": then.reindex(mine.index).fillna("new"), "now": mine})
    counted = pairs.value_counts()
    shown = sorted(int(count.replace(",", "")) for count, of in rows)
    big = pairs["then"].value_counts()
    expected = sorted(int(n) for (old, _), n in counted.items() if big[old] >= 10)
    assert shown == expected
    assert len(pairs) == now
    assert manager.get("/customers/movement?since=nothing").status_code == 404


def test_a_customer_page_shows_scores_only_of_surveys_with_consent_to_the_linking(shop, manager):
    app = shop[0]
    settings = app.extensions["surveyapp.settings"]
    key = customer_key("card-000002", settings.customer_key)
    study = read_study(builders.PASTRY)
    builders.publish(app, study)
    page = manager.get(f"/customers/one/{key}").text
    assert "No completed survey of this customer" in page
    for agrees in ("no", "yes"):
        path = builders.personal_link(app, "pastry", customer=key)
        walk(app.test_client(), path, study, Consenting(study, agrees))
        page = manager.get(f"/customers/one/{key}").text
        assert ("Quality you can rely on, 0 to 100" in page) == (agrees == "yes")
    assert "Would recommend, 0 to 10" in page
