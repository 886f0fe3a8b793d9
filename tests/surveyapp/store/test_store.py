"""The live store, on SQLite and PostgreSQL alike."""

import threading
from dataclasses import replace

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from surveyapp.store import (
    Store,
    answers,
    jobs,
    links,
    migrate,
    rehearsals,
    reports,
    respondents,
    scenarios,
    staff,
    studies,
    uploads,
)
from surveyapp.store.records import (
    AnswerRecord,
    ChoiceRecord,
    LinkRecord,
    RehearsalRecord,
    ReportRecord,
    RespondentRecord,
    ScenarioRecord,
    StaffRecord,
    TaskAnswer,
    TaskRecord,
)
from surveyapp.store.schema import metadata
from surveyapp.store.uploads import UploadRecord
from surveyapp.studies.invitations import Terms, make_personal

AT = "2026-08-31T10:00:00.000Z"
LINK = LinkRecord("l1", "s", "open", "slug", None, None, None, "live", AT, None, None)
WHO = RespondentRecord(
    "r1", "s", 1, "l1", "hash-1", None, None, "live", "en", None, 0, 1.0, 0, "p", AT, None, None
)  # fmt: skip

TASK = TaskRecord("e", 1, 1, "estimation", ({"a": "x"}, {"a": "y"}))


@pytest.fixture
def fielded(store):
    """A store with a published study, an open link and one respondent."""
    with store.write() as c:
        studies.save_draft(c, "s", "Title", "draft", at=AT)
        assert studies.publish(c, "s", "{}", [TASK], by="me", at=AT) == 1
        links.add(c, [LINK])
        respondents.add(c, WHO)
    return store


def test_the_migrations_make_the_tables_of_the_schema(store):
    with store.read() as c:
        assert compare_metadata(MigrationContext.configure(c), metadata) == []


def downgrade(connection, revision):
    config = migrate._config()
    config.attributes["connection"] = connection
    command.downgrade(config, revision)


def test_answers_of_an_older_program_stay_when_the_database_is_brought_up_to_date(fielded):
    choice = ChoiceRecord("r1", "e", 1, 1, 2)
    with fielded.write() as c:
        answers.save_choice(c, choice, turn=1)
        downgrade(c, "0002")
    with pytest.raises(migrate.OutdatedDatabase):
        migrate.prepare(fielded)
    migrate.upgrade(fielded)
    with fielded.read() as c:
        assert list(answers.choices_of_study(c, "s")) == [choice]
        assert [person.seed for person in respondents.of_study(c, "s")] == [None]


def test_an_outdated_database_is_refused_with_the_command_that_mends_it(store):
    with store.write() as c:
        c.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(migrate.OutdatedDatabase, match="surveyapp init"):
        migrate.prepare(store)


def test_a_failed_block_writes_nothing(fielded):
    with pytest.raises(RuntimeError), fielded.write() as c:
        answers.save(c, "r1", [AnswerRecord("q", "", "1", "answered")], turn=1)
        raise RuntimeError
    with fielded.read() as c:
        assert answers.stored(c, "r1") == {}


def test_answers_take_the_place_of_earlier_ones(fielded):
    with fielded.write() as c:
        answers.save(c, "r1", [AnswerRecord("q", "a", "1", "answered")], turn=1)
        answers.save(c, "r1", [AnswerRecord("q", "a", None, "refused")], turn=2)
        answers.save_choice(c, ChoiceRecord("r1", "e", 1, 1, 1, 1), turn=3)
        answers.save_choice(c, ChoiceRecord("r1", "e", 1, 1, 2, 0), turn=4)
    with fielded.read() as c:
        assert answers.stored(c, "r1") == {("q", "a"): AnswerRecord("q", "a", None, "refused", 2)}
        assert answers.stored_choices(c, "r1") == {("e", 1): TaskAnswer(2, 0)}
        assert answers.stored_choices(c, "r1") == {("e", 1): TaskAnswer(2, 0)}
        assert list(answers.choices_of_study(c, "s")) == [ChoiceRecord("r1", "e", 1, 1, 2, 0)]


def test_advancing_notes_the_page_and_the_end(fielded):
    with fielded.write() as c:
        respondents.advance(c, WHO, sent_step="p", next_step="p2", at=AT)
        now = respondents.by_token(c, "hash-1", lock=True)
        respondents.advance(c, now, sent_step="p2", next_step="p2", at=AT, ended="complete")
    with fielded.read() as c:
        done = respondents.by_token(c, "hash-1")
        assert (done.turn, done.step, done.ended, done.completed) == (2, "p2", "complete", AT)
        assert respondents.steps_sent(c, "r1") == {"p", "p2"}
        assert respondents.counts(c, "s") == {("live", "complete"): 1}
        assert respondents.steps_reached(c, "s", 1, ("live",)) == {"p": 1, "p2": 1}


