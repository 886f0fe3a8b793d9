"""The load test: what it counts, that it counts from the intended time, and whom it refuses."""

import asyncio
import re

import pytest
from click.testing import CliRunner

from surveyapp.commands import main
from surveyapp.load_test.loops import Timing, closed_loop, open_loop
from surveyapp.load_test.throwaway import QUESTIONS, RADIOS, survey
from surveyapp.load_test.visitor import Refused
from surveyapp.questions.kinds import Ask


class Standing:
    """A visitor whose server stands still for a while, once."""

    ended = False

    def __init__(self, lock, waits):
        self.lock, self.waits = lock, waits

    async def begin(self):
        pass

    async def send(self):
        async with self.lock:
            await asyncio.sleep(self.waits.pop() if self.waits else 0)


def test_an_open_loop_counts_the_wait_of_pages_that_a_standing_server_held_up():
    async def load():
        lock, waits = asyncio.Lock(), [0.5]
        return await open_loop([Standing(lock, waits) for _ in range(3)], rate=50, seconds=0.5)

    timing = asyncio.run(load())
    assert len(timing.pages) == 25
    assert timing.percentile(0.5) > 0.2  # a closed loop would have seen one slow page
    assert timing.percentile(1) >= 0.5


def test_errors_are_counted_by_what_was_said():
    class Refusing(Standing):
        async def send(self):
            raise Refused("/a/...: 500")

    timing = asyncio.run(closed_loop([Refusing(None, [])], 0.05))
    assert timing.errors["/a/...: 500"] >= 1
    assert timing.pages == ()


def test_percentiles_are_of_nearest_rank():
    timing = Timing(tuple(n / 100 for n in range(1, 101)), None, 2.0)
    assert timing.rate == 50
    assert [timing.percentile(share) for share in (0.5, 0.95, 0.99, 1)] == [0.5, 0.95, 0.99, 1.0]


def test_the_survey_has_as_many_questions_and_radios_as_it_says():
    study = survey(2)
    for page in study.pages:
        asked = [Ask(study, question, "en") for question in page.questions]
        assert len(asked) == QUESTIONS
        scales = [len(study.scale(a.question)) for a in asked if a.question.kind == "likert"]
        assert sum(scales) + 11 + 3 == RADIOS


def test_a_throw_away_server_is_loaded_and_removed():
    done = CliRunner().invoke(
        main, ["load-test", "--clients", "2", "--rate", "10", "--seconds", "1", "--stalled", "2"]
    )
    assert done.exit_code == 0, done.output
    rows = re.findall(r"^(closed loop|the same beside|open loop).* (\d+)\s+\S+$", done.stdout, re.M)
    assert [name for name, _ in rows] == ["closed loop", "the same beside", "open loop"]
    assert {errors for _, errors in rows} == {"0"}
    counted = re.search(r"Disk syncs: (\d+) for (\d+) pages sent, (\d+) for", done.stdout)
    if counted:  # strace is there
        assert int(counted[2]) <= int(counted[1]) <= int(counted[2]) + 6
        assert counted[3] == "0"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--at", "http://example.org/s/x"), "only a server on this machine"),
        (("--at", "http://127.0.0.1.example.org/s/x"), "only a server on this machine"),
        (("--at", "https://localhost/s/x"), "only a server on this machine"),
        (("--at", "http://127.0.0.1:1/s/x"), "A visitor cannot start"),
        (("--clients", "0", "--rate", "0"), "Nothing to do"),
        (("--clients", "100000"), "not in the range"),
        (("--database", "sqlite:///x.sqlite"), "PostgreSQL server"),
    ],
)
def test_what_is_refused(given, said):
    refused = CliRunner().invoke(main, ["load-test", "--seconds", "1", *given])
    assert refused.exit_code == 2
    assert said in refused.stderr
