"""Opening the store, and its two kinds of transaction."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

try:
    import fcntl
except ImportError:  # Windows has no flock; the busy timeout alone then orders the writers
    fcntl = None  # type: ignore[assignment]

BUSY_MILLISECONDS = 30_000
_ADDRESSES = (
    "DATABASE_URL is no address of a database that can be used. Write "
    "sqlite:////folder/file.sqlite or postgresql+psycopg://user:password@host/name, "
    "or leave it empty."
)


class StoreFault(ValueError):
    """A database that cannot be used; the message says why."""


class Store:
    """One database.

    Parameters
    ----------
    url
        An SQLAlchemy address: ``sqlite:////srv/survey/surveyapp.sqlite`` or
        ``postgresql+psycopg://...``.

    Raises
    ------
    StoreFault
        When the address is none of these.
    """

    def __init__(self, url: str) -> None:
        try:
            address = make_url(url)
        except ArgumentError:
            raise StoreFault(_ADDRESSES) from None
        if address.get_backend_name() not in ("sqlite", "postgresql"):
            raise StoreFault(_ADDRESSES)
        self._lock_file: Path | None = None
        if address.get_backend_name() == "sqlite":
            if not address.database:
                raise StoreFault(_ADDRESSES)
            self._lock_file = Path(address.database + ".lock")
        self.engine: Engine = create_engine(
            address,
            pool_pre_ping=self._lock_file is None,
            connect_args={"isolation_level": None, "check_same_thread": False}
            if self._lock_file
            else {},
        )
        if self._lock_file:
            event.listen(self.engine, "connect", _set_up_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    @property
    def place(self) -> str:
        """Which database this is, whoever asks for it; without the password."""
        url = self.engine.url
        if self._lock_file:
            return str(Path(url.database or "").resolve())
        return url.set(drivername="postgresql", password=None).render_as_string()

    @property
    def exists(self) -> bool:
        """Whether there is a database: False for a file that would be made by opening it."""
        return self._lock_file is None or Path(self.engine.url.database or "").is_file()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that reads one consistent state."""
        with self.engine.connect() as connection:
            if self._lock_file is None:  # a reader on SQLite sees one state anyway
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; committed to disk when the block ends.

        On SQLite writers queue on a file lock (first come, first served; SQLite's own lock is
        unfair) and begin with BEGIN IMMEDIATE, so that reading before writing is safe.
        """
        with self._queue(), self.engine.connect() as connection:
            connection = connection.execution_options(immediate=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextlib.contextmanager
    def _queue(self) -> Iterator[None]:
        if self._lock_file is None or fcntl is None:
            yield
            return
        with self._lock_file.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextlib.contextmanager
def scratch_database(server: str) -> Iterator[str]:
    """The address of a new, empty database at a PostgreSQL server, dropped when the block ends.

    Parameters
    ----------
    server
        Address of any database at the server, with a user who may make others. Empty: nothing is
        made, and the address is empty as well.

    Raises
    ------
    StoreFault
        When the server cannot be used, or is none of PostgreSQL.
    """
    if not server:
        yield ""
        return
    store = Store(server)
    if store.engine.dialect.name != "postgresql":
        raise StoreFault("Name a PostgreSQL server, as postgresql+psycopg://user@host/database.")
    name = f"surveyapp_scratch_{secrets.token_hex(6)}"
    engine = store.engine.execution_options(isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as c:
            c.exec_driver_sql(f"CREATE DATABASE {name}")
    except DBAPIError as error:
        store.close()
        raise StoreFault(f"No database can be made there: {error.orig}") from None
    try:
        yield engine.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as c:
            c.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        store.close()


Insert = postgresql.Insert | sqlite.Insert
INSERTS: dict[str, Callable[[Table], Insert]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}
"""An insert that can say what happens on a conflict, by the name of the database's dialect."""


def insert(connection: Connection, table: Table) -> Insert:
    """An insert that can say what happens on a conflict, for either database."""
    return INSERTS[connection.dialect.name](table)


def _set_up_sqlite(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in (
        f"busy_timeout={BUSY_MILLISECONDS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
