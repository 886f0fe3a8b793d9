"""Freezing: statuses of answers, choices with levels, and who is linked with purchases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from analysis.archive import digest, read_archive, write_archive
from analysis.customer_key import customer_key
from analysis.customers.linkage import linkable
from analysis.ledgers.layout import Layout
from analysis.ledgers.load import load_files
from analysis.study import parse_study
from surveyapp import clock
from surveyapp.bots import AnyPersona, walk
from surveyapp.jobs.freeze import FreezeAs, collect, freeze
from surveyapp.jobs.ledgers import ledger_folder, loading
from surveyapp.store import Store
from tests import builders

KEY = b"0123456789abcdef0123456789abcdef"


class Said(AnyPersona):
    """Any answers, but for those given."""

    def __init__(self, study, seed=1, **said):
        super().__init__(study, seed)
        self.said = said

    def answer(self, question, item):
        return self.said.get(question.id, super().answer(question, item))

    def choose(self, exercise, alternatives):
        return self.said.get("choose") or super().choose(exercise, alternatives)


@pytest.fixture
def app(tmp_path):
    made = builders.make_app(tmp_path)
    builders.publish(made)
    yield made
    builders.close(made)


def answered(app, customer, **said):
    study = builders.pastry()
    path = builders.personal_link(app, customer=customer)
    walk(app.test_client(), path, study, Said(study, **said), most=said.get("most"))


def frozen(app, tmp_path, version=1, **how):
    store: Store = builders.store_of(app)
    settings = builders.make_settings(tmp_path)
    how = FreezeAs(ledger_folder(settings), None, 1, "2026-01-01T00:00:00.000Z", **how)
    return freeze(collect(store, "pastry", version), how)


def test_only_who_agreed_to_linking_is_joined_with_purchases(app, tmp_path):
    agreed, apart = (customer_key(raw, KEY) for raw in ("ann", "bob"))
    answered(app, agreed, linking="yes")
    answered(app, apart, linking="no")
    archive = frozen(app, tmp_path)
    assert sorted(archive.respondents["customer"].dropna()) == [agreed]
    answered_by = (archive.respondents, archive.answers, archive.outcomes)
    everything = "".join(t.to_csv() for t in (*answered_by, *archive.choices.values()))
    assert agreed in everything
    assert apart not in everything


def test_answers_say_whether_they_were_asked_skipped_or_refused(app, tmp_path):
    answered(app, "a" * 32, recommend="9", birth_year=None)
    answered(app, "b" * 32, recommend="3", birth_year="1980")
    table = frozen(app, tmp_path).answers.set_index(["respondent", "question", "item"]).sort_index()
    people = table.xs(("recommend", ""), level=("question", "item"))["value"]
    happy, sad = (people.index[people == value][0] for value in ("9", "3"))
    assert table.loc[(happy, "complaint", ""), "status"] == "not_asked"
    assert table.loc[(sad, "complaint", ""), "status"] == "answered"
    assert table.loc[(happy, "birth_year", ""), "status"] == "skipped"
    assert table.loc[(sad, "birth_year", ""), "value"] == "1980"
    assert set(table.loc[(happy, "occasions"), "value"]) == {"0", "1"}


def test_choices_carry_levels_and_the_none_alternative_comes_last(app, tmp_path):
    answered(app, "a" * 32, choose=4)
    exercise = builders.pastry().choice_exercise()
    table = frozen(app, tmp_path).choices["bun"]
    shown = exercise.tasks + exercise.holdouts
    assert len(table) == shown * 4
    none = table[table["alternative"] == 4]
    assert none["chosen"].sum() == shown
    assert none[[a.id for a in exercise.attributes]].isna().all(axis=None)
    assert table.groupby("task")["chosen"].sum().eq(1).all()
    assert (table["role"] == "holdout").sum() == exercise.holdouts * 4
    shown_levels = set(table.loc[table["alternative"] < 4, "pineapple"])
    assert shown_levels == {"none", "cream", "cream_top"}


def test_who_stopped_early_has_no_answers_to_later_pages(app, tmp_path):
    answered(app, "a" * 32, most=2)
    archive = frozen(app, tmp_path)
    assert archive.respondents["completed"].isna().all()
    status = archive.answers.set_index(["question", "item"])["status"].sort_index()
    assert status["visits", ""] == "answered"
    assert status["recommend", ""] == "not_asked"
    assert archive.choices["bun"].empty


def test_choices_of_an_earlier_version_with_other_levels_are_left_out(app, tmp_path):
    answered(app, "a" * 32)
    text = builders.PASTRY.read_text()
    same = parse_study(text.replace("Our pastry shop", "Our shop"))
    changed = text.replace("{id: bag, label: Paper bag}", "{id: sack, label: Sack}")
    changed = changed.replace("packaging: bag}", "packaging: sack}")
    other = parse_study(changed.replace("bag: 0", "sack: 0"))
    assert builders.publish(app, same) == 2
    assert builders.publish(app, other) == 3
    kept, changed = (frozen(app, tmp_path, version) for version in (2, 3))
    assert kept.respondents["study_version"].tolist() == [1]
    assert len(kept.choices["bun"]) > 0
    assert changed.choices["bun"].empty
    assert len(changed.answers) == len(kept.answers)


def test_behaviour_before_the_answer_is_frozen_with_the_answers(app, tmp_path):
    """From the ledgers of purchases, events and loyalty, of who agreed to the linking only."""
    agreed, apart = (customer_key(raw, KEY) for raw in ("ann", "bob"))
    answered(app, agreed, linking="yes")
    answered(app, apart, linking="no")
    assert frozen(app, tmp_path).behaviour.empty  # no ledger yet
    settings = builders.make_settings(tmp_path)
    day = (datetime.now(UTC) - timedelta(days=20)).date().isoformat()
    rows = {
        "purchases": f"customer,time,amount,currency\nann,{day},10.00,USD\nbob,{day},4.00,USD\n",
        "events": f"customer,time,event\nann,{day},like\nbob,{day},like\n",
        "loyalty": f"customer,time,action\nann,2020-01-01,earned\nbob,{day},earned\n",
    }
    for kind, text in rows.items():
        (tmp_path / f"{kind}.csv").write_text(text, encoding="utf-8")
        how = replace(loading(settings, kind), key=KEY)
        load_files([tmp_path / f"{kind}.csv"], how, Layout(source="t"))
    archive = frozen(app, tmp_path)
    (row,) = archive.behaviour.to_dict("records")
    assert row["customer"] == agreed
    assert row["until"] == day  # the day of the scores, which is before the answer
    assert (row["points"], row["points_place"], row["retention"]) == (20.0, 75.0, 1.0)
    assert (row["event_periods"], row["loyalty_periods"]) == (1.0, 0.0)
    assert digest(archive) == digest(frozen(app, tmp_path))


def test_the_day_of_an_answer_is_that_of_the_time_zone(app, tmp_path):
    """Answered and bought on the evening of 7 March in Los Angeles, 8 March in UTC."""
    customer = customer_key("ann", KEY)
    with clock.set_to(datetime(2026, 3, 8, 4, tzinfo=UTC)):
        answered(app, customer, linking="yes")
    bought = "customer,time,amount,currency\n" + "".join(
        f"ann,2026-03-{day:02}T21:00:00,10.00,USD\n" for day in (6, 7, 8)
    )
    (tmp_path / "purchases.csv").write_text(bought, encoding="utf-8")
    how = replace(loading(builders.make_settings(tmp_path), "purchases"), key=KEY)
    load_files([tmp_path / "purchases.csv"], how, Layout(zone="America/Los_Angeles"))
    there = frozen(app, tmp_path, zone="America/Los_Angeles")
    assert there.facts["time_zone"] == "America/Los_Angeles"
    for archive, day, windows in (
        (there, "2026-03-07", (1, 1)),
        (frozen(app, tmp_path), "2026-03-08", (2, 0)),
    ):
        (row,) = archive.outcomes.to_dict("records")
        assert (row["answered_on"], row["days_before"], row["days_after"]) == (day, *windows)
        zone = archive.facts["time_zone"]
        linked = linkable(builders.pastry(), archive.respondents, archive.answers, zone=zone)
        assert linked.responses["answered_on"].tolist() == [day]
        assert archive.behaviour["until"].item() < day


def test_the_margin_of_the_ledger_is_frozen_or_why_there_is_none(app, tmp_path):
    settings = builders.make_settings(tmp_path)
    assert "margin" not in frozen(app, tmp_path).facts  # no purchases
    rows = {
        "purchases": "customer,time,amount,currency\nann,2026-01-05,10.00,USD\n",
        "margins": "time,margin\n2025-01-01,0.35\n2026-02-01,0.10\n",
    }
    for kind, text in rows.items():
        (tmp_path / f"{kind}.csv").write_text(text, encoding="utf-8")
        how = replace(loading(settings, kind), key=KEY)
        load_files([tmp_path / f"{kind}.csv"], how, Layout(source="t"))
        facts = frozen(app, tmp_path).facts
        if kind == "purchases":
            assert facts["margin"] == ""
            assert "no margins are loaded" in facts["margin_source"]
    assert facts["margin"] == "0.35"  # as of the last purchase, not the later one
    assert facts["margin_source"] == "the newest margin that holds for all"


PRODUCTS = """
  products:
    - product: BUN
      levels: {pineapple: none, look: plain, freshness: morning, packaging: bag}
    - product: CREAM
      levels: {pineapple: cream, look: plain, freshness: morning, packaging: bag}
