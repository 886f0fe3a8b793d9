"""Bringing a database up to the newest schema (Alembic, configured in code)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from surveyapp.store.connection import Store, StoreFault


def upgrade(store: Store) -> None:
    """Apply all migrations that are missing.

    Raises
    ------
    StoreFault
        When the database cannot be opened, or has a schema that the program does not know.
    """
    try:
        with store.write() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise StoreFault(
            f"The database was made by a newer program: {error}. Install that program again."
        ) from None
    except DBAPIError as error:
        raise _unusable(error) from None


class OutdatedDatabase(RuntimeError):
    """The database has another schema than the program."""


def prepare(store: Store) -> None:
    """Make the tables of an empty database; refuse an outdated one.

    Raises
    ------
    OutdatedDatabase
        When the database was made by an older program.
    StoreFault
        When the database cannot be opened.
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
    try:
        with store.read() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    except DBAPIError as error:
        raise _unusable(error) from None
    return found == ScriptDirectory.from_config(_config()).get_current_head()


def _unusable(error: DBAPIError) -> StoreFault:
    return StoreFault(f"The database cannot be used: {error.orig}. Check DATABASE_URL.")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config
