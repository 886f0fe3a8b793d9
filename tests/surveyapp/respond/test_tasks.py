"""Tasks of every kind of exercise on their pages: answered, refused, shuffled, frozen, restored."""

import csv
import io
import re
from dataclasses import replace

import pandas as pd
import pytest

from analysis.archive import digest
from analysis.choices.best_worst import check_best_worst
from analysis.choices.ratings_based import check_ratings
from analysis.study.ordering import alternative_order, attribute_order, shuffled
from analysis.tables import check_choices
from analysis.value_report.build import build_report
from surveyapp.bots import AnyPersona, read_page, walk
from surveyapp.exports.answers import answers_csv
from surveyapp.jobs.freeze import FreezeAs, collect, freeze
from surveyapp.jobs.restoring import restore
from surveyapp.store import Store, answers, migrate, respondents, studies
from surveyapp.store.records import TaskAnswer
from surveyapp.studies.preview import every_step
from tests import builders
from tests.surveyapp.people import logged_in
from tests.surveyapp.respond.walks import at, begin, fill

STUDY = builders.read_study(builders.ALL_KINDS)


@pytest.fixture
def app(tmp_path):
    """The app with one question and one exercise of every kind published."""
    made = builders.make_app(tmp_path / "instance")
    builders.publish(made, STUDY)
    yield made
    builders.close(made)


def walked_to(client, home, step):
    while at(client, home) != step:
        builders.send(client, home, fill(client.get(home, follow_redirects=True).text))
    return client.get(f"{home}/{step}").text


def sent(client, home, step, **fields):
    page = client.get(f"{home}/{step}").text
    return client.post(f"{home}/{step}", data={**builders.hidden_fields(page), **fields})


def person_and_answers(app):
    with builders.store_of(app).read() as c:
        (person,) = respondents.of_study(c, STUDY.study)
        return person, answers.stored_choices(c, person.respondent)


def checked(page):
    """The checked radios of a page, name to value."""
    found = re.findall(r'name="([^"]+)" value="([^"]+)"[^>]* checked', page)
    return dict(found)


def test_a_dual_response_asks_both_and_stores_both(app, client):
    home = begin(client, builders.open_link(app, STUDY.study))
    page = walked_to(client, home, "buying.1")
    assert "I would buy none of these" in page and page.count('name="choice"') == 3
    half = sent(client, home, "buying.1", choice="2")
    assert half.status_code == 422
    assert 'href="#bought-1">Say whether you would buy it' in half.text
    assert checked(half.text) == {"choice": "2"}
    assert sent(client, home, "buying.1", choice="4", bought="1").status_code == 422
    assert sent(client, home, "buying.1", choice="2", bought="0").status_code == 303
    person, stored = person_and_answers(app)
    assert stored["coffee", 1] == TaskAnswer(2, 0)
    order = alternative_order(STUDY.exercise("coffee"), 1, 3, person.seed)
    letter = "ABC"[order.index(1)]
    assert f"You chose {letter}, but would not buy it." in client.get(f"{home}/buying.2").text
    assert checked(client.get(f"{home}/buying.1").text) == {"choice": "2", "bought": "0"}


def test_a_set_needs_two_different_items(app, client):
    home = begin(client, builders.open_link(app, STUDY.study))
    page = walked_to(client, home, "ranking.1")
    assert len(read_page(page).items) == 4
    nothing = sent(client, home, "ranking.1")
    assert 'href="#best-1">Choose one under “Matters most”' in nothing.text
    assert 'href="#worst-1">Choose one under “Matters least”' in nothing.text
    same = sent(client, home, "ranking.1", best="3", worst="3")
    place = read_page(page).offered["worst"].index("3") + 1
    assert same.status_code == 422
    assert f'href="#worst-{place}">Choose two different ones' in same.text
    assert checked(same.text) == {"best": "3", "worst": "3"}
    assert sent(client, home, "ranking.1", best="5", worst="1").status_code == 422
    assert sent(client, home, "ranking.1", best="3", worst="1").status_code == 303
    assert person_and_answers(app)[1]["matters", 1] == TaskAnswer(3, 1)
    assert "Your last answer is stored" in client.get(f"{home}/ranking.2").text


def test_every_radio_of_a_set_says_its_item_and_its_column(app, client):
    home = begin(client, builders.open_link(app, STUDY.study))
    page = walked_to(client, home, "ranking.1")
    for item in read_page(page).items:
        for column in ("Matters most", "Matters least"):
            said = f'>{column}</span><span class="clipped">: {item}<'
            assert page.count(said) == 1


