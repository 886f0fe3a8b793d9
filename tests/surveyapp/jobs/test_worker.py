"""The worker: leases, crashes, cancelling, and a worker that is killed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from surveyapp.jobs import queue
from surveyapp.jobs.worker import Worker, cause_of_end
from surveyapp.store import Store, jobs, migrate, studies
from tests import builders

OK = (sys.executable, "-c", "pass")
CRASH = (sys.executable, "-c", "import sys; sys.exit('the disk is full')")
FAULT = (sys.executable, "-c", "import sys; sys.stderr.write('Add answers first.'); sys.exit(2)")
KILLED = (sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
SLOW = (sys.executable, "-c", "import time; time.sleep(60)")


@pytest.fixture
def settings(tmp_path):
    return builders.make_settings(tmp_path, LEASE_SECONDS=2)


@pytest.fixture
def store(settings):
    made = Store(settings.database_url)
    migrate.prepare(made)
    with made.write() as c:
        studies.save_draft(c, "s", "S", "", at="2026-01-01T00:00:00.000Z")
    yield made
    made.close()


def get(store, job):
    with store.read() as c:
        return jobs.get(c, job.job)


def wait_for(store, job, wanted, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if wanted(get(store, job)):
            return get(store, job)
        time.sleep(0.05)
    raise AssertionError(f"still {get(store, job)}")


@pytest.mark.parametrize(("given", "seen"), [(None, "1"), ("2", "2")])
def test_a_child_sums_on_one_thread_unless_the_environment_says_otherwise(
    settings, store, monkeypatch, given, seen
):
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    if given:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", given)
    says = f"import os, sys; sys.exit(os.environ['OPENBLAS_NUM_THREADS'] != '{seen}')"
    job = queue.analyse(store, "s", 1)
    Worker(settings, store, command=(sys.executable, "-c", says)).run_one()
    assert get(store, job).state == "done"


def test_a_second_click_returns_the_same_job_until_it_ended(settings, store):
    first = queue.analyse(store, "s", 1)
    assert queue.analyse(store, "s", 1).job == first.job
    assert queue.analyse(store, "s", 2).job != first.job
    worker = Worker(settings, store, command=OK)
    while worker.run_one():
        pass
    assert get(store, first).state == "done"
    assert queue.analyse(store, "s", 1).job != first.job


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (CRASH, "exit code 1: the disk is full"),
        (FAULT, "Add answers first."),
        (KILLED, "SIGKILL"),
    ],
)
def test_a_job_that_fails_says_why(settings, store, command, said):
    job = queue.analyse(store, "s", 1)
    assert Worker(settings, store, command=command).run_one()
    ended = get(store, job)
    assert ended.state == "failed"
    assert said in ended.error


def test_a_fault_is_shown_without_a_traceback(settings, store):
    """A study without answers, through the real child process."""
    builders_study = builders.small_study("  - {id: a, text: Hello}\n")
    with store.write() as c:
        studies.save_draft(c, "small", "Small", "", at="2026-01-01T00:00:00.000Z")
        definition = builders.dump_study(builders_study)
        studies.publish(c, "small", definition, (), by="test", at="2026-01-01T00:00:00.000Z")
    job = queue.analyse(store, "small", 1)
    assert Worker(settings, store).run_one()
    ended = get(store, job)
    assert ended.state == "failed"
    assert ended.error == "Nobody has answered yet, so there is nothing to analyse."


def test_cancelling_ends_the_child(settings, store):
    job = queue.analyse(store, "s", 1)
    worker = Worker(settings, store, command=SLOW)
    thread = threading.Thread(target=worker.run_one)
    thread.start()
    wait_for(store, job, lambda j: j.state == "running")
    with store.write() as c:
        jobs.cancel(c, job.job, at="2026-01-01T00:00:00.000Z")
    ended = wait_for(store, job, lambda j: not j.active)
    thread.join(timeout=10)
    assert (ended.state, thread.is_alive()) == ("cancelled", False)


def test_a_waiting_job_is_cancelled_at_once(settings, store):
    job = queue.analyse(store, "s", 1)
    with store.write() as c:
        jobs.cancel(c, job.job, at="2026-01-01T00:00:00.000Z")
    assert get(store, job).state == "cancelled"
    assert not Worker(settings, store, command=OK).run_one()


def test_a_worker_that_is_stopped_gives_its_job_back(settings, store):
    job = queue.analyse(store, "s", 1)
    worker = Worker(settings, store, command=SLOW)
    thread = threading.Thread(target=worker.run)
    thread.start()
    wait_for(store, job, lambda j: j.state == "running")
    worker.stop.set()
    thread.join(timeout=15)
    back = get(store, job)
    assert (back.state, back.attempts, back.worker) == ("queued", 0, None)
    Worker(settings, store, command=OK).run_one()
    assert get(store, job).state == "done"


def test_another_worker_finishes_what_a_killed_one_began(settings, store, tmp_path):
    """kill -9: no farewell. The child ends with its worker, and the lease frees the job."""
    job = queue.analyse(store, "s", 1)
    child = (
        "import os, pathlib, sys, threading, time\n"
        f"pathlib.Path({str(tmp_path / 'child')!r}).write_text(str(os.getpid()))\n"
        "from surveyapp.jobs.run import end_with_the_worker\n"
        "threading.Thread(target=end_with_the_worker, daemon=True).start()\n"
        "time.sleep(120)\n"
    )
    environment = {**os.environ, "SURVEYAPP_LEASE_SECONDS": "2"}
    first = subprocess.Popen(builders.worker_command(tmp_path, child), env=environment)
    wait_for(store, job, lambda j: j.state == "running" and (tmp_path / "child").exists())
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = Worker(settings, store, command=OK)
    assert not second.run_one()
    end = time.monotonic() + 20
    while not second.run_one() and time.monotonic() < end:
        time.sleep(0.1)
    ended = get(store, job)
    assert (ended.state, ended.attempts) == ("done", 2)
    pid = int((tmp_path / "child").read_text())
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(pid, 0)
            time.sleep(0.1)


def test_the_cause_is_the_last_line_of_the_log(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("Traceback (most recent call last):\n  ...\nZeroDivisionError: by zero\n")
    assert cause_of_end(1, log).endswith("exit code 1: ZeroDivisionError: by zero")
    log.write_text("")
    assert "without a word" in cause_of_end(1, log)


def test_arguments_are_kept_as_they_were_given(store):
    job = queue.publish(store, "s", '{"study": "s"}', by="ann", import_only=True)
    assert json.loads(job.arguments) == {
        "definition": '{"study": "s"}',
        "designs": {},
        "by": "ann",
        "import_only": True,
        "despite": None,
    }


def test_a_folder_that_cannot_be_written_fails_the_job_with_its_cause(settings, store):
    settings.files.mkdir()
    (settings.files / "runs").write_text("a file where a folder should be")
    job = queue.analyse(store, "s", 1)
    assert Worker(settings, store, command=OK).run_one()
    ended = get(store, job)
    assert ended.state == "failed"
    assert "runs" in ended.error


def test_a_worker_survives_a_database_that_is_away_for_a_moment(settings, store, monkeypatch):
    job = queue.analyse(store, "s", 1)
    claim, failures = jobs.claim, iter([OSError("the database is away")])

    def first_fails(*given, **more):
        for failure in failures:
            raise failure
        return claim(*given, **more)

    monkeypatch.setattr(jobs, "claim", first_fails)
    worker = Worker(settings, store, command=OK)
    thread = threading.Thread(target=worker.run)
    thread.start()
    ended = wait_for(store, job, lambda j: not j.active)
    worker.stop.set()
    thread.join(timeout=10)
    assert ended.state == "done"


def test_ctrl_c_gives_the_running_job_back(store, tmp_path):
    """A terminal sends the signal to the whole group; the child must not take it for its end."""
    job = queue.analyse(store, "s", 1)
    program = (
        "import pathlib, signal, sys, threading\n"
        "from surveyapp.jobs.worker import Worker\n"
        "from surveyapp.settings import read_settings\n"
        "from surveyapp.store import Store\n"
        f"settings = read_settings(pathlib.Path({str(tmp_path)!r}))\n"
        "slow = (sys.executable, '-c', 'import time; time.sleep(60)')\n"
        "worker = Worker(settings, Store(settings.database_url), command=slow)\n"
        "signal.signal(signal.SIGINT, lambda *_: threading.Timer(1, worker.stop.set).start())\n"
        "worker.run()\n"
    )
    started = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    wait_for(store, job, lambda j: j.state == "running")
    time.sleep(1)
    os.killpg(started.pid, signal.SIGINT)
    assert started.wait(timeout=30) == 0
    back = get(store, job)
    assert (back.state, back.error) == ("queued", None)