def test_publishing_the_same_again_makes_no_new_version(fielded):
    with fielded.write() as c:
        assert studies.publish(c, "s", "{}", [TASK], by="me", at=AT) == 1
        assert studies.publish(c, "s", '{"x": 1}', [], by="me", at=AT) == 2
        assert [v.version for v in studies.versions(c, "s")] == [1, 2]
        assert studies.get(c, "s").version == 2
        assert studies.blocks(c, "s", 1, "e") == 1
        assert studies.blocks(c, "s", 2, "e") == 0


def test_a_token_names_one_respondent(fielded):
    with pytest.raises(IntegrityError), fielded.write() as c:
        respondents.add(c, replace(WHO, respondent="r2"))


def test_those_who_start_at_once_get_different_numbers(fielded):
    gate = threading.Barrier(6)

    def start(n: int) -> None:
        gate.wait()
        with fielded.write() as c:
            number = respondents.next_sequence(c, "s", 1)
            respondents.add(
                c, replace(WHO, respondent=f"t{n}", token_hash=f"t{n}", sequence=number)
            )

    together(start, 6)
    with fielded.read() as c:
        assert sorted(r.sequence for r in respondents.of_study(c, "s")) == list(range(7))


def test_two_writers_of_one_respondent_wait_for_each_other(fielded):
    """Reading under the lock and then writing never loses a turn."""

    def advance(n: int) -> None:
        with fielded.write() as c:
            now = respondents.by_token(c, "hash-1", lock=True)
            respondents.advance(c, now, sent_step="p", next_step="p", at=AT)

    together(advance, 8)
    with fielded.read() as c:
        assert respondents.by_token(c, "hash-1").turn == 8


def together(work, n: int) -> None:
    failed: list[BaseException] = []

    def run(k: int) -> None:
        try:
            work(k)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_erasing_leaves_nothing(fielded):
    with fielded.write() as c:
        answers.save(c, "r1", [AnswerRecord("q", "", "1", "answered")], turn=1)
        respondents.advance(c, WHO, sent_step="p", next_step="p", at=AT)
        respondents.erase(c, "r1")
    with fielded.read() as c:
        assert respondents.by_token(c, "hash-1") is None
        assert answers.stored(c, "r1") == {}


def test_sessions_end_with_time_log_out_and_disabling(store):
    member = StaffRecord("m", "ann", "researcher", "x", AT, None)
    with store.write() as c:
        staff.add(c, member)
        for name in ("a", "b", "c"):
            staff.open_session(c, name, "m", at=AT, expires="2026-08-31T12:00:00.000Z")
        assert staff.of_session(c, "a", at="2026-08-31T11:00:00.000Z") == member
        assert staff.of_session(c, "a", at="2026-08-31T13:00:00.000Z") is None
        staff.close_session(c, "b")
        assert staff.of_session(c, "b", at=AT) is None
        staff.change(c, "m", disabled=AT)
        assert staff.of_session(c, "c", at=AT) is None