"""


def test_what_was_on_offer_at_each_purchase_is_frozen_for_who_agreed(app, tmp_path):
    agreed, apart = (customer_key(raw, KEY) for raw in ("ann", "bob"))
    answered(app, agreed, linking="yes")
    answered(app, apart, linking="no")
    builders.publish(app, parse_study(builders.pastry_without_products().rstrip() + PRODUCTS))
    settings = builders.make_settings(tmp_path)
    head = "customer,time,amount,currency,product,store,order,line\n"
    rows = {
        "purchases": head
        + "ann,2026-03-01,1.05,USD,BUN,square,1,1\n"
        + "ann,2026-03-01,1.05,USD,BUN,square,1,2\n"  # a second piece: the same occasion
        + "ann,2026-05-01,1.30,USD,CREAM,square,2,1\n"
        + "ann,2026-05-02,1.05,USD,BUN,station,3,1\n"  # nothing else there
        + "ann,2026-05-03,2.00,USD,TEA,square,4,1\n"
        + "ann,2026-05-04,-1.30,USD,CREAM,square,5,1\n"  # a refund
        + "bob,2026-03-01,1.05,USD,BUN,square,6,1\n",
        "availability": "product,time,until,price,currency,store\n"
        "BUN,2026-01-01,,1.05,USD,\nCREAM,2026-01-01,,1.20,USD,square\n"
        "CREAM,2026-04-01,,1.30,USD,square\n",
    }
    for kind, text in rows.items():
        (tmp_path / f"{kind}.csv").write_text(text, encoding="utf-8")
        how = replace(loading(settings, kind), key=KEY)
        load_files([tmp_path / f"{kind}.csv"], how, Layout(source="t"))
    assert frozen(app, tmp_path, 1).on_offer.empty  # that version names other products
    archive = frozen(app, tmp_path, 2)
    found = archive.on_offer
    assert set(found["customer"]) == {agreed}
    assert list(found[["occasion", "product", "price", "bought"]].itertuples(index=False)) == [
        (1, "BUN", 1.05, 1),
        (1, "CREAM", 1.20, 0),
        (2, "BUN", 1.05, 0),
        (2, "CREAM", 1.30, 1),
    ]
    assert archive.facts["on_offer_found"] == "2"
    left_out = archive.facts["on_offer_left_out"]
    assert left_out == "1 of products without levels in the plan, 1 with nothing else on offer"
    write_archive(tmp_path / "a.sqlite", archive)
    assert digest(read_archive(tmp_path / "a.sqlite")) == digest(archive)
