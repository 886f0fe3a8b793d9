"""The manager's simulator."""

import csv
import io
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from analysis.choices.simulator.calibration import Calibration
from surveyapp.reports import market_form, simulating, trying
from surveyapp.reports.run_files import folder_of
from surveyapp.store import jobs
from tests import builders
from tests.analysis.choices.simulator.calibrations import calibration
from tests.analysis.cli.test_simulate import leave_exponent
from tests.surveyapp.people import Person, logged_in
from tests.surveyapp.reports.test_reports import store_report

PAGE = "/reports/r1/simulator"
EXERCISE = builders.pastry().choice_exercise()


@pytest.fixture
def simulated(app):
    """A report whose run left draws of 40 people; the price deters, decoration is liked."""
    builders.publish(app)
    with builders.store_of(app).write() as c:
        jobs.submit(c, "run1", "analyse", "pastry", "key", {}, at="2026-09-01T10:00:00.000Z")
    store_report(app, job="run1")
    builders.leave_run(app, "run1")
    builders.leave_draws(app, "run1")
    simulating._kept.clear()
    return app


def fields(form):
    return dict(parse_qsl(form.query, keep_blank_values=True))


def text(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def shares(manager, given, page=f"{PAGE}.csv"):
    rows = csv.DictReader(io.StringIO(manager.get(page, query_string=given).text))
    return {row["alternative"]: row for row in rows}


def test_the_report_leads_to_its_simulator(simulated):
    manager = logged_in(simulated, "manager")
    assert f'href="{PAGE}"' in manager.get("/reports/r1").text
    page = manager.get(PAGE)
    assert page.status_code == 200
    said = text(page.text)
    assert "40 respondents" in said
    assert "The people are simulated" in said
    assert "95 % of draws, Bayesian bootstrap over respondents; n = 40" in said
    assert "No holdout tasks" in said
    assert not re.search(r"<script>|<style|\sstyle=|\son\w+=", page.text)


def test_what_is_chosen_is_counted_against_the_start(simulated):
    manager = logged_in(simulated, "manager")
    start = fields(market_form.first_market(EXERCISE))
    plain = shares(manager, start | {"p1.a.look": "plain"})
    fancy = shares(manager, start)
    assert float(plain["Our product"]["share"]) < float(fancy["Our product"]["share"])
    drop = float(plain["Our product"]["share"]) - float(fancy["Our product"]["share"])
    assert float(plain["Our product"]["change"]) == pytest.approx(drop, abs=1e-6)
    assert sum(float(row["share"]) for row in plain.values()) == pytest.approx(1)
    page = manager.get(PAGE, query_string=start | {"p1.a.look": "plain"}).text
    assert "points fewer" in text(page)
    assert "Where it goes" in page


def test_money_follows_the_size_of_the_market_and_costs(simulated):
    manager = logged_in(simulated, "manager")
    given = fields(market_form.first_market(EXERCISE))
    given |= {"size": "10,000", "p1.cost": "0.50", "p1.a.price": "1.10"}
    ours = shares(manager, given)["Our product"]
    units = 10_000 * float(ours["share"])
    assert float(ours["revenue"]) == pytest.approx(units * 1.10)
    assert float(ours["profit"]) == pytest.approx(units * 0.60)
    page = text(manager.get(PAGE, query_string=given).text)
    assert "pays best at" in page or "pay best, and we cannot tell which" in page
    assert "Profit of all our products by its price" in page


def test_buttons_work_without_a_script_and_lead_to_an_address_to_keep(simulated):
    manager = logged_in(simulated, "manager")
    given = fields(market_form.first_market(EXERCISE))
    reply = manager.get(PAGE, query_string=given | {"do": "add"})
    assert reply.status_code == 303
    address = reply.headers["Location"]
    assert "do=" not in address
    page = manager.get(address).text
    assert "Product 2" in page
    for act, names in (
        ("copy-1", ["Our product", "Our product 2", "Competitor"]),
        ("remove-2", ["Our product"]),
    ):
        to = manager.get(PAGE, query_string=given | {"do": act}).headers["Location"]
        again = dict(parse_qsl(urlsplit(to).query))
        assert [again[f"p{n}.name"] for n in range(1, 5) if f"p{n}.name" in again] == names
    changed = given | {"p1.a.look": "plain", "do": "base"}
    to = manager.get(PAGE, query_string=changed).headers["Location"]
    assert dict(parse_qsl(urlsplit(to).query))["b1.a.look"] == "plain"
    assert "Change, points" not in card(manager.get(to).text, "shares-title")


def test_everything_wrong_is_named_at_once_and_nothing_breaks(simulated):
    manager = logged_in(simulated, "manager")
    given = fields(market_form.first_market(EXERCISE))
    wrong = given | {
        "p1.name": "", "p1.a.price": "9", "p1.a.look": "invisible", "p1.cost": "cheap",
        "p2.had": "0", "p2.name": "none", "size": "-3", "method": "magic", "segment": "no|no",
        "curve": "99",
    }  # fmt: skip
    page = manager.get(PAGE, query_string=wrong)
    assert page.status_code == 200
    said = text(page.text)
    for part in (
        "There is a problem",
        "Give Product 1 a name",
        "Product 1: give a Price between 0.9 and 1.35, which were tested",
        "Product 1: give a Look of the list",
        "'cheap' is no cost",
        "none: give a percentage of shops",
        "'-3' is no number of choices",
    ):
        assert part in said.replace("&#39;", "'"), part
    assert manager.get(f"{PAGE}.csv", query_string=wrong).status_code == 404
    odd = {"p1.name": "x" * 5000, "p99.name": "y", "p1.a.zzz": "1", "p1.a.price": "nan", "do": "é"}
    assert manager.get(PAGE, query_string=odd, follow_redirects=True).status_code == 200


def test_a_segment_has_its_own_shares_and_small_ones_are_kept_back(simulated):
    manager = logged_in(simulated, "manager")
    given = fields(market_form.first_market(EXERCISE))
    page = manager.get(PAGE).text
    assert "Every week or more (30)" in page
    assert "(8, too few)" in page
    label = "How often do you buy from us?"
    weekly = shares(manager, given | {"segment": f"{label}|Every week or more"})
    assert weekly["Our product"]["n"] == "30"
    few = manager.get(PAGE, query_string=given | {"segment": f"{label}|One to three times a month"})
    assert "Too few to show" in few.text


@pytest.mark.parametrize("method", ["first-choice", "rfc"])
def test_other_ways_to_count_choices(simulated, method):
    manager = logged_in(simulated, "manager")
    given = fields(market_form.first_market(EXERCISE)) | {"method": method}
    row = shares(manager, given)["Our product"]
    assert 0 <= float(row["share_low"]) <= float(row["share"]) <= float(row["share_high"]) <= 1
    assert method.split("-")[0] in row["method"] or "randomised first choice" in row["method"]


def test_a_tuned_exponent_is_shown_and_used_only_when_chosen(simulated):
    manager = logged_in(simulated, "manager")
    given = fields(market_form.first_market(EXERCISE))
    assert "saved without one" in text(manager.get(PAGE).text)
    plain = shares(manager, given)["Our product"]["share"]
    assert shares(manager, given | {"exponent": "tuned"})["Our product"]["share"] == plain
    folder = folder_of(simulated.extensions["surveyapp.settings"], "run1")
    leave_exponent(folder, 0.05)
    page = manager.get(PAGE).text
    assert "2.00, tuned on holdout tasks" in page
    assert "better than 1, beyond its error" in text(page)
    assert shares(manager, given)["Our product"]["share"] == plain
    tuned = shares(manager, given | {"exponent": "tuned"})["Our product"]["share"]
    assert float(tuned) != pytest.approx(float(plain), abs=0.001)
    leave_exponent(folder, 0.01)
    page = manager.get(PAGE).text
    assert "tuned on holdout tasks</option>" not in page
    assert "the exponent stays 1" in text(page)


BUNS = {
    "cream_bun": {"pineapple": "cream", "look": "plain", "freshness": "morning", "packaging": "bag",
                  "price": "120"},
    "plain_bun": {"pineapple": "none", "look": "plain", "freshness": "yesterday",
                  "packaging": "bag", "price": 1.0},
}  # fmt: skip


def leave_calibration(app, **more):
    folder = folder_of(app.extensions["surveyapp.settings"], "run1")
    made = Calibration(found=calibration(BUNS, **more))
    (folder / "calibration.json").write_text(made.model_dump_json())


def test_the_calibration_on_purchases_is_offered_with_its_source_and_its_record(simulated):
    manager = logged_in(simulated, "manager")
    given = fields(market_form.first_market(EXERCISE))
    plain = shares(manager, given)["Our product"]
    leave_calibration(simulated)
    page = manager.get(PAGE).text
    assert "0.50, as calibrated on purchases</option>" in page
    said = text(page)
    assert "of 900 later ones it names the product bought in 40% (35% to 45%)" in said
    assert "study 'mugs', version 3" in said.replace("&#39;", "'")
    assert "no calibration from outside" in said
    assert shares(manager, given)["Our product"]["share"] == plain["share"]
    row = shares(manager, given | {"exponent": "bought"})["Our product"]
    assert "calibrated on purchases" in row["method"]
    assert abs(float(row["share"]) - 1 / 3) < abs(float(plain["share"]) - 1 / 3)
    said = text(manager.get(PAGE, query_string=given | {"exponent": "bought"}).text)
    assert "utilities times 0.50" in said
    assert "no product of the shop has their name: Our product, Competitor" in said


def test_the_products_of_the_shop_are_put_in_at_their_last_price(simulated):
    leave_calibration(simulated, constant=3.0)
    manager = logged_in(simulated, "manager")
    start = fields(market_form.first_market(EXERCISE))
    sent = manager.get(PAGE, query_string=start | {"do": "sold"})
    assert sent.status_code == 303
    given = dict(parse_qsl(urlsplit(sent.location).query, keep_blank_values=True))
    assert (given["p1.name"], given["p1.a.price"], given["p2.a.price"]) == ("cream_bun", "1.2", "1")
    assert (given["exponent"], given["none"], given["p1.own"]) == ("bought", "0", "1")
    found = shares(manager, given)
    without = shares(manager, given | {"exponent": ""})
    assert float(found["cream_bun"]["share"]) > 0.8 > float(without["cream_bun"]["share"])
    page = text(manager.get(sent.location).text)
    assert "odds times cream_bun 20.09" in page
    # Nobody can go elsewhere: the dearest price would always pay best.
    assert "pays best at" not in page
    assert "No revenue or profit by price: everybody must buy one of our products here" in page
    given |= {"p2.name": "Rival", "p2.own": "0"}
    assert "pays best at" in text(manager.get(PAGE, query_string=given).text)


def test_a_calibration_that_predicts_no_better_is_refused_with_the_reason(simulated):
    leave_calibration(simulated, gain=0.01)
    manager = logged_in(simulated, "manager")
    given = fields(market_form.first_market(EXERCISE))
    page = manager.get(PAGE, query_string=given | {"exponent": "bought"}).text
    assert 'value="bought"' not in page
    assert 'value="sold"' not in page
    assert "Not offered as calibrated on purchases: on 900 later purchases it does not" in text(
        page
    )
    assert "Not calibrated on purchases, as was asked for" in text(page)
    asked = shares(manager, given | {"exponent": "bought"})["Our product"]
    assert asked == shares(manager, given)["Our product"]
    folder = folder_of(simulated.extensions["surveyapp.settings"], "run1")
    (folder / "calibration.json").write_text("{")
    assert "cannot be read" in text(manager.get(PAGE).text)


def test_without_purchases_the_page_says_what_a_calibration_needs(simulated):
    said = text(logged_in(simulated, "manager").get(PAGE).text)
    assert "Not calibrated on purchases: no purchases were set beside what was on offer" in said
    assert "as calibrated on purchases" not in said


def test_scenarios_are_saved_by_name_and_removed_by_their_author(simulated):
    ada, ben = (logged_in(simulated, "manager") for _ in range(2))
    query = market_form.first_market(EXERCISE).query
    save = f"{PAGE}/scenarios"
    assert ada.post(save, name="Summer  bun", query=query).status_code == 303
    page = ben.get(PAGE).text
    assert "Summer bun" in page
    assert "manager-0" in page
    link = re.search(r'href="([^"]+)">Summer bun</a>', page)[1].replace("&amp;", "&")
    assert ben.get(link).status_code == 200
    assert "Remove<span" not in page.split("Saved scenarios")[1]
    twice = ben.post(save, name="summer bun", query=query)
    assert twice.status_code == 400
    assert "was saved by manager-0" in text(twice.text).replace("&#39;", "'")
    assert ben.post(save, name=" ", query=query).status_code == 400
    faulty = query.replace("p1.a.price=1.2", "p1.a.price=9")
    assert ben.post(save, name="Faulty", query=faulty).status_code == 400
    assert ben.client.post(save, data={"name": "x", "query": query}).status_code == 400
    remove = re.search(r'action="([^"]+/remove)"', ada.get(PAGE).text)[1]
    assert ben.post(remove).status_code == 403
    assert ada.post(remove).status_code == 303
    assert ada.post(remove).status_code == 404
    assert "Summer bun" not in ben.get(PAGE).text.split("Saved scenarios")[1]


def test_a_report_without_draws_says_how_to_get_them(app):
    builders.publish(app)
    store_report(app)
    manager = logged_in(app, "manager")
    assert PAGE not in manager.get("/reports/r1").text
    page = manager.get(PAGE)
    assert page.status_code == 200
    assert "estimator: hb" in page.text
    assert manager.get(f"{PAGE}.csv").status_code == 404
    assert manager.get("/reports/none/simulator").status_code == 404
    assert Person(app).get(PAGE).status_code == 303


def test_draws_that_are_not_final_are_not_simulated(simulated):
    builders.leave_draws(simulated, "run1", final=False)
    page = logged_in(simulated, "manager").get(PAGE).text
    assert "not final" in page
    assert "would choose" not in page.replace("What would customers choose", "")


def test_draws_of_another_exercise_are_a_message(simulated):
    builders.leave_draws(simulated, "run1", columns=["a"])
    page = logged_in(simulated, "manager").get(PAGE)
    assert page.status_code == 200
    assert "other columns" in page.text


def card(page, title):
    """The text of the section with this title's id."""
    return text(page.split(f'aria-labelledby="{title}"')[1].split("</section>")[0])


def test_every_level_is_tried_one_at_a_time(simulated):
    manager = logged_in(simulated, "manager")
    given = fields(market_form.first_market(EXERCISE))
    said = card(manager.get(PAGE, query_string=given).text, "levels-title")
    assert said.count("as it is") == len(EXERCISE.attributes)
    plain = shares(manager, given | {"p1.a.look": "plain"} | {"method": "share"})["Our product"]
    change = 100 * float(plain["change"])
    found = re.search(r"Look: Plain\s+\S?\s*([−-]\d+) ", said)
    assert int(found[1].replace("−", "-")) == pytest.approx(change, abs=1)
    slow = manager.get(PAGE, query_string=given | {"method": "rfc", "best": "1"}).text
    assert "takes too long for this on a page" in card(slow, "levels-title")
    assert "takes too long for this on a page" in card(slow, "best-title")


def test_the_best_version_is_the_one_that_trying_each_finds(simulated):
    manager = logged_in(simulated, "manager")
    given = fields(market_form.first_market(EXERCISE))
    keep = {f"keep.{a.id}": "1" for a in EXERCISE.attributes if a.id != "price"}
    prices = {"0.90": 0.9, "1.05": 1.05, "1.20": 1.2, "1.35": 1.35}
    assert "best-title" not in manager.get(PAGE, query_string=given).text
    for cost, goal in (("", "revenue"), ("0.4", "profit")):
        asked = given | keep | {"best": "1", "p1.cost": cost}
        each = {
            said: float(shares(manager, asked | {"p1.a.price": str(p)})["Our product"][goal])
            for said, p in prices.items()
        }
        top = max(each, key=each.get)
        said = card(manager.get(PAGE, query_string=asked).text, "best-title")
        row = said.split("Regret", 1)[1].split("of 100 draws")[0]
        assert re.search(r"\$\d\.\d\d", row)[0] == f"${top}"
        assert f"By {goal}" in said
        assert "all 4 versions" in said
        assert "Keeping the product as it is" in said


def test_a_search_that_cannot_be_made_says_what_to_do(simulated, monkeypatch):
    manager = logged_in(simulated, "manager")
    given = fields(market_form.first_market(EXERCISE)) | {"best": "1"}
    rival = manager.get(PAGE, query_string=given | {"curve": "2"}).text
    assert "of Competitor: the best is the best for us" in card(rival, "best-title")
    keep = {f"keep.{a.id}": "1" for a in EXERCISE.attributes}
    kept = manager.get(PAGE, query_string=given | keep).text
    assert "leave something to vary" in card(kept, "best-title")
    monkeypatch.setattr(trying, "MOST_WORK", 200 * 40 * 10)
    large = card(manager.get(PAGE, query_string=given).text, "best-title")
    assert "more than the 10 that a page searches with 40 respondents" in large
