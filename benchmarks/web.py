"""Pages of the app under load beside a floor and oTree: `python benchmarks/web.py`.

A page is the POST of 11 questions and the GET it leads to, 49 radios. The floor
(benchmarks/peers/floor.py) is bare Flask, waitress and sqlite3 with the same pages; oTree runs in
an environment of its own (``--otree PYTHON``, or installed into a temporary one). All programs are
loaded in turn by the same visitors, so that ratios hold on a busy machine.
"""

import argparse
import asyncio
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from surveyapp.load_test import run, servers, throwaway
from surveyapp.load_test.loops import beside_stalled, closed_loop, open_loop
from surveyapp.load_test.visitor import Visitor

PEERS = Path(__file__).parent / "peers"
PAGES = 8
CLIENTS = 32
RATE = 30.0
STALLED = 40
OTREE = "otree==6.0.15"
PARTICIPANTS = "3000"


@contextmanager
def app():
    with (
        throwaway.throwaway(PAGES) as settings,
        servers.serving(throwaway.environment(settings)) as found,
    ):
        ((port, process),) = found.items()
        yield f"http://127.0.0.1:{port}{throwaway.START}", process.pid


@contextmanager
def floor():
    with tempfile.TemporaryDirectory() as folder:
        port = servers.free_port()
        file = Path(folder) / "floor.sqlite"
        command = [sys.executable, str(PEERS / "floor.py"), str(file), str(port), str(PAGES)]
        with servers.running(command, {}, port) as process:
            yield f"http://127.0.0.1:{port}{throwaway.START}", process.pid


@contextmanager
def otree(python):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(PEERS / "otree", folder, dirs_exist_ok=True)
        port, program = servers.free_port(), Path(python).parent / "otree"
        path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
        environment = {"OTREE_PRODUCTION": "1", "PATH": path}
        for command in (["resetdb", "--noinput"], ["create_session", "load", PARTICIPANTS]):
            subprocess.run(
                [program, *command], cwd=folder, env={**os.environ, **environment}, check=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        with sqlite3.connect(f"{folder}/db.sqlite3") as c:
            ((code,),) = c.execute("SELECT _anonymous_code FROM otree_session")
        c.close()
        command = [str(program), "prodserver1of2", f"127.0.0.1:{port}"]
        with servers.running(command, environment, port, Path(folder)) as process:
            yield f"http://127.0.0.1:{port}/join/{code}", process.pid


class Participant(Visitor):
    """A visitor of oTree, where the address of a session leads to the first page at once."""

    async def begin(self):
        await self.arrive()


async def visitors_of(start, n):
    kind = Participant if "/join/" in start else Visitor
    visitors = [kind(start) for _ in range(n)]
    await run.start_all(visitors)
    await closed_loop(visitors, 1)
    return visitors


def measured(start, pid, loop, n=CLIENTS):
    async def go():
        visitors = await visitors_of(start, n)
        before = servers.cpu_seconds([pid])
        timing = await loop(visitors)
        cpu = 1000 * (servers.cpu_seconds([pid]) - before) / len(timing.pages)
        for visitor in visitors:
            visitor.close()
        return timing, cpu

    return asyncio.run(go())


def row(name, timing, cpu):
    shown = (1000 * timing.percentile(share) for share in (0.5, 0.95, 0.99))
    p50, p95, p99 = (f"{value:.0f}" for value in shown)
    errors = timing.errors.total()
    print(
        f"| {name} | {timing.rate:.1f} | {p50} | {p95} | {p99} | {cpu:.1f} | {errors} |", flush=True
    )
    for said, n in timing.errors.most_common(3):
        print(f"  {n} x {said}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--otree", help="Python of an environment with oTree; 'none' leaves it out")
    asked = parser.parse_args()
    with ExitStack() as stack:
        programs = {"floor": stack.enter_context(floor()), "surveyapp": stack.enter_context(app())}
        if asked.otree != "none":
            python = asked.otree or installed(stack)
            programs["oTree"] = stack.enter_context(otree(python))
        print("| | pages/s | p50 ms | p95 ms | p99 ms | CPU ms a page | errors |")
        print("|---|---|---|---|---|---|---|")
        compare(programs, asked)


def compare(programs, asked):
    closed = {name: [] for name in programs}
    for _ in range(asked.rounds):
        for name, (start, pid) in programs.items():
            timing, cpu = measured(start, pid, lambda v: closed_loop(v, asked.seconds))
            row(f"{name}, {CLIENTS} clients", timing, cpu)
            closed[name].append((timing, cpu))
    alone, beside = [], []
    start, pid = programs["surveyapp"]
    for _ in range(asked.rounds):
        timing, cpu = measured(start, pid, lambda v: closed_loop(v, asked.seconds))
        alone.append(timing.rate)
        slow = [start] * STALLED
        beside_slow = partial(beside_stalled, starts=slow, seconds=asked.seconds)
        timing, cpu = measured(start, pid, beside_slow)
        row(f"surveyapp beside {STALLED} stalled clients", timing, cpu)
        beside.append(timing.rate)
    for name in ("floor", "surveyapp"):
        start, pid = programs[name]
        timing, cpu = measured(start, pid, lambda v: open_loop(v, RATE, asked.seconds), 120)
        row(f"{name}, {RATE:g} pages a second", timing, cpu)
    print()
    for name in programs:
        if name == "floor":
            continue
        pairs = list(zip(closed["floor"], closed[name], strict=True))
        cpu = [mine / base for (_, base), (_, mine) in pairs]
        late = [mine.percentile(0.99) / base.percentile(0.99) for (base, _), (mine, _) in pairs]
        print(f"{name} / floor: CPU {ratios(cpu)}; p99 {ratios(late)}")
    if "oTree" in programs:
        pairs = zip(closed["surveyapp"], closed["oTree"], strict=True)
        print(f"oTree / surveyapp: CPU {ratios([peer / mine for (_, mine), (_, peer) in pairs])}")
    slowed = ratios([b / a for a, b in zip(alone, beside, strict=True)])
    print(f"beside stalled / alone: pages {slowed}")
    print(run.syncs_in_words(run.count_syncs(*programs["surveyapp"])))


def ratios(values):
    return f"{statistics.median(values):.2f} (" + ", ".join(f"{v:.2f}" for v in values) + ")"


def installed(stack):
    """oTree in a temporary environment; returns its Python."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = Path(folder) / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", OTREE], check=True)
    return str(python)


if __name__ == "__main__":
    main()
