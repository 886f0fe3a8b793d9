"""Where tests of pages keep their data: SQLite, or PostgreSQL with SURVEYAPP_TEST_ON=postgresql.

`make test-postgres` runs them again on PostgreSQL; tests of the store run on both by themselves.
"""

from __future__ import annotations

import atexit
import hashlib
import os
from pathlib import Path

from surveyapp.store import Store, migrate

SERVER = os.environ.get("SURVEYAPP_TEST_POSTGRES", "")
ON_POSTGRES = os.environ.get("SURVEYAPP_TEST_ON") == "postgresql"
_made: dict[str, str] = {}


def address(folder: Path) -> str:
    """The address of the database of an instance in a folder; empty: SQLite in the folder."""
    if not ON_POSTGRES:
        return ""
    name = "surveyapp_test_" + hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    if name not in _made:
        _made[name] = _create(name, _template())
    return _made[name]


def _template() -> str:
    """A database with all tables, which is copied; made once a process."""
    name = f"surveyapp_template_{os.getpid()}"
    if name not in _made:
        _made[name] = _create(name, "template1")
        store = Store(_made[name])
        migrate.upgrade(store)
        store.close()
    return name


def _create(name: str, template: str) -> str:
    if not SERVER:
        raise RuntimeError("SURVEYAPP_TEST_ON=postgresql, but SURVEYAPP_TEST_POSTGRES is not set")
    _at_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    _at_server(f"CREATE DATABASE {name} TEMPLATE {template}")
    if not _made:
        atexit.register(_drop_all)
    store = Store(SERVER)
    found = store.engine.url.set(database=name).render_as_string(hide_password=False)
    store.close()
    return found


def _at_server(statement: str) -> None:
    store = Store(SERVER)
    with store.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as c:
        c.exec_driver_sql(statement)
    store.close()


def _drop_all() -> None:
    for name in _made:
        _at_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
