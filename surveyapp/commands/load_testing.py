"""Loading a server with simulated respondents, on this machine only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from surveyapp.commands.group import Fault, say

if TYPE_CHECKING:
    from surveyapp.load_test.run import Part, Plan

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PAGES = 8


@click.command("load-test")
@click.option(
    "--clients",
    type=click.IntRange(0, 200),
    default=32,
    show_default=True,
    help="Clients of the closed loop: each sends its next page when the last one is answered.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, 500),
    default=30.0,
    show_default=True,
    help="Pages a second of the open loop, timed from when each was to be sent.",
)
@click.option(
    "--stalled",
    type=click.IntRange(0, 80),
    default=0,
    show_default=True,
    help="Further clients that stop in the middle of a request, in header or body.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, 300),
    default=15.0,
    show_default=True,
    help="How long each part goes on.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 8),
    default=1,
    show_default=True,
    help="Web processes, on ports of their own; visitors spread over them.",
)
@click.option(
    "--database",
    default="",
    help="Address of a PostgreSQL server, where a database is made and removed. Default: SQLite.",
)
@click.option(
    "--at",
    default="",
    help="Address of an open link of a server that runs on this machine, instead of a throw-away "
    "one; its answers stay, so make the link with 'links create --test'.",
)
def load_test(
    clients: int,
    rate: float,
    stalled: int,
    seconds: float,
    processes: int,
    database: str,
    at: str,
) -> None:
    """Load a throw-away installation with simulated respondents, and say what pages took.

    Every page is sent (POST) and the one that follows is read (GET). Only this machine is loaded.
    """
    from surveyapp.load_test.run import Plan
    from surveyapp.load_test.visitor import Refused

    plan = Plan(clients, rate, stalled, seconds)
    if not (clients or rate):
        raise Fault("Nothing to do: give --clients or --rate a size.")
    if stalled and not clients:
        raise Fault("--stalled is measured against the closed loop: give --clients a size.")
    try:
        if at:
            _at_running(_on_this_machine(at), plan)
        else:
            _throwaway(plan, processes, database)
    except Refused as error:
        raise Fault(f"A visitor cannot start: {error}") from None


def _throwaway(plan: Plan, processes: int, database: str) -> None:
    """Load an installation that is made for it and removed afterwards."""
    from surveyapp.load_test import run, servers, throwaway

    say("Making a throw-away installation ...")
    with throwaway.throwaway(PAGES, database) as settings:
        environment = throwaway.environment(settings)
        with servers.serving(environment, processes=processes) as processes_by_port:
            pids = [process.pid for process in processes_by_port.values()]
            starts = [
                f"http://{servers.LOOPBACK}:{port}{throwaway.START}" for port in processes_by_port
            ]
            parts = run.run_parts(starts, pids, plan, say)
            syncs = None if database else run.count_syncs(starts[0], pids[0])
    _print(parts)
    if syncs:
        click.echo(run.syncs_in_words(syncs))
    fastest = max(part.timing.rate for part in parts)
    click.echo(
        f"{fastest:.1f} pages a second are {3600 * fastest / PAGES:,.0f} respondents an hour "
        f"who answer {PAGES} pages of {throwaway.QUESTIONS} questions."
    )


def _at_running(start: str, plan: Plan) -> None:
    from surveyapp.load_test.run import run_parts

    _print(run_parts([start], [], plan, say))


def _print(parts: Sequence[Part]) -> None:
    from surveyapp.load_test.run import in_words

    click.echo("\n".join(in_words(parts)))


def _on_this_machine(address: str) -> str:
    """The address, when it is an open link on this machine."""
    parts = urlsplit(address)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK:
        raise Fault(
            f"--at {address}: only a server on this machine is loaded. "
            "Write http://127.0.0.1:PORT/s/SLUG."
        )
    return address
