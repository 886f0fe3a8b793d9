"""What tests build on: an app on a folder of its own, studies, links, a browser-like client."""

from __future__ import annotations

import html
import json
import random
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from analysis.choices.design import design_of
from analysis.customers.actions.planned import PLAN, RESULT, TestPlan
from analysis.diagnostics.types import Check, Diagnostics, Fact, Parameter, Trace
from analysis.estimate import Estimate
from analysis.rendering.traces import draw_diagnostics
from analysis.study.exercises import ChoiceExercise, Exercise
from analysis.study.load import dump_study, parse_study, read_study
from analysis.study.types import Study
from surveyapp import clock, create_app, tokens
from surveyapp.jobs.publish import task_records
from surveyapp.reports.run_files import PAGE, RECOMMENDATIONS, TESTS, folder_of
from surveyapp.settings import Settings, read_settings
from surveyapp.store import Store, images, links, rehearsals, studies
from surveyapp.store.records import LinkRecord, RehearsalRecord, TaskRecord
from tests import databases

ROOT = Path(__file__).parent.parent
PASTRY = ROOT / "examples" / "pastry" / "study.yaml"
IMAGES = ROOT / "examples" / "all-kinds" / "images"
BRANDS = ROOT / "examples" / "brands" / "study.yaml"
ALL_KINDS = ROOT / "examples" / "all-kinds" / "study.yaml"
SELF_ASSESSMENT = ROOT / "examples" / "self-assessment" / "study.yaml"


def make_settings(folder: Path, **changes: str | int | bool) -> Settings:
    """Settings of an instance in a folder."""
    settings = read_settings(folder)
    at = {"DATABASE_URL": databases.address(folder)}
    return replace(settings, values={**settings.values, **at, **changes})


def make_app(folder: Path, **changes: str | int | bool) -> Flask:
    """The app on an instance in a folder; close its store with ``close``."""
    app = create_app(make_settings(folder, **changes))
    app.testing = True
    return app


def store_of(app: Flask) -> Store:
    return app.extensions["surveyapp.store"]


def worker_command(folder: Path, child: str) -> list[str]:
    """A program with a worker of an instance, which runs one job by a child of this source."""
    program = (
        "import pathlib, sys\n"
        "from surveyapp.jobs.worker import Worker\n"
        "from surveyapp.settings import read_settings\n"
        "from surveyapp.store import Store\n"
        f"settings = read_settings(pathlib.Path({str(folder)!r}))\n"
        f"command = {(sys.executable, '-c', child)!r}\n"
        "Worker(settings, Store(settings.database_url), command=command).run_one()\n"
    )
    return [sys.executable, "-c", program]


def close(app: Flask) -> None:
    store_of(app).close()


def pastry() -> Study:
    """The demo study."""
    return read_study(PASTRY)


def pastry_without_products() -> str:
    """The text of the demo study whose plan names no products; more of the plan may follow."""
    return re.sub(r"  products:.*?\n(?=  targets:)", "", PASTRY.read_text(), flags=re.DOTALL)


def small_study(pages: str, **more: str) -> Study:
    """A study of the given pages (YAML), with a scale 'agreement' of three points."""
    extra = "".join(f"{name}: {value}\n" for name, value in more.items())
    return parse_study(
        "study: small\ntitle: A small study\n"
        f"{extra}scales:\n  agreement: [Disagree, Neither, Agree]\npages:\n{pages}"
    )


def simple_tasks(exercise: Exercise, *, seed: int = 1) -> list[TaskRecord]:
    """Random tasks without twins: enough for pages, not a design to estimate with."""
    if not isinstance(exercise, ChoiceExercise):
        return task_records(design_of(exercise), exercise)
    rng = random.Random(seed)
    shown = exercise.tasks + exercise.holdouts
    made = []
    for block in range(1, exercise.design.blocks + 1):
        for task in range(1, shown + 1):
            role = "holdout" if task > exercise.tasks else "estimation"
            made.append(TaskRecord(exercise.id, block, task, role, _alternatives(exercise, rng)))
    return made


