"""A respondent who does whatever comes to mind, against a model of what was acknowledged.

Pages are read as a browser would read them, and the study holds every kind of question and task
(another test sees to that), so that a new kind is tried without a word here.
"""

import csv
import os
import re
import tempfile
from pathlib import Path
from unittest import SkipTest

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from werkzeug.datastructures import MultiDict

from analysis.study.load import parse_study
from surveyapp.bots import AnyPersona, fill, read_page
from surveyapp.exports.answers import answers_csv
from surveyapp.questions.forms import asks, read_form
from surveyapp.questions.kinds import entered
from surveyapp.questions.tasks import TASK_KINDS, kind_of
from surveyapp.store import answers, respondents
from surveyapp.store.connection import scratch_database
from surveyapp.tokens import token_hash
from tests import builders

STUDY = parse_study(
    builders.ALL_KINDS.read_text().replace("title:", "languages: [en, ar]\ntitle:", 1)
)
STEPS = [
    f"{page.id}.{task}" if task else page.id
    for page in STUDY.pages
    for task in ((1, 2) if page.exercise else (0,))
]
FINE = {200, 303, 400, 404, 405, 409, 410, 413, 422}
# Numbers that are none, options of others, ends of fields, other scripts, markup, control signs.
ODD = (
    "", " ", "~refused", "~skipped", "~", "0", "1", "2", "-1", "-0", "1e3", "٣", "１", "²", "NaN",
    "1,5", "1.", "inf", "99999999999999999999", "yes", "no", "shop", "2020-02-30", "0001-01-01",
    "a\x00b", "\x00", "\u202e\u2066x", "👩\u200d👩\u200d👧", "ẞ" * 40, "x" * 5000, "=1+1", "<b>",
    "${where}", "{{ 7*7 }}", "%s", "'; --", "\r\n\r\n", "\ufeff", "\ud7ff\ue000", "a\u2028b",
    "\x1b[0m",
)  # fmt: skip
NASTY = st.one_of(st.sampled_from(ODD), st.text(max_size=30))
SEEDS = st.integers(0, 10**6)
TABS = st.integers(0, 1)


def test_the_study_holds_every_kind_of_task():
    assert {exercise.kind for exercise in STUDY.shown_exercises()} == set(TASK_KINDS)


