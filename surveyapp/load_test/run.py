"""The parts of a load test, one after the other, and what came out in words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from surveyapp.load_test.loops import Timing, beside_stalled, closed_loop, open_loop, start_all
from surveyapp.load_test.servers import counting_syncs, cpu_seconds
from surveyapp.load_test.visitor import Visitor

WARM_UP_SECONDS = 1.0
READY = 4
"""Visitors that wait in an open loop, for each page a second."""
COUNTED_VISITORS = 10
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be tried; a part of size 0 is left out."""

    clients: int
    rate: float
    stalled: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a load test.

    ``cpu`` is in milliseconds of the web processes a page; None where the system does not tell.
    """

    name: str
    timing: Timing
    cpu: float | None


@dataclass(frozen=True, slots=True)
class Syncs:
    """How often the disk was synced, in a part of its own; None where nothing counts them."""

    pages: int
    after_pages: int | None
    readings: int
    after_readings: int | None


def run_parts(starts: Sequence[str], pids: Sequence[int], plan: Plan, say: Say) -> list[Part]:
    """Load a server in all the ways of a plan.

    Parameters
    ----------
    starts
        Addresses of an open link, one a web process; visitors spread over them.
    pids
        The web processes; none where they are not ours.

    Raises
    ------
    Refused
        When a visitor cannot start.
    """
    return asyncio.run(_run_parts(starts, pids, plan, say))


async def _run_parts(
    starts: Sequence[str], pids: Sequence[int], plan: Plan, say: Say
) -> list[Part]:
    found = []
    if plan.clients:
        visitors = await _visitors(starts, plan.clients)
        await closed_loop(visitors, WARM_UP_SECONDS)
        name = f"closed loop, {plan.clients} clients"
        say(f"{name}, {plan.seconds:g} s ...")
        found.append(await _measured(name, pids, closed_loop(visitors, plan.seconds)))
        if plan.stalled:
            name = f"the same beside {plan.stalled} stalled clients"
            say(f"{name} ...")
            slow = [starts[n % len(starts)] for n in range(plan.stalled)]
            part = await _measured(name, pids, beside_stalled(visitors, slow, plan.seconds))
            found.append(part)
        _hang_up(visitors)
    if plan.rate:
        visitors = await _visitors(starts, round(READY * plan.rate) + 1)
        name = f"open loop, {plan.rate:g} pages a second"
        say(f"{name}, {plan.seconds:g} s ...")
        part = await _measured(name, pids, open_loop(visitors, plan.rate, plan.seconds))
        found.append(part)
        _hang_up(visitors)
    return found


def count_syncs(start: str, pid: int) -> Syncs:
    """Count how often a web process syncs the disk for pages sent, and for pages only read."""
    return asyncio.run(_count_syncs(start, pid))


async def _count_syncs(start: str, pid: int) -> Syncs:
    visitors = await _visitors([start], COUNTED_VISITORS)
    sent = readings = 0
    with counting_syncs(pid) as read:
        for visitor in visitors:
            await visitor.request("GET", visitor.here)
            readings += 1
    with counting_syncs(pid) as written:
        for visitor in visitors:
            while not visitor.ended:
                await visitor.send()
                sent += 1
    _hang_up(visitors)
    return Syncs(sent, written[0] if written else None, readings, read[0] if read else None)


async def _visitors(starts: Sequence[str], n: int) -> list[Visitor]:
    visitors = [Visitor(starts[k % len(starts)]) for k in range(n)]
    await start_all(visitors)
    return visitors


def _hang_up(visitors: Sequence[Visitor]) -> None:
    for visitor in visitors:
        visitor.close()


async def _measured(name: str, pids: Sequence[int], loop: Awaitable[Timing]) -> Part:
    before = cpu_seconds(pids) if pids else None
    timing = await loop
    after = cpu_seconds(pids) if pids else None
    if before is None or after is None or not timing.pages:
        return Part(name, timing, None)
    return Part(name, timing, 1000 * (after - before) / len(timing.pages))


def in_words(parts: Sequence[Part]) -> list[str]:
    """A table of what came out."""
    lines = [
        f"{'':38}{'pages/s':>8}{'p50 ms':>8}{'p95 ms':>8}{'p99 ms':>8}{'errors':>8}{'CPU ms':>8}"
    ]
    for part in parts:
        timing = part.timing
        shown = [f"{1000 * timing.percentile(share):.0f}" for share in (0.5, 0.95, 0.99)]
        cpu = "-" if part.cpu is None else f"{part.cpu:.1f}"
        cells = [f"{timing.rate:.1f}", *shown, str(timing.errors.total()), cpu]
        lines.append(f"{part.name:38}" + "".join(f"{cell:>8}" for cell in cells))
        lines += [f"    {n} x {said}" for said, n in timing.errors.most_common(5)]
    return lines


def syncs_in_words(syncs: Syncs) -> str:
    """What was counted of the disk's syncs."""
    if syncs.after_pages is None or syncs.after_readings is None:
        return "Disk syncs: not counted (strace is missing, or may not look)."
    return (
        f"Disk syncs: {syncs.after_pages} for {syncs.pages} pages sent, "
        f"{syncs.after_readings} for {syncs.readings} pages only read. "
        "What is above one a page is SQLite moving its log into the database."
    )
