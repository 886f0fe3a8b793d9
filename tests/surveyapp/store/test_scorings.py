"""Scheduled scorings on both databases: one worker a period, also when two start together."""

import threading

import pytest

from surveyapp.store import scorings

PERIOD = "weekly:2026-06-29"
DAYS = [f"2026-07-{day:02d}T00:00:00.000Z" for day in range(1, 10)]


def claim(store, worker, *, day=0):
    with store.write() as c:
        return scorings.claim(c, PERIOD, worker, at=DAYS[day], lease_until=DAYS[day + 1])


def states(store):
    with store.read() as c:
        return scorings.newest(c)


@pytest.mark.parametrize("left_by", [None, "silent"])
def test_of_two_workers_that_start_together_one_runs(store, left_by):
    if left_by:
        assert claim(store, left_by)
    found = []
    second = threading.Thread(target=lambda: found.append(claim(store, "second", day=3)))
    with store.write() as c:
        assert scorings.claim(c, PERIOD, "first", at=DAYS[3], lease_until=DAYS[4])
        second.start()
        second.join(0.5)
        assert second.is_alive(), "the second claim must wait for the first to be written"
    second.join(20)
    assert found == [False]
    with store.write() as c:
        assert scorings.beat(c, PERIOD, "first", lease_until=DAYS[5])
        assert not scorings.beat(c, PERIOD, "second", lease_until=DAYS[5])


def test_a_prolonged_lease_keeps_others_away(store):
    assert claim(store, "first")
    with store.write() as c:
        assert scorings.beat(c, PERIOD, "first", lease_until=DAYS[5])
    assert not claim(store, "second", day=4)
    assert claim(store, "second", day=6)


def test_a_worker_that_lost_its_scoring_can_neither_end_it_nor_give_it_back(store):
    assert claim(store, "first")
    assert claim(store, "second", day=3)
    with store.write() as c:
        scorings.release(c, PERIOD, "first")
        scorings.finish(c, PERIOD, "first", "failed", at=DAYS[4], error="late")
    assert states(store) == [(PERIOD, "running", None)]
    with store.write() as c:
        scorings.finish(c, PERIOD, "second", "done", at=DAYS[4])
    assert states(store) == [(PERIOD, "done", None)]
    assert not claim(store, "third", day=6)


def test_a_scoring_given_back_is_free_at_once_and_costs_no_attempt(store):
    for _ in range(scorings.MAX_ATTEMPTS + 1):
        assert claim(store, "stopping")
        with store.write() as c:
            scorings.release(c, PERIOD, "stopping")
    assert states(store) == [(PERIOD, "queued", None)]
