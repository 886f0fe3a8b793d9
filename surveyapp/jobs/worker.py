"""The worker: claims jobs under a lease and runs each in a child process of its own.

The child's standard input is a pipe that nobody writes to: when the worker dies, however it dies,
the pipe closes and the child ends. After the lease another worker claims the job.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from surveyapp import clock
from surveyapp.jobs import due, loading, schedule
from surveyapp.settings import Settings
from surveyapp.store import Store, erasures, jobs, scorings
from surveyapp.store.records import JobRecord

POLL_SECONDS = 0.2
IDLE_SECONDS = 1.0
GRACE_SECONDS = 5.0
LONGEST_CAUSE = 12_000
"""Characters of a cause: a whole list of faults."""
FAULT = 2
"""Exit code of a child whose standard error is a message for people."""


class Worker:
    """Runs jobs one after another until ``stop`` is set.

    Parameters
    ----------
    command
        Program that runs one job; the job's id is added. Default: ``python -m surveyapp.jobs.run``.
    """

    def __init__(
        self, settings: Settings, store: Store, *, command: tuple[str, ...] | None = None
    ) -> None:
        self.settings = settings
        self.store = store
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self.stop = threading.Event()
        self._command = command or (sys.executable, "-m", "surveyapp.jobs.run")
        self._lease = settings.number("LEASE_SECONDS")
        self._look_at = 0.0

    def run(self) -> None:
        """Work until ``stop`` is set; a job that is then running goes back to the queue.

        A fault of the worker itself (the database is away for a moment) is written to standard
        error, and the work goes on.
        """
        while not self.stop.is_set():
            try:
                self._look_for_due()
                worked = self.run_one() or self.rescore()
            except Exception:
                traceback.print_exc()
                worked = False
            if not worked:
                self.stop.wait(IDLE_SECONDS)

    def _look_for_due(self) -> None:
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + due.EVERY_SECONDS
            due.look(self.store)
            loading.clear(self.settings, self.store)

    def run_one(self) -> bool:
        """Run the oldest waiting job to its end, or the erasures; False when nothing waits."""
        with self.store.write() as c:
            job = jobs.claim(c, self.name, at=clock.now(), lease_until=self._lease_until())
        if job is None:
            return self._erase()
        try:
            log, child = self._start(job)
        except OSError as error:
            cause = f"The job could not be started: {error}"
            with self.store.write() as c:
                jobs.finish(c, job.job, self.name, "failed", at=clock.now(), error=cause)
        else:
            self._finish(job, log, child)
        return True

    def _erase(self) -> bool:
        """Do the erasures of customers that were asked for."""
        with self.store.read() as c:
            if not erasures.waiting(c):
                return False
        command = [sys.executable, "-m", "surveyapp.jobs.erasing"]
        done = subprocess.run(  # noqa: S603
            command, check=False, env=self._environment(), capture_output=True, text=True
        )
        if done.returncode:
            print(done.stderr, file=sys.stderr)
        return done.returncode == 0

    def rescore(self) -> bool:
        """Run the scheduled scoring of this period, once among all workers; False when not due."""
        period = schedule.period_of(self.settings.text("SCORES_EVERY"), clock.now())
        if period is None:
            return False
        with self.store.write() as c:
            mine = scorings.claim(
                c, period, self.name, at=clock.now(), lease_until=self._lease_until()
            )
        if not mine:
            return False
        command = (sys.executable, "-m", "surveyapp.jobs.rescore", period)
        log, child = self._child(f"scores-{period.replace(':', '-')}", command)
        ended = self._watch(child, partial(scorings.beat, period=period, worker=self.name))
        assert child.stdin is not None
        child.stdin.close()
        with self.store.write() as c:
            if ended == "stopped":
                scorings.release(c, period, self.name)
            elif child.returncode == 0:
                scorings.finish(c, period, self.name, "done", at=clock.now())
            elif ended == "ended":
                cause = cause_of_end(child.returncode, log)
                scorings.finish(c, period, self.name, "failed", at=clock.now(), error=cause)
        return True

    def _start(self, job: JobRecord) -> tuple[Path, subprocess.Popen[bytes]]:
        return self._child(job.job, (*self._command, job.job))

    def _child(self, name: str, command: tuple[str, ...]) -> tuple[Path, subprocess.Popen[bytes]]:
        """Start a child in a session of its own: a Ctrl+C is for the worker only."""
        folder = self.settings.files / "runs" / name
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "log.txt"
        with log.open("wb") as sink:
            child = subprocess.Popen(  # noqa: S603
                list(command),
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=sink,
                env=self._environment(),
                start_new_session=True,
            )
        return log, child

    def _finish(self, job: JobRecord, log: Path, child: subprocess.Popen[bytes]) -> None:
        ended = self._watch(child, partial(jobs.beat, job=job.job, worker=self.name))
        assert child.stdin is not None
        child.stdin.close()
        with self.store.write() as c:
            if ended == "stopped":
                jobs.release(c, job.job, self.name)
            elif child.returncode == 0:
                jobs.finish(c, job.job, self.name, "done", at=clock.now())
            elif ended == "interrupted" or jobs.is_cancelled(c, job.job):
                jobs.finish(c, job.job, self.name, "cancelled", at=clock.now())
            else:
                cause = cause_of_end(child.returncode, log)
                jobs.finish(c, job.job, self.name, "failed", at=clock.now(), error=cause)

    def _watch(self, child: subprocess.Popen[bytes], beat: Callable[..., bool]) -> str:
        """Wait for the child, prolonging the lease by ``beat``; why the waiting ended."""
        every = max(min(2.0, self._lease / 4), POLL_SECONDS)
        waited = 0.0
        while True:
            try:
                child.wait(POLL_SECONDS)
                return "ended"
            except subprocess.TimeoutExpired:
                waited += POLL_SECONDS
            if self.stop.is_set():
                _end(child)
                return "stopped"
            if waited >= every:
                waited = 0.0
                with self.store.write() as c:
                    mine = beat(c, lease_until=self._lease_until())
                if not mine:
                    _end(child)
                    return "interrupted"

    def _lease_until(self) -> str:
        return clock.now(plus_seconds=self._lease)

    def _environment(self) -> dict[str, str]:
        """Of a child: OpenBLAS's own threads wait for each other and burn what starts and chains
        side by side need; on a busy machine a fit of classes took five times the CPU."""
        values = {f"SURVEYAPP_{k}": str(v) for k, v in self.settings.values.items()}
        instance = {"SURVEYAPP_INSTANCE": str(self.settings.instance)}
        return {"OPENBLAS_NUM_THREADS": "1", **os.environ, **values, **instance}


def cause_of_end(code: int, log: Path) -> str:
    """Why a child ended, from its exit code and what it wrote last."""
    written = log.read_text(errors="replace").strip()
    if code == FAULT and written:
        return written[-LONGEST_CAUSE:]
    last = " ".join(written.splitlines()[-1:])[-500:]
    if code < 0:
        name = signal.Signals(-code).name
        hint = " The machine may have run out of memory." if name == "SIGKILL" else ""
        return f"The job's program was ended by the signal {name}.{hint} {last}".strip()
    return f"The job's program stopped with exit code {code}: {last or 'without a word'}"


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
