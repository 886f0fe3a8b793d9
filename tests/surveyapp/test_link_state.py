"""One state of a link, whatever happened to it, in Python and in SQL alike."""

from dataclasses import replace
from itertools import product

import pytest

from surveyapp.link_state import MOVES, link_state
from surveyapp.store import links, respondents, studies
from surveyapp.store.records import LinkRecord, RespondentRecord

BEFORE, NOW, LATER = (f"2026-08-{day}T10:00:00.000Z" for day in ("01", "15", "30"))
LINK = LinkRecord("l", "s", "one_time", None, "h", None, None, "live", BEFORE, None, None)


@pytest.mark.parametrize(
    ("opens", "expires", "revoked", "started", "ended", "state"),
    [
        (None, None, None, False, False, "open"),
        (BEFORE, LATER, None, False, False, "open"),
        (NOW, None, None, False, False, "open"),
        (LATER, None, None, False, False, "not_yet_valid"),
        (None, BEFORE, None, False, False, "expired"),
        (None, NOW, None, False, False, "expired"),
        (None, LATER, None, True, False, "in_progress"),
        (None, BEFORE, None, True, False, "in_progress"),
        (None, None, BEFORE, False, False, "revoked"),
        (LATER, None, BEFORE, False, False, "revoked"),
        (None, BEFORE, BEFORE, True, False, "revoked"),
        (None, None, None, True, True, "finished"),
        (None, BEFORE, BEFORE, True, True, "finished"),
    ],
)
def test_the_table_of_states(opens, expires, revoked, started, ended, state):
    link = replace(LINK, opens=opens, expires=expires, revoked=revoked)
    assert link_state(link, at=NOW, started=started, ended=ended) == state


def test_nothing_that_happens_makes_a_move_that_is_not_named():
    """Time goes by, somebody starts, ends, or the link is revoked: one of them at a time."""
    for opens, expires, revoked in product((None, NOW), (None, NOW, LATER), (None, BEFORE)):
        link = replace(LINK, opens=opens, expires=expires, revoked=revoked)
        for at, (started, ended) in product(
            (BEFORE, NOW, LATER), ((False, False), (True, False), (True, True))
        ):
            here = link_state(link, at=at, started=started, ended=ended)
            after = {
                link_state(link, at=later, started=started, ended=ended)
                for later in (NOW, LATER)
                if later > at
            }
            after.add(link_state(replace(link, revoked=at), at=at, started=started, ended=ended))
            if here == "open":
                after.add(link_state(link, at=at, started=True))
            if here == "in_progress":
                after.add(link_state(link, at=at, started=True, ended=True))
            assert after - {here} <= MOVES[here], (here, after)


def test_the_counts_of_batches_know_the_same_states(app_store):
    """Every combination of dates, revocation and respondent, counted by SQL."""
    expected = {}
    with app_store.write() as c:
        studies.save_draft(c, "s", "S", "", at=BEFORE)
        studies.publish(c, "s", "{}", [], by="me", at=BEFORE)
        for n, (opens, expires, revoked, stage) in enumerate(
            product((None, BEFORE, LATER), (None, BEFORE, LATER), (None, BEFORE), (0, 1, 2))
        ):
            link = replace(
                LINK, link=f"l{n}", token_hash=f"h{n}", batch=f"b{n}",
                opens=opens, expires=expires, revoked=revoked,
            )  # fmt: skip
            links.add(c, [link])
            if stage:
                ended = "complete" if stage == 2 else None
                person = RespondentRecord(
                    f"r{n}", "s", 1, link.link, f"h{n}", None, None, "live", "en", None, n, 1.0,
                    0, "p", BEFORE, BEFORE if ended else None, ended,
                )  # fmt: skip
                respondents.add(c, person)
            expected[link.batch] = link_state(link, at=NOW, started=stage > 0, ended=stage == 2)
    with app_store.read() as c:
        found = links.batches(c, "s", at=NOW)
    assert {batch.batch: next(iter(batch.states)) for batch in found} == expected
    assert sum(batch.started for batch in found) == 2 * len(expected) // 3


@pytest.fixture
def app_store(tmp_path):
    from surveyapp.store import Store, migrate

    made = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    migrate.prepare(made)
    yield made
    made.close()
