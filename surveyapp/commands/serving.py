"""Preparing an instance, serving it, and working on its jobs."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from surveyapp.commands.group import Fault, open_instance, say
from surveyapp.settings import SETTINGS, Settings, read_settings
from surveyapp.store import Store, migrate

if TYPE_CHECKING:
    from flask import Flask

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - what a host may be given as, not a default
CONNECTIONS = 800
"""Browsers hold theirs open between pages; waitress accepts only 100 by itself, then nobody."""
IDLE_SECONDS = 60
"""After which a silent connection is closed."""
LEAST_LIMIT, MARGIN = 1_000_000_000, 10_000_000
PORT = click.IntRange(1, 65535)
DEFAULT_BASE_URL = next(s.default for s in SETTINGS if s.name == "BASE_URL")


@click.command()
def init() -> None:
    """Prepare the instance: folders, secrets, and the newest tables in the database."""
    settings = read_settings()
    settings.files.mkdir(parents=True, exist_ok=True)
    store = Store(settings.database_url)
    migrate.upgrade(store)
    store.close()
    click.echo(f"The instance {settings.instance} is ready.")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=PORT, default=8000, show_default=True, help="Port to listen on.")
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=8,
    show_default=True,
    help="Requests answered at a time.",
)
@click.option("--no-worker", is_flag=True, help="Do not work on jobs; run 'surveyapp worker'.")
def serve(host: str, port: int, threads: int, no_worker: bool) -> None:
    """Serve the app, and work on its jobs in the same program."""
    open_instance()
    serve_until_stopped(host, port, threads=threads, work=not no_worker)


def serve_until_stopped(host: str, port: int, *, threads: int = 8, work: bool = True) -> None:
    """Serve the instance until the program is stopped.

    Where no BASE_URL is set, links are made for the address that is served.

    Raises
    ------
    Fault
        When nothing can listen at the address.
    """
    from surveyapp import create_app
    from surveyapp.jobs.worker import Worker

    # OpenBLAS's threads wait for each other: a simulator's request took ten times the CPU.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    settings = read_settings()
    if settings.text("BASE_URL") == DEFAULT_BASE_URL:
        reached = "127.0.0.1" if host in EVERYWHERE else host
        values = {**settings.values, "BASE_URL": f"http://{reached}:{port}"}
        settings = replace(settings, values=values)
    app = create_app(settings)
    worker = Worker(settings, app.extensions["surveyapp.store"])
    server = _listen(app, host, port, threads=threads, largest=largest_request(settings))
    say(f"Serving on http://{host}:{port} (stop with Ctrl+C)")
    thread = threading.Thread(target=worker.run, name="worker")
    signal.signal(signal.SIGTERM, _interrupt)
    if work:
        thread.start()
    try:
        server.run()
    finally:
        worker.stop.set()
        if work:
            thread.join()


def largest_request(settings: Settings) -> int:
    """How many bytes the server takes in; the app refuses less, with a page that says why."""
    wanted = max(settings.number(name) for name in ("MAX_UPLOAD_BYTES", "MAX_LEDGER_BYTES"))
    return max(LEAST_LIMIT, wanted + MARGIN)


def _listen(app: Flask, host: str, port: int, *, threads: int, largest: int) -> Any:
    """A server that listens already; a fault closes what was opened for it."""
    from waitress import create_server, wasyncore

    channels: dict[int, Any] = {}
    try:
        return create_server(
            app,
            map=channels,
            host=host,
            port=port,
            threads=threads,
            ident=None,
            connection_limit=CONNECTIONS,
            channel_timeout=IDLE_SECONDS,
            max_request_body_size=largest,
            asyncore_use_poll=True,
        )
    except (OSError, ValueError) as error:
        wasyncore.close_all(channels, ignore_all=True)
        raise Fault(f"Cannot serve on {host}:{port}: {error}. Choose another --port.") from None


@click.command()
def worker() -> None:
    """Work on jobs until stopped; several workers may run, also on other machines."""
    from surveyapp.jobs.worker import Worker

    settings, store = open_instance()
    working = Worker(settings, store)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: working.stop.set())
    say(f"Working as {working.name} (stop with Ctrl+C)")
    working.run()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
