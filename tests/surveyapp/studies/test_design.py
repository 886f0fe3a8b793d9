"""The researcher's choice tasks: uploaded, inspected, rehearsed, published, downloaded."""

import io

import pytest

from analysis.choices.design import make_tasks
from analysis.choices.design.layouts import from_layout, layout_of, table_of, to_layout
from analysis.rehearsal import run as rehearsal
from analysis.study import dump_study, parse_study
from surveyapp.jobs import rehearse
from surveyapp.jobs.worker import Worker
from surveyapp.store import designs, jobs, studies
from tests import builders
from tests.surveyapp.people import logged_in

REASON = "Only five customers exist, and all of them are asked."


@pytest.fixture
def researcher(app):
    person = logged_in(app, "researcher")
    person.post("/studies/new", text=builders.PASTRY.read_text())
    return person


@pytest.fixture
def work(app, tmp_path, monkeypatch):
    """Run the oldest job in this process; its cause when it failed."""
    monkeypatch.setattr(rehearse, "REPEATS", 4)
    monkeypatch.setattr(rehearsal, "MOST_TASKS", 0)
    monkeypatch.setattr(rehearse, "HB_REPEATS", 0)
    settings, store = builders.make_settings(tmp_path), builders.store_of(app)

    def call():
        from surveyapp.jobs import run

        with store.write() as c:
            job = jobs.claim(c, "w", at="2026-01-01", lease_until="2999-01-01")
        code = run.run(settings, store, job)
        with store.write() as c:
            jobs.finish(c, job.job, "w", "failed" if code else "done", at="2026-01-01")
        return code

    return call


def exercise():
    return builders.pastry().choice_exercise()


def elsewhere(seed=77, layout="sawtooth"):
    """A design file as another program would write it."""
    plan = exercise().design.model_copy(update={"seed": seed, "blocks": 6})
    own = exercise().model_copy(update={"design": plan})
    tasks = make_tasks(own)
    if layout == "sawtooth":
        table = to_layout(own, tasks, layout)
        held = tasks["role"] == "holdout"
        table = table[~held | (tasks["block"] == 1)]
        table.loc[held & (tasks["block"] == 1), "Version"] = 0
        return tasks, table.to_csv(index=False)
    return tasks, to_layout(own, tasks, layout).to_csv(index=False)


def upload(researcher, text, name="made elsewhere.csv", **more):
    file = (io.BytesIO(text.encode()), name)
    return researcher.post("/studies/pastry/design/bun", file=file, **more)


def test_an_uploaded_design_is_inspected_rehearsed_and_published(app, researcher, work, capsys):
    tasks, text = elsewhere()
    job = upload(researcher, text).headers["Location"]
    assert work() == 0
    assert "Look at the choice tasks" in researcher.get(job).text
    page = researcher.get("/studies/pastry/design/bun").text
    assert "made elsewhere.csv" in page
    assert "Sawtooth layout" in page
    assert "With 360 respondents the standard error of a part-worth is at most" in page
    assert "6 blocks of" in researcher.get("/studies/pastry/").text
    researcher.post("/studies/pastry/rehearse")
    assert work() == 0
    assert "made elsewhere.csv" in researcher.get("/studies/pastry/rehearsal").text
    researcher.post("/studies/pastry/publish")
    assert work() == 0, capsys.readouterr().err
    store = builders.store_of(app)
    with store.read() as c:
        fielded = studies.all_tasks(c, "pastry", 1)
        kept = designs.get(c, "pastry", "bun", 1)
        assert kept.digest == designs.uploaded(c, "pastry")["bun"]
    assert len(fielded) == len(tasks) / exercise().alternatives
    page = researcher.get("/studies/pastry/").text
    assert "It is the same as version 1" in page
    assert "from made elsewhere.csv" in page
    for layout in ("surveyapp", "sawtooth", "qualtrics", "cbctools"):
        sent = researcher.get(f"/studies/pastry/versions/1/design/bun/{layout}.csv")
        table = table_of(sent.text)
        assert layout_of(table) == layout
        back = from_layout(exercise(), table, layout)
        names = [a.id for a in exercise().attributes]
        assert back[names].to_numpy().tolist() == tasks[names].to_numpy().tolist()


def test_a_file_with_faults_lists_them_and_changes_nothing(app, researcher, work, capsys):
    _, text = elsewhere(layout="surveyapp")
    lines = text.splitlines()
    lines[1] = lines[1].replace("1,1,1", "1,1,9", 1)
    upload(researcher, "\n".join(lines[:-2]))
    assert work() == 2
    said = capsys.readouterr().err
    assert "block 1, task 1: alternatives" in said
    assert "block 6, task" in said
    with builders.store_of(app).read() as c:
        assert designs.uploaded(c, "pastry") == {}


def test_removing_the_file_makes_the_tasks_again_and_needs_a_new_version(app, researcher, work):
    upload(researcher, elsewhere()[1])
    work()
    researcher.post("/studies/pastry/publish")
    assert work() == 0
    researcher.post("/studies/pastry/design/bun/remove")
    assert "It differs from version 1" in researcher.get("/studies/pastry/").text
    researcher.post("/studies/pastry/publish")
    assert work() == 0
    with builders.store_of(app).read() as c:
        assert designs.get(c, "pastry", "bun", 1).file == "made elsewhere.csv"
        assert designs.get(c, "pastry", "bun", 2).file is None