def test_a_profile_is_rated(app, client):
    home = begin(client, builders.open_link(app, STUDY.study))
    walked_to(client, home, "judging.1")
    for wrong in ("0", "11", "seven", "1.5", ""):
        reply = sent(client, home, "judging.1", rating=wrong)
        assert 'href="#rating-1">Choose a number from 1 to 10' in reply.text
    assert sent(client, home, "judging.1", rating="7").status_code == 303
    assert person_and_answers(app)[1]["breakfast", 1] == TaskAnswer(7)
    assert "You rated the last one 7." in client.get(f"{home}/judging.2").text


def test_a_rating_of_many_points_is_typed(app, client):
    wide = replace_exercise(STUDY, "breakfast", least=-50, greatest=50)
    builders.publish(app, wide)
    home = begin(client, builders.open_link(app, STUDY.study))
    page = walked_to(client, home, "judging.1")
    assert "A whole number from -50 to 50" in page and 'type="radio" id="rating' not in page
    refused = sent(client, home, "judging.1", rating="99")
    assert 'value="99"' in refused.text and "Enter a whole number from -50 to 50" in refused.text
    assert sent(client, home, "judging.1", rating=" -7 ").status_code == 303
    assert person_and_answers(app)[1]["breakfast", 1] == TaskAnswer(-7)


def replace_exercise(study, exercise_id, **changes):
    exercises = [
        e.model_copy(update=changes) if e.id == exercise_id else e for e in study.exercises
    ]
    return study.model_copy(update={"exercises": tuple(exercises)})


def test_sending_a_task_twice_stores_once_and_another_answer_is_told(app, client):
    home = begin(client, builders.open_link(app, STUDY.study))
    page = walked_to(client, home, "ranking.1")
    form = {**builders.hidden_fields(page), "best": "1", "worst": "2"}
    replies = [client.post(f"{home}/ranking.1", data=form) for _ in range(2)]
    assert [r.status_code for r in replies] == [303, 303]
    assert replies[0].location == replies[1].location
    other = client.post(f"{home}/ranking.1", data={**form, "worst": "3"})
    assert other.status_code == 409 and "already sent" in other.text
    assert person_and_answers(app)[1]["matters", 1] == TaskAnswer(1, 2)


def test_the_order_is_the_respondent_s_own_and_never_moves(app, client):
    home = begin(client, builders.open_link(app, STUDY.study))
    page = walked_to(client, home, "ranking.1")
    assert client.get(f"{home}/ranking.1").text.split("<table")[1] == page.split("<table")[1]
    person, _ = person_and_answers(app)
    numbers = [int(v) - 1 for v in read_page(page).offered["best"]]
    matters = STUDY.exercise("matters")
    assert tuple(numbers) == alternative_order(matters, 1, 4, person.seed)
    orders = {alternative_order(matters, 1, 4, seed) for seed in range(200)}
    assert len(orders) == 24
    coffee = STUDY.exercise("coffee")
    assert len({attribute_order(coffee, seed) for seed in range(60)}) == 6
    assert attribute_order(STUDY.exercise("cake"), 5) == (0, 1, 2)
    assert alternative_order(matters, 1, 4, None) == (0, 1, 2, 3)


def test_orders_are_equally_likely():
    """Chi-squared of 6 orders in 6,000 draws: below the 99.9 % point of 5 degrees of freedom."""
    counts = pd.Series([shuffled(3, seed, "x") for seed in range(6000)]).value_counts()
    assert len(counts) == 6
    assert ((counts - 1000) ** 2 / 1000).sum() < 20.5


def test_the_preview_shows_every_kind_of_task(app):
    people = logged_in(app, "researcher")
    pages = every_step(STUDY)
    shown = {
        step.page.exercise: people.get(f"/studies/{STUDY.study}/preview/{n}").text
        for n, step in enumerate(pages, start=1)
        if step.task
    }
    assert "Would you buy the coffee you chose?" in shown["coffee"]
    assert shown["matters"].count('name="best"') == 4
    assert shown["breakfast"].count('name="rating"') == 10
    assert [e for e, page in shown.items() if "order of their own" in page] == ["coffee", "matters"]
    assert "In winter with frozen ones." in "".join(shown.values())


