"""What a scoring run keeps beyond scores, and that an erased customer leaves nothing in it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta

import numpy as np
import pytest
from click.testing import CliRunner

from analysis.customer_key import customer_key
from analysis.purchases import runs
from analysis.purchases.stored_outlook import StoredOutlook
from analysis.purchases.stored_scores import StoredScores
from surveyapp.commands import main
from surveyapp.jobs.erasing import erase
from surveyapp.jobs.scoring import score_ledger, scores_folder
from surveyapp.staff.customers import ask_to_erase
from surveyapp.store import Store, migrate
from tests import builders

DAY = date(2026, 6, 30)


def purchases():
    """600 customers in two years; rates of buying and leaving are gamma, as in Pareto/NBD."""
    generator = np.random.default_rng(4)
    lines = ["customer,time,amount,currency,channel"]
    for n in range(600):
        gap, day = 1 / generator.gamma(1, 1 / 20), int(generator.integers(0, 300))
        until = min(730, day + 1 + generator.exponential(1 / generator.gamma(0.6, 1 / 80)))
        spend = 5 + generator.gamma(3, 5)
        while day < until:
            on = DAY - timedelta(days=729 - day)
            lines.append(f"c{n},{on},{spend * generator.gamma(4, 0.25) + 0.01:.2f},USD,web")
            day += 1 + int(generator.exponential(gap))
    return "\n".join(lines) + "\n"


@pytest.fixture
def installation(tmp_path, monkeypatch):
    settings = builders.make_settings(tmp_path)
    for name, value in settings.values.items():
        monkeypatch.setenv(f"SURVEYAPP_{name}", str(value))
    monkeypatch.setenv("SURVEYAPP_INSTANCE", str(settings.instance))

    def load(kind, text):
        path = tmp_path / f"{kind}.csv"
        path.write_text(text)
        command = ["purchases", "load"] if kind == "purchases" else ["ledgers", "load", kind]
        done = CliRunner().invoke(main, [*command, str(path)])
        assert done.exit_code == 0, done.output

    load("purchases", purchases())
    return settings, load


def erased_from(settings, customer):
    store = Store(settings.database_url)
    migrate.prepare(store)
    asked = ask_to_erase(settings, store, customer, by="me", answers="keep", archives="list")
    done = erase(settings, store, asked)
    store.close()
    return done


CONTENTS = {2: "d510e97872e9"}
"""A digest of the columns of each version of a run, the newest last."""


def columns_of(folder):
    """A digest of all tables and columns that a run has."""
    found = []
    for name in ("lookup.sqlite", "outlook.sqlite"):
        with closing(sqlite3.connect(folder / name)) as file:
            found += file.execute(
                "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c "
                "WHERE m.type = 'table' ORDER BY m.name, c.cid"
            ).fetchall()
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()[:12]


def test_a_run_keeps_the_outlook_and_erasure_empties_it(installation):
    settings, load = installation
    run, _ = score_ledger(settings, as_of=DAY)
    folder = scores_folder(settings) / run.run
    assert columns_of(folder) == CONTENTS[runs.CONTENTS], (
        "what a run has changed: add one to runs.CONTENTS, so that runs are made anew, and here"
    )
    with StoredOutlook(folder) as outlook:
        facts = outlook.facts()
        assert facts["margin"] is None
        assert "no margins are loaded" in facts["margin_source"]
        assert {row["acquisition_cost"] for row in outlook.table("acquisition")} == {None}
    with StoredScores(folder) as scores:
        assert scores.facts()["offer_response"]["reason"] == "no offers ledger"
        assert scores.table("offers") == []
        assert next(scores.every())["offers_sent"] is None

    load("margins", "time,margin\n2025-01-01,0.2\n2026-01-01,0.4\n2026-12-01,0.9\n")
    load("acquisition", "time,channel,cost,currency\n2024-07-01,web,500,USD\n")
    load("contacts", "customer,time,reason,channel\nc1,2026-05-02,praise,phone\n")
    again, fresh = score_ledger(settings, as_of=DAY)
    assert (again, fresh) == (run, False)
    mine = customer_key("c1", settings.customer_key)
    with StoredOutlook(folder) as outlook, StoredScores(folder) as scores:
        facts = outlook.facts()
        assert facts["margin"] == 0.4
        assert facts["value_reasons"] == {}
        value, score = outlook.value(mine), scores.customer(mine)
        assert value["p_alive_low"] <= value["p_alive"] <= value["p_alive_high"] <= 1
        assert value["value_low"] <= value["residual_value"] <= value["value_high"]
        assert outlook.count_days(mine) == score["frequency"]
        first = outlook.days(mine, limit=1, after=score["frequency"] - 1)[0]
        assert first["day"] == score["first_purchase"]
        assert [(e["what"], e["detail"]) for e in outlook.events(mine)] == [
            ("praise", "phone"),
        ]
        july = next(row for row in outlook.table("acquisition") if row["cohort"] == "2024-07")
        assert july["acquisition_cost"] == pytest.approx(500 / july["n"])
        assert july["clv_to_cac_low"] <= july["clv_to_cac"] <= july["clv_to_cac_high"]
        listed = outlook.win_back()
        assert {outlook.alarm(row["customer"])["alarm"] for row in listed} == {"declining"}
        capped = outlook.win_back(capacity=2)
        assert [row["group"] for row in capped].count("contact") == min(2, len(listed))
        counts = outlook.win_back_counts(2)
        assert counts == {g: [r["group"] for r in capped].count(g) for g in counts}

    load("acquisition", "time,channel,cost,currency\n2024-08-01,web,500,EUR\n")
    score_ledger(settings, as_of=DAY)
    with StoredOutlook(folder) as outlook:
        assert "several currencies" in outlook.facts()["costs_source"]

    assert erased_from(settings, "c1").counts["score_rows"] > 5
    kept = [path for path in folder.rglob("*") if path.is_file()]
    assert not [path.name for path in kept if mine.encode() in path.read_bytes()]
    with StoredScores(folder) as scores:
        assert scores.customer(mine) is None
        assert len(scores.search(limit=1000)) == run.customers - 1


def test_offers_make_a_run_of_their_own_with_the_response_to_them(installation):
    settings, load = installation
    plain, _ = score_ledger(settings, as_of=DAY)
    load(
        "offers",
        "customer,time,offer,action\n"
        + "".join(f"c{n},2026-05-01,spring,sent\n" for n in range(40))
        + "".join(f"c{n},2026-05-03,spring,redeemed\n" for n in range(10)),
    )
    run, fresh = score_ledger(settings, as_of=DAY)
    assert fresh
    assert run.run != plain.run
    assert score_ledger(settings, as_of=DAY) == (run, False)
    folder = scores_folder(settings) / run.run
    with StoredScores(folder) as scores, StoredOutlook(folder) as outlook:
        mine = customer_key("c1", settings.customer_key)
        found = scores.customer(mine)
        assert (found["offers_sent"], found["offers_redeemed"], found["offer_share"]) == (1, 1, 1)
        assert {event["detail"] for event in outlook.events(mine)} == {"sent", "redeemed"}
        spring = scores.table("offers")[0]
        assert (spring["sent"], spring["redeemed"], spring["share"]) == (40, 10, 0.25)
        assert scores.facts()["offer_response"]["n"] == 40


def test_an_erasure_waits_for_a_run_in_progress_and_then_finds_it(installation, monkeypatch):
    settings, _ = installation
    mine, scored, erasing = customer_key("c1", settings.customer_key), runs.score, []

    def slow(*given, **more):
        """Purchases are read and rolled up; before anything is written c1 is to be erased."""
        found = scored(*given, **more)
        erasing.append(pool.submit(erased_from, settings, "c1"))
        with pytest.raises(TimeoutError):
            erasing[0].result(timeout=0.5)
        return found

    monkeypatch.setattr(runs, "score", slow)
    with ThreadPoolExecutor(1) as pool:
        run, _ = score_ledger(settings, as_of=DAY)
        assert erasing[0].result().counts["score_rows"] > 0
    folder = scores_folder(settings) / run.run
    with StoredScores(folder) as scores:
        assert scores.customer(mine) is None
        assert scores.customer(customer_key("c2", settings.customer_key))
    kept = [path for path in folder.rglob("*") if path.is_file()]
    assert not [path.name for path in kept if mine.encode() in path.read_bytes()]
