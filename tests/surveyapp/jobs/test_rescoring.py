"""Scheduled scoring: once a period, whoever works, also after a crash."""

import json
import sqlite3
import threading
from datetime import UTC, date, datetime

import pytest
from click.testing import CliRunner

from surveyapp import clock
from surveyapp.commands import main
from surveyapp.jobs import schedule
from surveyapp.jobs.scoring import scores_folder
from surveyapp.jobs.worker import Worker
from surveyapp.settings import SettingFault
from surveyapp.store import Store, migrate, scorings
from tests import builders

LOG = "customer,time,amount,currency\n" + "".join(
    f"c{n},2026-0{1 + n % 6}-1{n % 9},{5 + n},USD\n" for n in range(30)
)
WEDNESDAY = datetime(2026, 7, 1, 9, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path):
    return builders.make_settings(tmp_path, LEASE_SECONDS=2, SCORES_EVERY="weekly")


@pytest.fixture
def store(settings):
    made = Store(settings.database_url)
    migrate.prepare(made)
    yield made
    made.close()


@pytest.fixture
def surveyapp(settings, monkeypatch, tmp_path):
    for name, value in settings.values.items():
        monkeypatch.setenv(f"SURVEYAPP_{name}", str(value))
    monkeypatch.setenv("SURVEYAPP_INSTANCE", str(settings.instance))
    log = tmp_path / "log.csv"
    log.write_text(LOG)

    def call(*arguments):
        return CliRunner().invoke(main, list(arguments))

    assert call("purchases", "load", str(log)).exit_code == 0
    return call


def states(store):
    with store.read() as c:
        return [row[:2] for row in scorings.newest(c)]


def test_periods_begin_where_people_expect():
    assert schedule.period_of("", "2026-07-01T09:00:00.000Z") is None
    found = {e: schedule.period_of(e, "2026-07-01T09:00:00.000Z") for e in schedule.EVERY}
    assert found == {
        "daily": "daily:2026-07-01",
        "weekly": "weekly:2026-06-29",
        "monthly": "monthly:2026-07-01",
    }
    assert schedule.as_of("weekly:2026-06-29") == date(2026, 6, 28)
    with pytest.raises(SettingFault, match="daily, weekly, monthly"):
        schedule.period_of("hourly", "2026-07-01T09:00:00.000Z")


def test_a_period_is_taken_by_one_worker_and_again_only_when_it_went_silent(store):
    taken = []

    def take(name):
        with store.write() as c:
            taken.append(
                scorings.claim(c, "weekly:1", name, at="2026-01-01", lease_until="2026-01-02")
            )

    threads = [threading.Thread(target=take, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False, False, False, True]
    for at, wanted in (("2026-01-03", True), ("2026-02-03", True), ("2026-03-03", False)):
        with store.write() as c:
            assert scorings.claim(c, "weekly:1", "late", at=at, lease_until=at) is wanted


def test_the_worker_scores_a_week_once_as_of_its_eve(settings, store, surveyapp):
    with clock.set_to(WEDNESDAY):
        assert Worker(settings, store).rescore()
        assert not Worker(settings, store).rescore()
    assert states(store) == [("weekly:2026-06-29", "done")]
    (run,) = scores_folder(settings).iterdir()
    record = json.loads((run / "run.json").read_text())
    assert (record["as_of"], record["customers"]) == ("2026-06-28", 30)
    listed = surveyapp("scores", "list").output
    assert record["run"] in listed
    again = surveyapp("scores", "run", "--as-of", "2026-06-28")
    assert "scored before" in again.output
    other = surveyapp("scores", "run", "--as-of", "2026-04-30").output.split(":")[0]
    moved = surveyapp("scores", "moves", other, record["run"])
    assert moved.exit_code == 0
    assert "new," in moved.output
    with sqlite3.connect(run / "lookup.sqlite") as file:
        assert file.execute("SELECT count(*) FROM customers").fetchone() == (30,)


def test_without_purchases_the_schedule_fails_in_words(settings, store):
    with clock.set_to(WEDNESDAY):
        assert Worker(settings, store).rescore()
    with store.read() as c:
        ((_, state, error),) = scorings.newest(c)
    assert state == "failed"
    assert error.startswith("There are no purchases yet")


def test_a_wrong_plan_is_told(surveyapp, monkeypatch):
    monkeypatch.setenv("SURVEYAPP_SCORES_PLAN", '{"tiers": "gold=2"}')
    found = surveyapp("scores", "run")
    assert found.exit_code == 2
    assert "SCORES_PLAN: shares of tiers must lie between 0 and 1" in found.output