class Respondent(RuleBasedStateMachine):
    """One respondent with two tabs, and another one of another study."""

    app = None
    number = 0

    def __init__(self):
        super().__init__()
        Respondent.number += 1
        self.client = self.app.test_client()
        self.home = builders.send(self.client, "/s/fuzz").location
        stranger = self.app.test_client()
        self.stranger = builders.send(stranger, "/s/try").location
        self.tabs = [self.get(self.home), self.get(self.home)]
        self.sent = []
        self.model = self.stored()

    # What a respondent may do

    @rule(tab=TABS)
    def go_on(self, tab):
        self.tabs[tab] = self.get(self.home)

    @rule(tab=TABS, step=st.sampled_from(STEPS), language=st.sampled_from(["", "?language=ar"]))
    def open_any_page(self, tab, step, language):
        self.tabs[tab] = self.get(f"{self.home}/{step}{language}")

    @rule(tab=TABS)
    def go_back(self, tab):
        link = re.search(r'<a class="back" href="([^"]+)"', self.tabs[tab])
        if link:
            self.tabs[tab] = self.get(link[1])

    @rule(tab=TABS, seed=SEEDS)
    def answer(self, tab, seed):
        drawn = read_page(self.tabs[tab])
        if drawn.action:
            form = fill(drawn, STUDY, AnyPersona(STUDY, seed))
            self.post(drawn.action, {**drawn.hidden, **form}, tab, clean=form)

    @rule(tab=TABS, seed=SEEDS, data=st.data())
    def answer_with_garbage(self, tab, seed, data):
        drawn = read_page(self.tabs[tab])
        if not drawn.action:
            return
        form = fill(drawn, STUDY, AnyPersona(STUDY, seed))
        names = [*drawn.offered, *drawn.hidden, "unknown", "language", ""]
        for name in data.draw(st.lists(st.sampled_from(names), max_size=4)):
            form[name] = data.draw(st.lists(NASTY, max_size=3))
        self.post(drawn.action, {**drawn.hidden, **form}, tab)

    @rule(tab=TABS, step=st.one_of(st.sampled_from(STEPS), NASTY), seed=SEEDS)
    def send_to_another_page(self, tab, step, seed):
        drawn = read_page(self.tabs[tab])
        if drawn.action and step and "/" not in step:
            form = fill(drawn, STUDY, AnyPersona(STUDY, seed))
            self.post(f"{self.home}/{step}", {**drawn.hidden, **form}, tab)

    @rule(tab=TABS, seed=SEEDS)
    def send_to_a_stranger(self, tab, seed):
        drawn = read_page(self.tabs[tab])
        if drawn.action:
            form = fill(drawn, STUDY, AnyPersona(STUDY, seed))
            there = drawn.action.replace(self.home, self.stranger)
            self.post(there, {**drawn.hidden, **form}, None)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def resend(self, data):
        path, form = data.draw(st.sampled_from(self.sent))
        before = self.model
        self.post(path, form, None)
        assert self.model == before, "sending the same page again changed what is stored"

    @rule(
        body=st.binary(max_size=200),
        kind=st.sampled_from(
            [
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "application/json",
                "",
            ]
        ),
        step=st.sampled_from(STEPS),
    )
    def send_bytes(self, body, kind, step):
        reply = self.client.post(f"{self.home}/{step}", data=body, content_type=kind)
        assert reply.status_code in FINE, reply.status_code
        assert self.stored() == self.model

    @rule(path=st.sampled_from(["/a/", "/a/x", "/a/%00", "/a/x/%ff", "/s/fuzz", "/s/%f0%9f"]))
    def open_no_page(self, path):
        assert self.client.get(path).status_code in FINE
        assert self.client.post(path, data={"turn": "0"}).status_code in FINE

    # What must hold

    def get(self, path):
        reply = self.client.get(path, follow_redirects=True)
        assert reply.status_code in FINE, (path, reply.status_code)
        if hasattr(self, "model"):
            assert self.stored() == self.model, "reading a page changed what is stored"
        return reply.text

    def post(self, path, form, tab, clean=None):
        form = {name: value for name, value in form.items() if value not in ([], None)}
        reply = self.client.post(path, data=form)
        assert reply.status_code in FINE, (path, form, reply.status_code)
        after = self.stored()
        if after != self.model:
            self.check_stored(path.rsplit("/", 1)[1], form, reply, after)
            self.sent.append((path, form))
            if clean is not None:
                self.check_clean(clean, after)
        elif reply.status_code == 303 and clean is not None:
            self.check_clean(clean, after)  # acknowledged: then it must be there
        elif clean is not None:
            assert 'role="status"' in reply.text or "error-summary" in reply.text, "nobody was told"
        self.model = after
        if tab is not None:
            self.tabs[tab] = self.get(reply.location) if reply.status_code == 303 else reply.text

    def check_stored(self, step, form, reply, after):
        assert reply.status_code == 303, "stored, but not acknowledged"
        assert after["turn"] == self.model["turn"] + 1
        page = STUDY.page(step.partition(".")[0])
        mine = {q.id for q in page.questions} | {page.exercise}
        posted = {str(v).strip() for _, v in MultiDict(form).items(multi=True)}
        posted |= {value.replace(",", ".") for value in posted}
        posted |= {value.replace("\r\n", "\n").replace("\r", "\n") for value in posted}
        for part in ("answers", "choices"):
            for key in after[part].keys() | self.model[part].keys():
                if after[part].get(key) == self.model[part].get(key):
                    continue
                assert key[0] in mine, f"{step} changed {key}"
                value = after[part][key][0]
                assert value is None or str(value) in posted | {"0", "1"}, (key, value)
        self.check_study(after)

    def check_study(self, after):
        """Everything stored is an answer of the study, and reads back as itself."""
        rows = {key: answers.AnswerRecord(*key, *row) for key, row in after["answers"].items()}
        for question in STUDY.questions():
            found = [rows[key] for key in rows if key[0] == question.id]
            if not found:
                continue
            assert {row.item for row in found} == set(question.storable())
            points = len(STUDY.scale(question))
            given = {row.item: row.value for row in found if row.status == "answered"}
            for item, value in given.items():
                assert question.fault(item, value, scale_points=points) is None, (
                    question.id,
                    value,
                )
                assert "\x00" not in value
            (ask,) = asks(STUDY, [question], "en")
            again = read_form([ask], MultiDict(entered(ask, rows)))
            assert {(r.item, r.value, r.status) for r in again.records} == {
                (r.item, r.value, r.status) for r in found
            }, question.id
        for (exercise, _), answer in after["choices"].items():
            kind, found = kind_of(STUDY.exercise(exercise)), STUDY.exercise(exercise)
            given = answers.TaskAnswer(*answer)
            assert kind.read(found, MultiDict(kind.fields(found, given)), str).answer == given

    @staticmethod
    def check_clean(form, after):
        """What a form without garbage says is what is stored."""
        for name, values in form.items():
            question, _, item = name.partition(".")
            if item.startswith("~") or question not in {q.id for q in STUDY.questions()}:
                continue
            if STUDY.question(question).kind == "multiple_choice":
                continue  # one row an option
            value, status = after["answers"][question, item]
            assert value == (None if values[0].startswith("~") else values[0])
            assert (status == "answered") == (value is not None)

    def stored(self):
        with builders.store_of(self.app).read() as c:
            stranger = respondents.by_token(c, token_hash(self.stranger.rsplit("/", 1)[1]))
            assert stranger.turn == 0, "something was stored of somebody else"
            person = respondents.by_token(c, token_hash(self.home.rsplit("/", 1)[1]))
            rows = answers.stored(c, person.respondent)
            return {
                "turn": person.turn,
                "ended": person.ended,
                "respondent": person.respondent,
                "answers": {key: (row.value, row.status) for key, row in rows.items()},
                "choices": {
                    key: (given.chosen, given.second)
                    for key, given in answers.stored_choices(c, person.respondent).items()
                },
            }

    def teardown(self):
        """What is exported of the respondent is what is stored."""
        if self.number % 5 or not hasattr(self, "model"):
            return
        with builders.store_of(self.app).read() as c:
            lines = list(csv.reader("".join(answers_csv(c, STUDY, 1)).splitlines(keepends=True)))
        header = lines[0]
        (mine,) = [row for row in lines[1:] if row[0] == self.model["respondent"]]
        exported = {name: value for name, value in zip(header, mine, strict=True) if value != ""}
        for (exercise, task), (chosen, _) in self.model["choices"].items():
            values = {v for k, v in exported.items() if k.split(".")[:2] == [exercise, str(task)]}
            assert str(chosen) in values or values
        assert exported["respondent"] == self.model["respondent"]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def fuzzed(request):
    """The machine, on an app of its own."""
    server = os.environ.get("SURVEYAPP_TEST_POSTGRES", "") if request.param == "postgres" else ""
    if request.param == "postgres" and not server:
        raise SkipTest("SURVEYAPP_TEST_POSTGRES names no PostgreSQL server")
    with tempfile.TemporaryDirectory() as folder, scratch_database(server) as url:
        app = builders.make_app(Path(folder), DATABASE_URL=url)
        builders.publish(app, STUDY)
        builders.publish(app)
        builders.open_link(app, STUDY.study, slug="fuzz")
        builders.open_link(app)
        app.testing = False  # a fault is a page with 500, as it is for a respondent
        yield type("Fuzzed", (Respondent,), {"app": app})
        builders.close(app)


def tried(machine, examples, steps):
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=profile)


def test_nothing_that_a_respondent_does_breaks_or_loses_anything(fuzzed):
    tried(fuzzed, examples=12, steps=25)


@pytest.mark.deep
def test_nothing_that_a_respondent_does_breaks_or_loses_anything_for_long(fuzzed):
    tried(fuzzed, examples=300, steps=60)
