"""Logic through the real pages: going back, other ways, refused answers, answers in texts."""

import csv
import html
import io
import re

import pytest

from analysis.study import read_study
from surveyapp.exports.answers import answers_csv, statuses_csv
from surveyapp.jobs.freeze import answers_frame, collect, orders_frame
from surveyapp.store import answers, respondents
from tests import builders
from tests.surveyapp.respond.walks import at, begin

YOU = {"first_name": "Ann", "age": "40", "household": "2", "adults": "2"}
HABITS = {"visits": "4", "spend": "20", "last_visit": "2026-08-01"}


@pytest.fixture
def app(tmp_path):
    made = builders.make_app(tmp_path / "instance")
    builders.publish(made, read_study(builders.BRANDS))
    yield made
    builders.close(made)


@pytest.fixture
def home(client, app):
    return begin(client, builders.open_link(app, "brands"))


def give(client, home, page, **given):
    """Send a page; returns the response."""
    return builders.send(
        client, f"{home}/{page}", {k.replace("__", "."): v for k, v in given.items()}
    )


def shown(client, home, page):
    return html.unescape(client.get(f"{home}/{page}", follow_redirects=True).text)


def to_habits(client, home, *known, **you):
    give(client, home, "welcome", consent="yes")
    give(client, home, "you", **YOU | you)
    return give(client, home, "awareness", known_brands=list(known))


def person(app):
    with builders.store_of(app).read() as c:
        (found,) = respondents.of_study(c, "brands")
        return found, answers.stored(c, found.respondent)


def test_a_check_is_said_at_its_field_with_the_answers_in_it(app, client, home):
    give(client, home, "welcome", consent="yes")
    refused = give(client, home, "you", **YOU | {"adults": "3", "first_name": "a@b.example"})
    assert refused.status_code == 422
    page = html.unescape(refused.text)
    said = "There cannot be more adults (3) than people (2) in your household"
    assert re.search(rf'<a href="#adults-1">{re.escape(said)}', page)
    assert f'id="adults-error"><span class="clipped">Error: </span>{said}' in page
    assert "A name is enough" in page
    assert page.index('href="#first_name-1"') < page.index('href="#adults-1"')
    assert not [key for key in person(app)[1] if key[0] == "adults"]
    assert (
        give(client, home, "you", **YOU | {"adults": "", "adults.~refused": "~refused"}).status_code
        == 303
    )


def test_a_skip_and_going_back_to_take_another_way(app, client, home):
    to_habits(client, home, "nobody")
    assert at(client, home) == "about"
    assert client.get(f"{home}/habits").status_code in (302, 303, 404)
    give(client, home, "awareness", known_brands=["ours", "crumb"])
    assert at(client, home) == "habits"


def test_only_shown_options_are_accepted(app, client, home):
    to_habits(client, home, "ours", "crumb")
    page = shown(client, home, "habits")
    offered = set(re.findall(r'name="favourite" value="([^"]+)"', page))
    assert offered == {"ours", "crumb", "elsewhere"}
    assert give(client, home, "habits", favourite="miller", **HABITS).status_code == 422
    assert give(client, home, "habits", favourite="crumb", **HABITS).status_code == 303


def test_an_answer_outside_the_options_shown_is_asked_again_and_does_not_count(app, client, home):
    to_habits(client, home, "ours", "crumb")
    give(client, home, "habits", favourite="crumb", **HABITS)
    give(client, home, "awareness", known_brands=["ours"])
    assert at(client, home) == "habits"
    collected = collect(builders.store_of(app), "brands", 1)
    rows = answers_frame(collected).set_index(["question", "item"])
    assert rows.loc[("favourite", ""), "status"] == "not_asked"
    assert rows["value"].isna()[("favourite", "")]
    assert rows.loc[("brands_known", ""), "value"] == "1"
    give(client, home, "habits", favourite="ours", **HABITS)
    assert at(client, home) != "habits"


def answer_brand(client, home, brand, liking="5"):
    rows = {f"quality__{brand}.{item}": "2" for item in ("fresh", "same", "smile", "home")}
    page = client.get(f"{home}/image__{brand}", follow_redirects=True)
    rows = {name: value for name, value in rows.items() if f'name="{name}"' in page.text}
    return builders.send(client, f"{home}/image__{brand}", {**rows, f"liking__{brand}": liking})


def through_blocks(client, home, liking="5"):
    """Answer the pages of the blocks until the verdict; returns the steps passed."""
    passed = []
    while (step := at(client, home)) != "verdict":
        passed.append(step)
        kind, _, brand = step.partition("__")
        if kind == "image":
            answer_brand(client, home, brand, liking)
        elif kind in ("praise", "why_not"):
            builders.send(client, f"{home}/{step}", {})
        else:
            builders.send(client, f"{home}/{step}", {step.removeprefix("taste_"): "2"})
        assert len(passed) < 30
    return passed


