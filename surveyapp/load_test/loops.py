"""The two ways to load a server, and what pages took.

A closed loop has so many clients, each of which sends its next page when the last one is answered.
An open loop sends pages at a rate, whether earlier ones are answered or not; a page's time then
counts from when it was to be sent, so that a server which stands still is not let off.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from surveyapp.load_test.visitor import Refused, Stalled, Visitor

BUSY_START = 16
"""How many visitors start at a time."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What a loop saw.

    Attributes
    ----------
    pages
        Seconds of each page: its POST was acknowledged and the next page read.
    errors
        What was said instead, with how often.
    seconds
        How long the loop went on.
    """

    pages: tuple[float, ...]
    errors: Counter[str]
    seconds: float

    @property
    def rate(self) -> float:
        """Pages a second."""
        return len(self.pages) / self.seconds

    def percentile(self, share: float) -> float:
        """Seconds within which that share of pages was answered (nearest rank); nan of none."""
        if not self.pages:
            return math.nan
        ordered = sorted(self.pages)
        return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


async def start_all(visitors: Sequence[Visitor]) -> None:
    """Let all visitors start, a few at a time.

    Raises
    ------
    Refused
        When one cannot.
    """
    for n in range(0, len(visitors), BUSY_START):
        await asyncio.gather(*(visitor.begin() for visitor in visitors[n : n + BUSY_START]))


async def closed_loop(visitors: Sequence[Visitor], seconds: float) -> Timing:
    """Let each visitor send page after page; who is at the end starts as another respondent."""
    began = time.perf_counter()
    pages: list[float] = []
    errors: Counter[str] = Counter()

    async def go_on(visitor: Visitor) -> None:
        while time.perf_counter() < began + seconds:
            try:
                if visitor.ended:
                    await visitor.begin()
                sent = time.perf_counter()
                await visitor.send()
                pages.append(time.perf_counter() - sent)
            except Refused as error:
                errors[str(error)] += 1
                visitor.form = {}
                await asyncio.sleep(0.1)

    await asyncio.gather(*(go_on(visitor) for visitor in visitors))
    return Timing(tuple(pages), errors, time.perf_counter() - began)


async def open_loop(visitors: Sequence[Visitor], rate: float, seconds: float) -> Timing:
    """Send pages at a rate; each page's time counts from when it was to be sent."""
    idle: asyncio.Queue[Visitor] = asyncio.Queue()
    for visitor in visitors:
        idle.put_nowait(visitor)
    pages: list[float] = []
    errors: Counter[str] = Counter()

    async def send(due: float) -> None:
        visitor = await idle.get()
        try:
            await visitor.send()
            pages.append(time.perf_counter() - due)
            if visitor.ended:
                await visitor.begin()
        except Refused as error:
            errors[str(error)] += 1
            with suppress(Refused):
                await visitor.begin()
        idle.put_nowait(visitor)

    began = time.perf_counter()
    tasks = []
    for n in range(round(rate * seconds)):
        due = began + n / rate
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        tasks.append(asyncio.create_task(send(due)))
    await asyncio.gather(*tasks)
    return Timing(tuple(pages), errors, time.perf_counter() - began)


async def beside_stalled(
    visitors: Sequence[Visitor], starts: Iterable[str], seconds: float
) -> Timing:
    """A closed loop while other clients hold connections: every other one stalls in its body."""
    slow = [Stalled(start, in_body=bool(n % 2)) for n, start in enumerate(starts)]
    await asyncio.gather(*(client.begin() for client in slow))
    try:
        return await closed_loop(visitors, seconds)
    finally:
        await asyncio.gather(*(client.end() for client in slow))