class Same(AnyPersona):
    """Prefers a fixed order of items and levels, wherever they stand on the page."""

    LIKED = ("fresh", "friendly", "near", "pretty", "choice", "cheap")

    def best_and_worst(self, exercise, items):
        ranks = [self.LIKED.index(item) for item in items]
        return ranks.index(min(ranks)) + 1, ranks.index(max(ranks)) + 1

    def choose(self, exercise, alternatives):
        if exercise.id != "coffee":
            return super().choose(exercise, alternatives)
        ranks = [("family", "coop", "many").index(a["origin"]) for a in alternatives]
        return ranks.index(min(ranks)) + 1

    def buys(self, exercise, alternatives):
        return any(a["origin"] == "family" for a in alternatives)

    def rate(self, exercise, levels):
        return 9 if levels["bread"] == "rolls" else 4


def frozen(app, tmp_path):
    how = FreezeAs(tmp_path / "ledger", None, 1, "2026-01-01T00:00:00.000Z")
    return freeze(collect(builders.store_of(app), STUDY.study, 1), how)


@pytest.fixture
def archive(app, tmp_path):
    for n in range(4):
        path = builders.open_link(app, STUDY.study, slug=f"walk-{n}")
        walk(app.test_client(), path, STUDY, Same(STUDY, n))
    return frozen(app, tmp_path)


def test_the_archive_holds_what_was_meant_however_it_was_shuffled(archive):
    sets = archive.choices["matters"]
    for _, shown in sets.groupby(["respondent", "task"]):
        ranks = shown["item"].map(Same.LIKED.index)
        assert ranks[shown["best"] == 1].item() == ranks.min()
        assert ranks[shown["worst"] == 1].item() == ranks.max()
        assert sorted(shown["position"]) == [1, 2, 3, 4]
    coffee = archive.choices["coffee"]
    assert set(coffee.loc[coffee["chosen"] == 1, "origin"]) <= {"family", "coop"}
    bought = coffee.groupby(["respondent", "task"])["bought"].agg(["min", "max"])
    family = coffee.assign(f=coffee["origin"] == "family").groupby(["respondent", "task"])["f"]
    assert (bought["min"] == bought["max"]).all()
    assert (bought["max"] == family.any().astype(int)).all()
    assert coffee["position"].ne(coffee["alternative"]).any()
    rated = archive.choices["breakfast"]
    assert set(rated.groupby("bread")["rating"].unique().explode()) == {4, 9}


def test_the_tables_are_those_that_the_estimators_read(archive):
    exercises = {e.id: e for e in STUDY.exercises}
    dual = check_choices(archive.choices["coffee"], exercises["coffee"])
    sets = check_best_worst(archive.choices["matters"], exercises["matters"])
    rated = check_ratings(archive.choices["breakfast"], exercises["breakfast"])
    assert (dual.notes, sets.notes, rated.notes) == ((), (), ())
    assert len(dual.frame) == 4 * 3 * 3
    assert len(sets.frame) == 4 * 3 * 4
    assert len(rated.frame) == 4 * 4


def test_an_archive_is_restored_to_the_same_tables(archive, tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'other.sqlite'}")
    migrate.prepare(store)
    restore(store, archive)
    again = freeze(
        collect(store, STUDY.study, 1),
        FreezeAs(tmp_path / "ledger", None, 1, "2026-01-01T00:00:00.000Z"),
    )
    store.close()
    drop = {"block": 0}
    for name, table in archive.choices.items():
        key = [c for c in table.columns if c in ("respondent", "task", "item", "profile")]
        first, second = (
            t.assign(**drop).sort_values(key + [c for c in ("alternative",) if c in t])
            for t in (table, again.choices[name])
        )
        pd.testing.assert_frame_equal(
            first.reset_index(drop=True), second.reset_index(drop=True), check_dtype=False
        )
    respondent = archive.respondents.set_index("respondent")["seed"].astype(int)
    assert respondent.equals(again.respondents.set_index("respondent")["seed"].astype(int))
    assert digest(archive) != digest(replace(archive, choices={}))


def test_the_csv_has_items_and_second_answers(app, archive):
    with builders.store_of(app).read() as c:
        rows = list(csv.DictReader(io.StringIO("".join(answers_csv(c, STUDY, 1)))))
        blocks = studies.blocks(c, STUDY.study, 1, "matters")
    assert len(rows) == 4 and blocks == 2
    for row in rows:
        best, worst = row["matters.1.best"], row["matters.1.worst"]
        assert Same.LIKED.index(best) < Same.LIKED.index(worst)
        assert row["coffee.1.bought"] in ("0", "1") and row["coffee.1"] in ("1", "2", "3")
        assert row["breakfast.4"] in ("4", "9")


def test_the_report_says_why_perfect_answers_give_no_scores(archive):
    report = build_report(archive, seed=1)
    said = " ".join(report.warnings)
    assert "'matters' cannot be fitted" in said and "perfect prediction" in said
    assert not report.best_worst
