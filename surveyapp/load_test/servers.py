"""Servers under load: started on free ports of loopback, watched, stopped."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

LOOPBACK = "127.0.0.1"
SERVE = (sys.executable, "-c", "from surveyapp.commands import main; main()", "serve")
START_SECONDS = 60.0
STOP_SECONDS = 20.0


class NoServer(RuntimeError):
    """A server that did not start; the message holds what it wrote."""


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], port: int, folder: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server process that listens on a port of loopback, for as long as the block lasts.

    Raises
    ------
    NoServer
        When it ends or stays silent instead of listening.
    """
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603
            command,
            env={**os.environ, **environment},
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            if not _listens(process, port):
                log.seek(0)
                said = log.read().decode(errors="replace").strip()[-2000:]
                raise NoServer(f"The server did not start: {said or 'it wrote nothing'}")
            yield process
        finally:
            _stop(process)


@contextmanager
def serving(
    environment: Mapping[str, str], *, processes: int = 1
) -> Iterator[dict[int, subprocess.Popen[bytes]]]:
    """So many servers of the app (``surveyapp serve``), by port."""
    with ExitStack() as stack:
        found = {}
        for _ in range(processes):
            port = free_port()
            command = [*SERVE, "--port", str(port), "--no-worker"]
            found[port] = stack.enter_context(running(command, environment, port))
        yield found


def free_port() -> int:
    """A port of loopback on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def cpu_seconds(pids: Sequence[int]) -> float | None:
    """CPU time that processes used so far; None where the system does not tell (no /proc)."""
    total = 0
    for pid in pids:
        try:
            line = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        fields = line.rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


@contextmanager
def counting_syncs(pid: int) -> Iterator[list[int]]:
    """Count how often a process has the disk synced; the list holds the number at the end.

    It stays empty where strace is missing or may not look.
    """
    found: list[int] = []
    strace = shutil.which("strace")
    if strace is None:
        yield found
        return
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "syncs.txt"
        calls = "trace=fsync,fdatasync,sync_file_range"
        tracer = subprocess.Popen(  # noqa: S603
            [
                strace,
                "-f",
                "-c",
                "-U",
                "calls,errors,name",
                "-e",
                calls,
                "-o",
                str(out),
                "-p",
                str(pid),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert tracer.stderr is not None
        attached = b"attached" in tracer.stderr.readline()
        yield found
        tracer.send_signal(signal.SIGINT)
        tracer.wait(STOP_SECONDS)
        tracer.stderr.close()
        if attached:
            text = out.read_text() if out.exists() else ""
            found.append(sum(map(int, re.findall(r"^\s*(\d+)\s.*sync", text, re.M))))


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return True
        time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a server with all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
            return