def _alternatives(exercise: ChoiceExercise, rng: random.Random) -> tuple[dict[str, str], ...]:
    found: list[dict[str, str]] = []
    while len(found) < exercise.alternatives:
        drawn = {a.id: rng.choice(a.levels).id for a in exercise.attributes}
        if drawn not in found:
            found.append(drawn)
    return tuple(found)


def publish(app: Flask, study: Study | None = None) -> int:
    """Store a study (the demo study) and publish it with simple tasks; returns the version."""
    study = study or pastry()
    made = [task for exercise in study.exercises for task in simple_tasks(exercise)]
    at = clock.now()
    with store_of(app).write() as c:
        studies.save_draft(c, study.study, study.title.say(), dump_study(study), at=at)
        for name in sorted(study.images()):
            images.add(c, study.study, name, (IMAGES / name).read_bytes(), at=at)
        return studies.publish(c, study.study, dump_study(study), made, by="test", at=at)


def tight_study() -> Study:
    """The demo study as 'tight', planned with too few respondents for its targets."""
    text = PASTRY.read_text().replace("study: pastry", "study: tight")
    return parse_study(text.replace("respondents: 360", "respondents: 60"))


def save_rehearsed(app: Flask, study: Study, *, repeats: int = 10) -> RehearsalRecord:
    """Store a study as a draft with a (short) rehearsal of it."""
    from analysis.rehearsal import words
    from analysis.rehearsal.run import rehearse

    found = rehearse(study, n=study.analysis.targets.respondents, repeats=repeats)
    definition, at = dump_study(study), clock.now()
    record = RehearsalRecord(
        rehearsal=tokens.new_id(),
        study=study.study,
        digest=rehearsals.digest_of(definition),
        created=at,
        verdict=words.verdict(found),
        document=found.model_dump_json(),
    )
    with store_of(app).write() as c:
        studies.save_draft(c, study.study, study.title.say(), definition, at=at)
        rehearsals.add(c, record)
    return record


def open_link(app: Flask, study: str = "pastry", *, slug: str = "try", **more: str) -> str:
    """Make an open link; returns the path under which it is answered."""
    record = LinkRecord(
        link=tokens.new_id(), study=study, kind="open", slug=slug, token_hash=None,
        customer=None, wave=None, run_kind="live", created=clock.now(), expires=None, revoked=None,
    )  # fmt: skip
    with store_of(app).write() as c:
        links.add(c, [replace(record, **more)])
    return f"/s/{slug}"


def personal_link(app: Flask, study: str = "pastry", *, customer: str = "c1", **more: str) -> str:
    """Make a personal link; returns the path under which it is answered."""
    token = tokens.new_token()
    record = LinkRecord(
        link=tokens.new_id(), study=study, kind="personal", slug=None,
        token_hash=tokens.token_hash(token), customer=customer, wave=None, run_kind="live",
        created=clock.now(), expires=None, revoked=None,
    )  # fmt: skip
    with store_of(app).write() as c:
        links.add(c, [replace(record, **more)])
    return f"/a/{token}"


def leave_run(app: Flask, job: str) -> None:
    """Files of a run: diagnostics that are not passed, part-worths, and a log."""
    settings = app.extensions["surveyapp.settings"]
    folder = folder_of(settings, job)
    folder.mkdir(parents=True)
    trace = Trace(name="Mean of None option", chains=((0.1, 0.3), (0.2, 0.9)), every=1, draws=2,
                  ranks=((1, 1), (1, 1)))  # fmt: skip
    row = Parameter(name="None option", symbol="mu", mean=0.4, sd=0.1, mcse=0.01, low=0.2,
                    median=0.4, high=0.6, ess_bulk=90.0, ess_tail=80.0, r_hat=1.2)  # fmt: skip
    found = Diagnostics(
        study="pastry", title="Our pastry shop", exercise="bun", simulated=True, estimator="hb",
        estimator_label="Hierarchical Bayes", n_respondents=10, n_tasks=100, seed=1,
        program="test", final=False, verdict="Not final: 1 of 2 checks is not passed.",
        checks=(
            Check(name="The chains agree", found="1.200", wanted="below 1.01", passes=False),
            Check(name="Price deters", found="9%", wanted="under 5%", passes=False, decides=False),
            Check(name="Several chains", found="2", wanted="2 or more", passes=True),
        ),
        facts=(Fact(name="Chains", value="2"),), parameters=(row,), traces=(trace,),
    )  # fmt: skip
    page = {"diagnostics": found.model_dump(mode="json"), "charts": draw_diagnostics(found)}
    (folder / PAGE).write_text(json.dumps(page))
    (folder / "individual.parquet").write_bytes(b"part-worths")
    (folder / "wtp.csv").write_text("attribute\n")
    (folder / "log.txt").write_text("secret")


