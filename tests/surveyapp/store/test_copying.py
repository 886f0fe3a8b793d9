"""Moving an installation to another database, and back, with proof of equality."""

import json
import shutil

import pytest
from click.testing import CliRunner
from sqlalchemy import event, select, text

from analysis.study import read_study
from surveyapp import clock
from surveyapp.bots import AnyPersona, walk
from surveyapp.commands import main
from surveyapp.store import Store, copying, jobs, staff, studies
from surveyapp.store.connection import StoreFault
from surveyapp.store.records import StaffRecord
from surveyapp.store.schema import metadata
from tests import builders


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A database file with studies, images, answers, choices, staff and a job."""
    app = builders.make_app(tmp_path_factory.mktemp("made"))
    study = read_study(builders.ALL_KINDS)
    builders.publish(app, study)
    walk(app.test_client(), builders.open_link(app, study.study), study, AnyPersona(study, 1))
    at = clock.now()
    with builders.store_of(app).write() as c:
        staff.add(c, StaffRecord("s1", "Zoë 🥐", "manager", "hash", at, None))
        jobs.submit(c, "j1", "analyse", study.study, "key", {"seed": 1}, at=at)
        studies.save_draft(c, "other", "Ω", "a: 'b'\n\ttab", at=at)
    builders.close(app)
    return builders.store_of(app).engine.url.database


@pytest.fixture
def filled(made, tmp_path):
    """A store of its own with what was made."""
    store = Store(f"sqlite:///{shutil.copy(made, tmp_path / 'old.sqlite')}")
    yield store
    store.close()


def contents(store):
    """Every row of every table, in an order of our own."""
    with store.read() as c:
        return {
            table.name: sorted((tuple(row) for row in c.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def quiet(_step, _done, _total):
    pass


def test_everything_arrives_and_comes_back(filled, url, tmp_path):
    before = contents(filled)
    used = {name for name, rows in before.items() if rows}
    assert {"images", "tasks", "answers", "choices", "pages_sent", "staff", "jobs"} <= used
    there, back = Store(url), Store(f"sqlite:///{tmp_path / 'back.sqlite'}")
    copied = copying.copy(filled, there, at=clock.now(), progress=quiet)
    assert {c.table: c.rows for c in copied} == {name: len(rows) for name, rows in before.items()}
    assert contents(there) == before
    assert copying.copy(there, back, at=clock.now(), progress=quiet) == copied
    assert contents(back) == before
    there.close()
    back.close()


def test_a_filled_target_is_refused_and_left_alone(filled, store):
    with store.write() as c:
        studies.save_draft(c, "mine", "Mine", "x", at=clock.now())
    with pytest.raises(StoreFault, match=r"not empty \(rows in studies\)"):
        copying.copy(filled, store, at=clock.now(), progress=quiet)
    assert [len(rows) for name, rows in contents(store).items() if rows] == [1]


def test_an_interrupted_copy_leaves_nothing_and_can_be_run_anew(filled, store):
    def interrupt(step, _done, _total):
        if step == "Copying answers":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copying.copy(filled, store, at=clock.now(), progress=interrupt)
    assert not any(contents(store).values())
    copying.copy(filled, store, at=clock.now(), progress=quiet)
    assert contents(store) == contents(filled)


def test_a_row_changed_on_the_way_is_found(filled, store):
    @event.listens_for(store.engine, "before_cursor_execute", retval=True)
    def spoil(_c, _cursor, statement, parameters, _context, _many):
        if not statement.startswith("INSERT INTO answers"):
            return statement, parameters
        return statement, json.loads(json.dumps(parameters).replace("A word", "a word"))

    with pytest.raises(StoreFault, match="'answers' did not arrive as it was sent"):
        copying.copy(filled, store, at=clock.now(), progress=quiet)
    event.remove(store.engine, "before_cursor_execute", spoil)
    assert not any(contents(store).values())


def test_what_a_digest_sees():
    def digest(*rows):
        return copying.digest_of(iter(rows))

    assert digest((1, "a"), (2, None)) == digest((2, None), (1, "a"))
    different = [
        (("1",),), ((1,),), ((1.0,),), ((None,),), (("",),), ((b"1",),), (("1",), ("1",)),
    ]  # fmt: skip
    assert len({digest(*rows) for rows in different}) == len(different)


def test_a_running_job_and_an_old_schema_are_refused(filled, store):
    at, later = clock.now(), clock.now(plus_seconds=60)
    with filled.write() as c:
        assert jobs.claim(c, "worker-1", at=at, lease_until=later)
    with pytest.raises(StoreFault, match="worker-1"):
        copying.copy(filled, store, at=at, progress=quiet)
    with filled.write() as c:
        c.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(StoreFault, match="another schema"):
        copying.copy(filled, store, at=at, progress=quiet)


def test_the_command_says_what_it_did_and_refuses_in_words(filled, url, tmp_path):
    old = filled.engine.url.render_as_string()

    def run(*arguments):
        return CliRunner().invoke(main, ["store", "copy", *arguments])

    done = run(old, url)
    assert done.exit_code == 0, done.output
    assert "are the same in both, by count and digest" in done.stdout
    assert "Copying answers" in done.stderr
    for arguments, said in (
        ((old, old), "the same database"),
        ((old, url), "not empty"),
        ((f"sqlite:///{tmp_path / 'none.sqlite'}", url), "there is no file"),
        ((old, "mysql://x"), "TO: DATABASE_URL"),
        (("rubbish", url), "FROM: DATABASE_URL"),
    ):
        refused = run(*arguments)
        assert refused.exit_code == 2
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr
    assert not (tmp_path / "none.sqlite").exists()