def test_made_tasks_are_inspected_kept_and_those_that_are_published(app, researcher, work):
    assert "when they are first needed" in researcher.get("/studies/pastry/design/bun").text
    researcher.post("/studies/pastry/design/bun/make")
    assert work() == 0
    draft = researcher.get("/studies/pastry/design/bun/surveyapp.csv").text
    researcher.post("/studies/pastry/publish")
    assert work() == 0
    assert researcher.get("/studies/pastry/versions/1/design/bun/surveyapp.csv").text == draft


def test_a_file_that_does_not_fit_a_changed_study_is_not_published(app, researcher, work, capsys):
    upload(researcher, elsewhere()[1])
    work()
    changed = builders.PASTRY.read_text().replace("    holdouts: 2\n", "    holdouts: 1\n")
    researcher.post("/studies/pastry/draft", text=changed)
    assert "The exercise has changed since" in researcher.get("/studies/pastry/design/bun").text
    assert researcher.get("/studies/pastry/design/bun/sawtooth.csv").status_code == 404
    researcher.post("/studies/pastry/publish")
    assert work() == 2
    assert "2 tasks of role 'holdout', but exercise 'bun' shows 1" in capsys.readouterr().err
    with builders.store_of(app).read() as c:
        assert studies.versions(c, "pastry") == []


def test_nothing_is_published_when_cancelled_or_the_file_changed_meanwhile(
    app, researcher, work, capsys, tmp_path
):
    researcher.post("/studies/pastry/publish")
    _, text = elsewhere()
    from surveyapp.jobs.designing import keep_file
    from surveyapp.jobs.queue import DesignFile

    store = builders.store_of(app)
    keep_file(store, builders.pastry(), "bun", DesignFile("x.csv", text, None), by="me")
    assert work() == 2
    assert "A design was uploaded or removed" in capsys.readouterr().err
    job = researcher.post("/studies/pastry/publish").headers["Location"].rpartition("/")[2]
    with store.write() as c:
        waiting = jobs.get(c, job)
        jobs.claim(c, "w", at="2026-01-01", lease_until="2999-01-01")
        jobs.cancel(c, job, at="2026-01-01")
    from surveyapp.jobs import run

    assert run.run(builders.make_settings(tmp_path), store, waiting) == 2
    assert "Nothing was published" in capsys.readouterr().err
    with store.read() as c:
        assert studies.versions(c, "pastry") == []


def test_a_study_that_cannot_be_rehearsed_is_published_for_a_reason(app, researcher, tmp_path):
    few = builders.PASTRY.read_text().replace("respondents: 360", "respondents: 5")
    researcher.post("/studies/pastry/draft", text=few)
    job = researcher.post("/studies/pastry/publish").headers["Location"]
    worker = Worker(builders.make_settings(tmp_path), builders.store_of(app))
    assert worker.run_one()
    page = researcher.get(job).text
    assert "5 respondents are too few" in page
    assert "/studies/pastry/publish-despite" in page
    assert "Reason" in researcher.get("/studies/pastry/publish-despite").text
    empty = researcher.post("/studies/pastry/publish-despite", reason="no")
    assert empty.status_code == 400
    assert "Write the reason in a sentence" in empty.text
    researcher.post("/studies/pastry/publish-despite", reason=REASON)
    assert worker.run_one()
    with builders.store_of(app).read() as c:
        assert studies.version(c, "pastry", 1).despite == REASON


def test_what_cannot_be_is_refused(app, researcher):
    assert "Choose a file" in upload(researcher, "").text
    assert upload(researcher, "x", layout="other").status_code == 400
    assert researcher.get("/studies/pastry/design/none").status_code == 404
    assert researcher.get("/studies/pastry/versions/1/design/bun").status_code == 404
    researcher.post("/studies/pastry/design/bun/make")
    assert researcher.get("/studies/pastry/design/bun/other.csv").status_code == 404


@pytest.mark.parametrize("path", ["", "/make", "/remove"])
def test_managers_may_not_and_forms_need_their_token(app, researcher, path):
    manager = logged_in(app, "manager")
    assert manager.post(f"/studies/pastry/design/bun{path}").status_code == 403
    assert manager.get("/studies/pastry/design/bun").status_code == 403
    assert researcher.client.post(f"/studies/pastry/design/bun{path}").status_code == 400


def test_a_reason_survives_an_archive(app, tmp_path):
    from surveyapp.jobs.freeze import FreezeAs, collect, freeze
    from surveyapp.jobs.restoring import restore

    store, study = builders.store_of(app), builders.pastry()
    later = parse_study(dump_study(study).replace('"respondents": 360', '"respondents": 361'))
    with store.write() as c:
        studies.save_draft(c, "pastry", "P", dump_study(study), at="2026-01-01")
        for one, reason in ((study, "the first reason"), (later, None)):
            studies.publish(c, "pastry", dump_study(one), (), by="me", at="2026", despite=reason)
    frozen = freeze(collect(store, "pastry", 2), FreezeAs(tmp_path, None, 1, ""))
    (tmp_path / "other").mkdir()
    other = builders.make_app(tmp_path / "other")
    restore(builders.store_of(other), frozen)
    with builders.store_of(other).read() as c:
        assert [v.despite for v in studies.versions(c, "pastry")] == ["the first reason", None]
    builders.close(other)
