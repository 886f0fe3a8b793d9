"""How every command of ``surveyapp`` starts and fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from surveyapp.settings import Settings, read_settings
from surveyapp.store import Store, migrate, studies
from surveyapp.store.records import StudyRecord, VersionRecord

BAD_INPUT = 2


class Fault(click.ClickException):
    """Bad input: exit code 2, the message on standard error."""

    exit_code = BAD_INPUT


class Group(click.Group):
    """A group that turns the project's own errors into messages with exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            raise Fault(f"{place}{error.strerror or error}") from None
        except (ValueError, RuntimeError) as error:
            if type(error).__module__.partition(".")[0] not in ("analysis", "surveyapp"):
                raise
            raise Fault(str(error)) from None


def open_instance() -> tuple[Settings, Store]:
    """The settings and the store of the instance; an empty database gets its tables.

    The store is closed when the command ends.
    """
    settings = read_settings()
    settings.instance.mkdir(parents=True, exist_ok=True)
    store = Store(settings.database_url)
    context = click.get_current_context(silent=True)
    if context is not None:
        context.find_root().call_on_close(store.close)
    migrate.prepare(store)
    return settings, store


def study_or_fault(store: Store, study: str) -> StudyRecord:
    """A study by id, or a fault that lists those there are."""
    with store.read() as c:
        found = studies.get(c, study)
        known = ", ".join(s.study for s in studies.every(c)) or "none yet"
    if found is None:
        raise Fault(f"There is no study '{study}'. Studies: {known}.")
    return found


def version_or_fault(store: Store, study: str) -> VersionRecord:
    """The newest published version of a study, or a fault that says how to publish."""
    found = study_or_fault(store, study)
    with store.read() as c:
        newest = studies.version(c, study, found.version) if found.version else None
    if newest is None:
        raise Fault(f"'{study}' is not published. Run: surveyapp study publish {study}")
    return newest


def say(text: str) -> None:
    """A line of progress, on standard error."""
    click.echo(text, err=True)


def progress_lines() -> Callable[[str, int, int], None]:
    """A progress callback that says each step once, on standard error."""
    said: set[str] = set()

    def progress(step: str, _done: int = 0, _total: int = 0) -> None:
        if step not in said:
            said.add(step)
            say(step)

    return progress
