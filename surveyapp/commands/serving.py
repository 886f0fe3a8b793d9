"""Preparing an instance, serving it, and working on its jobs."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace
from types import FrameType

import click

from surveyapp.commands.group import open_instance, say
from surveyapp.settings import SETTINGS, read_settings
from surveyapp.store import Store, migrate

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - what a host may be given as, not a default
DEFAULT_BASE_URL = next(s.default for s in SETTINGS if s.name == "BASE_URL")


@click.command()
def init() -> None:
    """Prepare the instance: folders, secrets, and the newest tables in the database."""
    settings = read_settings()
    settings.files.mkdir(parents=True, exist_ok=True)
    store = Store(settings.database_url)
    migrate.upgrade(store)
    click.echo(f"The instance {settings.instance} is ready.")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="Port to listen on.")
@click.option("--threads", default=8, show_default=True, help="Requests answered at a time.")
@click.option("--no-worker", is_flag=True, help="Do not work on jobs; run 'surveyapp worker'.")
def serve(host: str, port: int, threads: int, no_worker: bool) -> None:
    """Serve the app, and work on its jobs in the same program."""
    open_instance()
    say(f"Serving on http://{host}:{port} (stop with Ctrl+C)")
    serve_until_stopped(host, port, threads=threads, work=not no_worker)


def serve_until_stopped(host: str, port: int, *, threads: int = 8, work: bool = True) -> None:
    """Serve the instance until the program is stopped.

    Where no BASE_URL is set, links are made for the address that is served.
    """
    import waitress

    from surveyapp import create_app
    from surveyapp.jobs.worker import Worker

    settings = read_settings()
    if settings.text("BASE_URL") == DEFAULT_BASE_URL:
        reached = "127.0.0.1" if host in EVERYWHERE else host
        values = {**settings.values, "BASE_URL": f"http://{reached}:{port}"}
        settings = replace(settings, values=values)
    app = create_app(settings)
    worker = Worker(settings, app.extensions["surveyapp.store"])
    thread = threading.Thread(target=worker.run, name="worker")
    signal.signal(signal.SIGTERM, _interrupt)
    if work:
        thread.start()
    try:
        waitress.serve(app, host=host, port=port, threads=threads, ident=None, _quiet=True)
    finally:
        worker.stop.set()
        if work:
            thread.join()


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