def test_sqlite_keeps_acknowledged_answers_when_the_machine_dies(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    with store.read() as c:
        assert c.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert c.execute(text("PRAGMA synchronous")).scalar() == 2
        assert c.execute(text("PRAGMA foreign_keys")).scalar() == 1
    store.close()


def at_once(number, call):
    """Call from many threads at the same moment; what each returned."""
    barrier = threading.Barrier(number)
    found = []

    def run(n):
        barrier.wait()
        found.append(call(n))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_clicks_at_once_make_one_job_one_version_and_one_link_a_customer(fielded):
    def click(n):
        with fielded.write() as c:
            job = jobs.submit(c, f"j{n}", "analyse", "s", "the same", {}, at=AT).job
            version = studies.publish(c, "s", "{1}", [], by="me", at=AT)
        with fielded.write() as c:
            made = make_personal(c, "s", ["ann", "bob"], Terms(), key=b"k" * 32, base_url="")
        return job, version, sum(bool(row.address) for row in made)

    found = at_once(5, click)
    assert len({job for job, _, _ in found}) == 1
    assert [version for _, version, _ in found] == [2] * 5
    assert sum(addresses for _, _, addresses in found) == 2


def test_a_reader_sees_one_state_until_its_end(fielded):
    with fielded.read() as c:
        before = answers.stored(c, "r1")
        with fielded.write() as other:
            answers.save(other, "r1", [AnswerRecord("q", "", "1", "answered")], turn=1)
        assert answers.stored(c, "r1") == before == {}


def test_test_runs_are_not_waited_for_by_a_report(fielded):
    with fielded.write() as c:
        for name, run_kind in (("r2", "live"), ("r3", "test")):
            new = replace(WHO, respondent=name, token_hash=name, run_kind=run_kind)
            respondents.add(c, replace(new, completed=AT, ended="complete"))
        assert respondents.completed_since(c, "s", "2026-08-30", ("live",)) == 1


def test_rehearsals_are_kept_by_the_definition_they_are_of(fielded):
    one = RehearsalRecord("h1", "s", rehearsals.digest_of("{}"), AT, "missed", "{}")
    later = replace(one, rehearsal="h2", created=AT.replace("10:00", "11:00"), verdict="reached")
    other = replace(one, rehearsal="h3", digest="else", created=AT.replace("10:00", "12:00"))
    with fielded.write() as c:
        for record in (one, later, other):
            rehearsals.add(c, record)
    with fielded.read() as c:
        assert rehearsals.newest(c, "s", "{}") == later
        assert rehearsals.newest(c, "s") == other
        assert rehearsals.newest(c, "s", "{changed}") is None
        assert rehearsals.get(c, "h1") == one
        assert studies.version(c, "s", 1).digest == one.digest


def test_a_rehearsal_has_one_of_the_known_verdicts(fielded):
    wrong = RehearsalRecord("h1", "s", "d", AT, "perhaps", "{}")
    with pytest.raises(IntegrityError), fielded.write() as c:
        rehearsals.add(c, wrong)


def test_the_reason_for_publishing_is_kept_with_the_version(fielded):
    with fielded.write() as c:
        assert studies.publish(c, "s", "{2}", [TASK], by="me", at=AT, despite="They are few.") == 2
        assert [v.despite for v in studies.versions(c, "s")] == [None, "They are few."]


def test_versions_of_before_the_rehearsals_stay(store):
    """From the schema of the first release upwards, with a version in it."""
    with store.write() as c:
        downgrade(c, "0002")
        c.execute(text("DROP TABLE rehearsals"))
        c.execute(text("ALTER TABLE study_versions DROP COLUMN despite"))
        c.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        c.execute(text("INSERT INTO studies VALUES ('old', 'Old', '', 'a', 'a', NULL)"))
        c.execute(text("INSERT INTO study_versions VALUES ('old', 1, '{}', 'd', 'a', 'me')"))
    migrate.upgrade(store)
    with store.read() as c:
        assert studies.version(c, "old", 1).despite is None
        assert rehearsals.newest(c, "old") is None


def test_a_scenario_has_one_name_in_its_version(store):
    at = "2026-01-01T00:00:00.000Z"
    made = ScenarioRecord("s1", "small", 1, "Summer", "p1.name=Ours", at, "ada")
    with store.write() as c:
        studies.save_draft(c, "small", "Small", "{}", at=at)
        scenarios.add(c, made)
        scenarios.add(c, replace(made, scenario="s2", version=2))
    with pytest.raises(IntegrityError), store.write() as c:
        scenarios.add(c, replace(made, scenario="s3"))
    with store.write() as c:
        assert scenarios.of_version(c, "small", 1) == [made]
        scenarios.remove(c, "s1")
        assert scenarios.get(c, "s1") is None
        assert scenarios.get(c, "s2") is not None


def test_jobs_of_an_older_program_stay_and_new_ones_need_no_study(fielded):
    """The table of jobs is made anew on SQLite, with reports that lead to it."""
    with fielded.write() as c:
        jobs.submit(c, "j1", "analyse", "s", "k1", {"seed": 1}, at=AT)
        reports.add(c, ReportRecord("r", "s", 1, "j1", AT, "a.sqlite", "{}", "{}"))
        before = jobs.get(c, "j1"), reports.get(c, "r")
        downgrade(c, "0013")
    migrate.upgrade(fielded)
    with fielded.write() as c:
        assert (jobs.get(c, "j1"), reports.get(c, "r")) == before
        assert [job.job for job in jobs.of_study(c, "s")] == ["j1"]
        uploads.add(c, UploadRecord("u1", "purchases", "a.csv", 3_000_000_000, AT, "ada"))
        made = jobs.submit(c, "j2", "load", "", "load:u1", {"upload": "u1"}, at=AT)
        uploads.confirm(c, "u1", kind="events", layout="{}", job=made)
        assert (made.study, jobs.newest(c, "load:u1")) == ("", made)
        assert [(u.kind, u.bytes, state) for u, state in uploads.newest(c)] == [
            ("events", 3_000_000_000, "queued")
        ]
    with pytest.raises(IntegrityError), fielded.write() as c:
        jobs.submit(c, "j3", "analyse", "unknown", "k3", {}, at=AT)
    with pytest.raises(IntegrityError), fielded.write() as c:
        c.execute(text("DELETE FROM jobs WHERE job = 'j1'"))
    with fielded.write() as c:
        downgrade(c, "0013")
        assert c.execute(text("SELECT job FROM jobs")).scalars().all() == ["j1"]
    migrate.upgrade(fielded)


def test_an_upload_that_is_about_to_be_loaded_is_never_left_over(store):
    with store.write() as c:
        for name in ("asked", "failed", "loading", "loaded", "new"):
            uploads.add(c, UploadRecord(name, "events", "a.csv", 1, AT, "ada"))
        for name in ("failed", "loading", "loaded"):
            job = jobs.submit(c, name, "load", "", f"load:{name}", {}, at=AT)
            uploads.confirm(c, name, kind="events", layout="{}", job=job)
        jobs.cancel(c, "failed", at=AT)
        jobs.cancel(c, "loaded", at=AT)
        uploads.loaded(c, "loaded", load="x", counts="{}")
        c.execute(text("UPDATE uploads SET created = '2099' WHERE upload = 'new'"))
        assert sorted(uploads.left_since(c, "2098")) == ["asked", "failed"]