def leave_tests(app: Flask, job: str) -> None:
    """A recommendation of a run, and tests in the register: ahead, running, over, measured."""
    row = {"cut": "value", "segment": "gold", "strategy": "win_back", "customers": 2400}
    run = folder_of(app.extensions["surveyapp.settings"], job)
    (run / RECOMMENDATIONS).write_text(json.dumps([row]))
    folder = app.extensions["surveyapp.settings"].files / TESTS
    today = datetime.now(UTC).date()
    for name, weeks_ago in (("ahead", -2), ("running", 3), ("over", 20), ("measured", 40)):
        began = today - timedelta(weeks=weeks_ago)
        plan = TestPlan(
            name=name, what=f"A letter with a voucher for a birthday bun, {name}",
            strategy="win_back", segment="gold", decided_by="A. Baker", decided_on=began,
            began=began, weeks=13, outcome="spend", smallest=2.0, power=0.8, error=0.05,
            control_share=0.5, seed=1, adjusted=True, contact=1200, control=1200, needed=3100,
            needed_method="two means", currency="USD", list_sha256="0",
        )  # fmt: skip
        (folder / name).mkdir(parents=True)
        (folder / name / PLAN).write_text(plan.model_dump_json())
    effect = Estimate(value=4.25, low=1.5, high=7.0, n=2400, unit="USD",
                      method="contact less control by lot, intention to treat, adjusted for the "
                      "weeks before (CUPED, Lin 2013); 95 %, HC2 errors, t")  # fmt: skip
    (folder / "measured" / RESULT).write_text(effect.model_dump_json(exclude_none=True))


def leave_draws(app: Flask, job: str, **more: object) -> None:
    """Draws of 40 people for the simulator, and who they are: 30 weekly buyers, 8 monthly ones."""
    import numpy as np

    from analysis.choices.coding import coding_of

    study = pastry()
    coding = coding_of(study, study.choice_exercise())
    worth = dict.fromkeys(coding.names, 0.0) | {"look:plain": -0.5, "price": -4.0, "none": -1.0}
    rng = np.random.default_rng(1)
    people = rng.normal(list(worth.values()), 0.5, (40, coding.width))
    beta = people + rng.normal(0, 0.3, (240, 40, coding.width))
    folder = folder_of(app.extensions["surveyapp.settings"], job)
    np.save(folder / "draws.npy", beta.astype(np.float32))
    names = {"columns": coding.names, "respondents": [f"r{n}" for n in range(40)], "final": True}
    (folder / "draws.json").write_text(json.dumps(names | more))
    visits = ["Every week or more"] * 30 + ["One to three times a month"] * 8 + [""] * 2
    segments = {"How often do you buy from us?": visits}
    (folder / "people.json").write_text(json.dumps({"weights": None, "segments": segments}))


HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def hidden_fields(page: str) -> dict[str, str]:
    """Hidden fields of a page's form: CSRF token, turn and the like."""
    return {name: html.unescape(value) for name, value in HIDDEN.findall(page)}


def send(client: FlaskClient, path: str, answers: dict[str, object] | None = None, **more: object):
    """Open a page, fill in its form and send it; returns the response to the POST."""
    page = client.get(path, follow_redirects=True)
    action = re.search(r'<form[^>]* action="([^"]+)"', page.text)
    target = action.group(1) if action else path
    return client.post(target, data={**hidden_fields(page.text), **(answers or {})}, **more)