def test_a_loop_whose_source_is_changed_by_going_back(app, client, home):
    to_habits(client, home, "ours", "crumb")
    give(client, home, "habits", favourite="ours", **HABITS)
    passed = through_blocks(client, home)
    assert {"image__ours", "image__crumb", "praise__ours", "taste_sweet"} <= set(passed)
    assert "image__miller" not in passed
    give(client, home, "awareness", known_brands=["ours", "miller"])
    again = through_blocks(client, home, liking="2")
    assert "image__miller" in again and "why_not__miller" in again
    assert not {"image__crumb", "image__ours", "praise__miller"} & set(again)
    with builders.store_of(app).read() as c:
        (row,) = csv.DictReader(
            io.StringIO("".join(answers_csv(c, read_study(builders.BRANDS), 1)))
        )
        statuses = list(
            csv.DictReader(io.StringIO("".join(statuses_csv(c, read_study(builders.BRANDS), 1))))
        )
    assert (row["liking__crumb"], row["liking__miller"], row["liking__ours"]) == ("", "2", "5")
    assert (row["best_seen"], row["brands_known"], row["buyer"]) == ("5", "2", "light")
    assert sorted(row["order.entries.brands"].split()) == ["miller", "ours"]
    assert row["order.options.known_brands"].split()[-1] == "nobody"
    found = {(r["question"], r["item"]): r["status"] for r in statuses}
    assert found["liking__crumb", ""] == "not_asked"
    assert found["worst__miller", ""] == "skipped"
    assert found["best_seen", ""] == "computed"


def test_the_order_is_the_same_after_going_back_and_on_another_device(app, client, home):
    to_habits(client, home, "ours", "crumb", "miller", "station")
    first = re.findall(r'name="favourite" value="([^"]+)"', shown(client, home, "habits"))
    other = app.test_client()
    assert re.findall(r'name="favourite" value="([^"]+)"', shown(other, home, "habits")) == first
    give(client, home, "habits", favourite="elsewhere", **HABITS)
    passed = through_blocks(client, home)
    images = [step.partition("__")[2] for step in passed if step.startswith("image")]
    frame = orders_frame(collect(builders.store_of(app), "brands", 1))
    entries = frame[frame["of"] == "entries"].sort_values("position")
    assert list(entries["part"]) == images
    assert len(images) == 2
    shown_first = frame[(frame["of"] == "options") & (frame["place"] == "favourite")]
    assert list(shown_first.sort_values("position")["part"]) == first


def test_typed_answers_are_shown_as_typed_and_never_run(app, client, home):
    evil = "<b>x</b>*y* ${age} {{ 7*7 }}"
    give(client, home, "welcome", consent="yes")
    give(client, home, "you", **YOU | {"first_name": evil})
    page = client.get(f"{home}/awareness").text
    assert html.escape(evil, quote=False) in page.replace("&#34;", '"').replace("&#39;", "'")
    assert "<b>x" not in page and "<em>y" not in page and ">49<" not in page and " 49 " not in page
    give(client, home, "awareness", known_brands=["miller"])
    give(client, home, "habits", favourite="miller", **HABITS)
    through_blocks(client, home)
    verdict = client.get(f"{home}/verdict").text
    assert (
        "<strong>1</strong> of these bakeries; your favourite is <em>Miller &amp; Sons</em>"
        in verdict
    )
    assert html.escape(evil, quote=False) in verdict


def test_without_an_answer_the_text_says_something_else(app, client, home):
    give(client, home, "welcome", consent="yes")
    give(client, home, "you", **YOU | {"first_name": ""})
    assert "do you know, dear guest?" in shown(client, home, "awareness")


def test_an_answer_that_makes_a_later_check_fail_leads_back_to_it_with_the_reason(
    app, client, home
):
    to_habits(client, home, "ours", "miller")
    give(client, home, "habits", favourite="miller", **HABITS)
    through_blocks(client, home)
    given = {"shares.ours": "0", "shares.miller": "5", "shares.others": "5", "heavy_offer": "1"}
    builders.send(client, f"{home}/verdict", given)
    assert at(client, home) == "about"
    give(client, home, "habits", favourite="ours", **HABITS)
    through_blocks(client, home)
    page = shown(client, home, "verdict")
    assert "There is a problem" in page
    assert "You said that you buy most often at Corner Pastry Shop" in page


def test_the_preview_shows_every_page_and_names_what_depends(app):
    from surveyapp.studies.preview import _notice, _with_names, every_step

    study = read_study(builders.BRANDS)
    steps = {step.id: step for step in every_step(study)}
    assert {"image__ours", "why_not__ours", "far", "taste_salty"} <= set(steps)
    assert "image__miller" not in steps
    said = _notice(study, steps["image__ours"], real=True) or ""
    assert "is asked for what is chosen in 'known_brands', at most 2, in random order" in said
    assert "After this page it goes on at 'why_not__ours' if: liking__ours <= 2" in said
    assert _with_names("Hi ${first_name|you}") == "Hi [first_name]"
