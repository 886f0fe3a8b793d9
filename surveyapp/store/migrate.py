"""Bringing a database up to the newest schema (Alembic, configured in code)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from surveyapp.store.connection import Store


def upgrade(store: Store) -> None:
    """Apply all migrations that are missing."""
    with store.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


class OutdatedDatabase(RuntimeError):
    """The database has an older schema than the program."""


def prepare(store: Store) -> None:
    """Make the tables of an empty database; refuse an outdated one.

    Raises
    ------
    OutdatedDatabase
        When the database was made by an older program.
    """
    if is_current(store):
        return
    with store.read() as connection:
        empty = MigrationContext.configure(connection).get_current_revision() is None
    if not empty:
        raise OutdatedDatabase(
            "The database was made by an older program. Back it up, then run 'surveyapp init'."
        )
    upgrade(store)


def is_current(store: Store) -> bool:
    """Whether the database has the newest schema."""
    with store.read() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found == ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config
